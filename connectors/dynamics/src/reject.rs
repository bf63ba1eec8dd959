//! What Dataverse's refusal of one write means: one table, every code of the reference. Pure.

use std::time::Duration;

use connector::{FieldName, Reason, RecordId, Rejection};
use connector_http::redact;

use crate::dialect::{DEADLOCK, DUPLICATE_RULE, SQL_TIMEOUT};
use crate::odata::is_guid;
use crate::wire::Fault;

/// One write refused; nothing of it was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub status: u16,
    pub fault: Fault,
}

/// What is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Final(Reason),
    /// No row has this id, or this key.
    Missing,
    /// Somebody else's transaction was in the way.
    Locked,
    /// An error without a cause; it may not come twice.
    Unexpected,
    /// One request too many.
    Throttled,
}

/// `tied`: whether the write was tied to a version of the row.
pub(crate) fn meaning(refused: &Refused, tied: bool) -> Meaning {
    use Meaning::{Final, Locked, Missing, Throttled, Unexpected};
    let Refused { status, fault } = refused;
    let is = |code: &str| fault.is(code);
    let said = fault.said();
    let names_no_column = said.contains("Could not find a property named") || said.contains("An undeclared property");
    match status {
        _ if is(DUPLICATE_RULE) => Final(Reason::Duplicate { existing: None }),
        _ if is(DEADLOCK) || is(SQL_TIMEOUT) => Locked,
        429 => Throttled,
        401 | 403 => Final(Reason::Forbidden),
        404 if is("0x80060888") || is("0x8006088a") => Final(Reason::Unsupported),
        404 => Missing,
        405 | 501 => Final(Reason::Unsupported),
        412 if is(KEY_TAKEN) => Final(Reason::Duplicate { existing: holder(&fault.message) }),
        412 if is("0x80040237") => Final(Reason::Duplicate { existing: None }),
        // The other precondition has no code in Microsoft's own samples: what was asked for decides.
        412 if tied || is("0x80060882") => Final(Reason::Conflict),
        412 => Missing,
        400 if is(KEY_TAKEN) => Final(Reason::Duplicate { existing: holder(&fault.message) }),
        400 if names_no_column => Final(Reason::UnknownField),
        400 if is("0x80040217") => Missing,
        400 if is("0x80040216") => Unexpected,
        _ => Final(Reason::Invalid),
    }
}

/// Another row holds the value of an alternate key.
pub(crate) const KEY_TAKEN: &str = "0x80060892";

/// A table that takes no version as a condition.
pub(crate) const NOT_OPTIMISTIC: &str = "0x8006088d";

/// The record that holds a key's value, where the message's XML names it.
fn holder(message: &str) -> Option<RecordId> {
    let lower = message.to_ascii_lowercase();
    let at = lower.find("<id>")? + 4;
    let id = lower.get(at..at + 36)?;
    is_guid(id).then(|| RecordId::from(id))
}

/// The row that is not there, where the refusal names another one than the row written: a look-up was to point to it.
pub(crate) fn missing_target(refused: &Refused, own: Option<&str>) -> Option<String> {
    let said = refused.fault.message.to_ascii_lowercase();
    let mut words = said.split(|c: char| !(c.is_ascii_hexdigit() || c == '-'));
    let named = words.find(|word| is_guid(word)).filter(|named| own != Some(*named));
    named.map(str::to_owned)
}

/// The refusal in the contract's words; of the fields written those that the message names.
pub(crate) fn rejection(reason: Reason, refused: &Refused, written: &[FieldName]) -> Rejection {
    let code = match redact::identifier(&refused.fault.code) {
        code if code.is_empty() => format!("HTTP {}", refused.status),
        code => code,
    };
    let message = match refused.fault.words() {
        text if text.is_empty() => "Dynamics gave no reason".to_owned(),
        text => text,
    };
    Rejection { reason, code: code.into(), message: message.into(), fields: named(&refused.fault, written) }
}

/// The written columns that a message names as words of their own.
fn named(fault: &Fault, written: &[FieldName]) -> Vec<FieldName> {
    let said = fault.said().to_ascii_lowercase();
    let words: Vec<&str> = said.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect();
    written.iter().filter(|name| words.contains(&name.to_ascii_lowercase().as_str())).cloned().collect()
}

/// How long a row that stayed locked is left alone.
pub(crate) const COME_BACK: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, code: &str, message: &str) -> Refused {
        let body = serde_json::json!({ "error": { "code": code, "message": message } });
        Refused { status, fault: Fault::read(body.to_string().as_bytes()) }
    }

    fn means(status: u16, code: &str) -> Meaning {
        meaning(&of(status, code, ""), false)
    }

    #[test]
    fn every_code_of_the_reference_has_its_meaning() {
        use Meaning::{Final, Locked, Missing, Throttled, Unexpected};
        let duplicate = || Final(Reason::Duplicate { existing: None });
        for (status, code, expected) in [
            (400, "0x80060888", Final(Reason::Invalid)),
            (400, "0x80048d19", Final(Reason::Invalid)),
            (400, "0x80044331", Final(Reason::Invalid)),
            (400, "0x8004431A", Final(Reason::Invalid)),
            (400, "0x80040203", Final(Reason::Invalid)),
            (400, "0x80040265", Final(Reason::Invalid)),
            (400, "0x80040216", Unexpected),
            (403, "0x80040220", Final(Reason::Forbidden)),
            (404, "0x80040217", Missing),
            (404, "0x80060891", Missing),
            (404, "", Missing),
            (404, "0x8006088a", Final(Reason::Unsupported)),
            (405, "", Final(Reason::Unsupported)),
            (412, "0x80060882", Final(Reason::Conflict)),
            (412, "0x80060892", duplicate()),
            (412, "0x80040237", duplicate()),
            (412, "0x80040333", duplicate()),
            (500, "0x80040333", duplicate()),
            (500, "0x80044150", Locked),
            (500, "0x80044151", Locked),
            (413, "", Final(Reason::Invalid)),
            (429, "0x80072322", Throttled),
        ] {
            assert_eq!(means(status, code), expected, "{status} {code}");
        }
        assert_eq!(meaning(&of(412, "", ""), true), Final(Reason::Conflict));
        assert_eq!(meaning(&of(412, "", ""), false), Missing);
        let unknown = of(400, "0x80048d19", "Error: Could not find a property named 'nope' on type 'x.contact'.");
        assert_eq!(meaning(&unknown, false), Final(Reason::UnknownField));
    }

    #[test]
    fn a_row_that_is_not_there_is_the_one_written_or_one_that_it_was_to_point_to() {
        let (own, other) = ("c0000000-0000-0000-0000-000000000001", "50000000-0000-0000-0000-0000000000ff");
        let missing = |id: &str| of(404, "0x80040217", &format!("systemuser With Id = {id} Does Not Exist"));
        assert_eq!(missing_target(&missing(own), Some(own)), None);
        assert_eq!(missing_target(&missing(&other.to_uppercase()), Some(own)).as_deref(), Some(other));
        assert_eq!(missing_target(&missing(other), None).as_deref(), Some(other));
        assert_eq!(missing_target(&of(404, "0x80060891", "A record with the specified key values"), None), None);
    }

    #[test]
    fn a_message_names_columns_and_the_holder_of_a_key() {
        let written: Vec<FieldName> = ["subject", "sub", "new_x"].map(FieldName::from).to_vec();
        let long = of(400, "0x80044331", "The length of the 'subject' attribute of the 'task' entity exceeded 200.");
        let rejection = rejection(Reason::Invalid, &long, &written);
        assert_eq!(rejection.fields, [FieldName::from("subject")]);
        assert_eq!(
            (&*rejection.code, &*super::rejection(Reason::Invalid, &of(400, "", ""), &[]).code),
            ("0x80044331", "HTTP 400")
        );
        let id = "c0000000-0000-0000-0000-000000000001";
        let held = of(412, "0x80060892", &format!("Entity Key k violated. <Error><Id>{id}</Id></Error>"));
        assert_eq!(meaning(&held, false), Meaning::Final(Reason::Duplicate { existing: Some(id.into()) }));
        assert!(!super::rejection(Reason::Conflict, &held, &[]).message.contains('<'));
    }
}
