//! `ferry identity conflicts [KEY]`: where an identifier was not taken at its word.

use connector::Timestamp;
use serde::Serialize;

use super::table;
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit};
use crate::cli::{moment, profile};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only those that concern this person
    pub key: Option<String>,
    /// At most so many, newest first
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
}

#[derive(Debug, Serialize)]
struct List {
    conflicts: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    at: Timestamp,
    identifier: String,
    action: &'static str,
    /// Who held it.
    owner: Option<String>,
    /// Whose the event or record is.
    profile: Option<String>,
    cause: String,
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let store = cx.reading(&settings)?;
    let id = match &args.key {
        Some(key) => Some(profile::find(key, store.as_deref()).await?.0),
        None => None,
    };
    let rows = match &store {
        Some(store) => store.conflicts(id, args.limit).await?,
        None => Vec::new(),
    };
    let lines = rows.iter().map(|row| Line {
        at: row.at,
        identifier: row.identifier.to_string(),
        action: row.action.as_str(),
        owner: row.owner.map(|uid| uid.to_string()),
        profile: row.profile.map(|uid| uid.to_string()),
        cause: row.cause.to_string(),
    });
    let list = List { conflicts: lines.collect() };
    cx.terminal.show(&list, |terminal| {
        if list.conflicts.is_empty() {
            terminal.say("no conflicts: every identifier was taken at its word");
            return;
        }
        let rows = list.conflicts.iter().map(|line| {
            vec![
                moment::at(line.at),
                line.identifier.clone(),
                line.action.to_string(),
                line.owner.clone().unwrap_or_default(),
                line.profile.clone().unwrap_or_default(),
                line.cause.clone(),
            ]
        });
        table(terminal, &["at", "identifier", "what was done", "held by", "event of", "because of"], rows.collect());
    })?;
    Ok(Exit::Done)
}
