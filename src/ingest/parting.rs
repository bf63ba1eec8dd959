//! How a profile falls apart when something is unlinked: its log is told again, and what belongs together stays together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Attribute, Identifier, IdentityRules, Origin, ProfileId, RecordKey, TraitName, survivor};
use crate::resolution::Replay;
use crate::store::{Component, HeldState, Part, PartComponent};

/// Tells a component's log again under rules.
#[derive(Debug)]
pub struct Parting {
    pub identity: Arc<IdentityRules>,
}

impl PartComponent for Parting {
    fn parts(&self, component: &Component) -> Vec<Part> {
        let mut replay = Replay::new(&self.identity).with_traits().with_events();
        for (place, line) in &component.log {
            replay.step(place.event, line);
        }
        let held: BTreeSet<&Identifier> = component.held.identifiers.iter().map(|held| &held.identifier).collect();
        let mut parts: BTreeMap<ProfileId, Part> = BTreeMap::new();
        for (profile, identifiers) in replay.memory().profiles() {
            // What left the profile long ago is not its to give.
            let own: Vec<Identifier> = identifiers.iter().filter(|id| held.contains(id)).cloned().collect();
            if own.is_empty() {
                continue;
            }
            let part = Part {
                contested: own.iter().all(|identifier| replay.memory().is_contested(identifier)),
                known: own.iter().any(|identifier| identifier.kind.is_known()),
                records: records(&component.records, &own),
                identifiers: own,
                events: Vec::new(),
                attributes: Vec::new(),
                first_seen: replay.memory().first_seen(profile).unwrap_or(component.first_seen),
            };
            parts.insert(profile, part);
        }
        for (row, profile) in replay.events() {
            if let Some(part) = profile.and_then(|profile| parts.get_mut(&profile)) {
                part.events.push(row);
            }
        }
        for (profile, part) in &mut parts {
            part.attributes = attributes(component, part, replay.traits_of(*profile));
        }
        in_order(component, parts.into_values().collect())
    }
}

fn records(all: &[RecordKey], identifiers: &[Identifier]) -> Vec<RecordKey> {
    let own = |key: &&RecordKey| identifiers.contains(&Identifier::crm(&key.connection, &key.object, &key.id));
    all.iter().filter(own).cloned().collect()
}

/// What the part's events declared, and what its records told.
fn attributes(
    component: &Component,
    part: &Part,
    declared: Option<&BTreeMap<TraitName, Attribute>>,
) -> Vec<(TraitName, Attribute)> {
    let mut kept = declared.cloned().unwrap_or_default();
    let own: BTreeSet<String> = part.records.iter().map(ToString::to_string).collect();
    for (name, told) in &component.from_records {
        if !matches!(&told.origin, Origin::Crm(record) if own.contains(&**record)) {
            continue;
        }
        let winner = kept.get(name).map_or(told, |ours| survivor(ours, told)).clone();
        kept.insert(name.clone(), winner);
    }
    kept.into_iter().collect()
}

/// The part that keeps the profile's id first: that with a live CRM record, then a known one, then the one that holds most. What
/// the log tells of nobody (any more) stays with it.
fn in_order(component: &Component, mut parts: Vec<Part>) -> Vec<Part> {
    let live: BTreeSet<Identifier> = component
        .held
        .identifiers
        .iter()
        .filter(|held| held.state != HeldState::Archived)
        .map(|held| held.identifier.clone())
        .collect();
    let has_record = |part: &Part| {
        let own = |key: &RecordKey| live.contains(&Identifier::crm(&key.connection, &key.object, &key.id));
        part.records.iter().any(own)
    };
    parts.sort_by_key(|part| {
        (part.contested, !has_record(part), !part.known, std::cmp::Reverse(part.identifiers.len()), part.first_seen)
    });
    let told: BTreeSet<Identifier> = parts.iter().flat_map(|part| part.identifiers.iter().cloned()).collect();
    let untold = component.held.identifiers.iter().map(|held| &held.identifier).filter(|id| !told.contains(*id));
    let untold: Vec<Identifier> = untold.cloned().collect();
    if let Some(first) = parts.first_mut() {
        first.records.extend(records(&component.records, &untold));
        first.known |= untold.iter().any(|identifier| identifier.kind.is_known());
        first.identifiers.extend(untold);
    }
    parts
}
