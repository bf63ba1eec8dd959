//! The log of years, resolved anew: what a changed rule would do, whether what is stored is what the log says, and how a profile
//! falls apart when something is unlinked.

use std::collections::{BTreeMap, BTreeSet};

use connector::Timestamp;

use super::declared::won_traits;
use super::{Memory, RecordEvidence, resolve, resolve_record};
use crate::model::{
    Attribute, Event, Graph, Identifier, IdentityRules, Logged, LoggedRecord, ProfileId, Standing, TraitName, Whose,
    survivor,
};

/// A replay under way.
#[derive(Debug)]
pub struct Replay<'a> {
    rules: &'a IdentityRules,
    memory: Memory,
    /// Declared traits by profile, where they are asked for.
    traits: Option<BTreeMap<ProfileId, BTreeMap<TraitName, Attribute>>>,
    /// Whose each event was when it came, where that is asked for.
    events: Option<Vec<(i64, Option<ProfileId>)>>,
    pub unattributed: u64,
    pub conflicts: u64,
}

impl<'a> Replay<'a> {
    pub fn new(rules: &'a IdentityRules) -> Self {
        Self { rules, memory: Memory::default(), traits: None, events: None, unattributed: 0, conflicts: 0 }
    }

    /// Rebuilds declared traits, too.
    pub fn with_traits(self) -> Self {
        Self { traits: Some(BTreeMap::new()), ..self }
    }

    /// Remembers whose each event is.
    pub fn with_events(self) -> Self {
        Self { events: Some(Vec::new()), ..self }
    }

    /// What people said must never be one holds from the start, whenever it was said.
    pub fn keep_apart(&mut self, pairs: &[(Identifier, Identifier)]) {
        for (one, other) in pairs {
            self.memory.keep_apart(one, other);
        }
    }

    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Declared traits of a profile as the log tells them, CRM values left out.
    pub fn traits_of(&self, profile: ProfileId) -> Option<&BTreeMap<TraitName, Attribute>> {
        self.traits.as_ref()?.get(&profile)
    }

    /// Whose each event is now, in the order of the log; `None` is nobody's.
    pub fn events(&self) -> impl Iterator<Item = (i64, Option<ProfileId>)> + '_ {
        let now = |profile: &Option<ProfileId>| profile.map(|profile| self.memory.current(profile));
        self.events.iter().flatten().map(move |(row, profile)| (*row, now(profile)))
    }

    /// Takes the next line. `row` is the event's place in the log, and 0 for other lines.
    pub fn step(&mut self, row: i64, line: &Logged) {
        match line {
            Logged::Event(event) => self.event(row, event),
            Logged::Record(record) => self.record(record),
            Logged::WentOn { from, into, at } => self.went_on(from, into, *at),
            Logged::Gone(record) => self.memory.archive(record, true),
            Logged::Joined(one, other) => {
                let of = |id: &Identifier| self.memory.standing(id).profile();
                if let (Some(one), Some(other)) = (of(one), of(other)) {
                    self.join(one, other);
                }
            }
            Logged::Apart(one, others) => {
                for other in others {
                    self.memory.keep_apart(one, other);
                }
            }
            Logged::Shared(identifier) => self.memory.share(identifier),
            Logged::Settled(phone) => self.memory.settle_claims(phone),
        }
    }

    fn event(&mut self, row: i64, event: &Event) {
        let resolution = resolve(event, self.rules, &self.memory);
        if let Some(traits) = &mut self.traits {
            fold_merge(traits, &resolution.whose);
        }
        self.conflicts += u64::from(!resolution.conflicts.is_empty());
        let profile = self.memory.apply(&resolution, event.at);
        self.unattributed += u64::from(profile.is_none());
        if let (Some(traits), Some(profile)) = (&mut self.traits, profile) {
            let known = traits.entry(profile).or_default();
            for change in won_traits(event, &resolution, Some(known), event.received_at) {
                known.insert(change.name, change.attribute);
            }
        }
        if let Some(events) = &mut self.events {
            events.push((row, profile));
        }
    }

    fn record(&mut self, record: &LoggedRecord) {
        let own = Identifier::crm(&record.key.connection, &record.key.object, &record.key.id);
        self.memory.archive(&own, false);
        let profile_of = |id: &Identifier| self.memory.standing(id).profile();
        let linked = profile_of(&own);
        let merged: Vec<ProfileId> = record.merged.iter().filter_map(profile_of).collect();
        let evidence = RecordEvidence {
            key: &record.key,
            linked,
            merged: &merged,
            carried: record.carried.as_ref().and_then(profile_of),
            identifiers: &record.identifiers,
        };
        let resolved = resolve_record(&evidence, self.rules, &self.memory);
        if let Some(traits) = &mut self.traits {
            fold_merge(traits, &resolved.resolution.whose);
        }
        self.memory.apply(&resolved.resolution, record.at);
        for id in &record.merged {
            self.memory.archive(id, true);
        }
    }

    fn went_on(&mut self, from: &Identifier, into: &Identifier, at: Timestamp) {
        match (self.memory.standing(from).profile(), self.memory.standing(into).profile()) {
            (Some(one), Some(other)) => self.join(one, other),
            // What it goes on as has not been seen yet: it is this person's from the start.
            (Some(only), None) => self.memory.hold(only, into, at),
            (None, _) => {}
        }
        self.memory.archive(from, true);
    }

    /// Two profiles become one, by the rule of survivors.
    fn join(&mut self, one: ProfileId, other: ProfileId) {
        let (Some(a), Some(b)) = (self.memory.holder(one), self.memory.holder(other)) else { return };
        let theirs = self.memory.identifiers(other);
        let apart = |id: &Identifier| self.memory.apart_from(id).iter().any(|other| theirs.contains(other));
        if one == other || (self.memory.keeps_apart() && self.memory.identifiers(one).iter().any(apart)) {
            return;
        }
        let (survivor, loser) =
            if super::survivor_order(&a) <= super::survivor_order(&b) { (one, other) } else { (other, one) };
        if let Some(traits) = &mut self.traits {
            fold_merge(traits, &Whose::Merge { survivor, losers: vec![loser] });
        }
        self.memory.merge(survivor, loser);
    }
}

/// What a merge makes of declared traits.
fn fold_merge(traits: &mut BTreeMap<ProfileId, BTreeMap<TraitName, Attribute>>, whose: &Whose) {
    let Whose::Merge { survivor: into, losers } = whose else { return };
    for loser in losers {
        for (name, theirs) in traits.remove(loser).unwrap_or_default() {
            let kept = traits.entry(*into).or_default();
            let winner = kept.get(&name).map_or(theirs.clone(), |ours| survivor(ours, &theirs).clone());
            kept.insert(name, winner);
        }
    }
}

/// Who is one profile: groups of identifiers, each sorted, in order. Two stores agree where these are equal, whatever the
/// profiles are called.
pub type Partition = BTreeSet<Vec<Identifier>>;

/// The groups of a graph in memory.
pub fn partition(memory: &Memory) -> Partition {
    let groups = memory.profiles().map(|(_, held)| held.iter().cloned().collect::<Vec<_>>());
    groups.filter(|group| !group.is_empty()).collect()
}

impl Memory {
    /// A profile holds an identifier that nobody holds yet.
    fn hold(&mut self, profile: ProfileId, identifier: &Identifier, at: Timestamp) {
        if self.standing(identifier) == Standing::Free {
            let resolution = crate::model::Resolution {
                attach: vec![identifier.clone()],
                ..crate::model::Resolution::of(Whose::Existing(profile))
            };
            self.apply(&resolution, at);
        }
    }
}
