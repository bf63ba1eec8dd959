//! Lists that records are put on: by Ferry, by a rep, or (where a list is closed) by nobody.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector::{Fields, ListFacts, ListMembers, Object, Outcome, Reason, RecordId, Rejection, Timestamp};

use super::MemoryCrm;
use super::ledger::{Actor, ChangeKind, Entry};
use super::state::State;

/// One list.
#[derive(Clone, Debug, Default)]
pub(super) struct HeldList {
    /// Nobody is put on it from outside.
    pub closed: bool,
    pub members: BTreeSet<(Object, RecordId)>,
}

/// Puts a record that is there on a list, or takes it off.
pub(super) fn apply(
    state: &mut State,
    object: &Object,
    (list, record, member): (&Arc<str>, RecordId, bool),
    now: Timestamp,
) -> Result<Outcome, Rejection> {
    let Some(held) = state.lists.get(list) else {
        return Err(refused("NO_SUCH_LIST", "there is no such list"));
    };
    if held.closed {
        return Err(refused("CLOSED_LIST", "the list is filled by a filter"));
    }
    let changed = set(state, object, (list, &record, member), now, Actor::Us);
    Ok(Outcome::Done { id: record, created: changed && member, kept: Fields::new(), modified_at: None })
}

fn set(
    state: &mut State,
    object: &Object,
    (list, record, member): (&str, &RecordId, bool),
    now: Timestamp,
    by: Actor,
) -> bool {
    let Some(held) = state.lists.get_mut(list) else { return false };
    let place = (object.clone(), record.clone());
    let changed = if member { held.members.insert(place) } else { held.members.remove(&place) };
    if changed {
        let blank = Entry::blank(now, by, ChangeKind::Associate, object.clone(), record.clone());
        state.note(Entry { other: Some(RecordId::from(list)), ..blank });
    }
    changed
}

/// A merge puts the survivor where the other was.
pub(super) fn merged(state: &mut State, object: &Object, loser: &RecordId, survivor: &RecordId) {
    for held in state.lists.values_mut() {
        if held.members.remove(&(object.clone(), loser.clone())) {
            held.members.insert((object.clone(), survivor.clone()));
        }
    }
}

pub(super) fn facts(state: &State, list: &str) -> Option<ListFacts> {
    let held = state.lists.get(list)?;
    let closed = held.closed.then(|| "the list is filled by a filter".into());
    Some(ListFacts { name: list.into(), closed })
}

/// A page of live members, after the record that `after` names.
pub(super) fn page(state: &State, object: &Object, list: &str, after: Option<&str>) -> ListMembers {
    let Some(held) = state.lists.get(list) else { return ListMembers::default() };
    let of_object = held.members.iter().filter(|(kind, _)| kind == object).map(|(_, record)| record);
    let mut rest = of_object
        .filter(|record| after.is_none_or(|after| record.as_str() > after) && state.live(object, record).is_some())
        .peekable();
    let members: Vec<RecordId> = rest.by_ref().take(state.page_size).cloned().collect();
    let next = rest.peek().and_then(|_| members.last()).map(|last| last.as_str().into());
    ListMembers { members, next }
}

impl MemoryCrm {
    /// Makes an empty list.
    pub fn make_list(&self, list: &str) {
        self.lock().lists.insert(list.into(), HeldList::default());
    }

    /// From now on a filter decides who is on the list.
    pub fn close_list(&self, list: &str) {
        self.lock().lists.entry(list.into()).or_default().closed = true;
    }

    /// A rep puts a record on a list, or takes it off. `false` where that changes nothing.
    pub fn set_on_list(&self, object: &Object, list: &str, record: &RecordId, member: bool) -> bool {
        let mut state = self.lock();
        let now = self.server_time(state.clock_skew_ms);
        set(&mut state, object, (list, record, member), now, Actor::Rep)
    }

    /// Who is on a list, in order.
    pub fn on_list(&self, list: &str) -> Vec<RecordId> {
        let state = self.lock();
        state.lists.get(list).into_iter().flat_map(|held| &held.members).map(|(_, record)| record.clone()).collect()
    }
}

fn refused(code: &str, message: &str) -> Rejection {
    Rejection { reason: Reason::NotThere, code: code.into(), message: message.into(), fields: Vec::new() }
}
