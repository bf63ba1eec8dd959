//! An id for messages that have none (`cdp-semantics` §1.3): in a file a hash of what the message says, so that a second import
//! of the same file adds nothing; over the wire a drawn one, for nobody can tell a second message from a second sending.

use connector::Entropy;
use sha2::{Digest, Sha256};

use super::canonical::canonical;
use super::said::said;
use crate::expr::Json;

/// `file:` and the SHA-256 of the canonical JSON of type, ids, name, original timestamp and properties or traits. Where the
/// message names nobody by id, the e-mail address it gives is hashed too, or two people's clicks of one second were one. Two
/// truly identical lines are one event.
pub(super) fn of_import(kind: &str, message: &Json<'_>) -> String {
    let given = |key: &str| message.get(key).filter(|value| !matches!(value, Json::Null));
    let about_person = matches!(kind, "identify" | "group");
    let content =
        if about_person { given("traits").or_else(|| message.at(&["context", "traits"])) } else { given("properties") };
    let nobody = given("userId").is_none() && given("anonymousId").is_none() && !about_person;
    let parts = [
        given("userId"),
        given("anonymousId"),
        given("previousId"),
        given("groupId"),
        given("event").or_else(|| given("name")),
        given("originalTimestamp").or_else(|| given("timestamp")),
        content,
        message.at(&["context", "traits"]).filter(|_| nobody).and_then(|traits| said(traits, "email")),
    ];
    let mut text = format!("[\"{kind}\"");
    for part in parts {
        text.push(',');
        canonical(part.unwrap_or(&Json::Null), &mut text);
    }
    text.push(']');
    format!("file:{}", hex::encode(Sha256::digest(text.as_bytes())))
}

/// A random UUID (version 4). A client that retries without ids is counted twice.
pub(super) fn drawn(entropy: &dyn Entropy) -> String {
    let bits = (u128::from(entropy.next_u64()) << 64) | u128::from(entropy.next_u64());
    uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> String {
        of_import("track", &Json::parse(text).unwrap())
    }

    #[test]
    fn the_same_message_has_the_same_id_however_it_is_written() {
        let plain = id(r#"{"event":"A","userId":"u","timestamp":"2026-03-02","properties":{"a":1,"b":[2.50,"x"]}}"#);
        assert_eq!(plain.len(), 69);
        let other = r#" { "properties": {"b": [2.5, "\u0078"], "a": 0, "a": 1}, "userId": "u", "event": "A",
            "timestamp": "2026-03-02", "sentAt": "2026-03-03", "anonymousId": null } "#;
        assert_eq!(id(other), plain);
        for changed in [
            r#"{"event":"B","userId":"u","timestamp":"2026-03-02","properties":{"a":1,"b":[2.50,"x"]}}"#,
            r#"{"event":"A","userId":"v","timestamp":"2026-03-02","properties":{"a":1,"b":[2.50,"x"]}}"#,
            r#"{"event":"A","userId":"u","timestamp":"2026-03-01","properties":{"a":1,"b":[2.50,"x"]}}"#,
            r#"{"event":"A","userId":"u","timestamp":"2026-03-02","properties":{"a":1,"b":[2.50,"y"]}}"#,
        ] {
            assert_ne!(id(changed), plain, "{changed}");
        }
    }

    #[test]
    fn two_people_without_ids_are_two() {
        let click = |email: &str| id(&format!(r#"{{"event":"A","context":{{"traits":{{"email":"{email}"}}}}}}"#));
        assert_ne!(click("a@acme.example"), click("b@acme.example"));
    }
}
