//! Dataverse's errors as they are on the wire: `{"error":{"code","message"}}`, a code that may be empty, HTML from a gateway.
//! What leaves here carries no value.

use connector_http::redact;
use serde::Deserialize;

/// One error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Fault {
    #[serde(deserialize_with = "text")]
    pub code: String,
    #[serde(deserialize_with = "text")]
    pub message: String,
    innererror: Inner,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Inner {
    #[serde(deserialize_with = "text")]
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    error: Fault,
}

/// A member that may be null.
fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}

/// What is said right before a value is quoted.
const VALUE_FOLLOWS: &[&str] = &["literal '", "value '", "value of '", "the value ", "Value: "];

impl Fault {
    /// The error of a refusal; an empty one where the body is something else.
    pub fn read(body: &[u8]) -> Self {
        let mut fault = serde_json::from_slice::<Body>(body).unwrap_or_default().error;
        if fault.code == "0x0" {
            fault.code.clear();
        }
        fault
    }

    /// Codes are hexadecimal and come in both cases.
    pub fn is(&self, code: &str) -> bool {
        self.code.eq_ignore_ascii_case(code)
    }

    /// The message, with what its inner error adds.
    pub fn said(&self) -> String {
        match self.innererror.message.as_str() {
            "" => self.message.clone(),
            inner if self.message.contains(inner) => self.message.clone(),
            inner => format!("{} {inner}", self.message),
        }
    }

    /// The message without values and without the XML that names other records.
    pub fn words(&self) -> String {
        let told = self.message.split_once('<').map_or(self.message.as_str(), |(before, _)| before);
        let quoted = VALUE_FOLLOWS.iter().filter_map(|phrase| told.find(phrase).map(|at| at + phrase.len())).min();
        match quoted.and_then(|at| told.get(..at)) {
            Some(before) => format!("{}…", redact::message(before)),
            None => redact::message(told),
        }
    }

    /// `Dynamics answered 400 0x80060888: …`
    pub fn cause(&self, status: u16) -> String {
        let code = redact::identifier(&self.code);
        let words = self.words();
        let space = if code.is_empty() { "" } else { " " };
        let colon = if words.is_empty() { "" } else { ": " };
        format!("Dynamics answered {status}{space}{code}{colon}{words}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_read_whatever_is_missing() {
        let fault = Fault::read(br#"{"error":{"code":"0x80040217","message":"contact With Id = c0000000-0000-0000-0000-0000000000ff Does Not Exist"}}"#);
        assert!(fault.is("0X80040217"));
        assert_eq!(fault.cause(404), "Dynamics answered 404 0x80040217: contact With Id = <redacted> Does Not Exist");
        assert_eq!(Fault::read(br#"{"error":{"code":"0x0","message":null}}"#), Fault::default());
        assert_eq!(Fault::read(b"<html>bad gateway</html>").cause(502), "Dynamics answered 502");
        let inner =
            Fault::read(br#"{"error":{"message":"Error identified","innererror":{"message":"no property 'x'"}}}"#);
        assert_eq!(inner.said(), "Error identified no property 'x'");
    }

    #[test]
    fn values_and_other_records_stay_out() {
        let fault = |message: &str| Fault { message: message.into(), ..Fault::default() }.words();
        assert_eq!(
            fault("Cannot convert the literal 'Ada Larsen' to the expected type"),
            "Cannot convert the literal '…"
        );
        assert_eq!(fault("Entity Key k violated. <Error><Id>1</Id></Error>"), "Entity Key k violated.");
        assert_eq!(fault("see ada@acme.example"), "see <address>");
    }
}
