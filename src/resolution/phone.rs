//! Phones: colleagues share a switchboard, so a number never joins two people, and alone it names one only where nobody else
//! has a claim to it.

use super::union::Union;
use crate::model::{
    Graph, Identifier, IdentifierKind, IdentityRules, ProfileId, Resolution, Review, ReviewReason, Standing, Whose,
};

pub(super) fn is_phone(identifier: &Identifier) -> bool {
    identifier.kind == IdentifierKind::Phone
}

/// Whether phones are all that the event gives.
pub(super) fn is_alone(identifiers: &[(Identifier, Standing)]) -> bool {
    identifiers.iter().all(|(identifier, _)| is_phone(identifier))
}

/// An event that gives phones only (step 9): the one profile that holds or claims them, or nobody and a question.
pub(super) fn resolve(
    identifiers: Vec<(Identifier, Standing)>,
    rules: &IdentityRules,
    graph: &dyn Graph,
    mut resolution: Resolution,
) -> Resolution {
    let mut concerned: Vec<ProfileId> = Vec::new();
    let mut settled = false;
    for (phone, standing) in &identifiers {
        settled |= *standing == Standing::Shared;
        let claimants = graph.claimants(phone).into_iter().filter(|profile| graph.holder(*profile).is_some());
        concerned.extend(standing.profile().into_iter().chain(claimants));
    }
    concerned.sort_unstable();
    concerned.dedup();
    match concerned.as_slice() {
        // Somebody has said that it is shared by all: no new question.
        _ if settled => {}
        [] => {
            let union = Union::new(rules, graph, identifiers);
            super::event::decide(&union, &mut resolution);
        }
        [only] => {
            resolution.whose = Whose::Existing(*only);
            resolution.attach = Union::new(rules, graph, identifiers).fresh().cloned().collect();
        }
        _ => {
            let strongest = identifiers.into_iter().map(|(phone, _)| phone).next();
            resolution.reviews.extend(strongest.map(|identifier| Review {
                reason: ReviewReason::WhosePhone,
                identifier,
                profiles: concerned,
                with_event: false,
            }));
        }
    }
    resolution
}

/// The place of a phone whose holder is a person with ids of his own, where this event brings ids of a person and all of them
/// are new: a colleague.
pub(super) fn of_somebody_else(union: &Union<'_>, graph: &dyn Graph) -> Option<usize> {
    let mut personal = union.identifiers.iter().filter(|(identifier, _)| identifier.kind.is_personal()).peekable();
    personal.peek()?;
    if !personal.all(|(_, standing)| *standing == Standing::Free) {
        return None;
    }
    union.identifiers.iter().rposition(|(identifier, standing)| {
        let holder = union.holders.iter().find(|holder| standing.profile() == Some(holder.profile));
        is_phone(identifier) && holder.is_some_and(|holder| graph.is_personal(holder.profile))
    })
}
