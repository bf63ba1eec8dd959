//! Notes, tasks and lead objects of records. They are kept as records of objects of their own, so that the ledger tells of them.

use connector::{FieldName, Fields, Object, Operation, Outcome, Reason, RecordId, Rejection, Timestamp, Value};

use super::ledger::{Actor, ChangeKind, Entry};
use super::state::State;

/// The object that notes are kept as.
pub(super) fn notes() -> Object {
    Object::Other("note".into())
}

/// The object that tasks are kept as.
pub(super) fn tasks() -> Object {
    Object::Other("task".into())
}

/// The object that lead objects are kept as.
pub(super) fn lead_objects() -> Object {
    Object::Other("lead object".into())
}

/// Carries out a write beside the fields of a record that is there.
pub(super) fn apply(
    state: &mut State,
    operation: &Operation,
    record: RecordId,
    now: Timestamp,
) -> Result<Outcome, Rejection> {
    match operation {
        Operation::NoteUpsert { note, marker, body, .. } => {
            let found = match note {
                Some(note) if state.live(&notes(), note).is_none() => return Err(not_there("note")),
                Some(note) => Some(note.clone()),
                None => find(state, &notes(), &record, marker),
            };
            let text = Fields::from([(FieldName::from("body"), Value::Text(body.clone()))]);
            Ok(match found {
                Some(note) => {
                    state.set(&notes(), &note, &text, now, Actor::Us);
                    done(note, false)
                }
                None if body.is_empty() => done(record, false),
                None => done(insert(state, &notes(), &record, text, now), true),
            })
        }
        Operation::TaskOnce { marker, subject, body, due_at, owner, .. } => {
            if let Some(task) = find(state, &tasks(), &record, marker) {
                return Ok(done(task, false));
            }
            let owner = owner.as_ref().map_or(Value::Null, |owner| Value::text(owner.as_str()));
            let fields = Fields::from([
                (FieldName::from("subject"), Value::Text(subject.clone())),
                ("body".into(), Value::Text(body.clone())),
                ("due_at".into(), Value::Instant(*due_at)),
                ("owner".into(), owner),
            ]);
            Ok(done(insert(state, &tasks(), &record, fields, now), true))
        }
        Operation::LeadUpsert { lead, marker, name, owner, .. } => {
            let object = lead_objects();
            let found = match lead {
                Some(lead) if state.live(&object, lead).is_none() => return Err(not_there("lead object")),
                Some(lead) => Some(lead.clone()),
                None => find(state, &object, &record, marker),
            };
            let owner = owner.as_ref().map(|owner| (FieldName::from("owner"), Value::text(owner.as_str())));
            let mut fields: Fields = owner.into_iter().collect();
            Ok(match found {
                Some(lead) => {
                    state.set(&object, &lead, &fields, now, Actor::Us);
                    done(lead, false)
                }
                None => {
                    fields.set("body", Value::Text(name.clone()));
                    done(insert(state, &object, &record, fields, now), true)
                }
            })
        }
        Operation::LeadErase { lead, marker, .. } => {
            let object = lead_objects();
            let known = lead.clone().or_else(|| find(state, &object, &record, marker));
            let Some(lead) = known.filter(|lead| state.live(&object, lead).is_some()) else {
                return Ok(done(record, false));
            };
            let before = state.live(&object, &lead).map(|held| held.fields.clone()).unwrap_or_default();
            state.touch(&object, &lead, now, |held| held.deleted_at = Some(now));
            let blank = Entry::blank(now, Actor::Us, ChangeKind::Delete, object, lead.clone());
            state.note(Entry { before, ..blank });
            Ok(done(lead, false))
        }
        _ => Err(Rejection {
            reason: Reason::Unsupported,
            code: "UNKNOWN_OPERATION".into(),
            message: "this CRM does not do that".into(),
            fields: Vec::new(),
        }),
    }
}

fn insert(state: &mut State, object: &Object, record: &RecordId, mut fields: Fields, now: Timestamp) -> RecordId {
    fields.set("record", Value::text(record.as_str()));
    state.insert(object, fields, now, Actor::Us)
}

/// The record's live note or task whose text holds the marker.
fn find(state: &State, object: &Object, record: &RecordId, marker: &str) -> Option<RecordId> {
    of_record(state, object, record).find(|(_, body)| body.contains(marker)).map(|(id, _)| id.clone())
}

/// What a record has of an object, with its text.
pub(super) fn of_record<'a>(
    state: &'a State,
    object: &Object,
    record: &'a RecordId,
) -> impl Iterator<Item = (&'a RecordId, &'a str)> {
    let is_its = move |fields: &Fields| fields.get("record").and_then(Value::as_text) == Some(record.as_str());
    state
        .all(object)
        .filter(move |(_, held)| held.deleted_at.is_none() && is_its(&held.fields))
        .map(|(id, held)| (id, held.fields.get("body").and_then(Value::as_text).unwrap_or_default()))
}

fn done(id: RecordId, created: bool) -> Outcome {
    Outcome::Done { id, created, kept: Fields::new(), modified_at: None }
}

fn not_there(what: &str) -> Rejection {
    Rejection {
        reason: Reason::NotThere,
        code: "NOT_FOUND".into(),
        message: format!("there is no such {what}").into(),
        fields: Vec::new(),
    }
}
