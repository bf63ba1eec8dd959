//! `ferry runs [ID]`: what ran and how it ended; one run in full, with every field it wrote.

use connector::Timestamp;
use serde::Serialize;

use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::moment;
use crate::cli::terminal::{Terminal, Tone, cell};
use crate::model::{Counts, Run, RunState, canonical};
use crate::store::{JournalRow, Store};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A run's id, or enough of its beginning to be the only one
    pub id: Option<String>,
    /// How many runs to list
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    pub limit: u16,
}

#[derive(Serialize)]
struct List<'a> {
    runs: &'a [Run],
}

#[derive(Serialize)]
struct One<'a> {
    run: &'a Run,
    journal: &'a [JournalRow],
}

/// `store` is `None` before anything has made it.
pub async fn run(args: &Args, store: Option<&dyn Store>, now: Timestamp, terminal: &Terminal) -> Ended {
    let Some(id) = &args.id else {
        let runs = match store {
            Some(store) => store.runs(usize::from(args.limit)).await?,
            None => Vec::new(),
        };
        terminal.show(&List { runs: &runs }, |terminal| print_list(&runs, now, terminal))?;
        return Ok(Exit::Done);
    };
    let found = match store {
        Some(store) => store.run(id).await?,
        None => None,
    };
    let Some((run, journal)) = found else {
        return Err(Failure::new(format!("no run is called `{id}`, or more than one begins so"))
            .with_fix("`ferry runs` lists the latest"));
    };
    terminal.show(&One { run: &run, journal: &journal }, |terminal| print_one(&run, &journal, terminal))?;
    Ok(Exit::Done)
}

fn print_list(runs: &[Run], now: Timestamp, terminal: &Terminal) {
    if runs.is_empty() {
        terminal.say("nothing has run yet; `ferry sync` runs everything once");
        return;
    }
    let width = shortest_prefix(runs);
    let mut table =
        terminal.table(&["run", "flow", "connection", "object", "state", "started", ">took", ">seen", "changed"]);
    for run in runs {
        let id = run.id.to_string();
        table.add_row([
            cell(Tone::Quiet, id.get(..width).unwrap_or(&id)),
            cell(Tone::Plain, run.flow.as_str()),
            cell(Tone::Plain, run.connection.as_ref().map_or("", |c| c.as_str())),
            cell(Tone::Plain, run.object.as_ref().map_or("", |o| o.as_str())),
            cell(tone(run.state), run.state.as_str()),
            cell(Tone::Plain, moment::ago(now, Some(run.started_at))),
            cell(Tone::Plain, took(run)),
            cell(Tone::Plain, moment::count(run.counts.seen)),
            cell(Tone::Plain, changes(&run.counts)),
        ]);
    }
    terminal.print(&table);
}

fn print_one(run: &Run, journal: &[JournalRow], terminal: &Terminal) {
    terminal.say(format!("{} {}", terminal.paint(Tone::Heading, "run"), run.id));
    terminal.say(format!("{}: {}", name(run), terminal.paint(tone(run.state), run.state.as_str())));
    terminal.say(format!("started {} UTC, took {}", moment::at(run.started_at), took(run)));
    if let Some(message) = &run.message {
        terminal.say(crate::cli::clean::line(message));
    }
    let counted: Vec<String> = counted(&run.counts).map(|(name, n)| format!("{} {name}", moment::count(n))).collect();
    if !counted.is_empty() {
        terminal.say(counted.join(" · "));
    }
    if !journal.is_empty() {
        terminal.say("");
        print_journal(journal, terminal);
    }
}

/// `push acme contact`.
pub fn name(run: &Run) -> String {
    let mut name = run.flow.as_str().to_owned();
    let parts = [run.connection.as_ref().map(|c| c.as_str()), run.object.as_ref().map(|o| o.as_str())];
    for part in parts.into_iter().flatten() {
        name.push(' ');
        name.push_str(part);
    }
    name
}

/// Fields written, one line each.
pub fn print_journal(journal: &[JournalRow], terminal: &Terminal) {
    let mut table = terminal.table(&["when", "record", "field", "from", "to", "because of", "outcome"]);
    for row in journal {
        let record = row.record.as_deref().unwrap_or("(new)");
        table.add_row([
            cell(Tone::Quiet, moment::at(row.at)),
            cell(Tone::Plain, format!("{} {} {record}", row.connection, row.object)),
            cell(Tone::Plain, &row.field),
            cell(Tone::Plain, plain(&row.from)),
            cell(Tone::Plain, plain(&row.to)),
            cell(Tone::Plain, format!("{} ({})", row.mapping, row.origin)),
            cell(if &*row.outcome == "written" { Tone::Good } else { Tone::Warn }, &row.outcome),
        ]);
    }
    terminal.print(&table);
}

/// A JSON value as a person reads it: text without quotes, nothing as `–`.
pub fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "–".into(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// [`plain`] of a field's value.
pub fn plain_value(value: &connector::Value) -> String {
    plain(&canonical::to_json(value))
}

fn took(run: &Run) -> String {
    run.ended_at.map_or_else(|| "–".into(), |ended| moment::length(ended.since(run.started_at)))
}

pub fn tone(state: RunState) -> Tone {
    match state {
        RunState::Done => Tone::Good,
        RunState::Running => Tone::Plain,
        RunState::Partial | RunState::Interrupted => Tone::Warn,
        RunState::Fused | RunState::Failed => Tone::Bad,
    }
}

/// What a run counted, in the order a person asks for it; zeros left out.
pub fn counted(counts: &Counts) -> impl Iterator<Item = (&'static str, u64)> + use<> {
    [
        ("seen", counts.seen),
        ("created", counts.created),
        ("updated", counts.updated),
        ("deleted", counts.deleted),
        ("merged", counts.merged),
        ("unchanged", counts.unchanged),
        ("echoes", counts.echoes),
        ("conflicts", counts.conflicts),
        ("duplicates", counts.duplicates),
        ("skipped", counts.skipped),
        ("failed", counts.failed),
    ]
    .into_iter()
    .filter(|(_, n)| *n > 0)
}

/// What changed because of a run, in one cell: `12 created, 3 failed`.
pub fn changes(counts: &Counts) -> String {
    let quiet = ["seen", "unchanged", "echoes", "skipped", "duplicates"];
    let parts: Vec<String> = counted(counts)
        .filter(|(name, _)| !quiet.contains(name))
        .map(|(name, n)| format!("{} {name}", moment::count(n)))
        .collect();
    if parts.is_empty() { "nothing".into() } else { parts.join(", ") }
}

/// How many characters of the ids tell these runs apart: at least the 13 of a UUIDv7's time.
fn shortest_prefix(runs: &[Run]) -> usize {
    const TIME: usize = 13;
    let mut ids: Vec<String> = runs.iter().map(|run| run.id.to_string()).collect();
    ids.sort();
    let shared = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    ids.windows(2).filter_map(|pair| Some(shared(pair.first()?, pair.get(1)?) + 1)).max().unwrap_or(0).max(TIME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::tests::captured;
    use crate::model::{Flow, RunId};

    fn a_run(id: u128, state: RunState) -> Run {
        Run {
            id: RunId(uuid::Uuid::from_u128(id)),
            flow: Flow::Push,
            connection: Some("acme".into()),
            object: Some(connector::Object::Contact),
            state,
            started_at: Timestamp::from_secs(100),
            ended_at: Some(Timestamp::from_secs(103)),
            counts: Counts { seen: 1_200, updated: 7, failed: 1, unchanged: 9, ..Counts::default() },
            message: Some("a field was refused".into()),
            error_kind: None,
        }
    }

    #[test]
    fn the_list_says_what_changed() {
        let (terminal, out, _) = captured(false);
        print_list(&[a_run(1 << 100, RunState::Partial)], Timestamp::from_secs(200), &terminal);
        let want = "\
RUN            FLOW  CONNECTION  OBJECT   STATE    STARTED    TOOK   SEEN  CHANGED
00000010-0000  push  acme        contact  partial  100 s ago   3 s  1,200  7 updated, 1 failed
";
        assert_eq!(out.text(), want);
    }

    #[test]
    fn one_run_shows_each_field() {
        let (terminal, out, _) = captured(false);
        let row = JournalRow {
            at: Timestamp::from_secs(102),
            run: RunId(uuid::Uuid::from_u128(7)),
            connection: "acme".into(),
            object: connector::Object::Contact,
            record: Some("501".into()),
            field: "cdp_score".into(),
            from: serde_json::Value::Null,
            to: serde_json::json!(65),
            mapping: "contact.score_lead → cdp_score".into(),
            origin: "computed".into(),
            outcome: "written".into(),
        };
        print_one(&a_run(7, RunState::Partial), &[row], &terminal);
        let text = out.text();
        assert!(text.contains("push acme contact: partial\nstarted 1970-01-01 00:01:40 UTC, took 3 s\n"), "{text}");
        assert!(text.contains("1,200 seen · 7 updated · 9 unchanged · 1 failed\n"), "{text}");
        assert!(text.contains("acme contact 501  cdp_score  –"), "{text}");
    }

    #[test]
    fn prefixes_tell_runs_apart() {
        let near = [
            a_run(0x0199_aa10_1111_7000_8000_0000_0000_0000, RunState::Done),
            a_run(0x0199_aa10_1111_7abc_8000_0000_0000_0000, RunState::Done),
        ];
        let width = shortest_prefix(&near);
        assert_eq!(width, 16);
        let shown: Vec<String> = near.iter().map(|run| run.id.to_string()[..width].to_owned()).collect();
        assert_ne!(shown[0], shown[1]);
        assert_eq!(shortest_prefix(&near[..1]), 13);
    }
}
