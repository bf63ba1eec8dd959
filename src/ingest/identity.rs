//! Who a message names: ids and e-mail addresses, normalised and without blocked values.

use std::borrow::Cow;

use crate::enrich::normal_event_name;
use crate::expr::Json;
use crate::model::{EventKind, Identifier};

/// The ids a message carries, as sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids<'a> {
    pub user: Option<Cow<'a, str>>,
    pub anonymous: Option<Cow<'a, str>>,
    pub previous: Option<Cow<'a, str>>,
    pub group: Option<Cow<'a, str>>,
}

/// A field that must be a text or a number, and is neither.
pub(super) struct InvalidId(pub &'static str);

impl<'a> Ids<'a> {
    pub(super) fn read(message: &'a Json<'a>) -> Result<Self, InvalidId> {
        Ok(Self {
            user: id(message, "userId")?,
            anonymous: id(message, "anonymousId")?,
            previous: id(message, "previousId")?,
            group: id(message, "groupId")?,
        })
    }
}

/// Absent, null and blank are one; a number is its digits.
pub(super) fn id<'a>(message: &'a Json<'a>, key: &'static str) -> Result<Option<Cow<'a, str>>, InvalidId> {
    match message.get(key) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(text)) => {
            let trimmed = text.trim();
            Ok((!trimmed.is_empty()).then(|| without_controls(trimmed)))
        }
        Some(Json::Int(number)) => Ok(Some(number.to_string().into())),
        Some(Json::Float(number)) => Ok(Some(number.to_string().into())),
        Some(_) => Err(InvalidId(key)),
    }
}

fn without_controls(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        text.chars().filter(|c| !c.is_control()).collect::<String>().into()
    } else {
        text.into()
    }
}

/// The e-mail addresses a message gives of its person: identify traits, the person in `context.traits`, and the property
/// `email` of forms, orders and e-mail events only: elsewhere it may be anybody's.
pub(super) fn emails<'a>(message: &'a Json<'a>, kind: EventKind, name: Option<&str>) -> Vec<&'a str> {
    let text = |path: &[&str]| message.at(path).and_then(Json::as_text);
    let mut found = Vec::new();
    if kind == EventKind::Identify {
        found.extend(text(&["traits", "email"]));
    }
    if found.is_empty() {
        found.extend(text(&["context", "traits", "email"]));
    }
    if kind == EventKind::Track
        && let Some(email) = text(&["properties", "email"])
        && let Some(name) = name.map(normal_event_name)
        && (name == "form submitted" || name.starts_with("order ") || name.starts_with("email "))
    {
        found.push(email);
    }
    found
}

/// Identifiers, strongest first. The previous id of an alias is given both as a user id and as an anonymous id: it may be
/// known as either. A self-alias names one person once.
pub(super) fn identifiers(ids: &Ids<'_>, emails: &[&str], kind: EventKind) -> Vec<Identifier> {
    let mut found: Vec<Identifier> = Vec::with_capacity(4);
    found.extend(ids.user.as_deref().and_then(Identifier::user_id));
    found.extend(ids.anonymous.as_deref().and_then(Identifier::anonymous_id));
    found.extend(emails.iter().filter_map(|email| Identifier::email(email)));
    if kind == EventKind::Alias
        && let Some(previous) = ids.previous.as_deref()
        && ids.user.as_deref() != Some(previous)
    {
        found.extend(Identifier::user_id(previous));
        found.extend(Identifier::anonymous_id(previous));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Crawlers by their user agent (`cdp-semantics` §1.6); tools only where a browser was expected.
pub(super) fn is_bot(message: &Json<'_>, from_browser: bool) -> bool {
    const CRAWLERS: &[&str] = &["bot", "crawler", "spider"];
    const TOOLS: &[&str] = &["headlesschrome", "curl/", "python-requests"];
    let agent = message.at(&["context", "userAgent"]).or_else(|| message.at(&["context", "user_agent"]));
    let Some(agent) = agent.and_then(Json::as_text) else { return false };
    let agent = agent.to_ascii_lowercase();
    CRAWLERS.iter().any(|word| agent.contains(word)) || (from_browser && TOOLS.iter().any(|word| agent.contains(word)))
}
