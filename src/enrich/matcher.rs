//! What an event means for each rule, found once on arrival: facts.

use std::sync::Arc;

use rust_decimal::Decimal;
use xxhash_rust::xxh3::xxh3_64;

use crate::enrich::spec::{EventMatch, Property};
use crate::enrich::{session, touch};
use crate::expr::{EventInput, Json};
use crate::model::{Event, EventKind, Fact, IdentifierKind, RuleId};

/// Changes when the code would match or keep something else for the same configuration: old facts are then matched again.
const FORM: &str = "1";

/// Most characters of a property's text that are kept.
const MAX_KEPT: usize = 255;

/// What a rule keeps of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Keeps {
    /// That it matched. `number` is 0.
    Match,
    /// A property's text; `number` is a hash of the message id, which breaks ties of time.
    Text(Property),
    /// A property's number, as exact text.
    Number(Property),
    /// A step of a session ([`session::Step`]).
    Step,
    /// A touch's source, as text.
    Touch,
    /// That the person was there, where no step says so.
    Seen,
}

#[derive(Clone, Debug)]
pub(super) struct Matcher {
    pub id: RuleId,
    kinds: u8,
    /// Normalised names of track events.
    names: Vec<String>,
    on: Option<EventMatch>,
    keeps: Keeps,
}

impl Matcher {
    pub(super) fn new(on: Option<&EventMatch>, keeps: Keeps, own_domains: &[Arc<str>]) -> Self {
        let (mut kinds, mut names) = (0, Vec::new());
        for event in on.iter().flat_map(|on| &on.events) {
            match normal_event_name(event).as_str() {
                "page" => kinds |= bit(EventKind::Page),
                "screen" => kinds |= bit(EventKind::Screen),
                "identify" => kinds |= bit(EventKind::Identify),
                "group" => kinds |= bit(EventKind::Group),
                "alias" => kinds |= bit(EventKind::Alias),
                name => names.push(name.to_owned()),
            }
        }
        names.sort_unstable();
        names.dedup();
        if on.is_none() {
            kinds = u8::MAX;
        }
        let condition = on.and_then(|on| on.condition.as_ref()).map(|condition| condition.text());
        let domains: &[Arc<str>] = if keeps == Keeps::Touch { own_domains } else { &[] };
        let decides = format!("{FORM}\n{keeps:?}\n{kinds}\n{names:?}\n{condition:?}\n{domains:?}");
        let id = RuleId(i64::from_ne_bytes(xxh3_64(decides.as_bytes()).to_ne_bytes()));
        Self { id, kinds, names, on: on.cloned(), keeps }
    }

    fn is_about(&self, event: &Event, name: &str) -> bool {
        self.kinds & bit(event.kind) != 0
            || (event.kind == EventKind::Track && self.names.binary_search_by(|have| have.as_str().cmp(name)).is_ok())
    }

    fn keep(&self, input: &EventInput<'_>, name: &str, own_domains: &[Arc<str>]) -> Option<(i64, Option<Arc<str>>)> {
        match &self.keeps {
            Keeps::Match => Some((0, None)),
            Keeps::Text(property) => {
                let text = text_of(lookup(input.body, property)?)?;
                let tie = xxh3_64(input.event.message_id.as_bytes());
                Some((i64::from_ne_bytes(tie.to_ne_bytes()), Some(text.into())))
            }
            Keeps::Number(property) => {
                let number = number_of(lookup(input.body, property)?)?;
                Some((0, Some(number.normalize().to_string().into())))
            }
            Keeps::Step => session::step(input).map(|step| (step.number, step.session_id.map(Arc::from))),
            Keeps::Touch => {
                session::step(input)?;
                touch::source(input, own_domains).map(|source| (0, Some(source.into())))
            }
            Keeps::Seen => is_seen(input, name).then_some((0, None)),
        }
    }
}

/// Facts of an event for all matchers. Events of crawlers mean nothing, nor do opens that a mail client made by itself.
pub(super) fn facts(matchers: &[Matcher], own_domains: &[Arc<str>], event: &Event) -> Vec<Fact> {
    if event.is_bot {
        return Vec::new();
    }
    let name = match event.kind {
        EventKind::Track => event.name.as_deref().map(normal_event_name).unwrap_or_default(),
        _ => String::new(),
    };
    let mut about = matchers.iter().filter(|matcher| matcher.is_about(event, &name)).peekable();
    if about.peek().is_none() {
        return Vec::new();
    }
    // What is in the log was valid when it came in.
    let Ok(body) = Json::parse(&event.body) else { return Vec::new() };
    if name == "email opened" && is_machine_open(&body) {
        return Vec::new();
    }
    let input = EventInput { event, body: &body };
    let mut facts = Vec::new();
    for matcher in about {
        let condition = matcher.on.as_ref().and_then(|on| on.condition.as_ref());
        if condition.is_some_and(|condition| !condition.holds(&input)) {
            continue;
        }
        if let Some((number, text)) = matcher.keep(&input, &name, own_domains) {
            facts.push(Fact { rule: matcher.id, event: 0, at: event.at, number, text });
        }
    }
    facts
}

/// An event's name as it is matched: names that differ in case, spaces, `_` or `-` are one name
/// (`cdp-semantics` §1.6).
pub fn normal_event_name(name: &str) -> String {
    name.trim().chars().flat_map(char::to_lowercase).map(|c| if matches!(c, '_' | '-') { ' ' } else { c }).collect()
}

fn bit(kind: EventKind) -> u8 {
    match kind {
        EventKind::Track => 1,
        EventKind::Identify => 2,
        EventKind::Page => 4,
        EventKind::Screen => 8,
        EventKind::Group => 16,
        EventKind::Alias => 32,
    }
}

/// Person-initiated events that are no step of a session (`cdp-semantics` §3.2, `last_seen_at`).
fn is_seen(input: &EventInput<'_>, name: &str) -> bool {
    if !session::is_active(input.body) || session::step(input).is_some() {
        return false;
    }
    let property = |key: &str| input.body.at(&["properties", key]).and_then(Json::as_text);
    let channel =
        || input.body.get("channel").or_else(|| input.body.at(&["context", "channel"])).and_then(Json::as_text);
    match input.event.kind {
        EventKind::Page | EventKind::Screen => true,
        EventKind::Identify => input.event.identifiers.iter().any(|id| id.kind == IdentifierKind::AnonymousId),
        EventKind::Track => match name {
            "email link clicked" => true,
            "call completed" => property("direction") == Some("inbound"),
            _ => channel().is_some_and(|channel| channel.eq_ignore_ascii_case("pos")),
        },
        EventKind::Group | EventKind::Alias => false,
    }
}

/// A mail client's privacy proxy fetches every picture and says nothing else of itself.
fn is_machine_open(body: &Json<'_>) -> bool {
    let agent = body.at(&["context", "userAgent"]).or_else(|| body.at(&["context", "user_agent"]));
    agent.and_then(Json::as_text) == Some("Mozilla/5.0")
}

/// A property by its path: in `properties` unless it names `context`, `traits` or `properties` itself.
fn lookup<'a>(body: &'a Json<'a>, property: &str) -> Option<&'a Json<'a>> {
    let mut parts = property.split('.');
    let first = parts.next()?;
    let base = if matches!(first, "properties" | "context" | "traits") {
        body.get(first)?
    } else {
        body.at(&["properties", first])?
    };
    parts.try_fold(base, |value, key| value.get(key))
}

fn text_of(value: &Json<'_>) -> Option<String> {
    let text = match value {
        Json::Text(text) => text.trim().chars().filter(|c| !c.is_control()).take(MAX_KEPT).collect(),
        Json::Bool(flag) => flag.to_string(),
        number => number.as_decimal()?.normalize().to_string(),
    };
    (!text.is_empty()).then_some(text)
}

fn number_of(value: &Json<'_>) -> Option<Decimal> {
    match value {
        Json::Text(text) => text.trim().parse().ok(),
        number => number.as_decimal(),
    }
}
