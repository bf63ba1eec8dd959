//! `ferry route`: whose leads are and why, how fair that is, and what other rules would have done.

mod fairness;
mod log;
mod simulate;

use crate::cli::cx::Cx;
use crate::cli::exit::Ended;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub what: What,
}

#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// Leads that were given to people, newest first, each with its reasons
    Log(log::Args),
    /// What each member of each pool was given, beside their share by weight
    Fairness(fairness::Args),
    /// Tries the rules of sync.toml on the leads of the past: who would have got them
    Simulate(simulate::Args),
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    match &args.what {
        What::Log(args) => log::run(args, cx).await,
        What::Fairness(args) => fairness::run(args, cx).await,
        What::Simulate(args) => simulate::run(args, cx).await,
    }
}

/// `--last 90d`
fn span(text: &str) -> Result<std::time::Duration, String> {
    crate::schedule::parse_duration(text).map_err(|error| format!("{}; like 12h, 30d or 90d", error.message))
}
