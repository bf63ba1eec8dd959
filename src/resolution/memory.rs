//! Identity held in memory: what a replay of the log works on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use connector::Timestamp;

use super::Fragment;
use crate::model::{
    ConflictAction, Graph, Holder, Identifier, IdentifierKind, ProfileId, ProfileSize, Resolution, Standing, Whose,
};

/// Who holds what. Profiles are numbered in the order in which they are made.
#[derive(Debug, Default)]
pub struct Memory {
    profiles: BTreeMap<ProfileId, Held>,
    standings: HashMap<Identifier, Standing>,
    /// A merged-away profile → the one it became part of.
    became: BTreeMap<ProfileId, ProfileId>,
    claims: BTreeMap<Identifier, BTreeSet<ProfileId>>,
    sightings: HashMap<Identifier, BTreeMap<Identifier, Vec<Timestamp>>>,
    apart: BTreeMap<Identifier, BTreeSet<Identifier>>,
    /// SHA-256 of an address → the address, for whoever comes with the hash alone.
    hashes: HashMap<Identifier, Identifier>,
    made: i64,
    /// Archived records: they name their profile and count no more.
    archived: BTreeSet<Identifier>,
    /// A record that became part of another one of its kind → that one. Its name alone is left, and means the other.
    merged_away: BTreeMap<Identifier, Identifier>,
}

#[derive(Clone, Debug)]
struct Held {
    first_seen: Timestamp,
    identifiers: BTreeSet<Identifier>,
    merges: u32,
}

const DAY: i64 = 86_400_000_000;

impl Memory {
    /// Carries a decision out, at an instant of event time. Returns whose the event is.
    pub fn apply(&mut self, resolution: &Resolution, at: Timestamp) -> Option<ProfileId> {
        for identifier in &resolution.detach {
            self.detach(identifier, at);
        }
        for conflict in &resolution.conflicts {
            if conflict.action == ConflictAction::Quarantined {
                self.release(&conflict.identifier);
                self.standings.insert(conflict.identifier.clone(), Standing::Quarantined);
            }
        }
        for (identifier, with) in &resolution.sightings {
            let times = self.sightings.entry(identifier.clone()).or_default().entry(with.clone()).or_default();
            times.push(at);
        }
        let profile = match &resolution.whose {
            Whose::Nobody => return None,
            Whose::Existing(profile) => self.current(*profile),
            Whose::New => self.create(at),
            Whose::Merge { survivor, losers } => {
                for loser in losers {
                    self.merge(*survivor, *loser);
                }
                self.current(*survivor)
            }
        };
        self.attach(profile, at, &resolution.attach);
        for identifier in &resolution.retire {
            if self.standing(identifier) == Standing::Held(profile) {
                self.standings.insert(identifier.clone(), Standing::Retired(profile));
            }
        }
        for phone in &resolution.claim {
            self.claims.entry(phone.clone()).or_default().insert(profile);
        }
        Some(profile)
    }

    fn attach(&mut self, profile: ProfileId, at: Timestamp, identifiers: &[Identifier]) {
        let Some(held) = self.profiles.get_mut(&profile) else { return };
        held.first_seen = held.first_seen.min(at);
        for identifier in identifiers {
            if self.standings.contains_key(identifier) {
                continue;
            }
            held.identifiers.insert(identifier.clone());
            self.standings.insert(identifier.clone(), Standing::Held(profile));
            if let Some(hash) = identifier.hashed() {
                self.hashes.insert(hash, identifier.clone());
            }
        }
    }

    fn create(&mut self, at: Timestamp) -> ProfileId {
        self.made += 1;
        let profile = ProfileId(self.made);
        self.profiles.insert(profile, Held { first_seen: at, identifiers: BTreeSet::new(), merges: 0 });
        profile
    }

    /// The identifier leaves its holder for a profile of its own.
    fn detach(&mut self, identifier: &Identifier, at: Timestamp) {
        self.release(identifier);
        let shared = self.create(at);
        if let Some(held) = self.profiles.get_mut(&shared) {
            held.identifiers.insert(identifier.clone());
        }
        self.standings.insert(identifier.clone(), Standing::Contested(shared));
    }

    fn release(&mut self, identifier: &Identifier) {
        if let Some(profile) = self.standings.remove(identifier).and_then(Standing::profile)
            && let Some(held) = self.profiles.get_mut(&profile)
        {
            held.identifiers.remove(identifier);
        }
    }

    /// The survivor takes what the loser holds.
    pub fn merge(&mut self, survivor: ProfileId, loser: ProfileId) {
        let (survivor, loser) = (self.current(survivor), self.current(loser));
        if survivor == loser {
            return;
        }
        let Some(lost) = self.profiles.remove(&loser) else { return };
        for identifier in &lost.identifiers {
            let standing = match self.standings.get(identifier) {
                Some(Standing::Retired(_)) => Standing::Retired(survivor),
                _ => Standing::Held(survivor),
            };
            self.standings.insert(identifier.clone(), standing);
        }
        for claimants in self.claims.values_mut() {
            if claimants.remove(&loser) {
                claimants.insert(survivor);
            }
        }
        if let Some(held) = self.profiles.get_mut(&survivor) {
            held.first_seen = held.first_seen.min(lost.first_seen);
            held.merges = held.merges.saturating_add(lost.merges).saturating_add(1);
            held.identifiers.extend(lost.identifiers);
        }
        self.became.insert(loser, survivor);
    }

    /// The profile falls apart: the first part keeps it. Returns the profiles of the parts. An identifier of no part is nobody's.
    pub fn part(&mut self, profile: ProfileId, unlinked: &Identifier, parts: &[Fragment]) -> Vec<ProfileId> {
        if !parts.iter().any(|part| part.identifiers.contains(unlinked)) {
            self.release(unlinked);
        }
        let mut profiles = Vec::with_capacity(parts.len());
        for (place, part) in parts.iter().enumerate() {
            let now = if place == 0 { profile } else { self.create(part.first_seen) };
            for identifier in &part.identifiers {
                let before = self.standings.get(identifier).copied();
                if place > 0 {
                    self.release(identifier);
                }
                let standing = match before {
                    Some(Standing::Retired(_)) => Standing::Retired(now),
                    _ if part.contested => Standing::Contested(now),
                    _ => Standing::Held(now),
                };
                self.standings.insert(identifier.clone(), standing);
                if let Some(held) = self.profiles.get_mut(&now) {
                    held.identifiers.insert(identifier.clone());
                }
            }
            if let Some(held) = self.profiles.get_mut(&now) {
                held.first_seen = part.first_seen;
            }
            profiles.push(now);
        }
        profiles
    }

    /// From now on these are never in one profile.
    pub fn keep_apart(&mut self, one: &Identifier, other: &Identifier) {
        self.apart.entry(one.clone()).or_default().insert(other.clone());
        self.apart.entry(other.clone()).or_default().insert(one.clone());
    }

    /// All pairs that are kept apart, each once.
    pub fn all_apart(&self) -> Vec<(Identifier, Identifier)> {
        let pairs = self.apart.iter().flat_map(|(one, others)| others.iter().map(move |other| (one, other)));
        pairs.filter(|(one, other)| one < other).map(|(one, other)| (one.clone(), other.clone())).collect()
    }

    /// A reviewer says that many people have it: it names nobody from now on.
    pub fn share(&mut self, identifier: &Identifier) {
        self.release(identifier);
        self.standings.insert(identifier.clone(), Standing::Shared);
    }

    /// A reviewer says that a number is its holder's alone.
    pub fn settle_claims(&mut self, phone: &Identifier) {
        self.claims.remove(phone);
    }

    /// A record is gone at its CRM (or here again).
    pub fn archive(&mut self, record: &Identifier, gone: bool) {
        if gone {
            self.archived.insert(record.clone());
        } else {
            self.archived.remove(record);
        }
    }

    /// A record has become part of another one of its kind.
    pub fn merge_away(&mut self, record: &Identifier, into: &Identifier) {
        if self.named(into) != record {
            self.release(record);
            self.archived.insert(record.clone());
            self.merged_away.insert(record.clone(), into.clone());
        }
    }

    /// The record that a record's id means.
    fn named<'i>(&'i self, mut identifier: &'i Identifier) -> &'i Identifier {
        while let Some(into) = self.merged_away.get(identifier) {
            identifier = into;
        }
        identifier
    }

    /// Whether nothing is left of a record but its name.
    pub fn is_merged_away(&self, record: &Identifier) -> bool {
        self.merged_away.contains_key(record)
    }

    /// Where a profile is now, merges followed.
    pub fn current(&self, mut profile: ProfileId) -> ProfileId {
        while let Some(next) = self.became.get(&profile) {
            profile = *next;
        }
        profile
    }

    /// All profiles with what they hold, by number.
    pub fn profiles(&self) -> impl Iterator<Item = (ProfileId, &BTreeSet<Identifier>)> {
        self.profiles.iter().map(|(profile, held)| (*profile, &held.identifiers))
    }

    /// Whether it is a record that is gone at its CRM, or goes on as another.
    pub fn is_archived(&self, record: &Identifier) -> bool {
        self.archived.contains(record)
    }

    pub fn first_seen(&self, profile: ProfileId) -> Option<Timestamp> {
        self.profiles.get(&profile).map(|held| held.first_seen)
    }

    pub fn is_contested(&self, identifier: &Identifier) -> bool {
        matches!(self.standings.get(identifier), Some(Standing::Contested(_)))
    }
}

impl Graph for Memory {
    fn standing(&self, identifier: &Identifier) -> Standing {
        let identifier = self.named(identifier);
        let through_address = || self.standings.get(self.hashes.get(identifier)?);
        self.standings.get(identifier).or_else(through_address).copied().unwrap_or(Standing::Free)
    }

    fn knows_hashes(&self) -> bool {
        true
    }

    fn holder(&self, profile: ProfileId) -> Option<Holder> {
        let held = self.profiles.get(&profile)?;
        let any = |test: fn(&IdentifierKind) -> bool| held.identifiers.iter().any(|id| test(&id.kind));
        Some(Holder { profile, known: any(IdentifierKind::is_known), first_seen: held.first_seen })
    }

    fn is_personal(&self, profile: ProfileId) -> bool {
        self.profiles.get(&profile).is_some_and(|held| held.identifiers.iter().any(|id| id.kind.is_personal()))
    }

    fn size(&self, profile: ProfileId) -> ProfileSize {
        let size = |held: &Held| ProfileSize {
            merges: held.merges,
            identifiers: u32::try_from(held.identifiers.len()).unwrap_or(u32::MAX),
        };
        self.profiles.get(&profile).map(size).unwrap_or_default()
    }

    fn count(&self, profile: ProfileId, kind: &IdentifierKind) -> u32 {
        let Some(held) = self.profiles.get(&profile) else { return 0 };
        let counts = |id: &&Identifier| match (&id.kind, kind) {
            (IdentifierKind::Device(_), IdentifierKind::Device(_)) => true,
            (a, b) => {
                a == b && !matches!(self.standings.get(*id), Some(Standing::Retired(_))) && !self.archived.contains(*id)
            }
        };
        u32::try_from(held.identifiers.iter().filter(counts).count()).unwrap_or(u32::MAX)
    }

    fn identifiers(&self, profile: ProfileId) -> Vec<Identifier> {
        self.profiles.get(&profile).map(|held| held.identifiers.iter().cloned().collect()).unwrap_or_default()
    }

    fn claimants(&self, phone: &Identifier) -> Vec<ProfileId> {
        self.claims.get(phone).map(|claimants| claimants.iter().copied().collect()).unwrap_or_default()
    }

    fn sighted(&self, identifier: &Identifier, at: Timestamp) -> Vec<Identifier> {
        let near = |time: &Timestamp| (time.micros() - at.micros()).abs() < DAY;
        let seen = self.sightings.get(identifier).into_iter().flatten();
        seen.filter(|(_, times)| times.iter().any(near)).map(|(with, _)| with.clone()).collect()
    }

    fn keeps_apart(&self) -> bool {
        !self.apart.is_empty()
    }

    fn apart_from(&self, identifier: &Identifier) -> Vec<Identifier> {
        self.apart.get(identifier).map(|others| others.iter().cloned().collect()).unwrap_or_default()
    }
}
