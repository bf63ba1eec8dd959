//! One Segment message becomes one event, or says what is wrong with it (`cdp-semantics` §1.1–1.3).

use std::fmt;
use std::sync::Arc;

use connector::{Entropy, Timestamp};

use crate::expr::{Json, nearest};
use crate::ingest::identity::{self, Ids, InvalidId};
use crate::ingest::traits::{Traits, clean};
use crate::ingest::when::Stamps;
use crate::ingest::{body, message_id};
use crate::model::{Event, EventKind, Identifier, IdentityRules, SourceName};

/// Bytes of one message, unless a source is set to take more.
pub const MAX_MESSAGE: usize = 32 * 1024;

const MAX_MESSAGE_ID: usize = 100;
const MAX_PROPERTIES: usize = 300;
const MAX_GROUP_ID: usize = 500;
const MAX_NAME: usize = 500;

/// How messages of one source are read.
#[derive(Clone, Debug)]
pub struct DecodeOptions {
    pub source: SourceName,
    /// Largest message in bytes; [`MAX_MESSAGE`] unless configured.
    pub max_message: usize,
    /// Whether messages come straight from an SDK as they happen: then its clock is corrected by ours. Otherwise times stand
    /// as written.
    pub client: bool,
    /// What identifies a person, and what does not.
    pub identity: Arc<IdentityRules>,
}

/// Why a message is not taken. Names fields, never values: those may be personal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Stable, e.g. `missing_id`, `invalid_timestamp`, `message_too_large`.
    pub code: &'static str,
    pub cause: String,
    pub fix: String,
}

impl DecodeError {
    pub(super) fn new(code: &'static str, cause: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { code, cause: cause.into(), fix: fix.into() }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}); {}", self.cause, self.code, self.fix)
    }
}

impl std::error::Error for DecodeError {}

/// The id of a message that has none.
#[derive(Clone, Copy, Debug)]
pub(super) enum Nameless<'a> {
    /// Made of what it says: the same line of a file is the same message.
    BySaying,
    /// Drawn: what comes over the wire is one more message each time.
    Drawn(&'a dyn Entropy),
}

impl Nameless<'_> {
    fn id(self, kind: EventKind, message: &Json<'_>) -> Arc<str> {
        match self {
            Self::BySaying => message_id::of_import(kind.as_str(), message).into(),
            Self::Drawn(entropy) => message_id::drawn(entropy).into(),
        }
    }
}

/// Decodes one message, as one of a file. `received_at` is when it reached us; no event is later than that.
pub fn decode(text: &str, received_at: Timestamp, options: &DecodeOptions) -> Result<Event, DecodeError> {
    within_size(text.len(), options)?;
    decode_and(text, received_at, options, Nameless::BySaying, |event, _| event)
}

/// Whether a message of so many bytes, as its sender wrote it, is taken.
pub(super) fn within_size(bytes: usize, options: &DecodeOptions) -> Result<(), DecodeError> {
    if bytes <= options.max_message {
        return Ok(());
    }
    let cause = format!("the message has {bytes} bytes, more than {}", options.max_message);
    Err(DecodeError::new("message_too_large", cause, "send less in properties, or raise max_message"))
}

/// The same of whatever size, and something made of the event and of the message as it was read: reading it twice is the dearest there is.
pub(super) fn decode_and<T>(
    text: &str,
    received_at: Timestamp,
    options: &DecodeOptions,
    nameless: Nameless<'_>,
    then: impl FnOnce(Event, &Json<'_>) -> T,
) -> Result<T, DecodeError> {
    let message = parse(text)?;
    let kind = kind(&message)?;
    let ids = Ids::read(&message).map_err(|InvalidId(field)| {
        DecodeError::new("invalid_id", format!("`{field}` is neither text nor number"), "send the id as text")
    })?;
    let name = name(&message, kind)?;
    let emails = identity::emails(&message, kind, name.as_deref());
    let identifiers = identity::identifiers(&message, &ids, &emails, kind, &options.identity);
    required(kind, &ids, !emails.is_empty() || !identifiers.is_empty())?;
    within_limits(&message)?;

    let stamps = Stamps::read(&message);
    let at = stamps.and_then(|stamps| stamps.event_time(received_at, options.client));
    let (Some(stamps), Some(at)) = (stamps, at) else {
        let field = if message.get("originalTimestamp").is_some() { "originalTimestamp" } else { "timestamp" };
        let cause = format!("`{field}` is no instant from 1970 on");
        return Err(DecodeError::new("invalid_timestamp", cause, "send ISO 8601, e.g. 2026-03-02T09:00:00Z"));
    };
    let message_id = match identity::id(&message, "messageId") {
        Ok(Some(id)) if id.chars().count() > MAX_MESSAGE_ID => {
            let cause = format!("`messageId` is longer than {MAX_MESSAGE_ID} characters");
            return Err(DecodeError::new("message_id_too_long", cause, "send a shorter id, or none"));
        }
        Ok(Some(id)) => Arc::from(&*id),
        Ok(None) => nameless.id(kind, &message),
        Err(InvalidId(field)) => {
            let cause = format!("`{field}` is neither text nor number");
            return Err(DecodeError::new("invalid_id", cause, "send the id as text"));
        }
    };
    let (traits, traits_are_weak) = traits(&message, kind, &ids, &emails)?;
    let event = Event {
        source: options.source.clone(),
        message_id,
        kind,
        name,
        at,
        original_at: stamps.original,
        sent_at: stamps.sent,
        received_at,
        identifiers,
        traits: traits.into_list(),
        traits_are_weak,
        is_bot: identity::is_bot(&message, options.client || is_from_browser(&message)),
        body: kept_body(text, &message),
    };
    Ok(then(event, &message))
}

/// The message as it is kept: as it came, but for the key that it was let in with.
fn kept_body(text: &str, message: &Json<'_>) -> Arc<str> {
    const KEY: &str = "writeKey";
    let body = body::compact(text);
    if message.get(KEY).is_some() { body::without(&body, KEY).into() } else { Arc::from(&*body) }
}

fn parse(text: &str) -> Result<Json<'_>, DecodeError> {
    let message = Json::parse(text).map_err(|error| {
        let cause = format!("not readable as JSON: {error}");
        DecodeError::new("invalid_json", cause, "one JSON object per line; check where the line was cut")
    })?;
    match &message {
        Json::Object(_) if matches!(message.get("batch"), Some(Json::List(_))) => {
            let cause = "a batch envelope stands where one message is expected";
            Err(DecodeError::new("invalid_json", cause, "write each message of `batch` on a line of its own"))
        }
        Json::Object(_) => Ok(message),
        _ => Err(DecodeError::new("invalid_json", "not a JSON object", "one message is one JSON object")),
    }
}

fn kind(message: &Json<'_>) -> Result<EventKind, DecodeError> {
    const KINDS: &[(&str, EventKind)] = &[
        ("track", EventKind::Track),
        ("identify", EventKind::Identify),
        ("page", EventKind::Page),
        ("screen", EventKind::Screen),
        ("group", EventKind::Group),
        ("alias", EventKind::Alias),
    ];
    let given = message.get("type").and_then(Json::as_text).map(str::trim);
    let found = KINDS.iter().find(|(name, _)| given.is_some_and(|given| given.eq_ignore_ascii_case(name)));
    if let Some((_, kind)) = found {
        return Ok(*kind);
    }
    let names = || KINDS.iter().map(|(name, _)| *name);
    let all = || format!("`type` is one of {}", names().collect::<Vec<_>>().join(", "));
    Err(match given.filter(|given| !given.is_empty()) {
        None => DecodeError::new("unknown_type", "the message has no `type`", all()),
        Some(given) => {
            let fix = nearest(given, names()).map_or_else(all, |near| format!("did you mean `{near}`?"));
            DecodeError::new("unknown_type", "the `type` of the message is unknown", fix)
        }
    })
}

fn name(message: &Json<'_>, kind: EventKind) -> Result<Option<Arc<str>>, DecodeError> {
    let key = match kind {
        EventKind::Track => "event",
        EventKind::Page | EventKind::Screen => "name",
        EventKind::Identify | EventKind::Group | EventKind::Alias => return Ok(None),
    };
    let name = message.get(key).and_then(Json::as_text).and_then(clean);
    if name.as_ref().is_some_and(|name| name.chars().count() > MAX_NAME) {
        let cause = format!("`{key}` is longer than {MAX_NAME} characters");
        return Err(DecodeError::new("missing_event", cause, "put details into properties"));
    }
    if kind == EventKind::Track && name.is_none() {
        return Err(DecodeError::new("missing_event", "a track message has no `event` name", "send `event` as text"));
    }
    Ok(name)
}

fn required(kind: EventKind, ids: &Ids<'_>, has_other: bool) -> Result<(), DecodeError> {
    if kind == EventKind::Alias && ids.previous.is_none() {
        let cause = "an alias has no `previousId`";
        return Err(DecodeError::new("missing_previous_id", cause, "send the id that the person had before"));
    }
    if kind == EventKind::Alias && ids.user.is_none() {
        return Err(DecodeError::new("missing_id", "an alias has no `userId`", "send the id that the person has now"));
    }
    if ids.user.is_none() && ids.anonymous.is_none() && !has_other {
        let cause = "the message has neither `userId` nor `anonymousId`, nor anything else that names its person";
        return Err(DecodeError::new("missing_id", cause, "send one of them"));
    }
    match &ids.group {
        None if kind == EventKind::Group => {
            Err(DecodeError::new("missing_group_id", "a group message has no `groupId`", "send the company's id"))
        }
        Some(group) if group.chars().count() > MAX_GROUP_ID => {
            let cause = format!("`groupId` is longer than {MAX_GROUP_ID} characters");
            Err(DecodeError::new("invalid_id", cause, "send a shorter id"))
        }
        _ => Ok(()),
    }
}

fn within_limits(message: &Json<'_>) -> Result<(), DecodeError> {
    for (key, fix) in [("properties", "send fewer, or nest them"), ("traits", "send fewer")] {
        match message.get(key) {
            None | Some(Json::Null) => {}
            Some(Json::Object(members)) if members.len() <= MAX_PROPERTIES => {}
            Some(Json::Object(members)) => {
                let cause = format!("`{key}` has {} entries, more than {MAX_PROPERTIES}", members.len());
                return Err(DecodeError::new("too_many_properties", cause, fix));
            }
            Some(_) => {
                let cause = format!("`{key}` is no object");
                return Err(DecodeError::new("invalid_json", cause, format!("send `{key}` as {{…}}, or leave it out")));
            }
        }
    }
    Ok(())
}

/// Identify: `context.traits` overlaid by `traits`. Group: what is said of the company. Others: `context.traits`, weak, and
/// the address a form or order gives: a lead without one could not be written to a CRM. Both places together, and what stands
/// in objects, have no more than one of them may have.
fn traits(message: &Json<'_>, kind: EventKind, ids: &Ids<'_>, emails: &[&str]) -> Result<(Traits, bool), DecodeError> {
    let (traits, weak) = all_traits(message, kind, ids, emails);
    if traits.len() > MAX_PROPERTIES {
        let cause = format!("`traits` and `context.traits` name {} traits, more than {MAX_PROPERTIES}", traits.len());
        return Err(DecodeError::new("too_many_properties", cause, "send fewer; an object counts by its members"));
    }
    Ok((traits, weak))
}

fn all_traits(message: &Json<'_>, kind: EventKind, ids: &Ids<'_>, emails: &[&str]) -> (Traits, bool) {
    let mut traits = Traits::default();
    match kind {
        EventKind::Alias => {}
        EventKind::Group => {
            traits.lay_over("company", message.get("traits"));
            traits.set_text("company.id", ids.group.as_deref());
        }
        EventKind::Identify => {
            traits.lay_over("", message.at(&["context", "traits"]));
            traits.lay_over("", message.get("traits"));
            traits = traits.with_full_name();
        }
        EventKind::Track | EventKind::Page | EventKind::Screen => {
            traits.lay_over("", message.at(&["context", "traits"]));
            traits.fill_only();
            if !traits.has("email") {
                let address = emails.iter().find(|email| Identifier::email(email).is_some());
                traits.set_text("email", address.copied());
            }
            return (traits.with_full_name(), true);
        }
    }
    (traits, false)
}

fn is_from_browser(message: &Json<'_>) -> bool {
    let text = |path: &[&str]| message.at(path).and_then(Json::as_text);
    let channel = text(&["channel"]).or_else(|| text(&["context", "channel"]));
    channel == Some("browser")
        || channel == Some("web")
        || text(&["context", "library", "name"]) == Some("analytics.js")
}
