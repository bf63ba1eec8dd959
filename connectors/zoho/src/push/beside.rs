//! Writes beside a record's fields: the note that is kept in place, and the task that is made once. Both are known by a
//! marker in their text, and looked for before one is made: Zoho has no key for either.

use std::borrow::Cow;
use std::collections::BTreeMap;

use connector::{Error, ErrorKind, Fields, Object, Operation, Outcome, Reason, RecordId, Value, Write};
use connector_http::{Call, Priority};
use futures::future::join_all;

use super::calls::{self, MOST_ROWS, RowAnswer, Told};
use super::in_order;
use super::outgoing::{How, Lane, Sent, refused};
use super::reject::{Meaning, meaning, rejection};
use crate::api::Api;
use crate::coql::quoted;
use crate::dialect::CALL;
use crate::paths;
use crate::rows::{Row, Rows};
use crate::schema::Described;
use crate::wanted::Wanted;
use crate::wire::is_id;

/// Records looked at, or written one by one, at the same time.
const PARALLEL: usize = 3;
/// Pages of two hundred notes that any record has at most.
const MOST_PAGES: usize = 25;
const LONGEST_SUBJECT: usize = 255;
const NOTE_TITLE: &str = "Customer timeline";
/// A note cannot be empty.
const EMPTIED: &str = "–";
const NOTES: &str = "Notes";
const TASKS: &str = "Tasks";

/// Longest note in characters.
pub(crate) const LONGEST_NOTE: usize = 30_000;

/// Objects whose records have notes and tasks.
pub(crate) fn can(object: &Object) -> bool {
    matches!(object, Object::Contact | Object::Lead | Object::Company | Object::Deal)
}

/// Whether these writes go this way.
pub(super) fn are_beside(writes: &[Write]) -> bool {
    let is = |write: &Write| matches!(write.operation, Operation::NoteUpsert { .. } | Operation::TaskOnce { .. });
    writes.iter().any(is)
}

/// What is to be done for one write.
enum Next {
    Settled(Outcome),
    /// The note of this id says this from now on.
    Change {
        id: RecordId,
        body: String,
    },
    /// There is none yet.
    Make(Fields),
}

/// One outcome per write in the order given, or an `Err` that says that nothing was written.
pub(super) async fn push(api: &Api, writes: &[Write]) -> Result<Vec<Outcome>, Error> {
    let (notes, tasks) = (api.described(NOTES).await?, api.described(TASKS).await?);
    let (notes, tasks): (&Described, &Described) = (&notes, &tasks);
    let until = api.clock.now().saturating_add(api.limits.longest_push);
    let late = || {
        let cause = "the push has taken its time; the rest comes with the next one";
        Outcome::Deferred(Error::new(ErrorKind::Transient, "write notes and tasks", cause))
    };
    let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
    let (mut changes, mut makes) = (Vec::new(), Vec::new());
    for (first, some) in writes.chunks(PARALLEL).enumerate() {
        let nexts = match api.clock.now() < until {
            true => join_all(some.iter().map(|write| next(api, tasks, write))).await,
            false => some.iter().map(|_| Next::Settled(late())).collect(),
        };
        for (at, next) in nexts.into_iter().enumerate() {
            let place = first * PARALLEL + at;
            match next {
                Next::Settled(outcome) => drop(outcomes.insert(place, outcome)),
                Next::Change { id, body } => {
                    changes.push(sent(place, id.as_str(), Fields::from([("Note_Content", body.as_str())])));
                }
                Next::Make(fields) => makes.push(sent(place, "", fields)),
            }
        }
    }
    let of_notes = Lane { object: Object::Other(NOTES.into()), module: NOTES.into(), how: How::ById { look: None } };
    for batch in changes.chunks(MOST_ROWS) {
        outcomes.extend(settle(api, &of_notes, notes, batch).await);
    }
    for some in makes.chunks(PARALLEL) {
        if api.clock.now() >= until {
            outcomes.extend(some.iter().map(|one| (one.place, late())));
            continue;
        }
        let made = join_all(some.iter().map(|one| make(api, (notes, tasks), writes, one))).await;
        outcomes.extend(made.into_iter().flatten());
    }
    let error = match outcomes.get(&0) {
        Some(Outcome::Deferred(error)) => Some(error.clone()),
        _ => None,
    };
    match error {
        Some(error) if outcomes.values().all(|outcome| matches!(outcome, Outcome::Deferred(_))) => Err(error),
        _ => Ok(in_order(writes.len(), outcomes)),
    }
}

fn sent(place: usize, key: &str, fields: Fields) -> Sent<'static> {
    Sent { place, key: key.to_owned(), seen: None, fields: Cow::Owned(fields) }
}

/// Looks what is there already.
async fn next(api: &Api, tasks: &Described, write: &Write) -> Next {
    let settled = |reason, code, message| Next::Settled(Outcome::Rejected(refused(reason, code, message, None)));
    let (Operation::NoteUpsert { record, .. } | Operation::TaskOnce { record, .. }) = &write.operation else {
        return settled(Reason::Unsupported, "UNSUPPORTED", "the connector does not do this operation");
    };
    if !can(&write.object) {
        return settled(Reason::Unsupported, "UNSUPPORTED", "records of this object have no notes and tasks");
    }
    if !is_id(record.as_str()) {
        return settled(Reason::Gone, "INVALID_DATA", "Zoho's ids are numbers: this one names no record");
    }
    let looked = match &write.operation {
        Operation::NoteUpsert { note: Some(id), body, .. } if is_id(id.as_str()) => {
            return Next::Change { id: id.clone(), body: filled(body) };
        }
        Operation::NoteUpsert { note: Some(_), .. } => {
            return settled(Reason::NotThere, "INVALID_DATA", "there is no such note");
        }
        Operation::NoteUpsert { record, marker, body, .. } => {
            api.noted(&write.object, record, marker).await.map(|found| {
                found.map(|found| match found {
                    Some(id) => Next::Change { id, body: filled(body) },
                    None if body.is_empty() => done(record.clone(), false),
                    None => Next::Make(Fields::from([("Note_Title", NOTE_TITLE), ("Note_Content", &**body)])),
                })
            })
        }
        Operation::TaskOnce { marker, .. } => api.tasked(tasks, &write.object, record, marker).await.map(|found| {
            found.map(|found| match found {
                Some(id) => done(id, false),
                None => Next::Make(task(write)),
            })
        }),
        _ => return settled(Reason::Unsupported, "UNSUPPORTED", "the connector does not do this operation"),
    };
    match looked {
        Ok(Some(next)) => next,
        Ok(None) => settled(Reason::Gone, "INVALID_DATA", "there is no such record"),
        // Nothing was written yet.
        Err(error) => Next::Settled(Outcome::Deferred(Error { maybe_applied: false, ..error })),
    }
}

fn filled(body: &str) -> String {
    if body.is_empty() { EMPTIED.to_owned() } else { body.to_owned() }
}

fn done(id: RecordId, created: bool) -> Next {
    Next::Settled(Outcome::Done { id, created, kept: Fields::new(), modified_at: None })
}

/// A new task's fields.
fn task(write: &Write) -> Fields {
    let Operation::TaskOnce { record, subject, body, due_at, owner, .. } = &write.operation else {
        return Fields::new();
    };
    let subject: String = subject.chars().take(LONGEST_SUBJECT).collect();
    let mut fields = Fields::from([("Subject", subject.as_str()), ("Description", &**body)]);
    fields.set(about(&write.object), record.as_str());
    if let (true, Ok(module)) = (write.object != Object::Contact, paths::module_of(&write.object)) {
        fields.set("$se_module", module);
    }
    fields.set("Due_Date", Value::Date(due_at.to_utc().date_naive()));
    if let Some(owner) = owner {
        fields.set("Owner", owner.as_str());
    }
    fields
}

/// The field of a task that names a record of this object. Only contacts stand beside what a task is about.
fn about(object: &Object) -> &'static str {
    if *object == Object::Contact { "Who_Id" } else { "What_Id" }
}

/// Makes one note or task.
async fn make(
    api: &Api,
    (notes, tasks): (&Described, &Described),
    writes: &[Write],
    one: &Sent<'_>,
) -> Vec<(usize, Outcome)> {
    let Some(write) = writes.get(one.place) else { return Vec::new() };
    let (object, module, described) = match (&write.operation, paths::module_of(&write.object)) {
        (Operation::NoteUpsert { record, .. }, Ok(module)) => (NOTES, format!("{module}/{record}/{NOTES}"), notes),
        _ => (TASKS, TASKS.to_owned(), tasks),
    };
    let lane = Lane { object: Object::Other(object.into()), module, how: How::Insert };
    settle(api, &lane, described, std::slice::from_ref(one)).await
}

/// Sends one call and reads what became of its rows. A call that is refused as a whole has applied nothing.
async fn settle(api: &Api, lane: &Lane, described: &Described, batch: &[Sent<'_>]) -> Vec<(usize, Outcome)> {
    let answers = match calls::send(api, lane, described, batch).await {
        Told::Rows(answers) => answers,
        Told::Refused(refusal) if batch.len() == 1 => vec![RowAnswer::Refused(refusal.fault)],
        Told::Refused(refusal) => vec![RowAnswer::NotSent(refusal.into_error(&lane.attempted())); batch.len()],
    };
    batch.iter().zip(answers).map(|(one, answer)| (one.place, outcome(lane, described, one, answer))).collect()
}

fn outcome(lane: &Lane, described: &Described, one: &Sent<'_>, answer: RowAnswer) -> Outcome {
    let fault = match answer {
        RowAnswer::Done { id, created, modified_at } => {
            return Outcome::Done { id, created, kept: Fields::new(), modified_at };
        }
        RowAnswer::Lost(error) => return Outcome::Ambiguous(error),
        RowAnswer::NotSent(error) => return Outcome::Deferred(error),
        RowAnswer::Refused(fault) => fault,
    };
    let of_path = fault.is("INVALID_DATA") && fault.details.api_name.is_none();
    let reason = match meaning(lane, &fault) {
        // The record went away since it was looked at.
        Meaning::Final(Reason::Invalid) if of_path && !lane.is_by_id() => Reason::Gone,
        Meaning::Final(reason) => reason,
        // What was changed by its id is the note; what was made, was made of a record.
        Meaning::Missing if lane.is_by_id() => Reason::NotThere,
        Meaning::Missing => Reason::Gone,
        Meaning::Incomplete(_) => Reason::Invalid,
        Meaning::Later(kind) => return Outcome::Deferred(Error::new(kind, lane.attempted(), fault.cause(207))),
    };
    let spelt = |name: &str| described.spelt(name).map_or_else(|| name.to_owned(), ToString::to_string);
    Outcome::Rejected(rejection(reason, &fault, one, spelt))
}

impl Api {
    /// The record's note whose text holds the marker; `None` where there is no such record.
    async fn noted(&self, object: &Object, record: &RecordId, marker: &str) -> Result<Option<Option<RecordId>>, Error> {
        let attempted = "look for the note of a record";
        let described = self.described(NOTES).await?;
        let wanted = Wanted::only(&["Note_Content"], &described);
        let mut path = paths::notes_of(paths::module_of(object)?, record.as_str());
        for _ in 0..MOST_PAGES {
            let call = Call::get(attempted, path.clone(), CALL).with_priority(Priority::Push);
            let page = match self.try_ask(&call, |answer| Rows::decode(answer, &wanted)).await? {
                Ok(page) => page,
                Err(refusal) if refusal.is("INVALID_DATA") || refusal.status == 404 => return Ok(None),
                Err(refusal) => return Err(refusal.into_error(attempted)),
            };
            let holds = |row: &&Row| row.text(&wanted, "Note_Content").is_some_and(|text| text.contains(marker));
            if let Some(row) = page.rows.iter().find(holds) {
                return Ok(Some(Some(row.id.clone())));
            }
            match page.next.filter(|_| page.more) {
                Some(token) => {
                    let first = paths::notes_of(paths::module_of(object)?, record.as_str());
                    path = paths::with(first, "page_token", &token);
                }
                None => return Ok(Some(None)),
            }
        }
        Err(Error::new(ErrorKind::Protocol, attempted, "the pages do not end"))
    }

    /// The record's task whose text holds the marker, done or not; `None` where there is no such record.
    async fn tasked(
        &self,
        tasks: &Described,
        object: &Object,
        record: &RecordId,
        marker: &str,
    ) -> Result<Option<Option<RecordId>>, Error> {
        let attempted = "look for the task of a record";
        let module = paths::module_of(object)?;
        let described = self.described(module).await?;
        let of_record = Wanted::only(&[crate::wanted::MODIFIED], &described);
        if self.by_ids(attempted, Priority::Push, module, &[record.as_str()], &of_record).await?.is_empty() {
            return Ok(None);
        }
        let wanted = Wanted::only(&["Description"], tasks);
        let rows = self.rows_where(attempted, TASKS, about(object), &[quoted(record.as_str())], &wanted).await?;
        let holds = |row: &&Row| row.text(&wanted, "Description").is_some_and(|text| text.contains(marker));
        Ok(Some(rows.iter().find(holds).map(|row| row.id.clone())))
    }
}
