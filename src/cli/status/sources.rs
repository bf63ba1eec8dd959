//! How the sources of events do: what each has sent, and whether it has fallen silent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connector::Timestamp;
use serde::Serialize;

use crate::cli::moment;
use crate::cli::terminal::{Terminal, Tone, cell};
use crate::config::{SourceKind, SourceSettings};
use crate::model::SourceName;
use crate::store::SourceHealth;

/// One word per source. A script may match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    Ok,
    /// Nothing has come yet.
    NeverSent,
    /// Nothing new has come for longer than its `no_events`.
    Silent,
}

impl SourceState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NeverSent => "never_sent",
            Self::Silent => "silent",
        }
    }
}

/// One source in `status --json`. Counts are of all time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Source {
    pub name: SourceName,
    /// `http`, `jsonl`, `csv`; null where the configuration does not name it.
    #[serde(rename = "type")]
    pub kind: Option<&'static str>,
    pub state: SourceState,
    pub accepted: u64,
    /// Copies of events known already.
    pub duplicate: u64,
    /// Messages that could not be taken, by reason.
    pub rejected: BTreeMap<Arc<str>, u64>,
    /// Dropped because their person is on the suppression list.
    pub suppressed: u64,
    /// Accepted events that name nobody.
    pub unattributed: u64,
    /// The newest event's time.
    pub last_event_at: Option<Timestamp>,
    /// When the last new event came in.
    pub last_received_at: Option<Timestamp>,
    /// After how many seconds without a new event it is silent; null where nobody watches.
    pub no_events_secs: Option<u64>,
    /// For how many seconds nothing new has come, where it is silent.
    pub silent_secs: Option<u64>,
}

/// The sources of the configuration in its order, then others that have sent.
pub fn sources(now: Timestamp, configured: &[SourceSettings], all: &BTreeMap<SourceName, SourceHealth>) -> Vec<Source> {
    let none = SourceHealth::default();
    let known = configured.iter().map(|source| {
        let kind = match &source.kind {
            SourceKind::Http(_) => "http",
            SourceKind::Jsonl => "jsonl",
            SourceKind::Csv(_) => "csv",
        };
        one(now, &source.name, Some(kind), source.no_events, all.get(&source.name).unwrap_or(&none))
    });
    let others = all.iter().filter(|(name, _)| !configured.iter().any(|source| source.name == **name));
    known.chain(others.map(|(name, health)| one(now, name, None, None, health))).collect()
}

fn one(
    now: Timestamp,
    name: &SourceName,
    kind: Option<&'static str>,
    no_events: Option<Duration>,
    health: &SourceHealth,
) -> Source {
    let silent = no_events.and_then(|limit| health.silent_for(limit, now));
    let state = match (silent, health.last_received_at) {
        (Some(_), _) => SourceState::Silent,
        (None, None) => SourceState::NeverSent,
        (None, Some(_)) => SourceState::Ok,
    };
    Source {
        name: name.clone(),
        kind,
        state,
        accepted: health.accepted,
        duplicate: health.duplicate,
        rejected: health.rejected.clone(),
        suppressed: health.suppressed,
        unattributed: health.unattributed,
        last_event_at: health.last_event_at,
        last_received_at: health.last_received_at,
        no_events_secs: no_events.map(|limit| limit.as_secs()),
        silent_secs: silent.map(|silent| silent.as_secs()),
    }
}

pub fn print(sources: &[Source], now: Timestamp, terminal: &Terminal) {
    if sources.is_empty() {
        return;
    }
    let head =
        ["source", "type", "state", ">accepted", ">duplicate", ">rejected", ">suppressed", ">nobody's", "last event"];
    let mut table = terminal.table(&head);
    for source in sources {
        let tone = match source.state {
            SourceState::Ok => Tone::Good,
            SourceState::NeverSent => Tone::Quiet,
            SourceState::Silent => Tone::Bad,
        };
        let rejected: u64 = source.rejected.values().sum();
        table.add_row([
            cell(Tone::Heading, &source.name),
            cell(Tone::Plain, source.kind.unwrap_or("–")),
            cell(tone, source.state.as_str()),
            cell(Tone::Plain, moment::count(source.accepted)),
            cell(Tone::Plain, moment::count(source.duplicate)),
            cell(if rejected > 0 { Tone::Warn } else { Tone::Plain }, moment::count(rejected)),
            cell(Tone::Plain, moment::count(source.suppressed)),
            cell(Tone::Plain, moment::count(source.unattributed)),
            cell(Tone::Plain, moment::ago(now, source.last_event_at)),
        ]);
    }
    terminal.print(&table);
    for source in sources.iter().filter(|source| source.state == SourceState::Silent) {
        let silent = moment::length(Duration::from_secs(source.silent_secs.unwrap_or_default()));
        let limit = moment::length(Duration::from_secs(source.no_events_secs.unwrap_or_default()));
        let name = terminal.paint(Tone::Bad, &source.name);
        terminal.say("");
        terminal.say(format!("{name}: no events for {silent}, longer than {limit}"));
        let fix = "  look whether it still sends, and whether its write key is right";
        terminal.say(terminal.paint(Tone::Quiet, fix));
    }
    terminal.say("");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::tests::captured;

    fn source(name: &str, no_events: Option<u64>) -> SourceSettings {
        SourceSettings {
            name: name.into(),
            kind: SourceKind::Jsonl,
            inbox: None,
            no_events: no_events.map(Duration::from_secs),
        }
    }

    #[test]
    fn a_source_is_silent_once_nothing_has_come_for_too_long() {
        let at = Timestamp::from_secs;
        let sent = SourceHealth {
            accepted: 1_200,
            rejected: [("missing_id".into(), 3)].into(),
            last_event_at: Some(at(900)),
            last_received_at: Some(at(1_000)),
            ..SourceHealth::default()
        };
        let watched = SourceHealth { watched_since: Some(at(1_000)), ..SourceHealth::default() };
        let all: BTreeMap<SourceName, SourceHealth> =
            [("web".into(), sent), ("app".into(), watched), ("file".into(), SourceHealth::default())].into();
        let configured = [source("web", Some(7_200)), source("app", Some(7_200)), source("pos", None)];
        let states = |now: i64| -> Vec<SourceState> {
            sources(at(now), &configured, &all).iter().map(|source| source.state).collect()
        };
        use SourceState::{NeverSent, Ok, Silent};
        assert_eq!(states(8_200), [Ok, NeverSent, NeverSent, NeverSent]);
        assert_eq!(states(8_201), [Silent, Silent, NeverSent, NeverSent]);

        let (terminal, out, _) = captured(false);
        print(
            &sources(at(8_201), &configured[..1], &BTreeMap::from([("web".into(), all["web"].clone())])),
            at(8_201),
            &terminal,
        );
        let want = "\
SOURCE  TYPE   STATE   ACCEPTED  DUPLICATE  REJECTED  SUPPRESSED  NOBODY'S  LAST EVENT
web     jsonl  silent     1,200          0         3           0         0  2 h ago

web: no events for 2 h, longer than 2 h
  look whether it still sends, and whether its write key is right

";
        assert_eq!(out.text(), want);
    }
}
