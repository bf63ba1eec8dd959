//! A profile falls apart: something is unlinked, its part of the log is told again, and what belongs together stays together.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use connector::Timestamp;

use super::Replay;
use crate::model::{Attribute, Identifier, IdentifierKind, IdentityRules, LogPlace, Logged, ProfileId, TraitName};

/// What is unlinked from what.
#[derive(Clone, Copy, Debug)]
pub struct Unlinking<'a> {
    pub identifier: &'a Identifier,
    /// Everything the profile holds, the identifier itself too.
    pub held: &'a BTreeSet<Identifier>,
    /// What must never be one, this unlinking's pairs too: it holds from the beginning of the log.
    pub apart: &'a [(Identifier, Identifier)],
}

/// One of the groups that a profile falls into.
#[derive(Clone, Debug, PartialEq)]
pub struct Fragment {
    pub identifiers: Vec<Identifier>,
    pub contested: bool,
    pub known: bool,
    pub first_seen: Timestamp,
    /// Places of its events.
    pub events: Vec<i64>,
    /// Declared traits, as its events tell them.
    pub traits: BTreeMap<TraitName, Attribute>,
}

/// Tells the profile's lines again. The group that keeps the profile's id comes first: one with a live record, then a known one, then
/// the one that holds most. What the log tells of nobody any more stays with the first group that the unlinked identifier is not in; that one
/// itself, told of nobody, is nobody's.
pub fn fall_apart(
    rules: &IdentityRules,
    lines: &[(LogPlace, Logged)],
    unlinking: Unlinking<'_>,
    is_live: &dyn Fn(&Identifier) -> bool,
) -> Vec<Fragment> {
    let mut replay = Replay::new(rules).with_traits().with_events();
    replay.keep_apart(unlinking.apart);
    for (place, line) in lines {
        // Who is kept apart is known already; nothing falls apart twice.
        if !matches!(line, Logged::Apart(..) | Logged::Unlinked(..)) {
            replay.step(*place, line);
        }
    }
    let mut parts: BTreeMap<ProfileId, Fragment> = BTreeMap::new();
    for (profile, identifiers) in replay.memory().profiles() {
        // What left the profile long ago is not its to give.
        let own: Vec<Identifier> = identifiers.iter().filter(|id| unlinking.held.contains(id)).cloned().collect();
        if own.is_empty() {
            continue;
        }
        let part = Fragment {
            contested: own.iter().all(|identifier| replay.memory().is_contested(identifier)),
            known: own.iter().any(|identifier| identifier.kind.is_known()),
            identifiers: own,
            first_seen: replay.memory().first_seen(profile).unwrap_or(Timestamp::EPOCH),
            events: Vec::new(),
            traits: replay.traits_of(profile).cloned().unwrap_or_default(),
        };
        parts.insert(profile, part);
    }
    for (row, profile) in replay.events() {
        if let Some(part) = profile.and_then(|profile| parts.get_mut(&profile)) {
            part.events.push(row);
        }
    }
    in_order(parts.into_values().collect(), unlinking, is_live)
}

fn in_order(
    mut parts: Vec<Fragment>,
    unlinking: Unlinking<'_>,
    is_live: &dyn Fn(&Identifier) -> bool,
) -> Vec<Fragment> {
    let has_record = |part: &Fragment| {
        part.identifiers.iter().any(|id| matches!(id.kind, IdentifierKind::Crm { .. }) && is_live(id))
    };
    let order = |part: &Fragment| {
        (part.contested, !has_record(part), !part.known, Reverse(part.identifiers.len()), part.first_seen)
    };
    parts.sort_by_key(order);
    let told: BTreeSet<&Identifier> = parts.iter().flat_map(|part| &part.identifiers).collect();
    let untold = unlinking.held.iter().filter(|id| !told.contains(id) && *id != unlinking.identifier);
    let untold: Vec<Identifier> = untold.cloned().collect();
    let known = untold.iter().any(|identifier| identifier.kind.is_known());
    // Never where the unlinked identifier went: that is what they are parted from.
    if let Some(first) = parts.iter_mut().find(|part| !part.identifiers.contains(unlinking.identifier)) {
        first.known |= known;
        first.identifiers.extend(untold);
    } else if let (Some(first_seen), false) = (parts.iter().map(|part| part.first_seen).min(), untold.is_empty()) {
        // The strongest of them took every event with it; what came along with it is a group of its own.
        let (events, traits) = (Vec::new(), BTreeMap::new());
        parts.push(Fragment { identifiers: untold, contested: false, known, first_seen, events, traits });
        parts.sort_by_key(order);
    }
    parts
}
