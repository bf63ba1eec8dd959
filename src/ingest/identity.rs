//! Who a message names: ids and e-mail addresses, normalised and without blocked values.

use std::borrow::Cow;
use std::sync::Arc;

use super::said::said;
use crate::enrich::normal_event_name;
use crate::expr::Json;
use crate::model::{DeviceId, EventKind, Identifier, IdentityRules, Region};

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
pub(super) fn id<'a>(message: &'a Json<'_>, key: &'static str) -> Result<Option<Cow<'a, str>>, InvalidId> {
    match message.get(key) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(text)) => {
            let trimmed = text.trim();
            Ok((!trimmed.is_empty()).then(|| without_controls(trimmed)))
        }
        Some(Json::Float(number)) => Ok(Some(number.to_string().into())),
        Some(number) => number.as_digits().map(Some).ok_or(InvalidId(key)),
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
    let of = |holder: &'a Json<'a>| said(holder, "email").and_then(Json::as_text);
    let mut found = Vec::new();
    found.extend(person(message, kind).find_map(of));
    if kind == EventKind::Track
        && let Some(email) = message.get("properties").and_then(of)
        && let Some(name) = name.map(normal_event_name)
        && (name == "form submitted" || name.starts_with("order ") || name.starts_with("email "))
    {
        found.push(email);
    }
    found
}

/// Identifiers by the rules, strongest first. The previous id of an alias is given both as a user id and as an anonymous id: it
/// may be known as either. A self-alias names one person once.
pub(super) fn identifiers(
    message: &Json<'_>,
    ids: &Ids<'_>,
    emails: &[&str],
    kind: EventKind,
    rules: &IdentityRules,
) -> Vec<Identifier> {
    let mut found: Vec<Identifier> = Vec::with_capacity(4);
    found.extend(ids.user.as_deref().and_then(Identifier::user_id));
    if kind == EventKind::Alias {
        // An alias tells of two ids and of nothing else.
        if let Some(previous) = ids.previous.as_deref().filter(|previous| ids.user.as_deref() != Some(*previous)) {
            found.extend(Identifier::user_id(previous));
            found.extend(Identifier::anonymous_id(previous));
        }
        return rules.ordered(&found);
    }
    found.extend(ids.anonymous.as_deref().and_then(Identifier::anonymous_id));
    found.extend(emails.iter().filter_map(|email| Identifier::email(email)));
    if let Some(context) = message.get("context") {
        found.extend(device_ids(context));
    }
    found.extend(phones(message, kind, rules));
    found.extend(custom_ids(message, rules));
    for external in external_ids(message) {
        found.extend(external.identifier(rules));
    }
    rules.ordered(&found)
}

/// Where a message speaks of its person: identify traits, then the person in the context.
fn person<'a>(message: &'a Json<'a>, kind: EventKind) -> impl Iterator<Item = &'a Json<'a>> {
    let own = (kind == EventKind::Identify).then(|| message.get("traits")).flatten();
    own.into_iter().chain(message.at(&["context", "traits"]))
}

/// Phones of the person, and of a call: `phone` of its properties. Read in the configured region, else in the person's country.
fn phones(message: &Json<'_>, kind: EventKind, rules: &IdentityRules) -> Option<Identifier> {
    let is_call = || {
        let name = message.get("event").and_then(Json::as_text).map(normal_event_name);
        name.is_some_and(|name| name.starts_with("call "))
    };
    let properties = message.get("properties").filter(|_| kind == EventKind::Track);
    let of_call = properties.filter(|properties| said(properties, "phone").is_some() && is_call());
    let phone = person(message, kind).chain(of_call).find_map(|holder| said(holder, "phone"))?;
    let text = phone.as_text().map(Cow::Borrowed).or_else(|| phone.as_digits())?;
    let country = |place: &Json<'_>| {
        let of_address = || said(place, "address").and_then(|address| said(address, "country"));
        said(place, "country").or_else(of_address).and_then(Json::as_text).and_then(Region::of_code)
    };
    let region = rules.default_region.or_else(|| person(message, kind).chain(of_call).find_map(country));
    Identifier::phone(&text, region)
}

/// `loyalty_id` and what `[identity.custom]` names, wherever a message says it: of the person or among properties.
fn custom_ids(message: &Json<'_>, rules: &IdentityRules) -> Vec<Identifier> {
    let places = [message.get("traits"), message.at(&["context", "traits"]), message.get("properties")];
    let named = |name: &Arc<str>| {
        let found = places.iter().flatten().find_map(|place| said(place, name))?;
        Identifier::custom(name, &found.as_text().map(Cow::Borrowed).or_else(|| found.as_digits())?)
    };
    rules.custom.keys().filter_map(named).collect()
}

/// What the SDK of an app says of its device; advertising ids only where the person lets them be used.
fn device_ids<'a>(context: &'a Json<'a>) -> impl Iterator<Item = Identifier> + 'a {
    let device = context.get("device");
    let text = move |key: &'static str| device.and_then(|device| id(device, key).ok().flatten());
    let sort = text("type").map(|sort| sort.to_ascii_lowercase());
    let (own, advertising) = match sort.as_deref() {
        Some("ios") => (Some(DeviceId::IosId), Some(DeviceId::IosIdfa)),
        Some("android") => (Some(DeviceId::AndroidId), Some(DeviceId::AndroidIdfa)),
        _ => (None, None),
    };
    let may_track = device.and_then(|device| device.get("adTrackingEnabled")) == Some(&Json::Bool(true));
    let own = own.and_then(|kind| Identifier::device(kind, &text("id")?));
    let advertising =
        advertising.filter(|_| may_track).and_then(|kind| Identifier::device(kind, &text("advertisingId")?));
    own.into_iter().chain(advertising)
}

/// One of `context.externalIds`.
struct External<'a> {
    sort: &'a str,
    value: Cow<'a, str>,
}

/// Most external ids read of one message.
const MOST_EXTERNAL: usize = 50;

fn external_ids<'a>(message: &'a Json<'a>) -> impl Iterator<Item = External<'a>> {
    let list = match message.at(&["context", "externalIds"]) {
        Some(Json::List(items)) => items.as_slice(),
        _ => &[],
    };
    list.iter().take(MOST_EXTERNAL).filter_map(|item| {
        let text = |key: &str| item.get(key).and_then(Json::as_text);
        // Ids of accounts and encoded ones name no person that we could compare.
        let of_users = text("collection").is_none_or(|collection| collection.eq_ignore_ascii_case("users"));
        let plain = text("encoding").is_none_or(|encoding| encoding.eq_ignore_ascii_case("none"));
        let value = id(item, "id").ok().flatten()?;
        (of_users && plain).then_some(External { sort: text("type")?, value })
    })
}

impl External<'_> {
    fn identifier(&self, rules: &IdentityRules) -> Option<Identifier> {
        match self.sort {
            "user_id" => Identifier::user_id(&self.value),
            "anonymous_id" => Identifier::anonymous_id(&self.value),
            "email" => Identifier::email(&self.value),
            "email_sha256" => Identifier::email_sha256(&self.value),
            "phone" => Identifier::phone(&self.value, rules.default_region),
            sort => match DeviceId::of_name(sort) {
                Some(device) => Identifier::device(device, &self.value),
                None => {
                    let (name, _) = rules.custom.get_key_value(sort)?;
                    Identifier::custom(name, &self.value)
                }
            },
        }
    }
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
