//! Zoho's JSON as it is on the wire, where it is not rows of records (`rows`). Every member is optional: they differ by
//! organisation and version.

use std::fmt;

use connector_http::redact;
use serde::de::{self, Deserialize, Deserializer, Visitor};

/// An id: 64 bits in decimal, as a string or, at some places, as a number.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(pub String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;
        impl Visitor<'_> for Digits {
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
        }
        deserializer.deserialize_any(Digits)
    }
}

/// Whether this can be an id of Zoho's: anything else would be a request of another shape.
pub(crate) fn is_id(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit())
}

/// A refusal, of a whole call or of one row.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Fault {
    pub code: String,
    pub message: String,
    pub status: String,
    #[serde(deserialize_with = "lenient")]
    pub details: Details,
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Details {
    pub api_name: Option<String>,
    pub param_name: Option<String>,
    pub id: Option<Id>,
    pub duplicate_record: Option<Existing>,
    pub errors: Vec<Fault>,
    pub limit: Option<serde_json::Value>,
    #[serde(rename = "Modified_Time")]
    pub modified_time: Option<String>,
}

#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Existing {
    pub id: Option<Id>,
}

/// Details of another shape than documented are no details.
fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Details, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// Some refusals of whole calls come wrapped like those of rows.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Wrapped {
    data: Vec<Fault>,
}

impl Fault {
    /// What a body says; anything that is no refusal of Zoho's (a page of its front door) says nothing.
    pub fn read(body: &[u8]) -> Self {
        let bare: Self = serde_json::from_slice(body).unwrap_or_default();
        if !bare.code.is_empty() {
            return bare;
        }
        let wrapped: Wrapped = serde_json::from_slice(body).unwrap_or_default();
        wrapped.data.into_iter().next().unwrap_or_default()
    }

    pub fn is(&self, code: &str) -> bool {
        self.code == code
    }

    pub fn is_success(&self) -> bool {
        self.status.eq_ignore_ascii_case("success") || self.code == "SUCCESS"
    }

    /// `Zoho answered 400 INVALID_MODULE: the module name given seems to be invalid`.
    pub fn cause(&self, status: u16) -> String {
        let code = match redact::message(&self.code) {
            code if code.is_empty() => code,
            code => format!(" {code}"),
        };
        let about = [self.details.param_name.as_deref(), self.details.api_name.as_deref()];
        let about = about.into_iter().flatten().next().map(|name| format!(" ({})", redact::identifier(name)));
        let message = match redact::message(&self.message) {
            message if message.is_empty() => message,
            message => format!(": {message}"),
        };
        format!("Zoho answered {status}{code}{message}{}", about.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_bare_and_wrapped() {
        let bare = br#"{"code":"REQUIRED_PARAM_MISSING","details":{"param_name":"fields"},"message":"One of the expected parameter is missing","status":"error"}"#;
        assert_eq!(
            Fault::read(bare).cause(400),
            "Zoho answered 400 REQUIRED_PARAM_MISSING: One of the expected parameter is missing (fields)"
        );
        let wrapped =
            br#"{"data":[{"code":"INVALID_DATA","details":{"api_name":"id"},"message":"m","status":"error"}]}"#;
        assert_eq!(Fault::read(wrapped).details.api_name.as_deref(), Some("id"));
        assert_eq!(Fault::read(b"<html>").cause(502), "Zoho answered 502");
        assert_eq!(Fault::read(br#"{"code":"X","details":[1]}"#).code, "X");
    }

    #[test]
    fn ids_are_digits_whatever_they_come_as() {
        let ids: Vec<Id> = serde_json::from_str(r#"["5545974000000411001", 5545974000000411001]"#).unwrap();
        assert_eq!(ids[0], ids[1]);
        assert!(is_id("5545974000000411001"));
        for bad in ["", "12a", "1,2", "../1", "123456789012345678901"] {
            assert!(!is_id(bad), "{bad}");
        }
    }
}
