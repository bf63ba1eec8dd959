//! Steps that checks are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use connector::{
    Entropy, FieldKind, FieldName, Fields, Hints, Object, Operation, Outcome, Page, PullRequest, ReadKey, ReadRequest,
    Record, RecordId, SeededEntropy, Stream, Timestamp, Tombstone, Value, Write,
};

use crate::subject::{Checked, Stop, Subject};
use crate::value::same;

/// Ends the check as failed unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($why:tt)+) => {
        if !$holds {
            return Err($crate::subject::Stop::Failed(format!($($why)+)));
        }
    };
}
pub(super) use ensure;

/// More pages than any check needs: a stream that goes on beyond them never ends.
const MOST_PAGES: usize = 1_000;

pub(super) fn failed<T>(why: impl Into<String>) -> Checked<T> {
    Err(Stop::Failed(why.into()))
}

pub(super) fn skipped<T>(why: impl Into<String>) -> Checked<T> {
    Err(Stop::Skipped(why.into()))
}

/// The value of a call that must succeed.
pub(super) fn works<T>(what: &str, result: connector::Result<T>) -> Checked<T> {
    result.or_else(|error| failed(format!("{what} failed: {} error, {error}", error.kind.as_str())))
}

/// The error of a call that must fail.
pub(super) fn fails<T>(what: &str, result: connector::Result<T>) -> Checked<connector::Error> {
    match result {
        Ok(_) => failed(format!("{what} succeeded")),
        Err(error) => Ok(error),
    }
}

pub(super) fn email(number: usize) -> String {
    format!("suite.{number}@conformance.example")
}

/// One person, with an e-mail address of that number.
pub(super) async fn person(s: &dyn Subject, number: usize) -> Checked<RecordId> {
    let mut ids = s.seed_people(&[email(number)]).await?;
    ids.pop().map_or_else(|| failed("seeding a person gave no id"), Ok)
}

/// People numbered from 0.
pub(super) async fn people(s: &dyn Subject, count: usize) -> Checked<Vec<RecordId>> {
    let emails: Vec<String> = (0..count).map(email).collect();
    let ids = s.seed_people(&emails).await?;
    ensure!(ids.len() == count, "seeding {count} people gave {} ids", ids.len());
    Ok(ids)
}

/// Lets enough time pass for every change so far to be visible in an incremental pull.
pub(super) async fn settle(s: &dyn Subject) -> Checked {
    s.advance(s.connector().capability().visibility_lag + Duration::from_secs(2)).await
}

pub(super) fn ask(stream: Stream, fields: &[&FieldName]) -> PullRequest {
    let fields = fields.iter().map(|name| (*name).clone()).collect();
    PullRequest { stream, fields, links: Vec::new(), cursor: None, since: None }
}

/// The records of people, with e-mail and the two text fields.
pub(super) fn ask_people(s: &dyn Subject) -> PullRequest {
    let words = s.words();
    ask(Stream::Records(words.person.clone()), &[&words.email, &words.text, &words.other_text])
}

/// Everything a stream gave from one cursor to its end.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub pages: Vec<Page>,
}

impl Walk {
    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.pages.iter().flat_map(|page| &page.records)
    }

    pub(super) fn tombstones(&self) -> impl Iterator<Item = &Tombstone> {
        self.pages.iter().flat_map(|page| &page.tombstones)
    }

    pub(super) fn ids(&self) -> BTreeSet<RecordId> {
        self.records().map(|record| record.id.clone()).collect()
    }

    /// The version of each record that was delivered last.
    pub(super) fn latest(&self) -> BTreeMap<RecordId, &Record> {
        self.records().map(|record| (record.id.clone(), record)).collect()
    }

    pub(super) fn record(&self, id: &RecordId) -> Checked<&Record> {
        self.latest().get(id).copied().map_or_else(|| failed(format!("record {id} was not delivered")), Ok)
    }

    /// The same request, from where this walk ended.
    pub(super) fn next(&self, request: &PullRequest) -> PullRequest {
        let resume = self.pages.last().map(|page| page.resume.clone());
        PullRequest { cursor: resume.or_else(|| request.cursor.clone()), ..request.clone() }
    }
}

pub(super) async fn page(s: &dyn Subject, request: &PullRequest) -> Checked<Page> {
    let page = works("a pull", s.connector().pull(request).await)?;
    ensure!(!page.resume.as_str().is_empty(), "a page came without a resume cursor");
    Ok(page)
}

/// Pulls until a page says that there is no more.
pub(super) async fn walk(s: &dyn Subject, request: &PullRequest) -> Checked<Walk> {
    let mut walk = Walk::default();
    let mut request = request.clone();
    while walk.pages.len() < MOST_PAGES {
        let page = page(s, &request).await?;
        let more = page.more;
        request.cursor = Some(page.resume.clone());
        walk.pages.push(page);
        if !more {
            return Ok(walk);
        }
    }
    failed(format!("the stream did not end within {MOST_PAGES} pages"))
}

/// Every id of `wanted` was delivered.
pub(super) fn all_there(wanted: &[RecordId], seen: &BTreeSet<RecordId>) -> Checked {
    let missing: Vec<&RecordId> = wanted.iter().filter(|id| !seen.contains(id)).collect();
    match missing.first() {
        None => Ok(()),
        Some(first) => failed(format!("{} of {} records are missing, {first} first", missing.len(), wanted.len())),
    }
}

pub(super) fn update(s: &dyn Subject, id: &RecordId, fields: impl Into<Fields>) -> Write {
    write(s, Operation::Update { id: id.clone() }, fields.into())
}

pub(super) fn upsert(s: &dyn Subject, key: &FieldName, value: &str, fields: impl Into<Fields>) -> Write {
    write(s, Operation::Upsert { field: key.clone(), value: Value::from(value) }, fields.into())
}

pub(super) fn create(s: &dyn Subject, object: &Object, fields: impl Into<Fields>) -> Write {
    Write { object: object.clone(), ..write(s, Operation::Create, fields.into()) }
}

/// A write beside the fields of people.
pub(super) fn beside(s: &dyn Subject, operation: Operation) -> Write {
    write(s, operation, Fields::new())
}

fn write(s: &dyn Subject, operation: Operation, fields: Fields) -> Write {
    // The intent's name follows from the intent: resent, it is the same.
    let text = format!("{operation:?}{fields:?}");
    let seed = text.bytes().fold(0u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let key = SeededEntropy::new(seed).uuid(Timestamp::EPOCH);
    Write { key, object: s.words().person.clone(), operation, fields, hints: Hints::default() }
}

/// Pushes and takes the outcomes, one for each write.
pub(super) async fn push(s: &dyn Subject, writes: &[Write]) -> Checked<Vec<Outcome>> {
    let outcomes = works("a push", s.connector().push(writes).await)?;
    ensure!(outcomes.len() == writes.len(), "{} writes gave {} outcomes", writes.len(), outcomes.len());
    Ok(outcomes)
}

pub(super) async fn push_one(s: &dyn Subject, write: &Write) -> Checked<Outcome> {
    let mut outcomes = push(s, std::slice::from_ref(write)).await?;
    outcomes.pop().map_or_else(|| failed("a push gave no outcome"), Ok)
}

/// The id of a write that must be done, and whether it was created.
pub(super) fn is_done(outcome: &Outcome) -> Checked<(RecordId, bool)> {
    match outcome {
        Outcome::Done { id, created, .. } => Ok((id.clone(), *created)),
        other => failed(format!("expected a write to be done, it was {other:?}")),
    }
}

pub(super) fn is_rejected(outcome: &Outcome) -> Checked<&connector::Rejection> {
    match outcome {
        Outcome::Rejected(rejection) => Ok(rejection),
        other => failed(format!("expected a write to be refused, it was {other:?}")),
    }
}

/// Reads one record by id.
pub(super) async fn read_one(s: &dyn Subject, id: &RecordId, fields: &[&FieldName]) -> Checked<Option<Record>> {
    let request = ReadRequest {
        object: s.words().person.clone(),
        fields: fields.iter().map(|name| (*name).clone()).collect(),
        by: ReadKey::Ids(vec![id.clone()]),
    };
    let mut records = works("a read", s.connector().read(&request).await)?;
    ensure!(records.len() <= 1, "reading one id gave {} records", records.len());
    Ok(records.pop())
}

/// The CRM's own value of a person's field.
pub(super) async fn truth(s: &dyn Subject, id: &RecordId, field: &FieldName) -> Checked<Value> {
    let fields = s.truth(&s.words().person, id, std::slice::from_ref(field)).await?;
    let Some(fields) = fields else { return failed(format!("record {id} is not there")) };
    Ok(fields.get(field).cloned().unwrap_or(Value::Null))
}

/// The CRM holds this value in a person's field.
pub(super) async fn holds(s: &dyn Subject, id: &RecordId, field: &FieldName, wanted: &Value) -> Checked {
    let value = truth(s, id, field).await?;
    ensure!(same(&FieldKind::Text, &value, wanted), "{field} should hold {wanted:?} and holds {value:?}");
    Ok(())
}
