//! Deleting a contact for good: HubSpot's own GDPR delete, which takes e-mails, calls and notes of the contact along and lets
//! nobody restore it. One call for each, after a look: HubSpot follows the id of a contact that was merged away to the survivor,
//! and that one nobody asked to delete. A lead object beside a contact has no such delete: it is archived, as a user would.

use bytes::Bytes;
use connector::{Error, Fields, Link, Object, Operation, Outcome, Reason, RecordId, Write};
use connector_http::{Answer, Call, OneByOne, Priority};
use http::Method;
use serde::Serialize;

use crate::api::{Api, json, refusal};
use crate::beside::lead_by_marker;
use crate::convert::is_id;
use crate::dialect::PLAIN_CALL;
use crate::paths::kind_of;
use crate::push::refused;
use crate::reject::rejection;
use crate::wire::Envelope;

/// Objects that HubSpot deletes for good; others it only archives.
pub(crate) fn objects() -> Vec<Object> {
    vec![Object::Contact]
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Erased<'a> {
    object_id: &'a str,
}

/// Whether these are writes for this file.
pub(crate) fn is_erasure(writes: &[Write]) -> bool {
    let erases = |write: &Write| write.operation.is_erasure() || matches!(write.operation, Operation::LeadErase { .. });
    writes.iter().any(erases)
}

/// An `Err` says that nothing was deleted.
pub(crate) async fn push(api: &Api, writes: &[Write]) -> Result<Vec<Outcome>, Error> {
    let mut told = OneByOne::default();
    for write in writes {
        if told.goes_on() {
            told.add(match &write.operation {
                Operation::LeadErase { record, lead, marker } if write.object == Object::Contact => {
                    lead_object(api, record, lead.as_ref(), marker).await
                }
                _ => one(api, write).await,
            });
        }
    }
    told.finish(writes)
}

async fn one(api: &Api, write: &Write) -> Result<Outcome, Error> {
    let (Operation::Erase { id }, true) = (&write.operation, objects().contains(&write.object)) else {
        let message = "only contacts are deleted for good at HubSpot";
        return Ok(Outcome::Rejected(refused(Reason::Unsupported, "UNSUPPORTED", message)));
    };
    let done = || done(id);
    if !is_id(id.as_str()) {
        return Ok(done());
    }
    match api.current_id(&write.object, id.as_str(), Priority::Push).await? {
        None => return Ok(done()),
        Some(now) if now != *id => return Ok(Outcome::Rejected(merged(&write.object, now))),
        Some(_) => {}
    }
    let attempted = format!("delete a {} record for good", write.object);
    let path = format!("{}/gdpr-delete", api.paths.objects(kind_of(&write.object)?));
    let body = json(&attempted, &Erased { object_id: id.as_str() })?;
    let decode = |answer: &Answer| {
        let status = answer.status.as_u16();
        Ok(match status {
            200..=299 | 404 => Ok(done()),
            400 | 409 | 422 => Ok(Outcome::Rejected(rejection(status, &Envelope::read(&answer.body)))),
            _ => Err(refusal(&attempted, answer)),
        })
    };
    api.client.fetch(&Call::write(&attempted, path, body, PLAIN_CALL), decode).await?
}

/// Archives a lead object. Where its id is not known it is looked for beside the contact, or beside the one that has taken its place.
async fn lead_object(api: &Api, contact: &RecordId, known: Option<&RecordId>, marker: &str) -> Result<Outcome, Error> {
    let found = match known {
        Some(lead) => Some(lead.clone()),
        None if !is_id(contact.as_str()) => None,
        None => match api.current_id(&Object::Contact, contact.as_str(), Priority::Push).await? {
            Some(now) => lead_by_marker(api, &now, marker).await?,
            None => None,
        },
    };
    let Some(lead) = found.filter(|lead| is_id(lead.as_str())) else { return Ok(done(contact)) };
    let attempted = "delete a lead object";
    let path = format!("{}/{lead}", api.paths.objects("leads"));
    let decode = |answer: &Answer| {
        let status = answer.status.as_u16();
        Ok(match status {
            200..=299 | 404 => Ok(done(&lead)),
            400 | 409 | 422 => Ok(Outcome::Rejected(rejection(status, &Envelope::read(&answer.body)))),
            _ => Err(refusal(attempted, answer)),
        })
    };
    let call = Call::write(attempted, path, Bytes::new(), PLAIN_CALL).with_method(Method::DELETE);
    api.client.fetch(&call, decode).await?
}

fn done(id: &RecordId) -> Outcome {
    Outcome::Done { id: id.clone(), created: false, kept: Fields::new(), modified_at: None }
}

fn merged(object: &Object, now: RecordId) -> connector::Rejection {
    let into = Some(Link { object: object.clone(), id: now });
    refused(Reason::Merged { into }, "MERGED", "the record was merged into another")
}
