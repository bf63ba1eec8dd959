//! Sessions (`cdp-semantics` §1.7): which events form them, and how a stream of them is cut.
//!
//! A stream is what one person did with one (source, anonymous id or device id). Cutting looks at the set of its events and
//! never at the order in which they came: a late one can make two sessions one, and renames the session it now begins.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use connector::Timestamp;
use serde::Serialize;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::enrich::semantic;
use crate::expr::{EventInput, Json};
use crate::model::{EventKind, EventRow, Fact, IdentifierKind, SourceName};

/// A new session begins after this much silence.
pub const SESSION_GAP_SECS: i64 = 1_800;

/// So long a session, or so many views, and the person took part in it.
const ENGAGED_MICROS: i64 = 10_000_000;
const ENGAGED_VIEWS: u32 = 2;

const VIEW: i64 = 1;
const ACTIVE: i64 = 2;
const CONVERSION: i64 = 4;
const FLAGS: i64 = VIEW | ACTIVE | CONVERSION;

/// What a session-forming event is remembered as: its stream and flags in `number`, the SDK's own session id in `text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub number: i64,
    pub session_id: Option<String>,
}

/// The step an event makes in its stream; `None` for events that form no session: those without an anonymous or device id,
/// and what no client of the person sent.
pub(super) fn step(input: &EventInput<'_>, normal_name: &str) -> Option<Step> {
    if !semantic::is_from_client(input, normal_name) {
        return None;
    }
    let event = input.event;
    let key = stream_key(&event.source, visitor(input)?);
    let hash = i64::from_ne_bytes(xxh3_64(&key).to_ne_bytes());
    let flag = |on: bool, flag: i64| if on { flag } else { 0 };
    let flags = flag(matches!(event.kind, EventKind::Page | EventKind::Screen), VIEW)
        | flag(semantic::is_active(input.body), ACTIVE)
        | flag(event.kind == EventKind::Track && semantic::is_conversion(normal_name), CONVERSION);
    let session_id = match input.body.at(&["context", "sessionId"]) {
        Some(Json::Text(id)) if !id.trim().is_empty() => Some(id.trim().to_owned()),
        given => given.and_then(Json::as_digits).map(Cow::into_owned),
    };
    Some(Step { number: (hash & !FLAGS) | flags, session_id })
}

/// The anonymous id, else the device's.
fn visitor<'a>(input: &'a EventInput<'a>) -> Option<&'a str> {
    let anonymous = input.event.identifiers.iter().find(|id| id.kind == IdentifierKind::AnonymousId);
    match anonymous {
        Some(id) => Some(&id.value),
        None => input
            .body
            .at(&["context", "device", "id"])
            .and_then(Json::as_text)
            .map(str::trim)
            .filter(|id| !id.is_empty()),
    }
}

fn stream_key(source: &str, visitor: &str) -> Vec<u8> {
    [source.as_bytes(), &[0], visitor.as_bytes()].concat()
}

/// Whether a remembered step moves last-seen.
pub(super) fn was_active(step: &Fact) -> bool {
    step.number & ACTIVE != 0
}

/// One step on its way into a session.
#[derive(Clone, Debug)]
pub(super) struct Mark<'a> {
    number: i64,
    pub at: Timestamp,
    sdk: Option<&'a str>,
    /// Breaks ties of time.
    message_id: &'a str,
    /// The event's place in the log.
    pub event: i64,
}

impl<'a> Mark<'a> {
    pub(super) fn of_fact(fact: &'a Fact) -> Self {
        Self { number: fact.number, at: fact.at, sdk: fact.text.as_deref(), message_id: "", event: fact.event }
    }

    fn stream(&self) -> i64 {
        self.number & !FLAGS
    }
}

/// One session as cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub start: Timestamp,
    pub end: Timestamp,
    pub views: u32,
    pub conversions: u32,
    /// Its marks, in order.
    pub marks: Range<usize>,
}

impl Span {
    pub(super) fn is_visit(&self) -> bool {
        self.views > 0
    }
}

/// Cuts marks into sessions, by start; the marks come back in the order that the sessions refer to. A session ends after 30
/// minutes of silence, or when the SDK's session id changes. The order of `marks` does not matter.
pub(super) fn cut(mut marks: Vec<Mark<'_>>) -> (Vec<Span>, Vec<Mark<'_>>) {
    marks.sort_by(|a, b| {
        let key = |mark: &Mark<'_>| (mark.stream(), mark.at);
        key(a).cmp(&key(b)).then_with(|| (a.sdk, a.message_id, a.number).cmp(&(b.sdk, b.message_id, b.number)))
    });
    let mut spans: Vec<Span> = Vec::new();
    let mut running: Option<(i64, Option<&str>)> = None;
    for (place, mark) in marks.iter().enumerate() {
        let goes_on = match (&running, spans.last()) {
            (Some((stream, sdk)), Some(span)) => {
                let gap = mark.at.micros().saturating_sub(span.end.micros());
                let same_id = mark.sdk.is_none() || sdk.is_none() || mark.sdk == *sdk;
                *stream == mark.stream() && gap < SESSION_GAP_SECS * 1_000_000 && same_id
            }
            _ => false,
        };
        let count = |flag: i64| u32::from(mark.number & flag != 0);
        match spans.last_mut() {
            Some(span) if goes_on => {
                span.end = mark.at;
                span.views += count(VIEW);
                span.conversions += count(CONVERSION);
                span.marks.end = place + 1;
            }
            _ => {
                spans.push(Span {
                    start: mark.at,
                    end: mark.at,
                    views: count(VIEW),
                    conversions: count(CONVERSION),
                    marks: place..place + 1,
                });
                running = None;
            }
        }
        let sdk = mark.sdk.or(running.and_then(|(_, sdk)| sdk));
        running = Some((mark.stream(), sdk));
    }
    spans.sort_by_key(|span| (span.start, span.end, span.marks.start));
    (spans, marks)
}

/// One session of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Session {
    /// `sess_` and a hash of source, anonymous or device id, and the first event's message id.
    pub id: Arc<str>,
    pub source: SourceName,
    pub start: Timestamp,
    pub end: Timestamp,
    /// From the first event to the last, in seconds.
    pub duration_secs: u64,
    /// Pages and screens.
    pub views: u32,
    pub events: u32,
    pub conversions: u32,
    /// Whether it counts as a visit: it has a view.
    pub visit: bool,
    /// 10 seconds, two views or a conversion.
    pub engaged: bool,
    /// Its events' places in the log, by time.
    #[serde(skip)]
    pub rows: Vec<i64>,
}

/// The sessions of one person's events, by start. Events in any order; crawlers' are left out.
pub fn sessions(events: &[EventRow]) -> Vec<Session> {
    struct Known<'e> {
        row: &'e EventRow,
        step: Step,
        visitor: String,
    }
    let known = |row: &'_ EventRow| {
        let body = Json::parse(&row.event.body).ok().filter(|_| !row.event.is_bot)?;
        let input = EventInput { event: &row.event, body: &body };
        let name = semantic::normal_event_name(row.event.name.as_deref().unwrap_or_default());
        let step = step(&input, &name)?;
        Some((step, visitor(&input)?.to_owned()))
    };
    let known: Vec<Known<'_>> =
        events.iter().filter_map(|row| known(row).map(|(step, visitor)| Known { row, step, visitor })).collect();
    let by_row: std::collections::HashMap<i64, &Known<'_>> = known.iter().map(|one| (one.row.row, one)).collect();
    let marks = known.iter().map(|one| Mark {
        number: one.step.number,
        at: one.row.event.at,
        sdk: one.step.session_id.as_deref(),
        message_id: &one.row.event.message_id,
        event: one.row.row,
    });
    let (spans, marks) = cut(marks.collect());
    let session = |span: Span| {
        let own = marks.get(span.marks.clone())?;
        let first = by_row.get(&own.first()?.event)?;
        let mut key = stream_key(&first.row.event.source, &first.visitor);
        key.push(0);
        key.extend_from_slice(first.row.event.message_id.as_bytes());
        let micros = span.end.micros().saturating_sub(span.start.micros());
        Some(Session {
            id: format!("sess_{:032x}", xxh3_128(&key)).into(),
            source: first.row.event.source.clone(),
            start: span.start,
            end: span.end,
            duration_secs: span.end.since(span.start).as_secs(),
            views: span.views,
            events: u32::try_from(own.len()).unwrap_or(u32::MAX),
            conversions: span.conversions,
            visit: span.is_visit(),
            engaged: micros >= ENGAGED_MICROS || span.views >= ENGAGED_VIEWS || span.conversions > 0,
            rows: own.iter().map(|mark| mark.event).collect(),
        })
    };
    spans.into_iter().filter_map(session).collect()
}
