//! Writing in HubSpot's batches, with one outcome per write.
//!
//! HubSpot refuses a whole batch for one bad row. The batch is then halved until the bad rows stand alone; a property
//! that no write can set takes all the writes that name it out at once.

use std::collections::{BTreeMap, BTreeSet};

use connector::{Error, ErrorKind, Link, Object, Operation, Outcome, Reason, RecordId, Rejection, Write};
use connector_http::{Answer, Call, Priority};
use futures::stream::{self, StreamExt};
use serde::Serialize;

use crate::api::{Api, BATCH, json, refusal};
use crate::convert::is_id;
use crate::create::create;
use crate::dialect::PLAIN_CALL;
use crate::paths::kind_of;
use crate::reject::{hopeless_field, rejection};
use crate::rows::Rows;
use crate::settle::{Sent, settle};
use crate::values::{Properties, wire_text};
use crate::wanted::Wanted;
use crate::wire::Envelope;

/// Longest text a property takes, in characters.
pub(crate) const LONGEST_TEXT: usize = 65_536;
/// Look-ups of omitted rows in flight at once.
const LOOKUPS: usize = 8;

/// Writes that go to one endpoint together: same object, same way of naming the record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Lane {
    object: Object,
    /// The unique property an upsert is keyed by; none for updates by id.
    key: Option<String>,
}

/// One write, ready to be sent.
#[derive(Clone, Debug)]
struct Ready<'a> {
    place: usize,
    write: &'a Write,
    key: String,
}

#[derive(Serialize)]
struct Inputs<'a> {
    inputs: Vec<Input<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Input<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_property: Option<&'a str>,
    properties: Properties<'a>,
    object_write_trace_id: String,
}

/// What HubSpot said to a batch.
enum Said {
    Rows(u16, Rows),
    /// Nothing of the batch was applied.
    Refused(u16, Envelope),
}

/// A batch to be sent. One that is `suspect` is known to hold the bad row, because its other half is good.
struct Task<'a> {
    batch: Vec<Sent<'a>>,
    suspect: bool,
}

pub(crate) async fn push(api: &Api, external_key: &str, writes: &[Write]) -> Result<Vec<Outcome>, Error> {
    let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
    let mut lanes: BTreeMap<Lane, Vec<Ready<'_>>> = BTreeMap::new();
    let mut keyless = Vec::new();
    for (place, write) in writes.iter().enumerate() {
        match ready(external_key, write) {
            Ok(Some((lane, key))) => lanes.entry(lane).or_default().push(Ready { place, write, key }),
            Ok(None) => keyless.push(place),
            Err(rejection) => drop(outcomes.insert(place, Outcome::Rejected(rejection))),
        }
    }
    let mut stopped: Option<Error> = None;
    for (lane, ready) in &lanes {
        for batch in batches(ready) {
            let delivery = Delivery { api, lane, outcomes: &mut outcomes, stopped: &mut stopped };
            delivery.run(batch).await;
        }
    }
    for (place, write) in keyless.into_iter().filter_map(|place| Some((place, writes.get(place)?))) {
        let outcome = match &stopped {
            Some(error) => Outcome::Deferred(error.clone()),
            None => create(api, write).await.unwrap_or_else(|error| {
                stopped = Some(error.clone());
                Outcome::Deferred(error)
            }),
        };
        outcomes.insert(place, outcome);
    }
    let nothing_sent = outcomes.values().all(|outcome| matches!(outcome, Outcome::Deferred(_)));
    match stopped {
        Some(error) if nothing_sent => Err(error),
        _ => Ok(in_order(writes, outcomes)),
    }
}

fn in_order(writes: &[Write], mut outcomes: BTreeMap<usize, Outcome>) -> Vec<Outcome> {
    let silent = || {
        Outcome::Ambiguous(
            Error::new(ErrorKind::Protocol, "write a record", "HubSpot's answer does not mention it").maybe_applied(),
        )
    };
    (0..writes.len()).map(|place| outcomes.remove(&place).unwrap_or_else(silent)).collect()
}

/// Which lane a write goes by and under which key (none: a create without a key), or why it is not sent.
fn ready(external_key: &str, write: &Write) -> Result<Option<(Lane, String)>, Rejection> {
    let too_long = |(_, value): &(&connector::FieldName, &connector::Value)| {
        value.as_text().is_some_and(|text| text.len() > LONGEST_TEXT && text.chars().count() > LONGEST_TEXT)
    };
    if let Some((name, _)) = write.fields.iter().find(too_long) {
        let mut rejection = refused(Reason::Invalid, "TOO_LONG", "HubSpot keeps at most 65,536 characters");
        rejection.fields.push(name.clone());
        return Err(rejection);
    }
    if kind_of(&write.object).is_err() {
        return Err(refused(Reason::Unsupported, "UNSUPPORTED", "the connector does not write this object"));
    }
    let object = write.object.clone();
    match &write.operation {
        Operation::Update { id } if is_id(id.as_str()) => {
            Ok(Some((Lane { object, key: None }, id.as_str().to_owned())))
        }
        Operation::Update { .. } => {
            Err(refused(Reason::Gone, "OBJECT_NOT_FOUND", "HubSpot's ids are numbers: this one names no record"))
        }
        Operation::Upsert { .. } | Operation::Create if object != Object::Contact => {
            Err(refused(Reason::Unsupported, "UNSUPPORTED", "only contacts are created at HubSpot"))
        }
        Operation::Upsert { field, value } => {
            let key = wire_text(value);
            if key.is_empty() {
                return Err(refused(Reason::Invalid, "NO_KEY", "an upsert needs a value for its unique field"));
            }
            Ok(Some((Lane { object, key: Some(field.to_string()) }, key)))
        }
        Operation::Create => {
            // Keyed by our own id, a create sent twice is still one record.
            let key = write.fields.get(external_key).map(wire_text).filter(|key| !key.is_empty());
            Ok(key.map(|key| (Lane { object, key: Some(external_key.to_owned()) }, key)))
        }
        _ => Err(refused(Reason::Unsupported, "UNSUPPORTED", "the connector does not do this operation")),
    }
}

pub(crate) fn refused(reason: Reason, code: &str, message: &str) -> Rejection {
    Rejection { reason, code: code.into(), message: message.into(), fields: Vec::new() }
}

/// At most a hundred a batch, no key twice in one: HubSpot refuses a batch that names a record twice.
fn batches<'a>(ready: &'a [Ready<'a>]) -> Vec<Vec<Sent<'a>>> {
    let mut batches: Vec<(BTreeSet<String>, Vec<Sent<'a>>)> = Vec::new();
    for one in ready {
        let sent = Sent { place: one.place, write: one.write, key: &one.key };
        let key = one.key.to_ascii_lowercase();
        match batches.last_mut().filter(|(keys, batch)| batch.len() < BATCH && !keys.contains(&key)) {
            Some((keys, batch)) => {
                keys.insert(key);
                batch.push(sent);
            }
            None => batches.push((BTreeSet::from([key]), vec![sent])),
        }
    }
    batches.into_iter().map(|(_, batch)| batch).collect()
}

/// The delivery of one batch, with whatever it is split into.
struct Delivery<'d, 'a> {
    api: &'d Api,
    lane: &'a Lane,
    outcomes: &'d mut BTreeMap<usize, Outcome>,
    /// Once a call failed without effect, the rest is not sent either.
    stopped: &'d mut Option<Error>,
}

impl<'a> Delivery<'_, 'a> {
    async fn run(mut self, batch: Vec<Sent<'a>>) {
        let mut tasks = vec![Task { batch, suspect: false }];
        while let Some(Task { batch, suspect }) = tasks.pop() {
            if let Some(error) = &*self.stopped {
                let deferred = batch.iter().map(|sent| (sent.place, Outcome::Deferred(error.clone())));
                self.outcomes.extend(deferred);
                continue;
            }
            if suspect && batch.len() > 1 {
                split(batch, &mut tasks);
                continue;
            }
            match self.send(&batch).await {
                Ok(Said::Rows(status, rows)) => {
                    self.answered(&batch, rows, status).await;
                    let good =
                        batch.iter().all(|sent| matches!(self.outcomes.get(&sent.place), Some(Outcome::Done { .. })));
                    if let (true, Some(other)) = (good, tasks.last_mut().filter(|other| is_other_half(&batch, other))) {
                        other.suspect = true;
                    }
                }
                Ok(Said::Refused(status, envelope)) => self.refused(batch, status, &envelope, &mut tasks),
                Err(error) if error.maybe_applied => {
                    self.outcomes.extend(batch.iter().map(|sent| (sent.place, Outcome::Ambiguous(error.clone()))));
                }
                Err(error) => {
                    self.outcomes.extend(batch.iter().map(|sent| (sent.place, Outcome::Deferred(error.clone()))));
                    *self.stopped = Some(error);
                }
            }
        }
    }

    async fn send(&self, batch: &[Sent<'a>]) -> Result<Said, Error> {
        let verb = if self.lane.key.is_some() { "upsert" } else { "update" };
        let attempted = format!("{verb} {} records", self.lane.object);
        let path = format!("{}/batch/{verb}", self.api.paths.objects(kind_of(&self.lane.object)?));
        let key = self.lane.key.as_deref();
        let input = |sent: &Sent<'a>| Input {
            id: sent.key,
            id_property: key,
            properties: Properties(&sent.write.fields),
            object_write_trace_id: sent.trace_id(),
        };
        let body = json(&attempted, &Inputs { inputs: batch.iter().map(input).collect() })?;
        let wanted = Wanted::answer(batch.iter().flat_map(|sent| sent.write.fields.names()), key);
        let call = Call::write(&attempted, path, body, PLAIN_CALL);
        let decode = |answer: &Answer| {
            let status = answer.status.as_u16();
            if answer.status.is_success() {
                return Rows::decode(answer, &wanted).map(|rows| Ok(Said::Rows(status, rows)));
            }
            let envelope = Envelope::read(&answer.body);
            Ok(match status {
                400 | 409 | 413 | 422 => Ok(Said::Refused(status, envelope)),
                404 if envelope.is("OBJECT_NOT_FOUND") => Ok(Said::Refused(status, envelope)),
                _ => Err(refusal(&attempted, answer)),
            })
        };
        self.api.client.fetch(&call, decode).await?
    }

    async fn answered(&mut self, batch: &[Sent<'a>], rows: Rows, status: u16) {
        let settled = settle(batch, rows, status);
        let omitted: Vec<Sent<'a>> = batch.iter().filter(|sent| !settled.contains_key(&sent.place)).copied().collect();
        self.outcomes.extend(settled);
        if self.lane.key.is_some() {
            // Left to `in_order`: an upsert nobody mentions may or may not have happened.
            return;
        }
        let (api, object) = (self.api, &self.lane.object);
        let mut lookups = Vec::new();
        for sent in &omitted {
            lookups.push(omitted_outcome(api, object, sent.key));
        }
        let looked: Vec<Outcome> = stream::iter(lookups).buffered(LOOKUPS).collect().await;
        self.outcomes.extend(omitted.iter().map(|sent| sent.place).zip(looked));
    }

    fn refused(&mut self, batch: Vec<Sent<'a>>, status: u16, envelope: &Envelope, tasks: &mut Vec<Task<'a>>) {
        let rejection = rejection(status, envelope);
        if let [sent] = batch.as_slice() {
            self.outcomes.insert(sent.place, Outcome::Rejected(rejection));
            return;
        }
        if let Some(field) = hopeless_field(&rejection) {
            let (named, rest): (Vec<Sent<'a>>, Vec<Sent<'a>>) =
                batch.iter().partition(|sent| sent.write.fields.get(field).is_some());
            if !named.is_empty() {
                let rejected = named.iter().map(|sent| (sent.place, Outcome::Rejected(rejection.clone())));
                self.outcomes.extend(rejected);
                if !rest.is_empty() {
                    tasks.push(Task { batch: rest, suspect: false });
                }
                return;
            }
        }
        split(batch, tasks);
    }
}

/// Halves a batch; the first half is next.
fn split<'a>(mut batch: Vec<Sent<'a>>, tasks: &mut Vec<Task<'a>>) {
    let second = batch.split_off(batch.len() / 2);
    tasks.push(Task { batch: second, suspect: false });
    tasks.push(Task { batch, suspect: false });
}

/// Whether `other` is the second half of what `batch` was the first half of.
fn is_other_half(batch: &[Sent<'_>], other: &Task<'_>) -> bool {
    batch.len() == other.batch.len() || batch.len() + 1 == other.batch.len()
}

/// HubSpot answers a batch with a merged-away id by leaving the row out. Asked for alone, the id tells.
async fn omitted_outcome(api: &Api, object: &Object, id: &str) -> Outcome {
    let attempted = format!("update {object} records");
    let rejected = |reason, code: &str, message: &str| Outcome::Rejected(refused(reason, code, message));
    match api.current_id(object, id, Priority::Push).await {
        Ok(Some(now)) if now.as_str() != id => rejected(
            Reason::Merged { into: Some(Link { object: object.clone(), id: RecordId::from(now.as_str()) }) },
            "MERGED",
            "the record was merged into another",
        ),
        Ok(None) => rejected(Reason::Gone, "OBJECT_NOT_FOUND", "the record is deleted"),
        Ok(Some(_)) => Outcome::Ambiguous(
            Error::new(ErrorKind::Protocol, attempted, "HubSpot's answer leaves the record out").maybe_applied(),
        ),
        Err(error) => {
            let cause = format!("HubSpot's answer leaves the record out, and looking for it failed: {}", error.cause);
            Outcome::Ambiguous(Error::new(error.kind, attempted, cause).maybe_applied())
        }
    }
}
