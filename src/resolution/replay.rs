//! The log of years, resolved anew: what a changed rule would do, whether what is stored is what the log says, and how a profile
//! falls apart when something is unlinked.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use connector::Timestamp;

use super::declared::won_traits;
use super::{Memory, RecordEvidence, Unlinking, fall_apart, resolve, resolve_record};
use crate::model::{
    Attribute, Event, Graph, Identifier, IdentityRules, LogPlace, Logged, LoggedRecord, ProfileId, Standing,
    Survivorship, TraitName, Whose,
};

/// Lines that were told, for telling a profile's part of them again.
#[derive(Debug, Default)]
struct Told {
    events: BTreeMap<ProfileId, Vec<(LogPlace, Logged)>>,
    others: Vec<(LogPlace, Logged)>,
}

/// A replay under way.
#[derive(Debug)]
pub struct Replay<'a> {
    /// Those in force where the replay has come to.
    rules: Cow<'a, IdentityRules>,
    /// Whether the log says which rules decide.
    follows_log: bool,
    memory: Memory,
    /// Declared traits by profile, where they are asked for.
    traits: Option<BTreeMap<ProfileId, BTreeMap<TraitName, Attribute>>>,
    /// What was told so far, where the log tells of unlinking.
    told: Option<Told>,
    /// Whose each event was when it came, where that is asked for.
    events: Option<Vec<(i64, Option<ProfileId>)>>,
    pub unattributed: u64,
    pub conflicts: u64,
}

impl<'a> Replay<'a> {
    /// `rules` decide until the log names others.
    pub fn new(rules: &'a IdentityRules) -> Self {
        Self {
            rules: Cow::Borrowed(rules),
            follows_log: true,
            memory: Memory::default(),
            traits: None,
            told: None,
            events: None,
            unattributed: 0,
            conflicts: 0,
        }
    }

    /// The given rules decide from the beginning to the end, whatever was in force then.
    pub fn under_one_rule(self) -> Self {
        Self { follows_log: false, ..self }
    }

    /// Rebuilds declared traits, too.
    pub fn with_traits(self) -> Self {
        Self { traits: Some(BTreeMap::new()), ..self }
    }

    /// Remembers every line, as it must where the log tells of unlinking.
    pub fn with_lines(self) -> Self {
        Self { told: Some(Told::default()), ..self }
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

    /// Takes the next line.
    pub fn step(&mut self, place: LogPlace, line: &Logged) {
        match line {
            Logged::Event(event) => {
                let profile = self.event(place.event, event);
                if let (Some(told), Some(profile)) = (&mut self.told, profile) {
                    told.events.entry(profile).or_default().push((place, line.clone()));
                }
            }
            Logged::Rules(_) if !self.follows_log => {}
            other => {
                match other {
                    Logged::Record(record) => self.record(record),
                    Logged::Unlinked(identifier, others) => self.unlink(identifier, others),
                    other => self.other(other),
                }
                if let Some(told) = &mut self.told {
                    told.others.push((place, other.clone()));
                }
            }
        }
    }

    fn other(&mut self, line: &Logged) {
        match line {
            Logged::Event(_) | Logged::Record(_) | Logged::Unlinked(..) => {}
            // What a newer version wrote and this one cannot read: the rules before go on.
            Logged::Rules(text) => {
                if let Some(rules) = IdentityRules::from_text(text) {
                    self.rules = Cow::Owned(rules);
                }
            }
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

    /// An identifier leaves its profile, whose lines are told again.
    fn unlink(&mut self, identifier: &Identifier, others: &[Identifier]) {
        for other in others {
            self.memory.keep_apart(identifier, other);
        }
        let Some(profile) = self.memory.standing(identifier).profile() else { return };
        let held: BTreeSet<Identifier> = self.memory.identifiers(profile).into_iter().collect();
        let Some(told) = &mut self.told else { return };
        let events = told.events.remove(&profile).unwrap_or_default();
        let concerns =
            |(_, line): &&(LogPlace, Logged)| line.is_for_all() || line.names().iter().any(|name| held.contains(name));
        let mut lines: Vec<(LogPlace, Logged)> = told.others.iter().filter(concerns).cloned().collect();
        lines.extend(events.iter().cloned());
        lines.sort_by_key(|(place, _)| *place);
        let apart = self.memory.all_apart();
        let unlinking = Unlinking { identifier, held: &held, apart: &apart };
        let is_live = |record: &Identifier| !self.memory.is_archived(record);
        let parts = fall_apart(&self.rules, &lines, unlinking, &is_live);
        let profiles = self.memory.part(profile, identifier, &parts);
        for (profile, part) in profiles.iter().zip(&parts) {
            if let Some(traits) = &mut self.traits {
                traits.insert(*profile, part.traits.clone());
            }
        }
        // An event that the log gives to nobody of them any more stays where it was.
        let elsewhere = |place: &LogPlace| parts.iter().skip(1).any(|part| part.events.contains(&place.event));
        for (number, (now, part)) in profiles.iter().zip(&parts).enumerate() {
            let own = |(place, _): &&(LogPlace, Logged)| {
                if number == 0 { !elsewhere(place) } else { part.events.contains(&place.event) }
            };
            let own: Vec<(LogPlace, Logged)> = events.iter().filter(own).cloned().collect();
            if let Some(told) = &mut self.told {
                told.events.insert(*now, own);
            }
        }
    }

    fn event(&mut self, row: i64, event: &Event) -> Option<ProfileId> {
        let resolution = resolve(event, &self.rules, &self.memory);
        self.fold(&resolution.whose);
        self.conflicts += u64::from(!resolution.conflicts.is_empty());
        let profile = self.memory.apply(&resolution, event.at);
        self.unattributed += u64::from(profile.is_none());
        if let (Some(traits), Some(profile)) = (&mut self.traits, profile) {
            let known = traits.entry(profile).or_default();
            for change in won_traits(event, &resolution, Some(known), event.received_at, &self.rules.survivorship) {
                known.insert(change.name, change.attribute);
            }
        }
        if let Some(events) = &mut self.events {
            events.push((row, profile));
        }
        profile
    }

    /// What a merge makes of declared traits and lines.
    fn fold(&mut self, whose: &Whose) {
        if let Some(traits) = &mut self.traits {
            fold_merge(traits, whose, &self.rules.survivorship);
        }
        if let (Some(told), Whose::Merge { survivor, losers }) = (&mut self.told, whose) {
            for loser in losers {
                let theirs = told.events.remove(loser).unwrap_or_default();
                told.events.entry(*survivor).or_default().extend(theirs);
            }
        }
    }

    fn record(&mut self, record: &LoggedRecord) {
        let own = Identifier::crm(&record.key.connection, &record.key.object, &record.key.id);
        self.memory.archive(&own, false);
        let profile_of = |id: &Identifier| self.memory.standing(id).profile();
        let linked = profile_of(&own);
        // What has become part of another record before has nobody to bring along.
        let news = record.merged.iter().filter(|id| !self.memory.is_merged_away(id));
        let merged: Vec<ProfileId> = news.filter_map(profile_of).collect();
        let evidence = RecordEvidence {
            key: &record.key,
            linked,
            merged: &merged,
            carried: record.carried.as_ref().and_then(profile_of),
            identifiers: &record.identifiers,
        };
        let resolved = resolve_record(&evidence, &self.rules, &self.memory);
        self.fold(&resolved.resolution.whose);
        self.memory.apply(&resolved.resolution, record.at);
        for id in &record.merged {
            self.memory.merge_away(id, &own);
        }
    }

    fn went_on(&mut self, from: &Identifier, into: &Identifier, at: Timestamp) {
        match (self.memory.standing(from).profile(), self.memory.standing(into).profile()) {
            (Some(one), Some(other)) => self.join(one, other),
            // What it goes on as has not been seen yet: it is this person's from the start.
            (Some(only), None) => self.memory.hold(only, into, at),
            (None, _) => {}
        }
        if from.kind == into.kind {
            self.memory.merge_away(from, into);
        } else {
            self.memory.archive(from, true);
        }
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
        self.fold(&Whose::Merge { survivor, losers: vec![loser] });
        self.memory.merge(survivor, loser);
    }
}

/// What a merge makes of declared traits.
fn fold_merge(traits: &mut BTreeMap<ProfileId, BTreeMap<TraitName, Attribute>>, whose: &Whose, rules: &Survivorship) {
    let Whose::Merge { survivor: into, losers } = whose else { return };
    for loser in losers {
        for (name, theirs) in traits.remove(loser).unwrap_or_default() {
            let kept = traits.entry(*into).or_default();
            let winner = kept.get(&name).map(|ours| rules.settle(&name, ours, &theirs));
            kept.insert(name, winner.unwrap_or(theirs));
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
    /// A profile holds an identifier that nobody holds yet, unless somebody has kept them apart.
    fn hold(&mut self, profile: ProfileId, identifier: &Identifier, at: Timestamp) {
        let apart = self.apart_from(identifier);
        let kept_apart = self.identifiers(profile).iter().any(|held| apart.contains(held));
        if self.standing(identifier) == Standing::Free && !kept_apart {
            let resolution = crate::model::Resolution {
                attach: vec![identifier.clone()],
                ..crate::model::Resolution::of(Whose::Existing(profile))
            };
            self.apply(&resolution, at);
        }
    }
}
