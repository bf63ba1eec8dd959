//! Sessions (`cdp-semantics` §1.7): which events form them, and how a stream of them is cut.

use connector::Timestamp;

use crate::expr::{EventInput, Json};
use crate::model::{EventKind, Fact, IdentifierKind};

/// A new session begins after this much silence.
pub const SESSION_GAP_SECS: i64 = 1_800;

const VIEW: i64 = 1;
const ACTIVE: i64 = 2;
const FLAGS: i64 = VIEW | ACTIVE;

/// What a session-forming event is remembered as: its stream and flags in `number`, the SDK's own session id in `text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub number: i64,
    pub session_id: Option<String>,
}

/// The step an event makes in its stream (source and anonymous id, else device id); `None` for events that form no session:
/// those without such an id, from servers, and other kinds.
pub(super) fn step(input: &EventInput<'_>) -> Option<Step> {
    let event = input.event;
    let view = matches!(event.kind, EventKind::Page | EventKind::Screen);
    if !view && (event.kind != EventKind::Track || is_from_server(input.body)) {
        return None;
    }
    let anonymous = event.identifiers.iter().find(|id| id.kind == IdentifierKind::AnonymousId);
    let stream = match anonymous {
        Some(id) => &*id.value,
        None => {
            input.body.at(&["context", "device", "id"]).and_then(Json::as_text).filter(|id| !id.trim().is_empty())?
        }
    };
    let mut key = Vec::with_capacity(event.source.len() + stream.len() + 1);
    key.extend_from_slice(event.source.as_bytes());
    key.push(0);
    key.extend_from_slice(stream.as_bytes());
    let hash = i64::from_ne_bytes(xxhash_rust::xxh3::xxh3_64(&key).to_ne_bytes());
    let number = (hash & !FLAGS) | if view { VIEW } else { 0 } | if is_active(input.body) { ACTIVE } else { 0 };
    let session_id = match input.body.at(&["context", "sessionId"]) {
        Some(Json::Text(id)) => Some(id.to_string()),
        Some(Json::Int(id)) => Some(id.to_string()),
        _ => None,
    };
    Some(Step { number, session_id })
}

/// Whether the person did it now, by the SDK's account.
pub(super) fn is_active(body: &Json<'_>) -> bool {
    body.at(&["context", "active"]) != Some(&Json::Bool(false))
}

/// Whether a remembered step moves last-seen.
pub(super) fn was_active(step: &Fact) -> bool {
    step.number & ACTIVE != 0
}

/// Server libraries name a visitor they did not watch.
fn is_from_server(body: &Json<'_>) -> bool {
    const LIBRARIES: &[&str] = &[
        "analytics-python",
        "analytics-node",
        "@segment/analytics-node",
        "analytics-ruby",
        "analytics-go",
        "analytics-java",
        "analytics-php",
        "analytics.net",
        "rudder-sdk-python",
        "rudderstack-node",
        "@rudderstack/rudder-sdk-node",
    ];
    let channel = body.get("channel").or_else(|| body.at(&["context", "channel"])).and_then(Json::as_text);
    if let Some(channel) = channel {
        return channel.eq_ignore_ascii_case("server");
    }
    let library = body.at(&["context", "library", "name"]).and_then(Json::as_text);
    library.is_some_and(|name| LIBRARIES.iter().any(|server| server.eq_ignore_ascii_case(name)))
}

/// One session of the streams that `steps` are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    pub start: Timestamp,
    pub end: Timestamp,
    pub views: u32,
    pub events: u32,
}

impl Session {
    pub fn is_visit(&self) -> bool {
        self.views > 0
    }
}

/// Cuts remembered steps into sessions, by start. A session ends after 30 minutes of silence, or when the SDK's session id
/// changes. The order of `steps` does not matter.
pub(super) fn cut(steps: &[&Fact]) -> Vec<Session> {
    let mut ordered: Vec<&Fact> = steps.to_vec();
    ordered.sort_unstable_by(|a, b| {
        let key = |fact: &Fact| (fact.number & !FLAGS, fact.at);
        key(a).cmp(&key(b)).then_with(|| a.text.cmp(&b.text)).then_with(|| a.number.cmp(&b.number))
    });
    let mut sessions: Vec<Session> = Vec::new();
    let mut stream: Option<(i64, Option<&str>)> = None;
    for step in ordered {
        let key = step.number & !FLAGS;
        let id = step.text.as_deref();
        let view = u32::from(step.number & VIEW != 0);
        let goes_on = match (&stream, sessions.last()) {
            (Some((before, before_id)), Some(session)) => {
                let gap = step.at.micros().saturating_sub(session.end.micros());
                let same_id = id.is_none() || before_id.is_none() || id == *before_id;
                *before == key && gap < SESSION_GAP_SECS * 1_000_000 && same_id
            }
            _ => false,
        };
        match sessions.last_mut() {
            Some(session) if goes_on => {
                session.end = step.at;
                session.views += view;
                session.events += 1;
                if id.is_some() {
                    stream = Some((key, id));
                }
            }
            _ => {
                sessions.push(Session { start: step.at, end: step.at, views: view, events: 1 });
                stream = Some((key, id));
            }
        }
    }
    sessions.sort_unstable_by_key(|session| (session.start, session.end));
    sessions
}
