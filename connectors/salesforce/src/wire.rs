//! Salesforce's errors as they are on the wire: `errorCode` at most resources, `statusCode` in batches, an object instead
//! of a list at some, HTML from the front door. What leaves here carries no value and no query.

use connector_http::redact;
use serde::Deserialize;

/// One error, whatever its spelling.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Fault {
    #[serde(rename = "errorCode", alias = "statusCode", alias = "exceptionCode", alias = "error")]
    pub code: String,
    #[serde(alias = "exceptionMessage", alias = "error_description")]
    pub message: String,
    pub fields: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    Many(Vec<Fault>),
    One(Fault),
}

impl Fault {
    /// The errors of a refusal; none where the body is something else.
    pub fn read(body: &[u8]) -> Vec<Self> {
        match serde_json::from_slice(body) {
            Ok(Body::Many(faults)) => faults,
            Ok(Body::One(fault)) => vec![fault],
            Err(_) => Vec::new(),
        }
    }

    /// The first error, or an empty one.
    pub fn first(body: &[u8]) -> Self {
        Self::read(body).into_iter().next().unwrap_or_default()
    }

    pub fn is(&self, code: &str) -> bool {
        self.code == code
    }

    /// The message without the values and the query that Salesforce quotes in it.
    pub fn words(&self) -> String {
        let told = match self.message.split_once("ERROR at Row:") {
            // The query stands before, its place on the same line; what is wrong comes after.
            Some((_, after)) => after.split_once('\n').map_or("", |(_, told)| told),
            None => &self.message,
        };
        let quoted = VALUE_FOLLOWS.iter().filter_map(|phrase| told.find(phrase).map(|at| at + phrase.len())).min();
        match quoted.and_then(|at| told.get(..at)) {
            Some(before) => format!("{}<redacted>", redact_message(before)),
            None => redact_message(told),
        }
    }

    /// `Salesforce answered 400 INVALID_FIELD: No such column …`
    pub fn cause(&self, status: u16) -> String {
        let code = redact::identifier(&self.code);
        let words = self.words();
        let space = if code.is_empty() { "" } else { " " };
        let colon = if words.is_empty() { "" } else { ": " };
        format!("Salesforce answered {status}{space}{code}{colon}{words}")
    }
}

/// What Salesforce says right before it quotes a value.
const VALUE_FOLLOWS: &[&str] = &[
    "on numeric field: ",
    "picklist field: ",
    "data value too large: ",
    "email address: ",
    "incorrect type: ",
    "malformed id ",
    "invalid ID field: ",
    "Duplicate external id specified: ",
    "Foreign key external ID: ",
    "Cannot deserialize instance of ",
    "Unexpected character ",
];

fn redact_message(text: &str) -> String {
    let kept = redact::message(text);
    if text.ends_with(' ') && !kept.is_empty() { format!("{kept} ") } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(message: &str) -> String {
        Fault { message: message.into(), ..Fault::default() }.words()
    }

    #[test]
    fn every_spelling_is_read() {
        let code = |body: &str| Fault::first(body.as_bytes()).code;
        assert_eq!(code(r#"[{"message":"m","errorCode":"NOT_FOUND","fields":[]}]"#), "NOT_FOUND");
        assert_eq!(code(r#"[{"statusCode":"STRING_TOO_LONG","message":"m"}]"#), "STRING_TOO_LONG");
        assert_eq!(code(r#"{"errorCode":"API_ERROR","message":"m"}"#), "API_ERROR");
        assert_eq!(code(r#"{"error":"invalid_grant"}"#), "invalid_grant");
        assert_eq!(code("<html>"), "");
        assert_eq!(Fault::first(b"<html>").cause(502), "Salesforce answered 502");
    }

    #[test]
    fn neither_a_query_nor_a_value_leaves() {
        let soql = "\nSELECT Id FROM Contact WHERE Email = 'ada@acme.example' AND Nope = 1\n     ^\nERROR at Row:1:Column:52\nNo such column 'Nope' on entity 'Contact'.";
        assert_eq!(words(soql), "No such column 'Nope' on entity 'Contact'.");
        assert_eq!(
            words("CDP Score: value outside of valid range on numeric field: 12345678"),
            "CDP Score: value outside of valid range on numeric field: <redacted>"
        );
        assert_eq!(
            words("CDP Stage: bad value for restricted picklist field: a: secret"),
            "CDP Stage: bad value for restricted picklist field: <redacted>"
        );
        assert!(!words("Segments: data value too large: my secret (max length=255)").contains("secret"));
        assert_eq!(words("Required fields are missing: [LastName]"), "Required fields are missing: [LastName]");
    }
}
