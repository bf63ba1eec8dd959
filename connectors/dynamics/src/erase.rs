//! Deleting a person's row, one call for each. What was merged into another row is left to people.

use bytes::Bytes;
use connector::{Error, ErrorKind, Fields, Operation, Outcome, Reason, Write};
use connector_http::{Answer, Call, OneByOne, Priority};
use http::Method;

use crate::api::{Api, spoken};
use crate::dialect::CALL;
use crate::odata::{ROOT, is_guid};
use crate::reject::{COME_BACK, Meaning, Refused, meaning, rejection};
use crate::tables::table_of;
use crate::values::refused;
use crate::wire::Fault;

/// An `Err` says that nothing was deleted.
pub(crate) async fn push(api: &Api, writes: &[Write]) -> Result<Vec<Outcome>, Error> {
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
        let message = "the connector deletes rows of people only";
        return Ok(Outcome::Rejected(refused(Reason::Unsupported, "UNSUPPORTED", message, "")));
    };
    let done = || Outcome::Done { id: id.clone(), created: false, kept: Fields::new(), modified_at: None };
    let guid = id.as_str().to_ascii_lowercase();
    if !is_guid(&guid) {
        return Ok(done());
    }
    let described = api.described(table_of(&write.object)?).await?;
    let went = api.gone_on(&write.object, &described, std::slice::from_ref(&guid), Priority::Push).await?;
    if let Some(into) = went.into_values().next() {
        let reason = Reason::Merged { into: Some(into) };
        return Ok(Outcome::Rejected(refused(reason, "GONE_ON", "the record goes on as another one", "")));
    }
    let attempted = format!("delete a {} record", write.object);
    let path = format!("{ROOT}/{}({guid})", described.set);
    let call = Call::write(&attempted, path, Bytes::new(), CALL).with_method(Method::DELETE);
    let call = spoken(Call { body: None, ..call });
    let read = |answer: &Answer| {
        let status = answer.status.as_u16();
        Ok((!answer.status.is_success()).then(|| Refused { status, fault: Fault::read(&answer.body) }))
    };
    let Some(refusal) = api.client.fetch(&call, read).await? else { return Ok(done()) };
    let reject = |reason| Ok(Outcome::Rejected(rejection(reason, &refusal, &[])));
    match meaning(&refusal, false) {
        Meaning::Missing => Ok(done()),
        Meaning::Locked | Meaning::Throttled => reject(Reason::Locked { retry_after: Some(COME_BACK) }),
        Meaning::Unexpected => Err(Error::new(ErrorKind::Transient, attempted, refusal.fault.cause(refusal.status))),
        Meaning::Final(reason) => reject(reason),
    }
}
