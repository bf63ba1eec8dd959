//! Creating one record without a unique key: one call for one record, because only then does the answer say which write
//! it belongs to. Sent twice it makes two records, so it is never sent again here; the caller looks first.

use connector::{Error, Outcome, Write};
use connector_http::{Answer, Call};
use serde::Serialize;

use crate::api::{Api, json, refusal};
use crate::dialect::PLAIN_CALL;
use crate::paths::kind_of;
use crate::reject::rejection;
use crate::rows::decode_row;
use crate::settle::done;
use crate::values::Properties;
use crate::wanted::Wanted;
use crate::wire::Envelope;

#[derive(Serialize)]
struct Created<'a> {
    properties: Properties<'a>,
}

/// An `Err` says that nothing was created.
pub(crate) async fn create(api: &Api, write: &Write) -> Result<Outcome, Error> {
    let attempted = format!("create a {} record", write.object);
    let path = api.paths.objects(kind_of(&write.object)?);
    let body = json(&attempted, &Created { properties: Properties(&write.fields) })?;
    let wanted = Wanted::answer(write.fields.names(), None);
    let decode = |answer: &Answer| {
        let status = answer.status.as_u16();
        if answer.status.is_success() {
            return decode_row(answer, &wanted).map(|mut row| {
                row.new = true;
                Ok(done(write, row))
            });
        }
        Ok(match status {
            400 | 409 | 413 | 422 => Ok(Outcome::Rejected(rejection(status, &Envelope::read(&answer.body)))),
            _ => Err(refusal(&attempted, answer)),
        })
    };
    let call = Call::write(&attempted, path, body, PLAIN_CALL);
    match api.client.fetch(&call, decode).await {
        Ok(settled) => settled,
        Err(error) if error.maybe_applied => Ok(Outcome::Ambiguous(error)),
        Err(error) => Err(error),
    }
}
