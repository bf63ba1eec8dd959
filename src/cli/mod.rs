//! FLOOR 6 — words to and from people: the command line, its tables, its exit codes. One file per command; a command
//! reads or asks, and decides nothing about anybody's data.

pub mod check;
pub mod clean;
pub mod company;
pub mod compute;
pub mod cx;
pub mod demo;
pub mod erase;
pub mod exit;
pub mod explain;
pub mod export;
#[cfg(feature = "failpoints")]
mod failpoints;
pub mod failures;
pub mod fields;
pub mod flow;
pub mod forecast;
pub mod identity;
pub mod ingest;
pub mod init;
pub mod live;
mod logs;
pub mod mock;
pub mod moment;
pub mod outcome;
pub mod plan;
pub mod profile;
pub mod progress;
pub mod route;
pub mod run;
pub mod runs;
pub mod score;
pub mod segment;
mod signals;
pub mod status;
pub mod terminal;
pub mod timeline;
pub mod webhook;
pub mod words;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use connector::{OsEntropy, SystemClock};
use tracing_subscriber::filter::LevelFilter;

use crate::config::Overrides;
use cx::Cx;
use exit::{Ended, Exit, Failure};
use flow::Which;
use terminal::Terminal;
use words::{Command, Words};

/// The whole program: reads the command line, does what it says, and says how it ended.
pub fn main() -> ExitCode {
    let words = match Words::try_parse() {
        Ok(words) => words,
        Err(refused) => {
            // `--help` and `--version` come this way too, and are no mistake. A closed pipe is nobody's fault.
            let _ = refused.print();
            return if refused.use_stderr() { Exit::Invalid.into() } else { Exit::Done.into() };
        }
    };
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let terminal = Terminal::of_the_process(words.json, words.color, no_color);
    // A command tells on standard output how it went; the daemon has only its log.
    let quiet = if matches!(words.command, Command::Run) { LevelFilter::INFO } else { LevelFilter::ERROR };
    logs::start(words.verbose, quiet, env::var("FERRY_LOG").ok().as_deref(), terminal.paints_notes());
    let variables =
        env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let cx = Cx {
        terminal,
        config: words.config,
        overrides: if words.env_overrides { Overrides::from_variables(variables) } else { Overrides::none() },
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
    };
    #[cfg(feature = "failpoints")]
    if let Err(why) = failpoints::arm() {
        cx.terminal.failure(&Failure::usage(why));
        return Exit::Invalid.into();
    }
    let ended = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(words.command, &cx)),
        Err(error) => Err(Failure::new(format!("start the runtime: {error}"))),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            cx.terminal.failure(&failure);
            failure.exit.into()
        }
    }
}

async fn run(command: Command, cx: &Cx) -> Ended {
    let now = cx.clock.now();
    match command {
        Command::Init(args) => init::run(&args, cx).await,
        Command::Check(args) => check::run(&args, cx).await,
        Command::Fields(args) => fields::run(&args, cx).await,
        Command::Ingest(args) => ingest::run(&args, cx).await,
        Command::Run => run::run(cx).await,
        Command::Pull(args) => flow::run(Which::Pull, &args, cx).await,
        Command::Compute(args) => compute::run(&args, cx).await,
        Command::Push(args) => flow::run(Which::Push, &args, cx).await,
        Command::Sync(args) => flow::run(Which::Sync, &args, cx).await,
        Command::Plan(args) => plan::plan(&args, cx).await,
        Command::Apply(args) => plan::apply(&args, cx).await,
        Command::Status => status::run(cx).await,
        Command::Runs(args) => {
            let store = cx.reading(&cx.settings()?)?;
            runs::run(&args, store.as_deref(), now, &cx.terminal).await
        }
        Command::Failures(args) => {
            let settings = cx.settings()?;
            let store = if args.changes() { cx.writing(&settings)? } else { cx.reading(&settings)? };
            failures::run(&args, store.as_deref(), now, &cx.terminal).await
        }
        Command::Profile(args) => {
            let settings = cx.settings()?;
            let store = cx.reading(&settings)?;
            profile::run(&args, store.as_deref(), settings.company, &cx.terminal).await
        }
        Command::Timeline(args) => {
            let settings = cx.settings()?;
            let store = cx.reading(&settings)?;
            timeline::run(&args, store.as_deref(), &settings, &cx.terminal).await
        }
        Command::Explain(args) => {
            let settings = cx.settings()?;
            let store = cx.reading(&settings)?;
            explain::run(&args, store.as_deref(), &settings, now, &cx.terminal).await
        }
        Command::Erase(args) => erase::run(&args, cx).await,
        Command::Export(args) => {
            let settings = cx.settings()?;
            let store = cx.reading(&settings)?;
            export::run(&args, store.as_deref(), settings.company, now, &cx.terminal).await
        }
        Command::Identity(args) => identity::run(&args, cx).await,
        Command::Route(args) => route::run(&args, cx).await,
        Command::Score(args) => score::run(&args, cx).await,
        Command::Segment(args) => segment::run(&args, cx).await,
        Command::Webhook(args) => webhook::run(&args, cx).await,
        Command::Demo(args) => demo::run(&args, cx).await,
        Command::Mock(args) => mock::run(&args, cx).await,
    }
}
