//! Tasks of people's records. Salesforce has no unique key for them, so each is looked for among the record's own by its marker
//! before it is made: the same write sent twice leaves one task.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use connector::{Error, Fields, Object, Operation, Outcome, Reason, RecordId, Value, Write};
use connector_http::{Call, Priority};
use serde::Deserialize;

use crate::api::{Api, decode};
use crate::delivery::Delivery;
use crate::dialect::CALL;
use crate::ids;
use crate::lookup::{self, Fate};
use crate::outgoing::{How, Lane, Sent};
use crate::paths::sobject_of;
use crate::push::{deadline, in_order};
use crate::reject::refused;
use crate::soql::{Field, Literal, Query};

const TASK: &str = "Task";
/// Records asked about in one question.
const IDS: usize = 200;
/// Longest subject Salesforce keeps.
const SUBJECT: usize = 255;

/// One write, read, and the task it is.
struct Wish<'a> {
    place: usize,
    write: &'a Write,
    /// The record's id in its long form.
    record: String,
    marker: &'a str,
    task: Write,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Row {
    id: String,
    who_id: Option<String>,
    description: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Rows {
    records: Vec<Row>,
}

type Outcomes = BTreeMap<usize, Outcome>;

/// Objects whose records can be given a task: it names a person.
pub(crate) fn objects() -> Vec<Object> {
    vec![Object::Contact, Object::Lead]
}

/// Whether these are writes for this file.
pub(crate) fn is_task(writes: &[Write]) -> bool {
    writes.iter().any(|write| matches!(write.operation, Operation::TaskOnce { .. }))
}

/// An `Err` says that nothing was written.
pub(crate) async fn push(api: &Api, writes: &[Write]) -> Result<Vec<Outcome>, Error> {
    let mut outcomes = Outcomes::new();
    let mut wishes = Vec::new();
    for (place, write) in writes.iter().enumerate() {
        match wish(place, write) {
            Ok(wish) => wishes.push(wish),
            Err(outcome) => drop(outcomes.insert(place, *outcome)),
        }
    }
    let there = live(api, wishes, &mut outcomes).await?;
    let made = made(api, &there).await?;
    let mut sent = Vec::new();
    for wish in &there {
        match made.get(&wish.place) {
            Some(id) => {
                let done = Outcome::Done { id: id.clone(), created: false, kept: Fields::new(), modified_at: None };
                outcomes.insert(wish.place, done);
            }
            None => sent.push(Sent {
                place: wish.place,
                write: &wish.task,
                key: String::new(),
                fields: Cow::Borrowed(&wish.task.fields),
            }),
        }
    }
    let object = Object::Other(TASK.into());
    let lane = Lane { object, sobject: TASK.to_owned(), how: How::Insert { key: None }, assigns: false };
    let mut delivery = Delivery::new(api, outcomes, deadline(api));
    if !sent.is_empty() {
        delivery.run(&lane, sent).await;
    }
    let (outcomes, stopped) = delivery.finish();
    let nothing_sent = outcomes.values().all(|outcome| matches!(outcome, Outcome::Deferred(_)));
    match stopped {
        Some(error) if nothing_sent => Err(error),
        _ => Ok(in_order(writes.len(), outcomes)),
    }
}

fn wish(place: usize, write: &Write) -> Result<Wish<'_>, Box<Outcome>> {
    let refuse = |reason, code, message| Err(Box::new(Outcome::Rejected(refused(reason, code, message))));
    let Operation::TaskOnce { record, marker, subject, body, due_at, owner } = &write.operation else {
        return refuse(Reason::Unsupported, "UNSUPPORTED", "the connector does not do this operation");
    };
    if !objects().contains(&write.object) {
        return refuse(Reason::Unsupported, "UNSUPPORTED", "the connector makes tasks of people only");
    }
    let Some(id) = ids::long(record.as_str()) else {
        return refuse(Reason::Gone, "MALFORMED_ID", "Salesforce's ids have 15 or 18 characters: this names no record");
    };
    let subject: String = subject.chars().take(SUBJECT).collect();
    let mut fields = Fields::from([
        ("WhoId", Value::from(id.as_str())),
        ("Subject", Value::from(subject.as_str())),
        ("Description", Value::from(&**body)),
        ("ActivityDate", Value::Date(due_at.to_utc().date_naive())),
        ("Status", Value::from("Not Started")),
        ("Priority", Value::from("High")),
    ]);
    if let Some(owner) = owner {
        fields.set("OwnerId", Value::from(owner.as_str()));
    }
    let object = Object::Other(TASK.into());
    let task = Write { object, operation: Operation::Create, fields, ..write.clone() };
    Ok(Wish { place, write, record: id, marker, task })
}

/// Those whose record is there; of the others it is told where their record went.
async fn live<'a>(api: &Api, wishes: Vec<Wish<'a>>, outcomes: &mut Outcomes) -> Result<Vec<Wish<'a>>, Error> {
    let mut fates: BTreeMap<String, Fate> = BTreeMap::new();
    for object in objects() {
        let of = wishes.iter().filter(|wish| wish.write.object == object);
        let ids: Vec<String> = of.map(|wish| wish.record.clone()).collect();
        if !ids.is_empty() {
            fates.extend(lookup::fates(api, &object, sobject_of(&object)?, &ids).await?);
        }
    }
    let mut there = Vec::with_capacity(wishes.len());
    for wish in wishes {
        let outcome = match fates.get(&wish.record) {
            Some(Fate::Alive) => {
                there.push(wish);
                continue;
            }
            Some(Fate::Into(into)) => {
                refused(Reason::Merged { into: into.clone() }, "ENTITY_IS_DELETED", "the record goes on as another")
            }
            Some(Fate::Gone) | None => refused(Reason::Gone, "ENTITY_IS_DELETED", "the record is deleted"),
        };
        outcomes.insert(wish.place, Outcome::Rejected(outcome));
    }
    Ok(there)
}

/// The task of each wish that was made before, by its marker; of several the first by id.
async fn made(api: &Api, wishes: &[Wish<'_>]) -> Result<BTreeMap<usize, RecordId>, Error> {
    let records: Vec<&str> = wishes.iter().map(|w| w.record.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
    let mut rows = Vec::new();
    for some in records.chunks(IDS) {
        let these = Field::from("WhoId").one_of(some.iter().map(|id| Literal::text(*id)).collect());
        let columns = ["Id", "WhoId", "Description"].map(Field::from).to_vec();
        let query = Query::select(columns, TASK)?.filter(these);
        let path = api.paths.query(&query.text(), false);
        let call = Call::get("look for tasks", path, CALL).with_priority(Priority::Push);
        let found: Rows = api.ask(&call, decode).await?;
        rows.extend(found.records);
    }
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    let is_of = |row: &Row, wish: &Wish<'_>| {
        row.who_id.as_deref().and_then(ids::long).as_ref() == Some(&wish.record)
            && row.description.as_deref().is_some_and(|text| text.contains(wish.marker))
    };
    Ok(wishes
        .iter()
        .filter_map(|wish| {
            let row = rows.iter().find(|row| is_of(row, wish))?;
            Some((wish.place, ids::record_id(&row.id)?))
        })
        .collect())
}
