//! What a message says.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::Timestamp;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::model::canonical::to_json;
use crate::model::{Crossing, Family, Identifier, IdentifierKind, Profile, TransitionKind, email_sha256};
use crate::store::{MessageCause, WebhookMessage};

/// What of a person a receiver is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    pub traits: Vec<Arc<str>>,
    pub identifiers: Vec<Family>,
}

/// What a receiver recognises a message by.
pub fn message_id(uid: Uuid) -> String {
    format!("msg_{}", uid.simple())
}

/// The document of a message. Of a person who does not allow it any more it says who is meant and no trait.
pub fn body(message: &WebhookMessage, shape: &Shape) -> String {
    let mut document = json!({
        "id": message_id(message.uid),
        "type": event(message.kind, message.direction),
        "at": message.at,
        "name": message.name,
        "cause": message.cause,
        "inside": message.inside,
        "profile": {
            "id": message.profile.uid,
            "formerly": message.formerly,
            "identifiers": identifiers(&message.identifiers, &shape.identifiers),
        },
    });
    if message.may_tell {
        document["profile"]["traits"] = traits(&message.profile, &shape.traits);
        if message.kind == TransitionKind::Band {
            document["score"] = json!({ "value": message.score, "grade": message.grade, "reasons": message.reasons });
        }
    }
    document.to_string()
}

/// A message about nobody, to try a receiver with.
pub fn sample(uid: Uuid, now: Timestamp, shape: &Shape) -> String {
    let traits: Map<String, Json> = shape.traits.iter().map(|name| (name.to_string(), Json::Null)).collect();
    let none: Map<String, Json> =
        shape.identifiers.iter().map(|family| (family.as_str().to_owned(), json!([]))).collect();
    json!({
        "id": message_id(uid),
        "type": "test",
        "at": now,
        "name": "test",
        "cause": MessageCause::Crossed,
        "inside": false,
        "profile": { "id": Uuid::nil(), "formerly": [], "identifiers": none, "traits": traits },
    })
    .to_string()
}

fn event(kind: TransitionKind, direction: Crossing) -> String {
    let moved = match direction {
        Crossing::In => "entered",
        Crossing::Out => "exited",
    };
    format!("{kind}.{moved}")
}

fn traits(profile: &Profile, names: &[Arc<str>]) -> Json {
    names.iter().map(|name| (name.to_string(), to_json(profile.value(name)))).collect::<Map<String, Json>>().into()
}

/// By kind, each a list: a person may have several of one.
fn identifiers(all: &[Identifier], wanted: &[Family]) -> Json {
    let mut by_kind: BTreeMap<String, Vec<Json>> = BTreeMap::new();
    for family in wanted {
        if *family == Family::EmailSha256 {
            let hashed = all.iter().filter_map(|one| match one.kind {
                IdentifierKind::Email => Some(email_sha256(&one.value)),
                IdentifierKind::EmailSha256 => Some(one.value.to_string()),
                _ => None,
            });
            let mut hashed: Vec<String> = hashed.collect();
            hashed.sort();
            hashed.dedup();
            by_kind.insert(family.as_str().to_owned(), hashed.into_iter().map(Json::from).collect());
            continue;
        }
        if !matches!(family, Family::Custom | Family::Device) {
            by_kind.entry(family.as_str().to_owned()).or_default();
        }
        for one in all.iter().filter(|one| one.kind.family() == *family) {
            let (name, value) = match &one.kind {
                IdentifierKind::Crm { connection, object } => (
                    family.as_str(),
                    json!({ "connection": connection.as_str(), "object": object.as_str(), "id": one.value }),
                ),
                IdentifierKind::Custom(name) => (&**name, json!(one.value)),
                IdentifierKind::Device(id) => (id.as_str(), json!(one.value)),
                _ => (family.as_str(), json!(one.value)),
            };
            by_kind.entry(name.to_owned()).or_default().push(value);
        }
    }
    json!(by_kind)
}

#[cfg(test)]
mod tests {
    use connector::Value;

    use super::*;
    use crate::model::{ProfileId, ProfileUid};
    use crate::store::MessageId;

    fn message(may_tell: bool) -> WebhookMessage {
        let profile = Profile {
            id: ProfileId(1),
            uid: ProfileUid(Uuid::from_u128(7)),
            first_seen: Timestamp::EPOCH,
            known: true,
            attributes: BTreeMap::new(),
            computed: [("visits_30d".into(), Value::from(4))].into(),
            computed_at: None,
        };
        WebhookMessage {
            id: MessageId(1),
            uid: Uuid::from_u128(9),
            cause: MessageCause::Crossed,
            kind: TransitionKind::Band,
            name: "lead.mql".into(),
            direction: Crossing::In,
            at: Timestamp::from_secs(60),
            score: Some(71.5),
            grade: Some("A1".into()),
            reasons: Some("Pricing page".into()),
            inside: true,
            profile,
            formerly: Vec::new(),
            identifiers: ["email:ada@acme.example", "crm:acme:contact:5", "anonymous_id:a-1"]
                .iter()
                .filter_map(|key| Identifier::parse_key(key))
                .collect(),
            may_tell,
            attempts: 0,
            first_sent_at: Timestamp::EPOCH,
        }
    }

    fn shape() -> Shape {
        Shape {
            traits: vec!["visits_30d".into(), "first_name".into()],
            identifiers: vec![Family::Email, Family::EmailSha256, Family::UserId, Family::Crm],
        }
    }

    #[test]
    fn it_says_who_what_and_why_and_nothing_that_was_not_asked_for() {
        let told: Json = serde_json::from_str(&body(&message(true), &shape())).unwrap();
        let want = json!({
            "id": "msg_00000000000000000000000000000009",
            "type": "band.entered",
            "at": "1970-01-01T00:01:00Z",
            "name": "lead.mql",
            "cause": "crossed",
            "inside": true,
            "profile": {
                "id": "00000000-0000-0000-0000-000000000007",
                "formerly": [],
                "identifiers": {
                    "email": ["ada@acme.example"],
                    "email_sha256": [email_sha256("ada@acme.example")],
                    "user_id": [],
                    "crm": [{ "connection": "acme", "object": "contact", "id": "5" }],
                },
                "traits": { "visits_30d": 4, "first_name": null },
            },
            "score": { "value": 71.5, "grade": "A1", "reasons": "Pricing page" },
        });
        assert_eq!(told, want);
    }

    #[test]
    fn of_whoever_does_not_allow_it_it_says_who_and_no_more() {
        let told: Json = serde_json::from_str(&body(&message(false), &shape())).unwrap();
        assert!(told.get("score").is_none() && told["profile"].get("traits").is_none(), "{told}");
        assert_eq!(told["profile"]["identifiers"]["email"], json!(["ada@acme.example"]));
    }
}
