//! HubSpot's JSON as it is on the wire, where it is not rows of records (`rows`). Every field is optional: HubSpot's
//! own description and its answers disagree about which are there.

use std::collections::BTreeMap;
use std::fmt;

use connector_http::redact;
use serde::de::{self, Deserialize, Deserializer, Visitor};

/// An id, which HubSpot writes as a string in most places and as a number in some.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(pub String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }

            fn visit_str<E: de::Error>(self, id: &str) -> Result<Id, E> {
                Ok(Id(id.to_owned()))
            }

            fn visit_u64<E: de::Error>(self, id: u64) -> Result<Id, E> {
                Ok(Id(id.to_string()))
            }

            fn visit_i64<E: de::Error>(self, id: i64) -> Result<Id, E> {
                Ok(Id(id.to_string()))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Paging {
    pub next: Option<Next>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Next {
    pub after: Option<Id>,
}

impl Paging {
    pub fn after(self) -> Option<String> {
        self.next.and_then(|next| next.after).map(|after| after.0).filter(|after| !after.is_empty())
    }
}

/// The error envelope, of a whole call or of one row of a batch.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Envelope {
    pub message: Option<String>,
    pub category: Option<String>,
    pub sub_category: Option<String>,
    pub policy_name: Option<String>,
    pub correlation_id: Option<String>,
    pub id: Option<Id>,
    pub context: Context,
    pub errors: Vec<Detail>,
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Detail {
    pub message: Option<String>,
    #[serde(alias = "error")]
    pub code: Option<String>,
    pub name: Option<String>,
    pub context: Context,
}

/// Names to lists of words. HubSpot also writes single words and numbers here.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Context(BTreeMap<String, serde_json::Value>);

impl Context {
    pub fn words(&self, name: &str) -> Vec<String> {
        let word = |value: &serde_json::Value| match value {
            serde_json::Value::String(word) => Some(word.clone()),
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        match self.0.get(name) {
            Some(serde_json::Value::Array(items)) => items.iter().filter_map(word).collect(),
            Some(single) => word(single).into_iter().collect(),
            None => Vec::new(),
        }
    }
}

/// HubSpot puts the validation errors into the message where it leaves out `errors`.
const EMBEDDED: &str = "Property values were not valid: ";

impl Envelope {
    /// Reads what can be read; anything else (HTML from the front door) is an empty envelope.
    pub fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    pub fn message_has(&self, words: &str) -> bool {
        self.message.as_ref().is_some_and(|message| message.to_ascii_lowercase().contains(words))
    }

    pub fn is(&self, category: &str) -> bool {
        self.category.as_deref() == Some(category)
    }

    /// `HubSpot answered 403 MISSING_SCOPES: …`, without values.
    pub fn cause(&self, status: u16) -> String {
        let category = self.category.as_deref().map(|word| format!(" {}", redact::message(word))).unwrap_or_default();
        // A validation message quotes the values it refuses.
        let message = match &self.message {
            Some(message) if !message.starts_with(EMBEDDED) => format!(": {}", redact::message(message)),
            _ => String::new(),
        };
        format!("HubSpot answered {status}{category}{message}")
    }

    pub fn missing_scopes(&self) -> Option<String> {
        let scopes: Vec<String> =
            self.errors.iter().flat_map(|detail| detail.context.words("requiredGranularScopes")).collect();
        (!scopes.is_empty()).then(|| redact::message(&scopes.join(", ")))
    }

    /// The single errors, from `errors` or from inside the message.
    pub fn details(&self) -> Vec<Detail> {
        if !self.errors.is_empty() {
            return self.errors.clone();
        }
        let embedded = self.message.as_deref().and_then(|message| message.strip_prefix(EMBEDDED));
        embedded.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_strings_whatever_they_look_like() {
        let ids: Vec<Id> = serde_json::from_str(r#"["501", 552148386511, 18446744073709551615]"#).unwrap();
        assert_eq!(
            ids.iter().map(|id| id.0.as_str()).collect::<Vec<_>>(),
            ["501", "552148386511", "18446744073709551615"]
        );
    }

    #[test]
    fn validation_errors_are_found_inside_the_message() {
        let body = r#"{"status":"error","message":"Property values were not valid: [{\"isValid\":false,\"message\":\"Property \\\"no_such\\\" does not exist\",\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"no_such\"}]","category":"VALIDATION_ERROR"}"#;
        let envelope = Envelope::read(body.as_bytes());
        let details = envelope.details();
        assert_eq!(details.len(), 1);
        assert_eq!(details[0].code.as_deref(), Some("PROPERTY_DOESNT_EXIST"));
        assert_eq!(details[0].name.as_deref(), Some("no_such"));
        assert_eq!(envelope.cause(400), "HubSpot answered 400 VALIDATION_ERROR");
    }

    #[test]
    fn what_is_not_json_is_an_empty_envelope() {
        let envelope = Envelope::read(b"<html>");
        assert_eq!(envelope.cause(502), "HubSpot answered 502");
        assert!(envelope.details().is_empty());
    }
}
