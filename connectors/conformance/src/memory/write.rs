//! Writing: one write at a time, refused with a reason or applied whole.

use connector::{
    Capability, FieldName, FieldSpec, Fields, Object, Operation, Outcome, Reason, RecordId, Rejection, Timestamp,
    Value, Write,
};

use super::ledger::{Actor, ChangeKind, Entry};
use super::schema::kept;
use super::state::State;
use super::{beside, lists};

/// Applies one write at server time `now`.
pub(super) fn apply(state: &mut State, capability: &Capability, write: &Write, now: Timestamp) -> Outcome {
    match try_apply(state, capability, write, now) {
        Ok(outcome) => outcome,
        Err(rejection) => Outcome::Rejected(rejection),
    }
}

fn try_apply(state: &mut State, can: &Capability, write: &Write, now: Timestamp) -> Result<Outcome, Rejection> {
    let object = &write.object;
    match &write.operation {
        Operation::Update { id } => {
            let id = target(state, object, id)?;
            update(state, write, id, now)
        }
        Operation::Upsert { field, value } => {
            if !can_create(can, object) {
                return Err(refused(Reason::Unsupported, "UPSERT_NOT_POSSIBLE", "this object cannot be created", &[]));
            }
            if !state.schemas.get(object).and_then(|schema| schema.fields.get(field)).is_some_and(|spec| spec.unique) {
                return Err(refused(Reason::Invalid, "NOT_UNIQUE", "the key is not a unique field", &[field]));
            }
            let found = state.holders(object, field, value);
            match found.as_slice() {
                [] => {
                    let mut fields = write.fields.clone();
                    fields.set(field.clone(), value.clone());
                    create(state, object, &fields, now)
                }
                [id] => update(state, write, id.clone(), now),
                _ => Err(refused(Reason::AmbiguousMatch, "SEVERAL_MATCH", "several records hold the key", &[field])),
            }
        }
        Operation::Create if can_create(can, object) => create(state, object, &write.fields, now),
        Operation::Create => {
            Err(refused(Reason::Unsupported, "CREATE_NOT_POSSIBLE", "this object cannot be created", &[]))
        }
        Operation::Associate { from, to } => {
            let (from, far) = (target(state, object, from)?, target(state, &to.object, &to.id)?);
            state.link((object, &from), (&to.object, &far), true);
            let blank = Entry::blank(now, Actor::Us, ChangeKind::Associate, object.clone(), from.clone());
            state.note(Entry { other: Some(far), ..blank });
            Ok(Outcome::Done { id: from, created: false, kept: Fields::new(), modified_at: None })
        }
        Operation::Erase { id } if can.erases.contains(object) => erase(state, object, id, now),
        Operation::NoteUpsert { record, .. } if can.notes.iter().any(|kind| kind.object == *object) => {
            let record = target(state, object, record)?;
            beside::apply(state, &write.operation, record, now)
        }
        Operation::TaskOnce { record, .. } if can.tasks.contains(object) => {
            let record = target(state, object, record)?;
            beside::apply(state, &write.operation, record, now)
        }
        Operation::LeadUpsert { record, .. } if can.leads.contains(object) => {
            let record = target(state, object, record)?;
            beside::apply(state, &write.operation, record, now)
        }
        Operation::LeadErase { record, .. } if can.leads.contains(object) => {
            // It outlives its record.
            beside::apply(state, &write.operation, record.clone(), now)
        }
        Operation::ListMembership { list, record, member } if can.list_kind(object).is_some() => {
            // Whoever is gone is on no list.
            let record = match target(state, object, record) {
                Err(rejection) if !member && rejection.reason == Reason::Gone => record.clone(),
                other => other?,
            };
            lists::apply(state, object, (list, record, *member), now)
        }
        _ => Err(refused(Reason::Unsupported, "UNKNOWN_OPERATION", "this CRM does not do that", &[])),
    }
}

fn can_create(capability: &Capability, object: &Object) -> bool {
    capability.creates.iter().any(|key| key.object == *object)
}

/// The live record an id means, or why there is none.
fn target(state: &State, object: &Object, id: &RecordId) -> Result<RecordId, Rejection> {
    if let Some(rejection) = state.rejections.get(id) {
        return Err(rejection.clone());
    }
    if state.live(object, id).is_some() {
        return Ok(id.clone());
    }
    let survivor = state.survivor(object, id);
    if (&survivor.object, &survivor.id) == (object, id) {
        return Err(refused(Reason::Gone, "NOT_FOUND", "there is no such record", &[]));
    }
    let into = state.live(&survivor.object, &survivor.id).map(|_| survivor);
    match into {
        Some(survivor) if state.follows_merges && survivor.object == *object => Ok(survivor.id),
        into => Err(refused(Reason::Merged { into }, "MERGED", "the record was merged away", &[])),
    }
}

fn update(state: &mut State, write: &Write, id: RecordId, now: Timestamp) -> Result<Outcome, Rejection> {
    let object = &write.object;
    let fields = checked(state, object, &write.fields, Some(&id))?;
    state.set(object, &id, &fields, now, Actor::Us);
    run_workflows(state, object, &id, now);
    Ok(done(state, object, id, false, fields))
}

/// What is not there needs no deleting; what was merged away is nobody's to delete by that id.
fn erase(state: &mut State, object: &Object, id: &RecordId, now: Timestamp) -> Result<Outcome, Rejection> {
    if let Some(rejection) = state.rejections.get(id) {
        return Err(rejection.clone());
    }
    let done = Outcome::Done { id: id.clone(), created: false, kept: Fields::new(), modified_at: None };
    let Some(before) = state.live(object, id).map(|held| held.fields.clone()) else {
        let survivor = state.survivor(object, id);
        if (&survivor.object, &survivor.id) == (object, id) {
            return Ok(done);
        }
        let into = state.live(&survivor.object, &survivor.id).map(|_| survivor);
        return Err(refused(Reason::Merged { into }, "MERGED", "the record was merged away", &[]));
    };
    state.touch(object, id, now, |held| held.deleted_at = Some(now));
    let blank = Entry::blank(now, Actor::Us, ChangeKind::Delete, object.clone(), id.clone());
    state.note(Entry { before, ..blank });
    Ok(done)
}

fn create(state: &mut State, object: &Object, fields: &Fields, now: Timestamp) -> Result<Outcome, Rejection> {
    let fields = checked(state, object, fields, None)?;
    let present = fields.iter().filter(|(_, value)| !value.is_null());
    let present: Fields = present.map(|(name, value)| (name.clone(), value.clone())).collect();
    let id = state.insert(object, present, now, Actor::Us);
    run_workflows(state, object, &id, now);
    Ok(done(state, object, id, true, fields))
}

fn done(state: &State, object: &Object, id: RecordId, created: bool, fields: Fields) -> Outcome {
    let kept = if state.tells_kept {
        fields.iter().map(|(name, value)| (name.clone(), state.shown(value.clone()))).collect()
    } else {
        Fields::new()
    };
    let modified_at = state.get(object, &id).map(|held| held.modified_at);
    Outcome::Done { id, created, kept, modified_at }
}

/// The fields as they will be kept. One bad field refuses the whole write, as every vendor does.
fn checked(state: &State, object: &Object, fields: &Fields, own: Option<&RecordId>) -> Result<Fields, Rejection> {
    let mut ready = Fields::with_capacity(fields.len());
    for (name, value) in fields.iter() {
        let Some(spec) = state.schemas.get(object).and_then(|schema| schema.fields.get(name)) else {
            return Err(refused(Reason::UnknownField, "FIELD_DOES_NOT_EXIST", "there is no such field", &[name]));
        };
        if !spec.writable {
            return Err(refused(Reason::ReadOnly, "READ_ONLY_VALUE", "the field is read only", &[name]));
        }
        let value =
            keep(state, object, spec, value).map_err(|why| refused(Reason::Invalid, "INVALID", why, &[name]))?;
        if spec.unique && !value.is_null() {
            let other = state.holders(object, name, &value).into_iter().find(|id| own != Some(id));
            if let Some(existing) = other {
                let reason = Reason::Duplicate { existing: Some(existing) };
                return Err(refused(reason, "DUPLICATE_VALUE", "another record holds this value", &[name]));
            }
        }
        ready.set(name.clone(), value);
    }
    Ok(ready)
}

fn keep(state: &State, object: &Object, spec: &FieldSpec, value: &Value) -> Result<Value, &'static str> {
    let rewritten = state.rewrites.get(&(object.clone(), spec.name.clone())).map(|rewrite| rewrite(value));
    kept(spec, rewritten.as_ref().unwrap_or(value))
}

fn run_workflows(state: &mut State, object: &Object, id: &RecordId, now: Timestamp) {
    for workflow in state.workflows.clone() {
        let Some(fields) = state.live(object, id).map(|held| held.fields.clone()) else { return };
        let changes = workflow(object, &fields);
        if !changes.is_empty() {
            state.set(object, id, &changes, now, Actor::Workflow);
        }
    }
}

fn refused(reason: Reason, code: &str, message: &str, fields: &[&FieldName]) -> Rejection {
    let fields = fields.iter().map(|name| (*name).clone()).collect();
    Rejection { reason, code: code.into(), message: message.into(), fields }
}
