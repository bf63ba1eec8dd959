//! `ferry demo`: the whole story offline, in one process: a pretend HubSpot, a day of behaviour, and what a rep sees in the
//! evening. One file per act. Whatever it says it has checked, and the exit code says whether all of it held.

mod claims;
mod clock;
mod cycle;
mod day;
mod journey;
mod keep;
mod lead;
mod opening;
mod portal;
mod stage;
mod teller;

use serde::Serialize;

use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::terminal::Tone;
use claims::Claim;
use journey::Numbers;
use stage::Stage;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Afterwards leave the mock CRM and the daemon up until Ctrl-C
    #[arg(long)]
    pub keep: bool,
    /// Decides the people; the same seed tells the same story
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How slowly it is told: 1 is the usual pace, 0 pauses nowhere
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = pace)]
    pub speed: f64,
}

#[derive(Serialize)]
struct View<'a> {
    ok: bool,
    claims: &'a [Claim],
    requests: u64,
    writes: usize,
    second_cycle_writes: usize,
    duplicates: usize,
    crm: &'a str,
    folder: String,
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    let mut stage = Stage::set(cx, args.seed, args.speed).await?;
    let start = stage.portal.mark()?;
    let cast = opening::play(&mut stage).await?;
    day::morning(&mut stage, &cast).await?;
    day::afternoon(&mut stage, &cast).await?;
    cycle::evening(&mut stage, &cast).await?;
    let echo = cycle::echo(&mut stage).await?;
    journey::play(&mut stage, &cast).await?;
    lead::play(&mut stage).await?;
    let numbers = journey::numbers(&mut stage, start, &echo)?;
    close(&stage, &cast.visitor.email, &numbers, cx)?;
    let held = stage.claims.all_held();
    if args.keep {
        keep::stay(stage, &cx.terminal).await?;
    }
    Ok(if held { Exit::Done } else { Exit::Failed })
}

fn close(stage: &Stage<'_>, email: &str, numbers: &Numbers, cx: &Cx) -> Result<(), Failure> {
    let list = stage.claims.list();
    let held = list.iter().filter(|claim| claim.held).count();
    let view = View {
        ok: stage.claims.all_held(),
        claims: list,
        requests: numbers.requests,
        writes: numbers.writes,
        second_cycle_writes: numbers.echo_writes,
        duplicates: numbers.duplicates,
        crm: stage.portal.url(),
        folder: stage.folder.display().to_string(),
    };
    let ferry = std::env::current_exe().map_or_else(|_| "ferry".to_owned(), |path| path.display().to_string());
    cx.terminal.show(&view, |terminal| {
        terminal.say("");
        terminal.say(format!(
            "{} {} requests · {} records written · second cycle {} writes · duplicates {}",
            terminal.paint(Tone::Heading, "From the CRM's own ledger:"),
            numbers.requests,
            numbers.writes,
            numbers.echo_writes,
            numbers.duplicates,
        ));
        for claim in list.iter().filter(|claim| !claim.held) {
            let found = claim.found.as_deref().unwrap_or_default();
            terminal.say(terminal.paint(Tone::Bad, &format!("not so: {}: {found}", claim.what)));
        }
        let tone = if view.ok { Tone::Good } else { Tone::Bad };
        terminal.say(terminal.paint(tone, &format!("{held} of {} claims checked and true.", list.len())));
        terminal.say("");
        terminal.say("Ask it yourself:");
        terminal.say(format!("  cd {}", stage.folder.display()));
        terminal.say(format!("  {ferry} explain {email} score_engagement"));
        terminal.say(format!("  {ferry} route log"));
        terminal.say(format!("  {ferry} failures list"));
    })
}

fn pace(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(pace) if (0.0..=100.0).contains(&pace) => Ok(pace),
        _ => Err("a number from 0 to 100".to_owned()),
    }
}
