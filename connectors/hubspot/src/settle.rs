//! Which row of an answer belongs to which write. Pure: a batch's answer comes in any order, with rows missing, and its
//! errors name their rows in three different ways.

use std::collections::BTreeMap;

use connector::{Fields, Operation, Outcome, Write};

use crate::reject::rejection;
use crate::rows::{Row, Rows};
use crate::wire::Envelope;

/// One write of a batch with its place among the caller's writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent<'a> {
    pub place: usize,
    pub write: &'a Write,
    /// What the batch's `id` is for it: the record's id, or the unique value.
    pub key: &'a str,
}

impl Sent<'_> {
    /// The `objectWriteTraceId` it is sent with.
    pub fn trace_id(&self) -> String {
        self.place.to_string()
    }
}

/// What the answer says of each write of the batch, by place. A write it does not mention is missing.
pub(crate) fn settle(batch: &[Sent<'_>], answer: Rows, status: u16) -> BTreeMap<usize, Outcome> {
    let mut outcomes = BTreeMap::new();
    let mut unnamed = Vec::new();
    for error in &answer.errors {
        let named = named(batch, error);
        if named.is_empty() {
            unnamed.push(error);
        }
        for place in named {
            outcomes.insert(place, Outcome::Rejected(rejection(status_of(error, status), error)));
        }
    }
    for row in answer.rows {
        if let Some(sent) = batch.iter().find(|sent| owns(sent, &row)) {
            outcomes.insert(sent.place, done(sent.write, row));
        }
    }
    // One error and one silent write: it can only be that one's.
    let silent: Vec<usize> =
        batch.iter().map(|sent| sent.place).filter(|place| !outcomes.contains_key(place)).collect();
    if let ([error], [place]) = (unnamed.as_slice(), silent.as_slice()) {
        outcomes.insert(*place, Outcome::Rejected(rejection(status_of(error, status), error)));
    }
    outcomes
}

fn named(batch: &[Sent<'_>], error: &Envelope) -> Vec<usize> {
    let traces = error.context.words("objectWriteTraceId");
    let mut ids = error.context.words("ids");
    ids.extend(error.context.words("id"));
    ids.extend(error.id.clone().map(|id| id.0));
    let is_named = |sent: &&Sent<'_>| {
        if traces.is_empty() { ids.iter().any(|id| id == sent.key) } else { traces.contains(&sent.trace_id()) }
    };
    batch.iter().filter(is_named).map(|sent| sent.place).collect()
}

fn owns(sent: &Sent<'_>, row: &Row) -> bool {
    if let Some(trace_id) = &row.trace_id {
        return *trace_id == sent.trace_id();
    }
    match &sent.write.operation {
        Operation::Update { id } => *id.as_str() == *row.id,
        // Only the key was asked for beside the written fields. HubSpot stores e-mail addresses in lower case.
        _ => row.inner.iter().any(|(_, text)| text.eq_ignore_ascii_case(sent.key)),
    }
}

/// A row that was written; it says what HubSpot kept of what was sent.
pub(crate) fn done(write: &Write, row: Row) -> Outcome {
    let (id, created, modified_at) = (row.record_id(), row.new, row.updated_at);
    let written = row.fields.iter().filter(|(name, _)| write.fields.get(name).is_some());
    let kept: Fields = written.map(|(name, value)| (name.clone(), value.clone())).collect();
    Outcome::Done { id, created, kept, modified_at }
}

/// Row errors carry no status of their own; the category says what it would be.
fn status_of(error: &Envelope, status: u16) -> u16 {
    match error.category.as_deref() {
        Some("OBJECT_NOT_FOUND") => 404,
        Some("CONFLICT") => 409,
        Some("MISSING_SCOPES") => 403,
        _ => status,
    }
}
