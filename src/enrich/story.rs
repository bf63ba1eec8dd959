//! What each of a person's events is to whoever reads their story: of which kind, in which session, and whether it counts.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use connector::Timestamp;
use serde::Serialize;

use crate::enrich::mail::{self, Mail};
use crate::enrich::semantic;
use crate::enrich::session::{Session, sessions};
use crate::expr::{EventInput, Json};
use crate::model::{EventKind, EventRow, TimelineKind};

/// A correction of a clock smaller than this is the way a message takes.
const CORRECTED_MICROS: i64 = 60_000_000;

/// Why an event counts for nothing, or what was done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventMark {
    /// From a crawler or a tool: in no trait, score or session.
    Bot,
    /// A mail client or scanner fetched the pictures.
    MachineOpen,
    /// A scanner followed the links.
    MachineClick,
    /// The sender's clock was wrong, or the time lay in the future: the event stands at a corrected time.
    TimeCorrected,
}

impl EventMark {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::MachineOpen => "machine_open",
            Self::MachineClick => "machine_click",
            Self::TimeCorrected => "time_corrected",
        }
    }
}

/// One event of a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub kind: TimelineKind,
    /// The session it is part of.
    pub session: Option<Arc<str>>,
    pub marks: Vec<EventMark>,
    /// Path or title of a page or screen.
    pub page: Option<String>,
}

/// A person's events as a story: each by its place in the log, and the sessions by start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    pub events: HashMap<i64, Told>,
    pub sessions: Vec<Session>,
}

/// Tells the story of one person's events, in any order.
pub fn tell(events: &[EventRow]) -> Story {
    let sessions = sessions(events);
    let in_session: HashMap<i64, &Arc<str>> =
        sessions.iter().flat_map(|session| session.rows.iter().map(|row| (*row, &session.id))).collect();
    let mut told = HashMap::with_capacity(events.len());
    let (mut mails, mut agents) = (Vec::new(), HashSet::new());
    for row in events {
        // What is in the log was valid when it came in.
        let Ok(body) = Json::parse(&row.event.body) else { continue };
        let input = EventInput { event: &row.event, body: &body };
        let name = semantic::normal_event_name(row.event.name.as_deref().unwrap_or_default());
        if row.event.kind == EventKind::Track && !row.event.is_bot {
            mails.extend(Mail::read(&name, &body, row.event.at, row.row));
            if name == "email opened" && mail::is_machine_agent(&body) {
                agents.insert(row.row);
            }
        }
        let mut marks = Vec::new();
        if row.event.is_bot {
            marks.push(EventMark::Bot);
        }
        if is_corrected(row.event.original_at, row.event.at) {
            marks.push(EventMark::TimeCorrected);
        }
        let page = match row.event.kind {
            EventKind::Page | EventKind::Screen => page(&input),
            _ => None,
        };
        let session = in_session.get(&row.row).map(|id| Arc::clone(id));
        told.insert(row.row, Told { kind: semantic::timeline_kind(&input, &name), session, marks, page });
    }
    let opens: HashSet<i64> = mails.iter().filter(|one| one.what == mail::What::Opened).map(|one| one.event).collect();
    for event in mail::machines(mails).into_iter().chain(agents).collect::<HashSet<i64>>() {
        let mark = if opens.contains(&event) { EventMark::MachineOpen } else { EventMark::MachineClick };
        if let Some(told) = told.get_mut(&event) {
            told.marks.push(mark);
        }
    }
    Story { events: told, sessions }
}

fn is_corrected(original: Option<Timestamp>, at: Timestamp) -> bool {
    original.is_some_and(|original| original.micros().saturating_sub(at.micros()).saturating_abs() >= CORRECTED_MICROS)
}

/// The path, else the name, else the title.
fn page(input: &EventInput<'_>) -> Option<String> {
    let title = || input.body.at(&["context", "page", "title"]).and_then(Json::as_text);
    let page = input.path().or(input.event.name.as_deref()).or_else(title)?;
    let page: String = page.trim().chars().filter(|c| !c.is_control()).take(200).collect();
    (!page.is_empty()).then_some(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Event, Identifier};

    fn row(row: i64, second: i64, kind: EventKind, name: &str, body: &str) -> EventRow {
        let event = Event {
            source: "web".into(),
            message_id: format!("m-{row}").into(),
            kind,
            name: (!name.is_empty()).then(|| name.into()),
            at: Timestamp::from_secs(1_000 + second),
            original_at: Some(Timestamp::from_secs(1_000 + second)),
            sent_at: None,
            received_at: Timestamp::from_secs(5_000),
            identifiers: Identifier::anonymous_id("a").into_iter().collect(),
            traits: Vec::new(),
            traits_are_weak: false,
            is_bot: false,
            body: body.into(),
        };
        EventRow { row, profile: None, event }
    }

    #[test]
    fn a_story_says_kind_session_and_what_does_not_count() {
        let mut bot = row(6, 60, EventKind::Page, "", "{}");
        bot.event.is_bot = true;
        let mut corrected = row(7, 70, EventKind::Track, "Order Completed", r#"{"channel":"pos"}"#);
        corrected.event.original_at = Some(Timestamp::from_secs(9_000));
        let story = tell(&[
            row(1, 0, EventKind::Page, "Home", r#"{"properties":{"path":"/pricing"}}"#),
            row(2, 5, EventKind::Track, "product_added", "{}"),
            row(3, 20, EventKind::Track, "Email Delivered", r#"{"properties":{"email_id":"e"}}"#),
            row(4, 21, EventKind::Track, "Email Opened", r#"{"properties":{"email_id":"e"}}"#),
            row(5, 50, EventKind::Track, "Email Opened", r#"{"context":{"userAgent":"Mozilla/5.0"}}"#),
            bot,
            corrected,
            row(8, 80, EventKind::Track, "Anything", r#"{"channel":"server"}"#),
            row(9, 80, EventKind::Track, "Anything", r#"{"context":{"library":{"name":"analytics-kotlin"}}}"#),
            row(10, 90, EventKind::Identify, "", "{}"),
        ]);
        let kinds: Vec<&str> = (1..=10).map(|row| story.events[&row].kind.as_str()).collect();
        let want = ["web", "commerce", "email", "email", "email", "web", "offline", "product", "app", "identity"];
        assert_eq!(kinds, want);
        let marks = |row: i64| story.events[&row].marks.clone();
        assert_eq!(
            (marks(1), marks(4), marks(5)),
            (vec![], vec![EventMark::MachineOpen], vec![EventMark::MachineOpen])
        );
        assert_eq!((marks(6), marks(7)), (vec![EventMark::Bot], vec![EventMark::TimeCorrected]));
        assert_eq!(story.sessions.len(), 1);
        assert_eq!(story.sessions[0].rows, [1, 2, 9]);
        let session = Some(story.sessions[0].id.clone());
        assert_eq!((&story.events[&1].session, &story.events[&6].session), (&session, &None));
        assert_eq!(story.events[&1].page.as_deref(), Some("/pricing"));
    }
}
