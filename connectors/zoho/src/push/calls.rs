//! One call for up to a hundred records, and which of its answers is whose. Zoho answers row by row and in order, whatever
//! the status of the whole.

use connector::{Error, ErrorKind, RecordId, Timestamp};
use connector_http::{Answer, Call};
use http::{HeaderValue, Method};
use serde::{Deserialize, Serialize};

use super::outgoing::{How, Lane, Sent};
use crate::api::{Api, Refusal, json};
use crate::dialect::CALL;
use crate::instant;
use crate::paths;
use crate::schema::Described;
use crate::values::JsonRecord;
use crate::wire::{Fault, is_id};

/// Most records of one call.
pub(crate) const MOST_ROWS: usize = 100;
/// Records that one credit pays for.
const ROWS_PER_CREDIT: usize = 10;

#[derive(Serialize)]
struct Body<'a> {
    data: Vec<JsonRecord<'a>>,
    /// Left out it would mean: everything the organisation has set up runs, e-mails to customers included.
    trigger: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_check_fields: Option<[&'a str; 1]>,
    /// The assignment rule that chooses the owners.
    #[serde(skip_serializing_if = "Option::is_none")]
    lar_id: Option<&'a str>,
}

#[derive(Deserialize)]
struct Answered {
    data: Vec<Row>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Row {
    #[serde(flatten)]
    fault: Fault,
    #[serde(default)]
    action: Option<String>,
    #[serde(default)]
    duplicate_field: Option<String>,
}

/// What became of one row.
#[derive(Clone, Debug)]
pub(crate) enum RowAnswer {
    Done {
        id: RecordId,
        created: bool,
        modified_at: Option<Timestamp>,
    },
    /// Not applied, for the reason given.
    Refused(Fault),
    /// It may or may not have been applied.
    Lost(Error),
    /// Certainly not sent, or sent without effect.
    NotSent(Error),
}

/// What Zoho said to a call.
#[derive(Debug)]
pub(crate) enum Told {
    Rows(Vec<RowAnswer>),
    /// Nothing of the call was applied.
    Refused(Box<Refusal>),
}

pub(crate) async fn send(api: &Api, lane: &Lane, described: &Described, batch: &[Sent<'_>]) -> Told {
    let attempted = lane.attempted();
    let all = |error: Error| {
        let answer = if error.maybe_applied { RowAnswer::Lost(error) } else { RowAnswer::NotSent(error) };
        Told::Rows(vec![answer; batch.len()])
    };
    let call = match call(api, lane, described, batch, &attempted) {
        Ok(call) => call,
        Err(error) => return all(error),
    };
    let decode = |answer: &Answer| {
        // Row by row where there are rows, whatever the status.
        if let Ok(answered) = serde_json::from_slice::<Answered>(&answer.body)
            && (answer.status.is_success() || is_of_rows(&answered, batch))
        {
            return Ok(Told::Rows(settle(lane, &attempted, batch, answered.data)));
        }
        if answer.status.is_success() {
            return Err("it does not say what became of the records".to_owned());
        }
        Ok(Told::Refused(Box::new(Refusal::of(answer))))
    };
    api.client.fetch(&call, decode).await.unwrap_or_else(all)
}

/// A refusal of the whole call comes wrapped like one row in some versions.
fn is_of_rows(answered: &Answered, batch: &[Sent<'_>]) -> bool {
    answered.data.len() == batch.len()
}

fn call<'a>(
    api: &Api,
    lane: &Lane,
    described: &Described,
    batch: &[Sent<'_>],
    attempted: &'a str,
) -> Result<Call<'a>, Error> {
    let module = paths::module(&lane.module);
    let (method, path, name) = match &lane.how {
        How::ById { .. } => (Method::PUT, module, Some("id")),
        How::ByKey { field } => (Method::POST, format!("{module}/upsert"), Some(&**field)),
        How::Assigned { key, .. } => (Method::POST, module, key.as_deref()),
        How::Insert => (Method::POST, module, None),
    };
    let record = |sent| {
        let sent: &Sent<'_> = sent;
        let named = name.map(|name| (name, sent.key.as_str()));
        JsonRecord { named, fields: &sent.fields, described }
    };
    let duplicate_check_fields = match &lane.how {
        How::ByKey { field } => Some([&**field]),
        _ => None,
    };
    let lar_id = match &lane.how {
        How::Assigned { rule, .. } => Some(&**rule),
        _ => None,
    };
    let data = batch.iter().map(record).collect();
    let body = json(attempted, &Body { data, trigger: &api.trigger, duplicate_check_fields, lar_id })?;
    let cost = u64::try_from(batch.len().div_ceil(ROWS_PER_CREDIT)).unwrap_or(1);
    let call = Call::write(attempted, path, body, CALL).with_method(method).with_cost(cost);
    // The latest stamp of one look is older than every change after that look.
    let newest = batch.iter().filter_map(|sent| sent.seen).map(|version| version.stamp).max();
    let condition = newest.and_then(|stamp| HeaderValue::from_str(&instant::text(stamp)).ok());
    Ok(match condition {
        Some(condition) => call.with_header("if-unmodified-since", condition),
        None => call,
    })
}

/// Which answer is whose: the first is of the first. Where their number, or an id that was updated, shows that they are
/// not, none is believed.
fn settle(lane: &Lane, attempted: &str, batch: &[Sent<'_>], rows: Vec<Row>) -> Vec<RowAnswer> {
    let id_of = |row: &Row| row.fault.details.id.as_ref().map(|id| id.0.clone());
    let same = |(row, sent): (&Row, &Sent<'_>)| {
        !(lane.is_by_id() && row.fault.is_success()) || id_of(row).is_none_or(|id| id == sent.key)
    };
    if rows.len() != batch.len() || !rows.iter().zip(batch).all(same) {
        return batch.iter().map(|_| silent(attempted)).collect();
    }
    rows.into_iter().zip(batch).map(|(row, sent)| of_row(lane, attempted, sent, row)).collect()
}

fn of_row(lane: &Lane, attempted: &str, sent: &Sent<'_>, row: Row) -> RowAnswer {
    if !row.fault.is_success() {
        return if row.fault.code.is_empty() { silent(attempted) } else { RowAnswer::Refused(row.fault) };
    }
    let told = row.fault.details.id.map(|id| id.0).filter(|id| is_id(id));
    let id = if lane.is_by_id() { Some(sent.key.clone()) } else { told };
    let created = match row.action.as_deref() {
        Some(action) => action == "insert",
        None => matches!(lane.how, How::Assigned { .. } | How::Insert),
    };
    if let (How::ByKey { field }, false, Some(matched)) = (&lane.how, created, &row.duplicate_field)
        && !matched.eq_ignore_ascii_case(field)
    {
        // Zoho goes on to other unique fields when the named one finds nothing.
        let matched = connector_http::redact::identifier(matched);
        tracing::error!(expected = %field, %matched, "an upsert was matched by another field than the one it names");
        let cause = format!("Zoho matched the record by {matched}, not by {field}: it may be another one's");
        let error = Error::new(ErrorKind::Protocol, attempted, cause).maybe_applied();
        return RowAnswer::Lost(
            error.with_fix("look at the record in Zoho; only one field of the module should be unique"),
        );
    }
    let modified_at = row.fault.details.modified_time.as_deref().and_then(Timestamp::parse_rfc3339);
    match id {
        Some(id) => RowAnswer::Done { id: RecordId::from(id), created, modified_at },
        None => silent(attempted),
    }
}

/// An answer that came and says nothing of this row.
pub(crate) fn silent(attempted: &str) -> RowAnswer {
    let cause = "Zoho's answer does not say what became of it";
    RowAnswer::Lost(Error::new(ErrorKind::Protocol, attempted, cause).maybe_applied())
}

#[cfg(test)]
#[path = "calls_tests.rs"]
mod tests;
