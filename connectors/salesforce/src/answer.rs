//! What became of one row of a call or a job, before anybody decides what to do about it.

use bytes::Bytes;
use connector::{Error, ErrorKind, RecordId};
use connector_http::{Call, Repeat};
use http::{HeaderValue, Method};

use crate::dialect::CALL;
use crate::outgoing::{How, Lane};
use crate::refusal::RowRefusal;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RowAnswer {
    Done {
        id: RecordId,
        created: bool,
    },
    /// Not applied, for the reason given.
    Refused(RowRefusal),
    /// Not looked at, for no fault of its own; the reason fits after a colon.
    Untouched(String),
    /// It may or may not have been applied.
    Lost(Error),
    /// Certainly not sent, or sent without effect.
    NotSent(Error),
}

/// A failed call's meaning for each of its rows.
pub(crate) fn of_failure(error: Error) -> RowAnswer {
    if error.maybe_applied { RowAnswer::Lost(error) } else { RowAnswer::NotSent(error) }
}

/// An answer that came and says nothing of this row.
pub(crate) fn silent(attempted: &str) -> RowAnswer {
    let cause = "Salesforce's answer does not say what became of it";
    RowAnswer::Lost(Error::new(ErrorKind::Protocol, attempted, cause).maybe_applied())
}

/// A call that writes, with what every write tells Salesforce: who we are, that no assignment rule may move a record's
/// owner (it would by default, on updates too), and for enrichment of records that exist, that an alert of a duplicate
/// rule is no reason to refuse.
pub(crate) fn write_call<'a>(lane: &Lane, attempted: &'a str, method: Method, path: String, body: Bytes) -> Call<'a> {
    let call = Call::write(attempted, path, body, CALL)
        .with_method(method)
        .with_repeat(Repeat::OnlyIfNotApplied)
        .with_header("content-type", HeaderValue::from_static("application/json; charset=UTF-8"))
        .with_header("sforce-call-options", HeaderValue::from_static("client=ferry"))
        .with_header("sforce-auto-assign", HeaderValue::from_static(if lane.assigns { "TRUE" } else { "FALSE" }));
    if lane.how != How::ById {
        return call;
    }
    let allow = "allowSave=true; includeRecordDetails=false; runAsCurrentUser=true";
    call.with_header("sforce-duplicate-rule-header", HeaderValue::from_static(allow))
}

/// A refusal of a call that is about no single row.
pub(crate) fn refused_call(attempted: &str, refusal: &RowRefusal) -> Error {
    let rejection = crate::reject::rejection(connector::Reason::Invalid, refusal);
    let kind = match crate::reject::meaning(refusal, crate::reject::Naming::Otherwise) {
        crate::reject::Meaning::Later(kind) => kind,
        crate::reject::Meaning::Locked => ErrorKind::Transient,
        crate::reject::Meaning::Final(connector::Reason::Forbidden) => ErrorKind::Forbidden,
        _ => ErrorKind::Protocol,
    };
    Error::new(kind, attempted, format!("Salesforce refused it: {} ({})", rejection.message, rejection.code))
}
