//! What one profile would hold if an event joined what it names: within its limits or not.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    ConflictAction, Graph, Holder, Identifier, IdentifierKind, IdentityRules, MOST_IDENTIFIERS, MOST_MERGES, ProfileId,
    Standing,
};

/// The identifiers still in question, and the profiles that they point at.
#[derive(Debug)]
pub(super) struct Union<'a> {
    rules: &'a IdentityRules,
    graph: &'a dyn Graph,
    /// Strongest first, with what is known of each.
    pub identifiers: Vec<(Identifier, Standing)>,
    /// Each once, in the order of the identifiers that name them.
    pub holders: Vec<Holder>,
}

impl std::fmt::Debug for dyn Graph + '_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Graph")
    }
}

impl<'a> Union<'a> {
    /// `identifiers` strongest first.
    pub fn new(rules: &'a IdentityRules, graph: &'a dyn Graph, identifiers: Vec<(Identifier, Standing)>) -> Self {
        let mut union = Self { rules, graph, identifiers, holders: Vec::new() };
        union.look();
        union
    }

    /// Looks the profiles up again after an identifier has left.
    fn look(&mut self) {
        let mut holders: Vec<Holder> = Vec::with_capacity(2);
        for (_, standing) in &self.identifiers {
            let Some(profile) = standing.profile() else { continue };
            if holders.iter().all(|holder| holder.profile != profile)
                && let Some(holder) =
                    self.holders.iter().find(|h| h.profile == profile).copied().or_else(|| self.graph.holder(profile))
            {
                holders.push(holder);
            }
        }
        self.holders = holders;
    }

    pub fn remove(&mut self, place: usize) -> (Identifier, Standing) {
        let left = self.identifiers.remove(place);
        self.look();
        left
    }

    /// Takes out the weakest of all.
    pub fn remove_weakest(&mut self) -> Option<(Identifier, Standing)> {
        let last = self.identifiers.len().checked_sub(1)?;
        Some(self.remove(last))
    }

    pub fn known_holders(&self) -> usize {
        self.holders.iter().filter(|holder| holder.known).count()
    }

    /// The places of the identifiers that point at a profile.
    pub fn pointing_at(&self, profile: ProfileId) -> impl DoubleEndedIterator<Item = usize> + '_ {
        let of = move |(_, standing): &(Identifier, Standing)| standing.profile() == Some(profile);
        self.identifiers.iter().enumerate().filter(move |(_, entry)| of(entry)).map(|(place, _)| place)
    }

    /// Why these may not be one profile; `None` where they may.
    pub fn broken(&self) -> Option<ConflictAction> {
        if self.holders.len() < 2 && self.fresh().next().is_none() {
            return None;
        }
        if self.breaks_a_limit(|_| true) {
            return Some(ConflictAction::Dropped);
        }
        self.holds_what_is_kept_apart().then_some(ConflictAction::KeptApart)
    }

    /// Whether the union would be beyond all measure: nothing joins such a profile, its events still do.
    pub fn is_too_large(&self) -> bool {
        let added = u32::try_from(self.fresh().count()).unwrap_or(u32::MAX);
        if self.holders.len() < 2 && added == 0 {
            return false;
        }
        let joined = u32::try_from(self.holders.len()).unwrap_or(u32::MAX).saturating_sub(1);
        let (mut merges, mut identifiers) = (joined, added);
        for holder in &self.holders {
            let size = self.graph.size(holder.profile);
            merges = merges.saturating_add(size.merges);
            identifiers = identifiers.saturating_add(size.identifiers);
        }
        identifiers > MOST_IDENTIFIERS || (joined > 0 && merges > MOST_MERGES)
    }

    /// Identifiers that nobody holds yet.
    pub fn fresh(&self) -> impl Iterator<Item = &Identifier> + '_ {
        self.identifiers.iter().filter(|(_, standing)| *standing == Standing::Free).map(|(identifier, _)| identifier)
    }

    /// Whether there would be too many of one of these kinds. One that this union brings together counts; one that a single
    /// profile had too many of before does not.
    pub fn breaks_a_limit(&self, of: impl Fn(&IdentifierKind) -> bool) -> bool {
        let mut looked: Vec<IdentifierKind> = Vec::new();
        let own = self.identifiers.iter().map(|(identifier, _)| identifier.kind.clone());
        let joined = (self.holders.len() > 1).then(|| self.kinds_of_holders());
        for kind in own.chain(joined.into_iter().flatten()) {
            if !of(&kind) || looked.iter().any(|seen| same_count(seen, &kind)) {
                continue;
            }
            let added = self.fresh().filter(|id| same_count(&id.kind, &kind)).count();
            let counts: Vec<u32> =
                self.holders.iter().map(|h| self.graph.count(h.profile, &kind)).filter(|count| *count > 0).collect();
            let brings_together = counts.len() > 1 || added > 0;
            let total = counts.iter().fold(u32::try_from(added).unwrap_or(u32::MAX), |sum, n| sum.saturating_add(*n));
            if brings_together && total > self.rules.limit(&kind) {
                return true;
            }
            looked.push(kind);
        }
        false
    }

    /// Kinds that the profiles hold, where several of them would become one: any may break its limit by that.
    fn kinds_of_holders(&self) -> Vec<IdentifierKind> {
        let mut kinds: BTreeSet<IdentifierKind> = BTreeSet::new();
        for holder in &self.holders {
            kinds.extend(self.graph.identifiers(holder.profile).into_iter().map(|id| id.kind));
        }
        kinds.into_iter().collect()
    }

    /// The weakest identifier through which what is kept apart would come together.
    pub fn weakest_of_apart(&self) -> Option<usize> {
        let mut all: BTreeMap<Identifier, Option<ProfileId>> =
            self.identifiers.iter().map(|(id, standing)| (id.clone(), standing.profile())).collect();
        for holder in &self.holders {
            let held = self.graph.identifiers(holder.profile);
            all.extend(held.into_iter().map(|identifier| (identifier, Some(holder.profile))));
        }
        let mut sides = all.iter().filter_map(|(one, through)| {
            let others = self.graph.apart_from(one);
            others.iter().any(|other| all.contains_key(other)).then_some((one, *through))
        });
        let (one, through) = sides.next()?;
        let other = sides.find(|(other, _)| self.graph.apart_from(one).contains(other))?;
        let brings = |side: &(&Identifier, Option<ProfileId>), (id, standing): &(Identifier, Standing)| {
            id == side.0 || (side.1.is_some() && standing.profile() == side.1)
        };
        self.identifiers.iter().rposition(|entry| brings(&(one, through), entry) || brings(&other, entry))
    }

    pub fn holds_what_is_kept_apart(&self) -> bool {
        if !self.graph.keeps_apart() {
            return false;
        }
        let mut all: BTreeSet<Identifier> = self.identifiers.iter().map(|(id, _)| id.clone()).collect();
        for holder in &self.holders {
            all.extend(self.graph.identifiers(holder.profile));
        }
        all.iter().any(|one| self.graph.apart_from(one).iter().any(|other| all.contains(other)))
    }
}

/// Whether two kinds are counted together: ids of devices are, whatever their sort.
fn same_count(a: &IdentifierKind, b: &IdentifierKind) -> bool {
    match (a, b) {
        (IdentifierKind::Device(_), IdentifierKind::Device(_)) => true,
        _ => a == b,
    }
}
