//! The words of the command line: every command with its options, as clap reads them.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand};

use crate::cli::terminal::ColorChoice;
use crate::cli::{
    check, compute, demo, erase, explain, export, failures, fields, flow, identity, ingest, init, mock, plan, profile,
    route, runs, score, segment, timeline, webhook,
};

/// Keeps a CRM and a store of customer behaviour in step, in both directions.
#[derive(Debug, Parser)]
#[command(name = "ferry", version, max_term_width = 100, after_help = EXITS)]
pub struct Words {
    /// The configuration file
    #[arg(short, long, global = true, value_name = "FILE", default_value = "sync.toml")]
    pub config: PathBuf,
    /// Print data as JSON, one value per line
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more on standard error; twice for everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// When to paint
    #[arg(long, global = true, value_enum, default_value_t)]
    pub color: ColorChoice,
    /// Let FERRY__SECTION__KEY variables override the file
    #[arg(long, global = true)]
    pub env_overrides: bool,
    #[command(subcommand)]
    pub command: Command,
}

const EXITS: &str = "\
Exit codes: 0 done · 1 failed · 2 invalid configuration or usage · 3 the live CRM disagrees, or a plan no longer \
holds · 4 a fuse stopped the run · 5 done, but some records failed";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole story offline: a mock CRM, a day of events, and what a rep sees in the evening
    Demo(demo::Args),
    /// Write a small commented sync.toml
    Init(init::Args),
    /// Find every problem of the configuration at once
    Check(check::Args),
    /// The CRM fields that are written, and creating the missing ones
    Fields(fields::Args),
    /// Import events from files: JSON lines, or CSV as its source says
    Ingest(ingest::Args),
    /// The daemon: the schedule and the admin listener, until it is asked to stop
    Run,
    /// Take in what changed at the CRM
    Pull(flow::Args),
    /// Compute traits and scores of whoever changed or is due
    Compute(compute::Args),
    /// Write what changed to the CRM
    Push(flow::Args),
    /// Pull, compute, push
    Sync(flow::Args),
    /// What push would do, against the CRM's live values
    Plan(plan::PlanArgs),
    /// Do exactly what a plan file says, if the CRM still holds what it says
    Apply(plan::ApplyArgs),
    /// Health, lag, quota, outbox and failures of every connection
    Status,
    /// What ran and how it ended; one run in full
    Runs(runs::Args),
    /// What needs a person: list, show, retry, drop
    Failures(failures::Args),
    /// Everything known of one person
    Profile(profile::Args),
    /// What happened around one person, newest first
    Timeline(timeline::Args),
    /// Why a field holds what it holds, now or at a date
    Explain(explain::Args),
    /// Forget a person for good and keep them out, with a receipt
    Erase(erase::Args),
    /// Everything kept of one person, for whoever asks what is known of them
    Export(export::Args),
    /// Who is who, and how sure of it
    Identity(identity::Args),
    /// How many people are in each band and segment, and who
    Segment(segment::Args),
    /// Whose leads are: what was given and why, how fair, and trials of other rules
    Route(route::Args),
    /// What scores are worth, and models that predict
    Score(score::Args),
    /// Other tools that are told who enters and leaves: how they do, and trying one
    Webhook(webhook::Args),
    /// Stand-alone mock CRMs over real HTTP
    Mock(mock::Args),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_words_are_well_formed() {
        Words::command().debug_assert();
    }

    #[test]
    fn global_options_stand_anywhere() {
        let words = Words::try_parse_from(["ferry", "status", "--json", "-c", "other.toml", "-vv"]).unwrap();
        assert!(words.json && words.verbose == 2 && *words.config == *"other.toml");
        assert!(Words::try_parse_from(["ferry", "failures", "retry", "7", "--take", "nobody"]).is_err());
        assert!(Words::try_parse_from(["ferry"]).is_err());
    }
}
