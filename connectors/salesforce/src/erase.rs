//! Deleting a person's record, one call for each. Salesforce keeps it in the recycle bin for fifteen days, out of sight of
//! everything but a restore.

use bytes::Bytes;
use connector::{Error, Fields, Object, Operation, Outcome, Reason, Rejection, Write};
use connector_http::{Answer, Call, OneByOne};
use http::{HeaderValue, Method};

use crate::answer::refused_call;
use crate::api::Api;
use crate::dialect::CALL;
use crate::ids;
use crate::ingest;
use crate::locks::COME_BACK;
use crate::lookup::{self, Fate};
use crate::paths::sobject_of;
use crate::refusal::RowRefusal;
use crate::reject::{Meaning, Naming, meaning, refused, rejection};

/// An `Err` says that nothing was deleted.
pub(crate) async fn push(api: &Api, writes: &[Write]) -> Result<Vec<Outcome>, Error> {
    ingest::settle_pending(api).await?;
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
        return Ok(Outcome::Rejected(refused(Reason::Unsupported, "UNSUPPORTED", message)));
    };
    let done = || Outcome::Done { id: id.clone(), created: false, kept: Fields::new(), modified_at: None };
    let Some(long) = ids::long(id.as_str()) else { return Ok(done()) };
    let sobject = sobject_of(&write.object)?;
    let attempted = format!("delete a {} record", write.object);
    let call = Call {
        body: None,
        ..Call::write(&attempted, api.paths.record(sobject, &long), Bytes::new(), CALL)
            .with_method(Method::DELETE)
            .with_header("sforce-call-options", HeaderValue::from_static("client=ferry"))
    };
    let read = |answer: &Answer| {
        if answer.status.is_success() {
            return Ok(None);
        }
        let refusal = RowRefusal::read(&answer.body);
        match (refusal.code.is_empty(), answer.status.as_u16()) {
            (false, _) => Ok(Some(refusal)),
            (true, 404) => Ok(Some(RowRefusal { code: "NOT_FOUND".into(), ..refusal })),
            (true, status) => Err(format!("status {status} without a code")),
        }
    };
    let Some(refusal) = api.client.fetch(&call, read).await? else { return Ok(done()) };
    let reject = |reason| Ok(Outcome::Rejected(rejection(reason, &refusal)));
    match meaning(&refusal, Naming::ById) {
        Meaning::Missing | Meaning::Converted => match went(api, &write.object, sobject, &long).await? {
            Some(rejection) => Ok(Outcome::Rejected(rejection)),
            None => Ok(done()),
        },
        Meaning::Locked | Meaning::RolledBack => reject(Reason::Locked { retry_after: Some(COME_BACK) }),
        Meaning::Later(_) => Err(refused_call(&attempted, &refusal)),
        Meaning::Final(reason) => reject(reason),
        Meaning::Matched | Meaning::Incomplete | Meaning::Automation => reject(Reason::Invalid),
    }
}

/// Where a record that is not there went, or why it is not deleted although it is; `None` where it is gone for good.
async fn went(api: &Api, object: &Object, sobject: &str, id: &str) -> Result<Option<Rejection>, Error> {
    let fates = lookup::fates(api, object, sobject, &[id.to_owned()]).await?;
    Ok(match fates.get(id) {
        Some(Fate::Into(into)) => {
            Some(refused(Reason::Merged { into: into.clone() }, "ENTITY_IS_DELETED", "the record goes on as another"))
        }
        Some(Fate::Alive) => Some(refused(Reason::Forbidden, "NOT_FOUND", "the record is there and cannot be deleted")),
        Some(Fate::Gone) | None => None,
    })
}
