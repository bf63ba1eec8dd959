//! `ferry ingest [--source NAME] FILE…`: JSON lines of Segment messages, or CSV as its source says, into the log. Works
//! beside the daemon: each batch is one short transaction. A line that is no message is a failure of its own and stops nothing.

use std::path::PathBuf;

use crate::app::{FILE_SOURCE, Finished};
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Failure};
use crate::cli::outcome;
use crate::cli::progress::Progress;
use crate::cli::signals::stop_on_signal;
use crate::config::Settings;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Whom the events come from: the name of a `[[source]]`
    #[arg(long, value_name = "NAME", default_value = FILE_SOURCE)]
    pub source: String,
    /// Files of JSON lines, or of CSV where the source says so
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    check_source(&args.source, &settings)?;
    let app = cx.assemble_offline(settings).await?;
    stop_on_signal(app.stop.clone())?;
    let mut runs: Vec<Finished> = Vec::with_capacity(args.files.len());
    {
        let size = |file: &PathBuf| std::fs::metadata(file).map_or(0, |about| about.len());
        let progress = Progress::of_bytes(&cx.terminal, "ingest", args.files.iter().map(size).sum());
        let mut before = 0;
        for file in &args.files {
            let read = |bytes: u64| progress.read(before + bytes);
            runs.push(app.import(file, args.source.as_str().into(), &progress, &read).await?);
            before += size(file);
            if app.stop.is_cancelled() {
                break;
            }
        }
    }
    outcome::tell(&runs, &cx.terminal)
}

/// A misspelt source would be a source of its own, with message ids of its own: everything would count twice.
fn check_source(name: &str, settings: &Settings) -> Result<(), Failure> {
    if name == FILE_SOURCE || settings.source(name).is_some() {
        return Ok(());
    }
    let known: Vec<&str> = settings.sources.iter().map(|source| &*source.name).chain([FILE_SOURCE]).collect();
    Err(Failure::usage(format!("no [[source]] is called `{name}`")).with_fix(format!("one of: {}", known.join(", "))))
}
