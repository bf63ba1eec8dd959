//! An id for messages that have none (`cdp-semantics` §1.3): in a file a hash of what the message says, so that a second import
//! of the same file adds nothing; over the wire a drawn one, for nobody can tell a second message from a second sending.

use std::fmt::Write as _;

use connector::Entropy;
use sha2::{Digest, Sha256};

use crate::expr::Json;

/// `file:` and the SHA-256 of the canonical JSON of type, ids, name, original timestamp and properties or traits. Where the
/// message names nobody by id, the e-mail address it gives is hashed too, or two people's clicks of one second were one. Two
/// truly identical lines are one event.
pub(super) fn of_import(kind: &str, message: &Json<'_>) -> String {
    let given = |key: &str| message.get(key).filter(|value| !matches!(value, Json::Null));
    let about_person = matches!(kind, "identify" | "group");
    let said =
        if about_person { given("traits").or_else(|| message.at(&["context", "traits"])) } else { given("properties") };
    let nobody = given("userId").is_none() && given("anonymousId").is_none() && !about_person;
    let parts = [
        given("userId"),
        given("anonymousId"),
        given("previousId"),
        given("groupId"),
        given("event").or_else(|| given("name")),
        given("originalTimestamp").or_else(|| given("timestamp")),
        said,
        message.at(&["context", "traits", "email"]).filter(|_| nobody),
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

/// JSON with sorted keys, without spaces, of repeated keys the last.
fn canonical(value: &Json<'_>, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        // Writing to a text cannot fail.
        Json::Int(number) => drop(write!(out, "{number}")),
        Json::Float(number) => drop(write!(out, "{number}")),
        Json::Text(text) => quote(text, out),
        Json::List(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            let mut last: Vec<(&str, &Json<'_>)> = Vec::with_capacity(members.len());
            let mut sorted: Vec<&(_, _)> = members.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            for (key, value) in sorted {
                match last.last_mut() {
                    Some(before) if before.0 == key => before.1 = value,
                    _ => last.push((key, value)),
                }
            }
            out.push('{');
            for (place, (key, value)) in last.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                quote(key, out);
                out.push(':');
                canonical(value, out);
            }
            out.push('}');
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
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
