//! Notes, tasks and leads of records. HubSpot has no unique key for them, so each is looked for among the record's own before it is made:
//! by its marker, in the primary store. What was made is read back the same way, because the answer to a batch of creates does not
//! say whose is whose.

use std::collections::{BTreeMap, BTreeSet};

use connector::{
    Error, ErrorKind, FieldName, Fields, Link, Object, Operation, Outcome, Reason, RecordId, Rejection, Value, Write,
};
use connector_http::{Answer, Call, Priority};
use serde::Serialize;

use crate::api::{Api, BATCH, json, refusal};
use crate::convert::is_id;
use crate::dialect::PLAIN_CALL;
use crate::push;
use crate::reject::rejection;
use crate::values::Properties;
use crate::wanted::Wanted;
use crate::wire::Envelope;

/// The property that says whose something is.
const OWNER: &str = "hubspot_owner_id";

/// What is written beside a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Note,
    Task,
    Lead,
}

impl Side {
    fn plural(self) -> &'static str {
        match self {
            Self::Note => "notes",
            Self::Task => "tasks",
            Self::Lead => "leads",
        }
    }

    fn object(self) -> Object {
        Object::Other(self.plural().into())
    }

    /// The property that holds its text, and the marker in it.
    fn body(self) -> &'static str {
        match self {
            Self::Note => "hs_note_body",
            Self::Task => "hs_task_body",
            Self::Lead => "hs_lead_name",
        }
    }

    /// HubSpot's own type of its association with an object.
    fn association(self, object: &Object) -> Option<u32> {
        Some(match (self, object) {
            (Self::Note, Object::Contact) => 202,
            (Self::Note, Object::Company) => 190,
            (Self::Note, Object::Deal) => 214,
            (Self::Task, Object::Contact) => 204,
            (Self::Task, Object::Company) => 192,
            (Self::Task, Object::Deal) => 216,
            // The lead's primary contact: the plain association (608) comes with it.
            (Self::Lead, Object::Contact) => 578,
            _ => return None,
        })
    }
}

/// Objects that can have notes and tasks.
pub(crate) fn objects() -> Vec<Object> {
    vec![Object::Contact, Object::Company, Object::Deal]
}

/// One write, read.
struct Wish<'a> {
    place: usize,
    write: &'a Write,
    record: &'a RecordId,
    marker: &'a str,
    body: &'a str,
    /// The note that it goes into, where that is known.
    known: Option<RecordId>,
    properties: Fields,
}

#[derive(Serialize)]
struct Inputs<'a> {
    inputs: Vec<New<'a>>,
}

#[derive(Serialize)]
struct New<'a> {
    properties: Properties<'a>,
    associations: [Association<'a>; 1],
}

#[derive(Serialize)]
struct Association<'a> {
    to: To<'a>,
    types: [Type; 1],
}

#[derive(Serialize)]
struct To<'a> {
    id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Type {
    association_category: &'static str,
    association_type_id: u32,
}

type Outcomes = BTreeMap<usize, Outcome>;

/// Whether these are writes for this file.
pub(crate) fn is_beside(writes: &[Write]) -> bool {
    writes.iter().any(|write| side_of(&write.operation).is_some())
}

fn side_of(operation: &Operation) -> Option<Side> {
    match operation {
        Operation::NoteUpsert { .. } => Some(Side::Note),
        Operation::TaskOnce { .. } => Some(Side::Task),
        Operation::LeadUpsert { .. } => Some(Side::Lead),
        _ => None,
    }
}

/// An `Err` says that nothing was written.
pub(crate) async fn push(api: &Api, writes: &[Write]) -> Result<Vec<Outcome>, Error> {
    let is_lead = |write: &Write| side_of(&write.operation) == Some(Side::Lead);
    match written(api, writes).await {
        // Leads are an option of the portal, with scopes of their own: without them everything else goes on.
        Err(error) if error.kind == ErrorKind::Forbidden && writes.iter().any(is_lead) => {
            Ok(writes.iter().map(|_| refused(Reason::Forbidden, "MISSING_SCOPES", &error.cause)).collect())
        }
        answer => answer,
    }
}

async fn written(api: &Api, writes: &[Write]) -> Result<Vec<Outcome>, Error> {
    let mut outcomes = Outcomes::new();
    let mut open: Vec<Wish<'_>> = Vec::new();
    let side = writes.iter().find_map(|write| side_of(&write.operation)).unwrap_or(Side::Note);
    let object = writes.first().map_or(Object::Contact, |write| write.object.clone());
    let association = side.association(&object);
    for (place, write) in writes.iter().enumerate() {
        match (association, wish(api, place, write)) {
            (Some(_), Some(wish)) if is_id(wish.record.as_str()) => open.push(wish),
            (Some(_), Some(_)) => {
                let gone =
                    refused(Reason::Gone, "OBJECT_NOT_FOUND", "HubSpot's ids are numbers: this one names no record");
                outcomes.insert(place, gone);
            }
            _ => {
                let message = "the connector writes nothing of this kind beside this object";
                outcomes.insert(place, refused(Reason::Unsupported, "UNSUPPORTED", message));
            }
        }
    }
    let (known, unknown): (Vec<_>, Vec<_>) = open.into_iter().partition(|wish| wish.known.is_some());
    let there = live(api, &object, unknown, &mut outcomes).await?;
    let found = find(api, side, &object, &there).await?;
    let (mut change, mut make) = (known, Vec::new());
    for mut wish in there {
        match found.get(&wish.place) {
            // A task is told once; a note is written again, because nobody knows what it says now.
            Some(id) if side == Side::Task => drop(outcomes.insert(wish.place, done(id.clone(), false))),
            Some(id) => {
                wish.known = Some(id.clone());
                change.push(wish);
            }
            None if wish.body.is_empty() => drop(outcomes.insert(wish.place, done(wish.record.clone(), false))),
            None => make.push(wish),
        }
    }
    let is_all = make.is_empty() && outcomes.is_empty();
    update(api, side, &change, &mut outcomes, is_all).await?;
    if let Some(association) = association {
        create(api, side, &object, association, &make, &mut outcomes).await?;
    }
    let silent = || {
        let error = Error::new(ErrorKind::Protocol, "write beside a record", "HubSpot's answer does not mention it");
        Outcome::Ambiguous(error.maybe_applied())
    };
    Ok((0..writes.len()).map(|place| outcomes.remove(&place).unwrap_or_else(silent)).collect())
}

fn wish<'a>(api: &Api, place: usize, write: &'a Write) -> Option<Wish<'a>> {
    let text = |name: &'static str, value: &str| (FieldName::from(name), Value::text(value));
    match &write.operation {
        Operation::NoteUpsert { record, note, marker, body } => Some(Wish {
            place,
            write,
            record,
            marker,
            body,
            known: note.clone(),
            properties: Fields::from([
                text("hs_note_body", body),
                text("hs_timestamp", &api.clock.now().to_rfc3339_millis()),
            ]),
        }),
        Operation::TaskOnce { record, marker, subject, body, due_at, owner } => {
            let mut properties = Fields::from([
                text("hs_task_subject", subject),
                text("hs_task_body", body),
                text("hs_timestamp", &due_at.to_rfc3339_millis()),
                text("hs_task_status", "NOT_STARTED"),
                text("hs_task_type", "TODO"),
            ]);
            if let Some(owner) = owner {
                properties.set(OWNER, Value::text(owner.as_str()));
            }
            Some(Wish { place, write, record, marker, body, known: None, properties })
        }
        // Pipeline and stage are HubSpot's to choose: those of the portal's default.
        Operation::LeadUpsert { record, lead, marker, name, owner } => {
            let mut properties = Fields::from([text("hs_lead_name", name)]);
            if let Some(owner) = owner {
                properties.set(OWNER, Value::text(owner.as_str()));
            }
            Some(Wish { place, write, record, marker, body: name, known: lead.clone(), properties })
        }
        _ => None,
    }
}

/// Those whose record is there; of the others it is told where their record went.
async fn live<'a>(
    api: &Api,
    object: &Object,
    wishes: Vec<Wish<'a>>,
    outcomes: &mut Outcomes,
) -> Result<Vec<Wish<'a>>, Error> {
    let mut there: BTreeSet<RecordId> = BTreeSet::new();
    for chunk in wishes.chunks(BATCH) {
        let ids: Vec<&str> = chunk.iter().map(|wish| wish.record.as_str()).collect();
        let rows = api.batch_read(object, &Wanted::nothing(), None, &ids, Priority::Push).await?;
        there.extend(rows.rows.iter().map(crate::rows::Row::record_id));
    }
    let mut left = Vec::with_capacity(wishes.len());
    for wish in wishes {
        if there.contains(wish.record) {
            left.push(wish);
            continue;
        }
        let outcome = match api.current_id(object, wish.record.as_str(), Priority::Push).await? {
            None => refused(Reason::Gone, "OBJECT_NOT_FOUND", "the record is deleted"),
            Some(now) => {
                let into = Some(Link { object: object.clone(), id: now });
                refused(Reason::Merged { into }, "MERGED", "the record was merged into another")
            }
        };
        outcomes.insert(wish.place, outcome);
    }
    Ok(left)
}

/// The lead object beside a contact whose name holds this.
pub(crate) async fn lead_by_marker(api: &Api, contact: &RecordId, marker: &str) -> Result<Option<RecordId>, Error> {
    let mut found = marked(api, Side::Lead, &Object::Contact, &[(0, contact, marker)]).await?;
    Ok(found.remove(&0))
}

/// The note or task of each wish, by its marker.
async fn find(api: &Api, side: Side, object: &Object, wishes: &[Wish<'_>]) -> Result<BTreeMap<usize, RecordId>, Error> {
    let asked: Vec<_> = wishes.iter().map(|wish| (wish.place, wish.record, wish.marker)).collect();
    marked(api, side, object, &asked).await
}

/// What is beside each record and holds a marker, by place; of several the one made first.
async fn marked(
    api: &Api,
    side: Side,
    object: &Object,
    asked: &[(usize, &RecordId, &str)],
) -> Result<BTreeMap<usize, RecordId>, Error> {
    let records: Vec<RecordId> = asked.iter().map(|(_, record, _)| (*record).clone()).collect();
    if records.is_empty() {
        return Ok(BTreeMap::new());
    }
    let links = api.links_of(object, &[side.object()], &records).await?;
    let ids: BTreeSet<&str> = links.values().flatten().map(|link| link.id.as_str()).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let body = FieldName::from(side.body());
    let wanted = Wanted::answer([&body].into_iter(), None);
    let mut texts: BTreeMap<RecordId, Value> = BTreeMap::new();
    for chunk in ids.chunks(BATCH) {
        let rows = api.batch_read(&side.object(), &wanted, None, chunk, Priority::Push).await?;
        texts.extend(rows.rows.iter().filter_map(|row| Some((row.record_id(), row.fields.get(&body)?.clone()))));
    }
    let holds =
        |id: &RecordId, marker: &str| texts.get(id).and_then(Value::as_text).is_some_and(|text| text.contains(marker));
    let age = |id: &RecordId| id.as_str().parse::<u64>().unwrap_or(u64::MAX);
    Ok(asked
        .iter()
        .filter_map(|(place, record, marker)| {
            let own = links.get(*record)?.iter().map(|link| &link.id).filter(|id| holds(id, marker));
            Some((*place, own.min_by_key(|id| age(id))?.clone()))
        })
        .collect())
}

/// Writes the text of notes, and the owner of leads, that are known, as records of their own.
async fn update(
    api: &Api,
    side: Side,
    wishes: &[Wish<'_>],
    outcomes: &mut Outcomes,
    is_all: bool,
) -> Result<(), Error> {
    let write = |wish: &Wish<'_>| {
        let id = wish.known.clone()?;
        let owner = || wish.properties.get(OWNER).map(|owner| (FieldName::from(OWNER), owner.clone()));
        // What a lead is called is the rep's to change.
        let fields: Fields = match side {
            Side::Lead => owner().into_iter().collect(),
            _ => Fields::from([(FieldName::from(side.body()), Value::text(wish.body))]),
        };
        let operation = Operation::Update { id };
        Some(Write { object: side.object(), operation, fields, ..wish.write.clone() })
    };
    let writes: Vec<Write> = wishes.iter().filter_map(write).collect();
    if writes.is_empty() {
        return Ok(());
    }
    let answered = match push::push(api, "", &writes).await {
        Ok(answered) => answered,
        Err(error) if is_all => return Err(error),
        Err(error) => writes.iter().map(|_| Outcome::Deferred(error.clone())).collect(),
    };
    for (wish, outcome) in wishes.iter().zip(answered) {
        let outcome = match (outcome, &wish.known) {
            // The change stamp is the note's, not the record's.
            (Outcome::Done { .. }, Some(id)) => done(id.clone(), false),
            (Outcome::Rejected(rejection), _) if rejection.reason == Reason::Gone => {
                Outcome::Rejected(Rejection { reason: Reason::NotThere, ..rejection })
            }
            (other, _) => other,
        };
        outcomes.insert(wish.place, outcome);
    }
    Ok(())
}

async fn create(
    api: &Api,
    side: Side,
    object: &Object,
    association: u32,
    wishes: &[Wish<'_>],
    outcomes: &mut Outcomes,
) -> Result<(), Error> {
    for (number, chunk) in wishes.chunks(BATCH).enumerate() {
        match create_batch(api, side, association, chunk).await {
            Ok(None) => {}
            // Nothing of the batch was taken: one at a time it is seen whose fault that is.
            Ok(Some(rejection)) if chunk.len() == 1 => {
                let one = chunk.iter().map(|wish| (wish.place, Outcome::Rejected(rejection.clone())));
                outcomes.extend(one);
                continue;
            }
            Ok(Some(_)) => {
                for one in chunk.chunks(1) {
                    Box::pin(create(api, side, object, association, one, outcomes)).await?;
                }
                continue;
            }
            Err(error) if error.maybe_applied => {
                outcomes.extend(chunk.iter().map(|wish| (wish.place, Outcome::Ambiguous(error.clone()))));
                continue;
            }
            Err(error) if number == 0 && outcomes.is_empty() => return Err(error),
            Err(error) => {
                outcomes.extend(chunk.iter().map(|wish| (wish.place, Outcome::Deferred(error.clone()))));
                continue;
            }
        }
        let made = find(api, side, object, chunk).await;
        for wish in chunk {
            let outcome = match &made {
                Ok(made) => made.get(&wish.place).map(|id| done(id.clone(), true)),
                Err(error) => Some(Outcome::Ambiguous(error.clone().maybe_applied())),
            };
            outcomes.extend(outcome.map(|outcome| (wish.place, outcome)));
        }
    }
    Ok(())
}

/// `Some`: HubSpot refused the batch, and nothing of it was taken.
async fn create_batch(
    api: &Api,
    side: Side,
    association: u32,
    wishes: &[Wish<'_>],
) -> Result<Option<Rejection>, Error> {
    let attempted = format!("create {}", side.plural());
    let inputs: Vec<New<'_>> = wishes.iter().map(|wish| new(wish, association)).collect();
    let body = json(&attempted, &Inputs { inputs })?;
    let path = format!("{}/batch/create", api.paths.objects(side.plural()));
    let call = Call::write(&attempted, path, body, PLAIN_CALL);
    let decode = |answer: &Answer| {
        let status = answer.status.as_u16();
        Ok(match status {
            // A partial success is told apart by the look that follows.
            200..=299 => Ok(None),
            400 | 409 | 413 | 422 => Ok(Some(rejection(status, &Envelope::read(&answer.body)))),
            _ => Err(refusal(&attempted, answer)),
        })
    };
    api.client.fetch(&call, decode).await?
}

fn new<'w>(wish: &'w Wish<'_>, association: u32) -> New<'w> {
    let types = [Type { association_category: "HUBSPOT_DEFINED", association_type_id: association }];
    New {
        properties: Properties(&wish.properties),
        associations: [Association { to: To { id: wish.record.as_str() }, types }],
    }
}

fn done(id: RecordId, created: bool) -> Outcome {
    Outcome::Done { id, created, kept: Fields::new(), modified_at: None }
}

fn refused(reason: Reason, code: &str, message: &str) -> Outcome {
    Outcome::Rejected(Rejection { reason, code: code.into(), message: message.into(), fields: Vec::new() })
}
