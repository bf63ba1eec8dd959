//! An alias: somebody who knows says that two ids are one person (`cdp-semantics` §2.2, "alias").

use super::event::{by_identifiers, decide};
use super::union::Union;
use crate::model::{
    Conflict, ConflictAction, Event, Graph, Identifier, IdentifierKind, IdentityRules, ProfileId, Resolution, Standing,
    Whose,
};

/// `previousId` becomes another name of `userId`'s profile. The decoder gives it both as a user id and as an anonymous id: it is
/// looked up as a user id, live or retired, then as an anonymous id; where nobody knows it, it is noted as both. Being told so
/// outright, Ferry joins two known people and asks no limit but that of CRM records. All user ids of the old side are retired:
/// they resolve for ever and count no more. Where both sides are one already nothing changes.
pub(super) fn resolve(event: &Event, rules: &IdentityRules, graph: &dyn Graph) -> Resolution {
    let identifiers = rules.ordered(&event.identifiers);
    let Some(Sides { user, previous, anonymous }) = sides(&identifiers) else {
        // A self-alias, or one side blocked: what is left is an event like any other.
        return by_identifiers(event, rules, graph);
    };
    let (to, from) = (graph.standing(user), graph.standing(previous));
    let as_anonymous = graph.standing(anonymous);
    let reached = owner(from).or_else(|| owner(as_anonymous));
    if let Some(profile) = owner(to)
        && reached == Some(profile)
    {
        return Resolution::of(Whose::Existing(profile));
    }
    let mut named = vec![(user.clone(), to)];
    match (owner(from), owner(as_anonymous)) {
        (Some(_), _) => named.push((previous.clone(), from)),
        (None, Some(_)) => named.push((anonymous.clone(), as_anonymous)),
        (None, None) => {
            let free = [(previous, from), (anonymous, as_anonymous)].into_iter();
            named.extend(free.filter(|(_, s)| *s == Standing::Free).map(|(id, s)| (id.clone(), s)));
        }
    }
    let mut resolution = Resolution::nobody();
    let mut union = Union::new(rules, graph, named);
    if let Some(action) = refused(&union) {
        resolution.conflicts.push(Conflict { identifier: previous.clone(), owner: reached, action });
        while union.identifiers.len() > 1 {
            union.remove_weakest();
        }
        decide(&union, &mut resolution);
        return resolution;
    }
    decide(&union, &mut resolution);
    if union.identifiers.iter().any(|(id, _)| id == previous) {
        resolution.retire.push(previous.clone());
    }
    let old = reached.map(|profile| graph.identifiers(profile)).unwrap_or_default();
    let live = |id: &Identifier| id.kind == IdentifierKind::UserId && matches!(graph.standing(id), Standing::Held(_));
    let superseded = old.into_iter().filter(|id| live(id) && id != user && id != previous);
    resolution.retire.extend(superseded);
    resolution
}

/// The two sides of an alias; the previous one in both its readings.
struct Sides<'a> {
    user: &'a Identifier,
    previous: &'a Identifier,
    anonymous: &'a Identifier,
}

fn sides(identifiers: &[Identifier]) -> Option<Sides<'_>> {
    let of = |kind: IdentifierKind| identifiers.iter().filter(move |id| id.kind == kind);
    // The event's own anonymous id is not given: an alias tells of ids, not of a device.
    let anonymous = of(IdentifierKind::AnonymousId).next()?;
    let previous = of(IdentifierKind::UserId).find(|id| id.value == anonymous.value)?;
    let user = of(IdentifierKind::UserId).find(|id| id.value != anonymous.value)?;
    Some(Sides { user, previous, anonymous })
}

/// A profile that may become part of another one.
fn owner(standing: Standing) -> Option<ProfileId> {
    match standing {
        Standing::Held(profile) | Standing::Retired(profile) => Some(profile),
        Standing::Contested(_) | Standing::Free | Standing::Shared | Standing::Quarantined => None,
    }
}

fn refused(union: &Union<'_>) -> Option<ConflictAction> {
    if union.breaks_a_limit(|kind| matches!(kind, IdentifierKind::Crm { .. })) {
        return Some(ConflictAction::Dropped);
    }
    if union.holds_what_is_kept_apart() {
        return Some(ConflictAction::KeptApart);
    }
    union.is_too_large().then_some(ConflictAction::MegaProfile)
}
