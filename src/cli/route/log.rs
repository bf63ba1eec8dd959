//! `ferry route log [KEY]`: who got which lead, and why.

use std::collections::{BTreeMap, BTreeSet};

use connector::Timestamp;
use serde::Serialize;

use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit};
use crate::cli::terminal::Terminal;
use crate::cli::{clean, moment, profile};
use crate::model::ProfileUid;
use crate::store::{self, AssignmentRow, AssignmentState, Store};

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
    let people = match &store {
        Some(store) => people(&**store, &assignments).await?,
        None => BTreeMap::new(),
    };
    let log = Log { assignments };
    cx.terminal.show(&log, |terminal| {
        if log.assignments.is_empty() {
            terminal.say("no lead has been given to anybody yet");
        }
        for row in &log.assignments {
            let named = row.profile.and_then(|uid| people.get(&uid)).map(String::as_str);
            print(row, named, terminal);
        }
    })?;
    Ok(Exit::Done)
}

/// What people are called, by the id of their profile.
async fn people(store: &dyn Store, rows: &[AssignmentRow]) -> store::Result<BTreeMap<ProfileUid, String>> {
    let mut people = BTreeMap::new();
    for uid in rows.iter().filter_map(|row| row.profile).collect::<BTreeSet<_>>() {
        let Some(id) = store.find_profile(&uid.to_string()).await? else { continue };
        let Some(detail) = store.profile(id).await? else { continue };
        let text = |name: &str| detail.profile.value(name).to_string();
        let known = [text("first_name"), text("last_name"), text("email")];
        let known: Vec<&str> = known.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        people.insert(uid, known.join(" "));
    }
    Ok(people)
}

fn print(row: &AssignmentRow, named: Option<&str>, terminal: &Terminal) {
    let owner = row.owner.as_deref().or(row.owner_id.as_ref().map(|id| id.as_str())).unwrap_or("nobody");
    let state = || row.state.as_str().replace('_', " ");
    let record = row.record.as_ref().map_or_else(state, |id| id.to_string());
    terminal.say(format!("{}  {} {} {record} → {owner}", moment::at(row.at), row.connection, row.object));
    if let Some(uid) = row.profile {
        let named = named.map(|named| format!("{}, ", clean::line(named))).unwrap_or_default();
        terminal.say(format!("    of {named}profile {uid}"));
    }
    for line in &row.trail {
        terminal.say(format!("    {}: {}", line.step, line.text));
    }
    if let Some(how) = outcome(row) {
        terminal.say(format!("    {how}"));
    }
}

/// What has become of it since.
fn outcome(row: &AssignmentRow) -> Option<String> {
    match (row.state, row.held_until, row.respond_by) {
        (_, Some(until), _) => Some(format!("waits until {}; nobody's turn is taken before", moment::at(until))),
        (AssignmentState::GivenBack, ..) => Some(match (row.breached_at, row.answered_at) {
            (Some(at), None) => {
                format!("given back: not answered in time, told {}; somebody else has it", moment::at(at))
            }
            _ => "given back: the turn does not count, and no answer is waited for".to_owned(),
        }),
        (.., Some(by)) => Some(format!("to be answered by {}: {}", moment::at(by), answered(row))),
        _ => row.answered_at.map(|_| answered(row)),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::tests::captured;
    use crate::model::{Step, TrailLine};

    fn row(state: AssignmentState) -> AssignmentRow {
        let at = Timestamp::from_secs(0);
        let text = "pool sales: it is the turn of rita (weighted)".into();
        AssignmentRow {
            at,
            connection: "acme".into(),
            object: connector::Object::Lead,
            record: None,
            profile: Some(ProfileUid(uuid::Uuid::nil())),
            state,
            owner: Some("rita".into()),
            owner_id: Some("U-1".into()),
            step: Some(Step::Pool),
            pool: Some("sales".into()),
            member: Some("rita@acme.example".into()),
            trail: vec![TrailLine { step: Step::Pool, text }],
            held_until: None,
            respond_by: Some(Timestamp::from_secs(1_800)),
            answered_at: None,
            breached_at: None,
            existing: false,
        }
    }

    #[test]
    fn a_turn_that_was_given_back_says_whose_it_was_and_waits_for_nobody() {
        let (terminal, out, _) = captured(false);
        print(&row(AssignmentState::GivenBack), Some("Ada ada@kiwi.example"), &terminal);
        let want = "\
1970-01-01 00:00:00  acme lead given back → rita
    of Ada ada@kiwi.example, profile 00000000-0000-0000-0000-000000000000
    pool: pool sales: it is the turn of rita (weighted)
    given back: the turn does not count, and no answer is waited for
";
        assert_eq!(out.text(), want);
        let late = AssignmentRow { breached_at: Some(Timestamp::from_secs(1_800)), ..row(AssignmentState::GivenBack) };
        let want = "given back: not answered in time, told 1970-01-01 00:30:00; somebody else has it";
        assert_eq!(outcome(&late).as_deref(), Some(want));
        let made = outcome(&row(AssignmentState::Made));
        assert_eq!(made.as_deref(), Some("to be answered by 1970-01-01 00:30:00: not answered yet"));
    }

    #[test]
    fn a_lead_that_waits_says_until_when() {
        let held = AssignmentRow { held_until: Some(Timestamp::from_secs(3_600)), ..row(AssignmentState::Held) };
        assert_eq!(outcome(&held).as_deref(), Some("waits until 1970-01-01 01:00:00; nobody's turn is taken before"));
    }
}
