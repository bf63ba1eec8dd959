//! How a profile falls apart when something is unlinked: its log is told again, and what belongs together stays together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Attribute, Identifier, IdentityRules, Origin, RecordKey, Survivorship, TraitName};
use crate::resolution::{Fragment, Unlinking, fall_apart};
use crate::store::{Component, Held, HeldState, Part, PartComponent};

/// Tells a component's log again under rules.
#[derive(Debug)]
pub struct Parting {
    pub identity: Arc<IdentityRules>,
}

impl PartComponent for Parting {
    fn parts(&self, component: &Component) -> Vec<Part> {
        let held: BTreeSet<Identifier> =
            component.held.identifiers.iter().map(|held| held.identifier.clone()).collect();
        let gone = |id: &Identifier| {
            let archived = |held: &Held| held.identifier == *id && held.state == HeldState::Archived;
            component.held.identifiers.iter().any(archived)
        };
        let unlinking = Unlinking { identifier: &component.unlinked, held: &held, apart: &component.apart };
        let fragments = fall_apart(&self.identity, &component.log, unlinking, &|id| !gone(id));
        fragments.into_iter().map(|fragment| part(component, fragment, &self.identity.survivorship)).collect()
    }
}

fn part(component: &Component, fragment: Fragment, rules: &Survivorship) -> Part {
    let records = records(&component.records, &fragment.identifiers);
    Part {
        attributes: attributes(component, &records, fragment.traits, rules),
        records,
        identifiers: fragment.identifiers,
        contested: fragment.contested,
        events: fragment.events,
        first_seen: fragment.first_seen,
        known: fragment.known,
    }
}

fn records(all: &[RecordKey], identifiers: &[Identifier]) -> Vec<RecordKey> {
    let own = |key: &&RecordKey| identifiers.contains(&Identifier::crm(&key.connection, &key.object, &key.id));
    all.iter().filter(own).cloned().collect()
}

/// What the part's events declared, and what its records told.
fn attributes(
    component: &Component,
    records: &[RecordKey],
    mut kept: BTreeMap<TraitName, Attribute>,
    rules: &Survivorship,
) -> Vec<(TraitName, Attribute)> {
    let own: BTreeSet<String> = records.iter().map(ToString::to_string).collect();
    for (name, told) in &component.from_records {
        if !matches!(&told.origin, Origin::Crm(record) if own.contains(&**record)) {
            continue;
        }
        let winner = kept.get(name).map(|ours| rules.settle(name, ours, told));
        kept.insert(name.clone(), winner.unwrap_or_else(|| told.clone()));
    }
    kept.into_iter().collect()
}
