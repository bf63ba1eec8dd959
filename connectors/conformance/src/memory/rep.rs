//! A rep at work: changes made in the CRM itself. They panic on nothing: a change of a record that is not there
//! answers `false`.

use connector::{Fields, Link, Object, RecordId, Value};

use super::ledger::{Actor, ChangeKind, Entry};
use super::schema::kept;
use super::state::State;
use super::{MemoryCrm, lists};

impl MemoryCrm {
    /// Creates a record. Values are kept by the field's kind where the schema knows the field and as given elsewhere;
    /// the CRM's rules for API writes (read-only, unique, options) do not bind a rep here.
    pub fn create(&self, object: &Object, fields: impl Into<Fields>) -> RecordId {
        let mut state = self.lock();
        let now = self.server_time(state.clock_skew_ms);
        let fields = by_kind(&state, object, &fields.into(), false);
        state.insert(object, fields, now, Actor::Rep)
    }

    /// Changes fields of one record; null empties one.
    pub fn edit(&self, object: &Object, id: &RecordId, fields: impl Into<Fields>) -> bool {
        self.edit_all(object, std::slice::from_ref(id), fields) == 1
    }

    /// Changes the same fields of several records at one instant, as a mass update does. Says how many were there.
    pub fn edit_all(&self, object: &Object, ids: &[RecordId], fields: impl Into<Fields>) -> usize {
        let mut state = self.lock();
        let now = self.server_time(state.clock_skew_ms);
        let fields = by_kind(&state, object, &fields.into(), true);
        ids.iter().filter(|id| state.set(object, id, &fields, now, Actor::Rep)).count()
    }

    pub fn delete(&self, object: &Object, id: &RecordId) -> bool {
        let mut state = self.lock();
        let now = self.server_time(state.clock_skew_ms);
        let Some(before) = state.live(object, id).map(|held| held.fields.clone()) else { return false };
        state.touch(object, id, now, |held| held.deleted_at = Some(now));
        let blank = Entry::blank(now, Actor::Rep, ChangeKind::Delete, object.clone(), id.clone());
        state.note(Entry { before, ..blank });
        true
    }

    /// Brings a deleted record back. A record that was merged away stays away.
    pub fn restore(&self, object: &Object, id: &RecordId) -> bool {
        let mut state = self.lock();
        let now = self.server_time(state.clock_skew_ms);
        let restorable = |held: &&super::state::Held| held.deleted_at.is_some() && held.merged_into.is_none();
        let Some(after) = state.get(object, id).filter(restorable).map(|held| held.fields.clone()) else {
            return false;
        };
        state.touch(object, id, now, |held| held.deleted_at = None);
        let blank = Entry::blank(now, Actor::Rep, ChangeKind::Restore, object.clone(), id.clone());
        state.note(Entry { after, ..blank });
        true
    }

    /// Merges `loser` into `survivor`: empty fields of the survivor are filled from the loser, associations move, the
    /// loser's id becomes an alias of the survivor.
    pub fn merge(&self, object: &Object, survivor: &RecordId, loser: &RecordId) -> bool {
        let mut state = self.lock();
        let now = self.server_time(state.clock_skew_ms);
        if survivor == loser {
            return false;
        }
        let (Some(kept), Some(lost)) = (state.live(object, survivor).cloned(), state.live(object, loser).cloned())
        else {
            return false;
        };
        for link in &lost.links {
            state.link((object, loser), (&link.object, &link.id), false);
            state.link((object, survivor), (&link.object, &link.id), true);
        }
        lists::merged(&mut state, object, loser, survivor);
        state.touch(object, loser, now, |held| {
            held.deleted_at = Some(now);
            held.merged_into = Some(Link { object: object.clone(), id: survivor.clone() });
        });
        let mut after = kept.fields.clone();
        for (name, value) in lost.fields.iter() {
            if after.get(name).is_none() {
                after.set(name.clone(), value.clone());
            }
        }
        state.touch(object, survivor, now, |held| {
            held.fields = after.clone();
            held.merged_ids.extend(lost.merged_ids.iter().cloned().chain([loser.clone()]));
        });
        let blank = Entry::blank(now, Actor::Rep, ChangeKind::Merge, object.clone(), survivor.clone());
        state.note(Entry { other: Some(loser.clone()), before: kept.fields, after, ..blank });
        true
    }

    /// Converts a lead: it goes on as the contact named, or as a new one with the lead's values. Empty fields of a contact
    /// that is there are filled from the lead. Says which contact; `None` where either record is not there.
    pub fn convert(&self, lead: &RecordId, contact: Option<&RecordId>) -> Option<RecordId> {
        let mut state = self.lock();
        let now = self.server_time(state.clock_skew_ms);
        let lost = state.live(&Object::Lead, lead)?.fields.clone();
        let id = match contact {
            Some(id) => {
                let mut after = state.live(&Object::Contact, id)?.fields.clone();
                for (name, value) in lost.iter() {
                    if after.get(name).is_none() {
                        after.set(name.clone(), value.clone());
                    }
                }
                state.set(&Object::Contact, id, &after, now, Actor::Rep);
                id.clone()
            }
            None => state.insert(&Object::Contact, lost.clone(), now, Actor::Rep),
        };
        state.touch(&Object::Lead, lead, now, |held| {
            held.deleted_at = Some(now);
            held.merged_into = Some(Link { object: Object::Contact, id: id.clone() });
        });
        let blank = Entry::blank(now, Actor::Rep, ChangeKind::Convert, Object::Lead, lead.clone());
        state.note(Entry { other: Some(id.clone()), before: lost, ..blank });
        Some(id)
    }

    /// Associates two records; no stamp moves.
    pub fn link(&self, from: (&Object, &RecordId), to: (&Object, &RecordId)) {
        self.set_link(from, to, true);
    }

    pub fn unlink(&self, from: (&Object, &RecordId), to: (&Object, &RecordId)) {
        self.set_link(from, to, false);
    }

    fn set_link(&self, from: (&Object, &RecordId), to: (&Object, &RecordId), on: bool) {
        let mut state = self.lock();
        let now = self.server_time(state.clock_skew_ms);
        state.link(from, to, on);
        let kind = if on { ChangeKind::Associate } else { ChangeKind::Dissociate };
        let blank = Entry::blank(now, Actor::Rep, kind, from.0.clone(), from.1.clone());
        state.note(Entry { other: Some(to.1.clone()), ..blank });
    }
}

/// Values by the kinds of the schema. `nulls` keeps the empty ones, which say what to take away.
fn by_kind(state: &State, object: &Object, fields: &Fields, nulls: bool) -> Fields {
    let schema = state.schemas.get(object);
    fields
        .iter()
        .map(|(name, value)| {
            let spec = schema.and_then(|schema| schema.fields.get(name));
            let value = spec.and_then(|spec| kept(spec, value).ok()).unwrap_or_else(|| value.clone());
            (name.clone(), value)
        })
        .filter(|(_, value): &(_, Value)| nulls || !value.is_null())
        .collect()
}
