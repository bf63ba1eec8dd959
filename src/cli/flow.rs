//! `ferry pull | compute | push | sync`: one flow now, then exit. One flow at a time works on a store.

use connector::{Object, Timestamp};

use crate::app::{App, Computing, Connection, Finished, Pulling, Pushing};
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Failure};
use crate::cli::moment;
use crate::cli::outcome;
use crate::cli::progress::Progress;
use crate::cli::signals::stop_on_signal;

#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Only this connection
    #[arg(value_name = "CONN")]
    pub connection: Option<String>,
    /// Only this object: contact, company, deal, …
    #[arg(long, value_name = "O", value_parser = known_object)]
    pub object: Option<Object>,
    /// Everything from the beginning, not only what changed
    #[arg(long)]
    pub full: bool,
    /// The instant for windows, decay and due times; events after it are ignored
    #[arg(long, value_name = "T", value_parser = moment::parse)]
    pub as_of: Option<Timestamp>,
}

/// Which of the flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Pull,
    Compute,
    Push,
    /// Pull, compute, push.
    Sync,
}

impl Which {
    pub fn word(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Compute => "compute",
            Self::Push => "push",
            Self::Sync => "sync",
        }
    }
}

pub async fn run(which: Which, args: &Args, cx: &Cx) -> Ended {
    let (app, _lock) = cx.assemble(which.word(), which != Which::Compute).await?;
    stop_on_signal(app.stop.clone())?;
    let runs = flows(which, args, &app, cx).await?;
    outcome::tell(&runs, &cx.terminal)
}

/// The flows of one command, in their order. A connection that cannot be pulled is still pushed to: what it holds is
/// compared before anything is written, and a quota that stops pulls is meant to leave room for pushes.
pub async fn flows(which: Which, args: &Args, app: &App, cx: &Cx) -> Result<Vec<Finished>, Failure> {
    let chosen = if which == Which::Compute {
        whole_store(args, app, cx)?;
        Vec::new()
    } else {
        chosen(&app.connections, args.connection.as_deref())?
    };
    let progress = Progress::start(&cx.terminal, which.word());
    let mut runs = Vec::new();
    if matches!(which, Which::Pull | Which::Sync) {
        let what = Pulling { object: args.object.as_ref(), full: args.full, ..Pulling::default() };
        for connection in &chosen {
            runs.extend(app.pull(connection, what, &progress).await?);
        }
    }
    if matches!(which, Which::Compute | Which::Sync) && !app.stop.is_cancelled() {
        let what = Computing { as_of: args.as_of, all: args.full };
        runs.push(app.compute(what, &progress).await?);
    }
    if matches!(which, Which::Push | Which::Sync) && !app.stop.is_cancelled() {
        let what = Pushing { object: args.object.as_ref(), full: args.full, ..Pushing::default() };
        for connection in &chosen {
            runs.extend(app.push(connection, what, &progress).await?);
        }
    }
    for connection in &chosen {
        app.remember_quota(connection).await?;
    }
    Ok(runs)
}

/// Computing concerns the whole store and needs no CRM: what people did belongs to no connection. Who names one is told so,
/// and told first if it does not exist.
fn whole_store(args: &Args, app: &App, cx: &Cx) -> Result<(), Failure> {
    let known: Vec<&str> = app.settings.connections.iter().map(|one| one.name.as_str()).collect();
    if let Some(name) = args.connection.as_deref().filter(|name| !known.contains(name)) {
        return Err(unknown(name, &known));
    }
    if args.connection.is_some() || args.object.is_some() {
        cx.terminal.note("compute concerns the whole store: traits and scores belong to people, not to a connection");
    }
    Ok(())
}

/// The named connection, or all.
pub fn chosen<'a>(connections: &'a [Connection], name: Option<&str>) -> Result<Vec<&'a Connection>, Failure> {
    let chosen: Vec<&Connection> =
        connections.iter().filter(|one| name.is_none_or(|name| one.name().as_str() == name)).collect();
    match name {
        Some(name) if chosen.is_empty() => {
            let known: Vec<&str> = connections.iter().map(|one| one.name().as_str()).collect();
            Err(unknown(name, &known))
        }
        _ => Ok(chosen),
    }
}

fn unknown(name: &str, known: &[&str]) -> Failure {
    let known = if known.is_empty() { "there are none".to_owned() } else { known.join(", ") };
    Failure::usage(format!("no connection is called `{name}`")).with_fix(format!("one of: {known}"))
}

fn known_object(word: &str) -> Result<Object, String> {
    match word.parse()? {
        Object::Other(_) => Err("one of: contact, lead, company, deal, activity, user".to_owned()),
        known => Ok(known),
    }
}
