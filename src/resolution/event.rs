//! Whose an event is, from the profiles its identifiers point at.

use crate::model::{Candidate, Event, EventKind, Identifier, IdentifierKind, Whose};
use crate::resolution::survivor_order;

/// What one event does to identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    pub whose: Whose,
    /// Identifiers that the profile does not hold yet, strongest first.
    pub attach: Vec<Identifier>,
    /// Two known people were named, or a new one on the device of a known one; to be counted as `identity_conflict`.
    pub conflict: bool,
}

impl Resolution {
    fn of(whose: Whose, attach: Vec<Identifier>) -> Self {
        Self { whose, attach, conflict: false }
    }
}

/// Whose an event is, aliases included. `candidates` are the profiles that the event's identifiers point at, in any order,
/// each once; the result does not depend on that order.
pub fn resolve(event: &Event, candidates: &[Candidate]) -> Resolution {
    match event.kind {
        EventKind::Alias => resolve_alias(&event.identifiers, candidates),
        _ => resolve_event(&event.identifiers, candidates),
    }
}

/// Whose an event with these identifiers (strongest first) is. None: nobody's. No candidate: a new profile. One: that one.
/// Several, at most one of them known: one profile, the known one or else the first seen. Two or more known: the one that
/// holds the strongest identifier, and nothing is attached or joined. A new user id never joins a known profile with another
/// one through a device alone.
pub fn resolve_event(identifiers: &[Identifier], candidates: &[Candidate]) -> Resolution {
    if identifiers.is_empty() {
        return Resolution::of(Whose::Nobody, Vec::new());
    }
    if candidates.iter().filter(|candidate| candidate.known).count() > 1 {
        let known = || candidates.iter().filter(|candidate| candidate.known);
        let strongest = known().min_by_key(|candidate| (strongest_place(identifiers, candidate), candidate.profile));
        let whose = strongest.map_or(Whose::Nobody, |candidate| Whose::Existing(candidate.profile));
        return Resolution { whose, attach: Vec::new(), conflict: true };
    }
    without_shared_device(identifiers, candidates).unwrap_or_else(|| join(identifiers, candidates))
}

/// A person has one user id (`cdp-semantics` §2.2, step 5). A new user id on a device of somebody known under another is
/// somebody else on that device: the device stays with its owner and says nothing about this event. An address is a person's
/// own, and one that the profile holds still says that both are one.
fn without_shared_device(identifiers: &[Identifier], candidates: &[Candidate]) -> Option<Resolution> {
    let held = |id: &Identifier| candidates.iter().any(|candidate| candidate.matched.contains(id));
    let names_new_user = identifiers.iter().any(|id| id.kind == IdentifierKind::UserId && !held(id));
    let is_device = |id: &Identifier| id.kind == IdentifierKind::AnonymousId;
    let is_other = |c: &&Candidate| names_new_user && c.known && c.has_user_id && c.matched.iter().all(is_device);
    let other = candidates.iter().find(is_other)?;
    let rest: Vec<Identifier> = identifiers.iter().filter(|id| !other.matched.contains(id)).cloned().collect();
    let others: Vec<Candidate> = candidates.iter().filter(|c| c.profile != other.profile).cloned().collect();
    Some(Resolution { conflict: true, ..join(&rest, &others) })
}

/// Whose an alias is: `previousId` becomes another name of `userId`'s profile. The decoder gives `previousId` both as a
/// user id and as an anonymous id; the holder of the user id is meant before the holder of the anonymous id. Where both
/// sides are known and not one profile already, nothing is joined and it is a conflict, to be settled in the CRM.
pub fn resolve_alias(identifiers: &[Identifier], candidates: &[Candidate]) -> Resolution {
    let anonymous =
        |value: &str| identifiers.iter().any(|id| id.kind == IdentifierKind::AnonymousId && *id.value == *value);
    let users = || identifiers.iter().filter(|id| id.kind == IdentifierKind::UserId);
    let (Some(user), Some(previous)) =
        (users().find(|id| !anonymous(&id.value)), users().find(|id| anonymous(&id.value)))
    else {
        // A self-alias, or one side blocked: an event like any other.
        return resolve_event(identifiers, candidates);
    };
    let previous_anonymous = Identifier { kind: IdentifierKind::AnonymousId, value: previous.value.clone() };
    let holder = |id: &Identifier| candidates.iter().find(|candidate| candidate.matched.contains(id));
    let from = holder(previous).or_else(|| holder(&previous_anonymous));
    let to = holder(user);
    match (to, from) {
        (Some(to), Some(from)) if to.known && from.known && to.profile != from.profile => {
            Resolution { whose: Whose::Existing(to.profile), attach: Vec::new(), conflict: true }
        }
        (to, from) => {
            let mut sides: Vec<Candidate> = to.into_iter().chain(from).cloned().collect();
            sides.dedup_by_key(|candidate| candidate.profile);
            let named = [user.clone(), previous.clone(), previous_anonymous];
            // An identifier that a third profile holds stays there.
            let free =
                |id: &Identifier| holder(id).is_none_or(|owner| sides.iter().any(|side| side.profile == owner.profile));
            let named: Vec<Identifier> = named.into_iter().filter(free).collect();
            join(&named, &sides)
        }
    }
}

/// One profile of all candidates, of which at most one is known.
fn join(identifiers: &[Identifier], candidates: &[Candidate]) -> Resolution {
    let mut profiles: Vec<&Candidate> = candidates.iter().collect();
    profiles.sort_by_key(|candidate| survivor_order(candidate));
    let held = |id: &Identifier| candidates.iter().any(|candidate| candidate.matched.contains(id));
    let attach: Vec<Identifier> = identifiers.iter().filter(|id| !held(id)).cloned().collect();
    match profiles.split_first() {
        None => Resolution::of(Whose::New, attach),
        Some((only, [])) => Resolution::of(Whose::Existing(only.profile), attach),
        Some((survivor, losers)) => {
            let losers = losers.iter().map(|candidate| candidate.profile).collect();
            Resolution::of(Whose::Merge { survivor: survivor.profile, losers }, attach)
        }
    }
}

/// The place in the event's list of the strongest identifier that a candidate holds.
fn strongest_place(identifiers: &[Identifier], candidate: &Candidate) -> usize {
    identifiers.iter().position(|id| candidate.matched.contains(id)).unwrap_or(usize::MAX)
}
