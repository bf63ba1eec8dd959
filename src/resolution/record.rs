//! Whose a pulled contact or lead is: by its link, by our own id written on it, by what identifies a person; a merge in the CRM joins.

use super::event::{decide, narrow, standing, without_contested};
use super::survivor_order;
use super::union::Union;
use crate::model::{
    Graph, Holder, Identifier, IdentityRules, ProfileId, RecordKey, Resolution, Review, ReviewReason, Standing, Whose,
};

/// All that bears on one incoming person record.
#[derive(Clone, Copy, Debug)]
pub struct RecordEvidence<'a> {
    pub key: &'a RecordKey,
    /// The profile of the stored record with this id.
    pub linked: Option<ProfileId>,
    /// The profiles of records that the CRM says were merged into this one.
    pub merged: &'a [ProfileId],
    /// The profile whose id the record carries in `cdp_profile_id`, merged ids followed; `None` where it carries none or
    /// one that is not ours.
    pub carried: Option<ProfileId>,
    /// What else tells whose it is: the record's addresses, the first one first, and its phones.
    pub identifiers: &'a [Identifier],
}

/// Whose a record is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordResolution {
    /// Nobody's exactly where `second_of` is set.
    pub resolution: Resolution,
    /// The profile found has another live record of this object at this connection: a duplicate in the CRM. No guess is made, a
    /// person decides.
    pub second_of: Option<ProfileId>,
}

/// Decides by the first of: the stored link (with merged records' profiles joined into one), the profile id the record
/// carries, the holders of its identifiers by the rules for events, a new profile. What a limit forbids stays with its holder.
pub fn resolve_record(evidence: &RecordEvidence<'_>, rules: &IdentityRules, graph: &dyn Graph) -> RecordResolution {
    let own = Identifier::crm(&evidence.key.connection, &evidence.key.object, &evidence.key.id);
    let joined = joined(evidence, graph);
    let mut resolution = Resolution::nobody();
    let named = standing(in_order(evidence.identifiers, rules), graph, &mut resolution);
    // What somebody has taken from a profile does not come back by what we once wrote on the record.
    let carried = evidence.carried.filter(|profile| !apart(&own, *profile, graph));
    let base = joined.first().map(|holder| holder.profile).or(carried);
    let named: Vec<(Identifier, Standing)> = without_contested(named, &mut resolution)
        .into_iter()
        // Contested ones name nobody here: the record itself is somebody.
        .filter(|(_, standing)| !matches!(standing, Standing::Contested(_) | Standing::Shared))
        .map(|(identifier, standing)| {
            let merged = standing.profile().is_some_and(|profile| joined.iter().any(|h| h.profile == profile));
            let standing = match (base, merged) {
                (Some(base), true) => Standing::Held(base),
                _ => standing,
            };
            (identifier, standing)
        })
        .collect();
    let mut asked = Vec::with_capacity(named.len() + 1);
    asked.push((own.clone(), base.map_or(Standing::Free, Standing::Held)));
    asked.extend(named);
    if evidence.linked.is_none()
        && joined.is_empty()
        && let Some(profile) = second_of(&own, &asked, rules, graph)
    {
        return RecordResolution { resolution: duplicate(own, profile, resolution), second_of: Some(profile) };
    }
    let mut union = Union::new(rules, graph, asked);
    narrow(&mut union, rules, graph, &mut resolution);
    decide(&union, &mut resolution);
    resolution.whose = with_joined(resolution.whose, &joined, graph);
    if evidence.linked.is_none() && !resolution.attach.contains(&own) {
        resolution.attach.insert(0, own);
    }
    RecordResolution { resolution, second_of: None }
}

/// The record's own order within a kind: its first address is its main one.
fn in_order(identifiers: &[Identifier], rules: &IdentityRules) -> Vec<Identifier> {
    let mut found: Vec<Identifier> = Vec::with_capacity(identifiers.len());
    for identifier in identifiers.iter().filter(|identifier| rules.admits(identifier)) {
        if !found.contains(identifier) {
            found.push(identifier.clone());
        }
    }
    found.sort_by_key(|identifier| rules.rank(&identifier.kind));
    found
}

/// The profiles the CRM itself says are this person, survivor first.
fn joined(evidence: &RecordEvidence<'_>, graph: &dyn Graph) -> Vec<Holder> {
    let mut profiles: Vec<ProfileId> = evidence.linked.into_iter().chain(evidence.merged.iter().copied()).collect();
    profiles.sort_unstable();
    profiles.dedup();
    let mut holders: Vec<Holder> = profiles.into_iter().filter_map(|profile| graph.holder(profile)).collect();
    holders.sort_by_key(survivor_order);
    // Whose the record is already comes first: two that somebody keeps apart stay two, whatever the CRM makes of their records.
    let mut kept: Vec<Holder> = Vec::with_capacity(holders.len());
    let of_record = |holder: &&Holder| Some(holder.profile) == evidence.linked;
    for holder in holders.iter().filter(of_record).chain(holders.iter().filter(|holder| !of_record(holder))) {
        if !kept.iter().any(|other| are_apart(other.profile, holder.profile, graph)) {
            kept.push(*holder);
        }
    }
    kept.sort_by_key(survivor_order);
    kept
}

/// Whether an identifier is kept apart from anything that a profile holds.
fn apart(identifier: &Identifier, profile: ProfileId, graph: &dyn Graph) -> bool {
    if !graph.keeps_apart() {
        return false;
    }
    let others = graph.apart_from(identifier);
    !others.is_empty() && graph.identifiers(profile).iter().any(|held| others.contains(held))
}

fn are_apart(one: ProfileId, other: ProfileId, graph: &dyn Graph) -> bool {
    one != other && graph.keeps_apart() && graph.identifiers(one).iter().any(|held| apart(held, other, graph))
}

/// The profile that a record never seen before would belong to, where that has a live record of the kind already.
fn second_of(
    own: &Identifier,
    asked: &[(Identifier, Standing)],
    rules: &IdentityRules,
    graph: &dyn Graph,
) -> Option<ProfileId> {
    let has_one = |profile: &ProfileId| graph.count(*profile, &own.kind) >= rules.limit(&own.kind);
    let personal = asked.iter().filter(|(identifier, _)| identifier.kind.is_personal());
    personal.filter_map(|(_, standing)| standing.profile()).find(has_one)
}

fn duplicate(own: Identifier, profile: ProfileId, resolution: Resolution) -> Resolution {
    let review =
        Review { reason: ReviewReason::DuplicateRecords, identifier: own, profiles: vec![profile], with_event: false };
    Resolution { whose: Whose::Nobody, attach: Vec::new(), reviews: vec![review], ..resolution }
}

/// The profiles of merged records are one, whatever the limits: the CRM says so.
fn with_joined(whose: Whose, joined: &[Holder], graph: &dyn Graph) -> Whose {
    let [_, _, ..] = joined else { return whose };
    let mut all: Vec<Holder> = joined.to_vec();
    let found = match &whose {
        Whose::Nobody | Whose::New => Vec::new(),
        Whose::Existing(profile) => vec![*profile],
        Whose::Merge { survivor, losers } => std::iter::once(survivor).chain(losers).copied().collect(),
    };
    let others = found.into_iter().filter(|profile| joined.iter().all(|holder| holder.profile != *profile));
    all.extend(others.filter_map(|profile| graph.holder(profile)));
    all.sort_by_key(survivor_order);
    match all.as_slice() {
        [] => whose,
        [survivor, losers @ ..] => {
            Whose::Merge { survivor: survivor.profile, losers: losers.iter().map(|holder| holder.profile).collect() }
        }
    }
}
