//! Deleting a person's record, one call for each. Zoho keeps it in its recycle bin for sixty days.

use bytes::Bytes;
use connector::{Error, ErrorKind, Fields, Operation, Outcome, Reason, Write};
use connector_http::{Answer, Call, OneByOne, redact};
use http::Method;
use serde::Deserialize;

use super::outgoing::{How, Lane, refused};
use super::reject::{Meaning, meaning};
use crate::api::{Api, Refusal};
use crate::dialect::CALL;
use crate::paths::{self, module_of};
use crate::wire::{Fault, is_id};

#[derive(Deserialize)]
struct Answered {
    data: Vec<Fault>,
}

/// An `Err` says that nothing was deleted.
pub(super) async fn push(api: &Api, writes: &[Write]) -> Result<Vec<Outcome>, Error> {
    let mut told = OneByOne::default();
    for write in writes {
        if told.goes_on() {
            told.add(one(api, write).await);
        }
    }
    told.finish(writes)
}

async fn one(api: &Api, write: &Write) -> Result<Outcome, Error> {
    let (Operation::Erase { id }, true) = (&write.operation, write.object.is_person()) else {
        let message = "the connector deletes records of people only";
        return Ok(Outcome::Rejected(refused(Reason::Unsupported, "UNSUPPORTED", message, None)));
    };
    let done = || Outcome::Done { id: id.clone(), created: false, kept: Fields::new(), modified_at: None };
    if !is_id(id.as_str()) {
        return Ok(done());
    }
    let module = module_of(&write.object)?;
    let attempted = format!("delete a {} record", write.object);
    let path = format!("{}?ids={id}&wf_trigger=false", paths::module(module));
    let call = Call::write(&attempted, path, Bytes::new(), CALL).with_method(Method::DELETE);
    let read = |answer: &Answer| {
        let row = serde_json::from_slice::<Answered>(&answer.body).ok().and_then(|told| told.data.into_iter().next());
        match row {
            Some(row) => Ok(Ok((answer.status.as_u16(), row))),
            None if answer.status.is_success() => Err("it does not say what became of the record".to_owned()),
            None => Ok(Err(Refusal::of(answer))),
        }
    };
    let (status, fault) = match api.client.fetch(&Call { body: None, ..call }, read).await? {
        Ok((_, row)) if row.is_success() => return Ok(done()),
        Ok(told) => told,
        Err(refusal) => return Err(refusal.into_error(&attempted)),
    };
    let lane = Lane { object: write.object.clone(), module: module.to_owned(), how: How::ById { look: None } };
    match meaning(&lane, &fault) {
        Meaning::Missing if fault.is("RECORD_LOCKED") => {
            let message = "a lead that was converted goes on as a contact and cannot be deleted";
            Ok(Outcome::Rejected(refused(Reason::Merged { into: None }, "RECORD_LOCKED", message, None)))
        }
        Meaning::Missing => Ok(done()),
        // The only datum of the call is the id.
        Meaning::Final(Reason::Invalid) if fault.is("INVALID_DATA") => Ok(done()),
        Meaning::Later(kind) => Err(Error::new(kind, attempted, fault.cause(status))),
        Meaning::Incomplete(_) => Err(Error::new(ErrorKind::Protocol, attempted, fault.cause(status))),
        Meaning::Final(reason) => {
            let message = redact::message(&fault.message);
            Ok(Outcome::Rejected(refused(reason, &redact::message(&fault.code), &message, None)))
        }
    }
}
