//! Whose an event is: the rules in their order (`cdp-semantics` §2.2, "Resolve").

use std::collections::BTreeSet;

use super::union::Union;
use super::{alias, device, phone, survivor_order};
use crate::model::{
    Conflict, ConflictAction, Event, EventKind, Family, Graph, Holder, Identifier, IdentifierKind, IdentityRules,
    OnConflict, ProfileId, Resolution, Review, ReviewReason, Standing, Whose,
};

/// Whose an event is, and what it does to identity. Deterministic in its inputs.
pub fn resolve(event: &Event, rules: &IdentityRules, graph: &dyn Graph) -> Resolution {
    match event.kind {
        EventKind::Alias => alias::resolve(event, rules, graph),
        _ => by_identifiers(event, rules, graph),
    }
}

/// Everything but an alias.
pub(super) fn by_identifiers(event: &Event, rules: &IdentityRules, graph: &dyn Graph) -> Resolution {
    let mut resolution = Resolution::nobody();
    let identifiers = standing(rules.ordered(&event.identifiers), graph, &mut resolution);
    if identifiers.is_empty() {
        return resolution;
    }
    if phone::is_alone(&identifiers) {
        return phone::resolve(identifiers, rules, graph, resolution);
    }
    device::remember(event, &identifiers, graph, &mut resolution);
    let identifiers = device::without_kiosks(event, identifiers, graph, &mut resolution);
    let mut union = Union::new(rules, graph, without_contested(identifiers, &mut resolution));
    let removed = narrow(&mut union, rules, graph, &mut resolution);
    for (identifier, _) in &removed {
        note_users(event, identifier, graph, &mut resolution);
    }
    decide(&union, &mut resolution);
    part_with(&removed, &union, rules, &mut resolution, graph);
    resolution
}

/// Takes identifiers out of the union, weakest first, until it may be one profile (steps 4 and 5). Returns those that a limit has
/// cost.
pub(super) fn narrow(
    union: &mut Union<'_>,
    rules: &IdentityRules,
    graph: &dyn Graph,
    resolution: &mut Resolution,
) -> Vec<(Identifier, Standing)> {
    let mut removed = Vec::new();
    loop {
        if let Some((identifier, standing)) = unfit_to_join(union, rules, graph) {
            leave_with_holder(identifier, standing, resolution);
            continue;
        }
        let Some(action) = union.broken() else { return removed };
        // A single identifier always ends this: it breaks nothing that was whole.
        if union.identifiers.len() < 2 {
            return removed;
        }
        let question = duplicate_records(union, graph);
        if let Some((identifier, standing)) = union.remove_weakest() {
            // Ids of devices come and go with whoever uses them: they say nothing about records.
            resolution.reviews.extend(question.filter(|_| identifier.kind.is_personal()));
            let owner = standing.profile();
            resolution.conflicts.push(Conflict { identifier: identifier.clone(), owner, action });
            removed.push((identifier, standing));
        }
    }
}

/// Whether records of one object at one CRM are one person's, where their profiles would be one but for that.
fn duplicate_records(union: &Union<'_>, graph: &dyn Graph) -> Option<Review> {
    let is_record = |kind: &IdentifierKind| kind.family() == Family::Crm;
    if union.holders.len() < 2 || !union.breaks_a_limit(is_record) {
        return None;
    }
    let mut holders = union.holders.clone();
    holders.sort_by_key(survivor_order);
    let record = |holder: &Holder| graph.identifiers(holder.profile).into_iter().find(|id| is_record(&id.kind));
    let with_records: Vec<(ProfileId, Identifier)> =
        holders.iter().filter_map(|holder| Some((holder.profile, record(holder)?))).collect();
    let (_, youngest) = with_records.last()?;
    Some(Review {
        reason: ReviewReason::DuplicateRecords,
        identifier: youngest.clone(),
        profiles: with_records.iter().map(|(profile, _)| *profile).collect(),
        with_event: false,
    })
}

/// What is known of each identifier, without those that are nobody's.
pub(super) fn standing(
    identifiers: Vec<Identifier>,
    graph: &dyn Graph,
    resolution: &mut Resolution,
) -> Vec<(Identifier, Standing)> {
    let mut found = Vec::with_capacity(identifiers.len());
    for identifier in identifiers {
        match graph.standing(&identifier) {
            Standing::Quarantined => {
                resolution.conflicts.push(Conflict { identifier, owner: None, action: ConflictAction::Quarantined })
            }
            standing => {
                let hash = (standing == Standing::Free && graph.knows_hashes()).then(|| identifier.hashed()).flatten();
                found.push((identifier, standing));
                // Somebody came with the hash of this very address before.
                let known = hash.map(|hash| (graph.standing(&hash), hash)).filter(|(at, _)| at.profile().is_some());
                found.extend(known.map(|(standing, hash)| (hash, standing)));
            }
        }
    }
    found
}

/// A contested identifier may not join another's profile: beside others it says nothing (step 4).
pub(super) fn without_contested(
    identifiers: Vec<(Identifier, Standing)>,
    resolution: &mut Resolution,
) -> Vec<(Identifier, Standing)> {
    let is_contested = |standing: Standing| matches!(standing, Standing::Contested(_) | Standing::Shared);
    let others = identifiers.iter().any(|(_, standing)| !is_contested(*standing));
    let mut kept = Vec::with_capacity(identifiers.len());
    for (identifier, standing) in identifiers {
        // Of contested ones alone, the strongest says where the event goes.
        if is_contested(standing) && (others || !kept.is_empty()) {
            let owner = standing.profile();
            resolution.conflicts.push(Conflict { identifier, owner, action: ConflictAction::Contested });
        } else {
            kept.push((identifier, standing));
        }
    }
    kept
}

/// The weakest identifier that alone ties a known profile to another one and may not, taken out of the union (step 4). A phone
/// of somebody else is such a tie for a person who is new with everything else, too.
fn unfit_to_join(union: &mut Union<'_>, rules: &IdentityRules, graph: &dyn Graph) -> Option<(Identifier, Standing)> {
    let place = phone::of_somebody_else(union, graph).or_else(|| weakest_bridge(union, rules))?;
    Some(union.remove(place))
}

fn weakest_bridge(union: &Union<'_>, rules: &IdentityRules) -> Option<usize> {
    if union.known_holders() < 2 {
        return None;
    }
    let joins = |place: &usize| union.identifiers.get(*place).is_some_and(|(id, _)| rules.joins(id));
    union
        .holders
        .iter()
        .filter(|holder| holder.known && !union.pointing_at(holder.profile).any(|place| joins(&place)))
        .filter_map(|holder| union.pointing_at(holder.profile).next_back())
        .max()
}

/// The identifier stays where it is, and a person is asked whether both are one.
fn leave_with_holder(identifier: Identifier, standing: Standing, resolution: &mut Resolution) {
    let Some(holder) = standing.profile() else { return };
    resolution.reviews.push(Review {
        reason: ReviewReason::SharedIdentifier,
        identifier: identifier.clone(),
        profiles: vec![holder],
        with_event: true,
    });
    if phone::is_phone(&identifier) {
        resolution.claim.push(identifier.clone());
    }
    resolution.conflicts.push(Conflict { identifier, owner: Some(holder), action: ConflictAction::Dropped });
}

/// Who it is, and what joins them (steps 7 and 8).
pub(super) fn decide(union: &Union<'_>, resolution: &mut Resolution) {
    if union.is_too_large() {
        // Events still find their way to whom the strongest identifier names.
        if let Some((identifier, standing)) = union.identifiers.iter().find(|(_, s)| s.profile().is_some()) {
            let owner = standing.profile();
            resolution.whose = owner.map_or(Whose::Nobody, Whose::Existing);
            resolution.conflicts.push(Conflict {
                identifier: identifier.clone(),
                owner,
                action: ConflictAction::MegaProfile,
            });
            return;
        }
    }
    let mut holders = union.holders.clone();
    holders.sort_by_key(survivor_order);
    resolution.whose = match holders.as_slice() {
        [] if union.identifiers.iter().any(|(_, standing)| *standing == Standing::Free) => Whose::New,
        [] => Whose::Nobody,
        [only] => Whose::Existing(only.profile),
        [survivor, losers @ ..] => {
            Whose::Merge { survivor: survivor.profile, losers: losers.iter().map(|holder| holder.profile).collect() }
        }
    };
    resolution.attach = union.fresh().cloned().collect();
}

/// What was taken out because of a limit: a shared thing of another known person is nobody's from now on (step 6).
fn part_with(
    removed: &[(Identifier, Standing)],
    union: &Union<'_>,
    rules: &IdentityRules,
    resolution: &mut Resolution,
    graph: &dyn Graph,
) {
    for (identifier, standing) in removed {
        let Some(owner) = standing.profile() else { continue };
        let is_ours = union.holders.iter().any(|holder| holder.profile == owner);
        let of_another = !is_ours && graph.holder(owner).is_some_and(|holder| holder.known);
        // What somebody keeps apart stays where it is: that is no sign of a shared device.
        let limit = |conflict: &&mut Conflict| conflict.action == ConflictAction::Dropped;
        if let Some(conflict) =
            resolution.conflicts.iter_mut().filter(limit).find(|conflict| conflict.identifier == *identifier)
            && of_another
            && identifier.kind.is_shareable()
            && rules.on_conflict == OnConflict::Detach
        {
            conflict.action = ConflictAction::Detached;
            resolution.detach.push(identifier.clone());
        }
    }
}

/// Remembers which user came with a value that is somebody else's; so many of them, and it is nobody's.
fn note_users(event: &Event, identifier: &Identifier, graph: &dyn Graph, resolution: &mut Resolution) {
    let is_user = |id: &&Identifier| id.kind == IdentifierKind::UserId;
    let Some(user) = event.identifiers.iter().find(is_user) else { return };
    if identifier == user {
        return;
    }
    let seen = graph.sighted(identifier, event.at);
    let mut users: BTreeSet<&Identifier> = seen.iter().filter(is_user).collect();
    users.insert(user);
    resolution.sightings.push((identifier.clone(), user.clone()));
    // The one who holds it is a user too.
    if users.len() + 1 >= crate::model::QUARANTINE_USERS {
        let owner = graph.standing(identifier).profile();
        let action = ConflictAction::Quarantined;
        resolution.conflicts.push(Conflict { identifier: identifier.clone(), owner, action });
    }
}
