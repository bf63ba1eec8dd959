//! What Zoho's codes mean for one row (`zoho.md` §3). Nothing of a refused row was applied.

use std::time::Duration;

use connector::{ErrorKind, FieldName, Object, Reason, RecordId, Rejection};
use connector_http::redact;

use super::outgoing::{Lane, Sent};
use crate::wire::{Fault, is_id};

/// A record in an approval is free again when somebody decides.
const APPROVAL_PAUSE: Duration = Duration::from_secs(900);
pub(super) const LOCKED_PAUSE: Duration = Duration::from_secs(60);

/// What is to be done about a refused row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Refused for good.
    Final(Reason),
    /// No live record has this id, or none that can be written; whether it goes on as another is to be looked up.
    Missing,
    /// A field without which no record is created.
    Incomplete(String),
    /// Nothing to do with the row.
    Later(ErrorKind),
}

pub(crate) fn meaning(lane: &Lane, fault: &Fault) -> Meaning {
    let about = fault.details.api_name.as_deref().unwrap_or_default();
    match fault.code.as_str() {
        "INVALID_DATA" if lane.is_by_id() && about.eq_ignore_ascii_case("id") => Meaning::Missing,
        "INVALID_DATA" if lane.is_by_id() && fault.message.contains("id given seems to be invalid") => Meaning::Missing,
        "RECORD_NOT_FOUND" | "RECORD_IN_RECYCLE_BIN" => Meaning::Missing,
        "MANDATORY_NOT_FOUND" if lane.creates() => Meaning::Incomplete(about.to_owned()),
        "DUPLICATE_DATA" => Meaning::Final(Reason::Duplicate { existing: existing(fault) }),
        "MULTIPLE_OR_MULTI_ERRORS" => {
            // The one that says most first: whose record it is, then what is missing.
            let each: Vec<Meaning> = fault.details.errors.iter().map(|inner| meaning(lane, inner)).collect();
            let rank = |meaning: &&Meaning| match meaning {
                Meaning::Final(Reason::Duplicate { .. }) => 0,
                Meaning::Missing => 1,
                Meaning::Final(_) => 2,
                Meaning::Incomplete(_) => 3,
                Meaning::Later(_) => 4,
            };
            each.iter().min_by_key(rank).cloned().unwrap_or(Meaning::Final(Reason::Invalid))
        }
        "ALREADY_MODIFIED" => Meaning::Final(Reason::Conflict),
        // A converted lead is locked for ever.
        "RECORD_LOCKED" if lane.object == Object::Lead && lane.is_by_id() => Meaning::Missing,
        "RECORD_LOCKED" => Meaning::Final(Reason::Locked { retry_after: Some(LOCKED_PAUSE) }),
        "NOT_APPROVED" | "RECORD_IN_BLUEPRINT" | "APPROVAL_PENDING" => {
            Meaning::Final(Reason::Locked { retry_after: Some(APPROVAL_PAUSE) })
        }
        "AUTHORIZATION_FAILED" | "NO_PERMISSION" | "PERMISSION_DENIED" => Meaning::Final(Reason::Forbidden),
        "INTERNAL_ERROR" | "SERVICE_UNAVAILABLE" => Meaning::Later(ErrorKind::Transient),
        "TOO_MANY_REQUESTS" => Meaning::Later(ErrorKind::Quota),
        _ => Meaning::Final(Reason::Invalid),
    }
}

/// The record that holds our own key already: the one an assigned create meant.
pub(crate) fn holder(key: &str, fault: &Fault) -> Option<RecordId> {
    let mut faults = std::iter::once(fault).chain(&fault.details.errors);
    let of_key = |fault: &&Fault| {
        let about = fault.details.api_name.as_deref();
        fault.code == "DUPLICATE_DATA" && about.is_some_and(|about| about.eq_ignore_ascii_case(key))
    };
    faults.find(of_key).and_then(existing)
}

fn existing(fault: &Fault) -> Option<RecordId> {
    let nested = fault.details.duplicate_record.as_ref().and_then(|record| record.id.as_ref());
    let id = nested.or(fault.details.id.as_ref())?;
    is_id(&id.0).then(|| RecordId::from(id.0.as_str()))
}

/// The refusal as the caller sees it; fields by the caller's own names.
pub(crate) fn rejection(reason: Reason, fault: &Fault, sent: &Sent<'_>, spelt: impl Fn(&str) -> String) -> Rejection {
    let inner = fault.details.errors.iter();
    let named: Vec<&str> =
        std::iter::once(fault).chain(inner).filter_map(|fault| fault.details.api_name.as_deref()).collect();
    let fields: Vec<FieldName> = sent
        .fields
        .names()
        .filter(|name| named.iter().any(|named| named.eq_ignore_ascii_case(&spelt(name))))
        .cloned()
        .collect();
    let said = std::iter::once(fault).chain(fault.details.errors.first()).map(|fault| fault.message.as_str());
    let message = said.filter(|said| !said.is_empty()).map(redact::message).collect::<Vec<_>>().join(": ");
    let code = redact::message(&fault.code);
    Rejection { reason, code: code.into(), message: message.into(), fields }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::outgoing::How;

    fn lane(how: How) -> Lane {
        Lane { object: Object::Contact, module: "Contacts".into(), how }
    }

    fn fault(body: &str) -> Fault {
        serde_json::from_str(body).unwrap()
    }

    #[test]
    fn every_code_has_its_meaning() {
        let by_id = lane(How::ById { look: None });
        let check = |body: &str, expected: Meaning| assert_eq!(meaning(&by_id, &fault(body)), expected, "{body}");
        check(r#"{"code":"INVALID_DATA","details":{"id":"5","api_name":"id"},"status":"error"}"#, Meaning::Missing);
        check(r#"{"code":"INVALID_DATA","details":{"api_name":"Phone"}}"#, Meaning::Final(Reason::Invalid));
        check(
            r#"{"code":"DUPLICATE_DATA","details":{"api_name":"K","duplicate_record":{"id":"7"}}}"#,
            Meaning::Final(Reason::Duplicate { existing: Some("7".into()) }),
        );
        check(
            r#"{"code":"MULTIPLE_OR_MULTI_ERRORS","details":{"errors":[{"code":"INVALID_DATA","details":{"api_name":"A"}},
            {"code":"DUPLICATE_DATA","details":{"api_name":"K","id":"7"}}]}}"#,
            Meaning::Final(Reason::Duplicate { existing: Some("7".into()) }),
        );
        check(r#"{"code":"ALREADY_MODIFIED"}"#, Meaning::Final(Reason::Conflict));
        check(r#"{"code":"MANDATORY_NOT_FOUND","details":{"api_name":"X"}}"#, Meaning::Final(Reason::Invalid));
        check(r#"{"code":"AUTHORIZATION_FAILED"}"#, Meaning::Final(Reason::Forbidden));
        let by_key = lane(How::ByKey { field: "K".into() });
        let missing = fault(r#"{"code":"MANDATORY_NOT_FOUND","details":{"api_name":"Last_Name"}}"#);
        assert_eq!(meaning(&by_key, &missing), Meaning::Incomplete("Last_Name".into()));
    }
}
