//! `ferry route log [KEY]`: who got which lead, and why.

use connector::Timestamp;
use serde::Serialize;

use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit};
use crate::cli::{moment, profile};
use crate::store::AssignmentRow;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only the leads of this person
    pub key: Option<String>,
    /// At most so many, newest first
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
}

#[derive(Debug, Serialize)]
struct Log {
    assignments: Vec<AssignmentRow>,
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let store = cx.reading(&settings)?;
    let id = match &args.key {
        Some(key) => Some(profile::find(key, store.as_deref()).await?.0),
        None => None,
    };
    let assignments = match &store {
        Some(store) => store.assignments(id, Timestamp::EPOCH, args.limit).await?,
        None => Vec::new(),
    };
    let log = Log { assignments };
    cx.terminal.show(&log, |terminal| {
        if log.assignments.is_empty() {
            terminal.say("no lead has been given to anybody yet");
        }
        for row in &log.assignments {
            let owner = row.owner.as_deref().or(row.owner_id.as_ref().map(|id| id.as_str())).unwrap_or("nobody");
            let record = row.record.as_ref().map_or_else(|| row.state.as_str().to_owned(), |id| id.to_string());
            terminal.say(format!("{}  {} {} {record} → {owner}", moment::at(row.at), row.connection, row.object));
            for line in &row.trail {
                terminal.say(format!("    {}: {}", line.step, line.text));
            }
            let how = answered(row);
            match row.respond_by {
                Some(by) => terminal.say(format!("    to be answered by {}: {how}", moment::at(by))),
                None if row.answered_at.is_some() => terminal.say(format!("    {how}")),
                None => {}
            }
        }
    })?;
    Ok(Exit::Done)
}

/// Whether the owner has turned to the person, and how long that took.
fn answered(row: &AssignmentRow) -> String {
    match (row.answered_at, row.breached_at) {
        (Some(at), told) => {
            let late = if told.is_some() { ", too late" } else { "" };
            format!("answered after {}{late}, {}", moment::length(at.since(row.at)), moment::at(at))
        }
        (None, Some(at)) => format!("not answered in time, told {}", moment::at(at)),
        (None, None) => "not answered yet".to_owned(),
    }
}
