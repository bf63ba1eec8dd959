//! Devices that many people use: a browser that has carried several addresses in a day belongs to nobody.

use std::collections::BTreeSet;

use crate::model::{
    Conflict, ConflictAction, Event, Graph, Identifier, IdentifierKind, KIOSK_EMAILS, Resolution, Standing,
};

fn is_email(identifier: &&Identifier) -> bool {
    identifier.kind == IdentifierKind::Email
}

/// Notes which address came with which device.
pub(super) fn remember(
    event: &Event,
    identifiers: &[(Identifier, Standing)],
    graph: &dyn Graph,
    resolution: &mut Resolution,
) {
    for email in event.identifiers.iter().filter(is_email) {
        for (device, standing) in identifiers {
            let open = device.kind.is_of_device() && !matches!(standing, Standing::Contested(_) | Standing::Shared);
            if open && !graph.sighted(device, event.at).contains(email) {
                resolution.sightings.push((device.clone(), email.clone()));
            }
        }
    }
}

/// The kiosk guard: a device that carries its third address within 24 hours, this event's counted, is contested from now on.
pub(super) fn without_kiosks(
    event: &Event,
    identifiers: Vec<(Identifier, Standing)>,
    graph: &dyn Graph,
    resolution: &mut Resolution,
) -> Vec<(Identifier, Standing)> {
    let own: Vec<&Identifier> = event.identifiers.iter().filter(is_email).collect();
    if own.is_empty() {
        return identifiers;
    }
    let mut kept = Vec::with_capacity(identifiers.len());
    for (identifier, standing) in identifiers {
        let candidate = identifier.kind.is_of_device() && matches!(standing, Standing::Free | Standing::Held(_));
        if candidate && is_kiosk(event, &identifier, &own, graph) {
            let owner = standing.profile();
            resolution.conflicts.push(Conflict {
                identifier: identifier.clone(),
                owner,
                action: ConflictAction::Detached,
            });
            resolution.detach.push(identifier);
        } else {
            kept.push((identifier, standing));
        }
    }
    kept
}

fn is_kiosk(event: &Event, device: &Identifier, own: &[&Identifier], graph: &dyn Graph) -> bool {
    let seen = graph.sighted(device, event.at);
    let mut emails: BTreeSet<&Identifier> = seen.iter().filter(is_email).collect();
    emails.extend(own.iter().copied());
    emails.len() >= KIOSK_EMAILS
}
