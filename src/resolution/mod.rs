//! FLOOR 2 — whose is this: an event, an alias, a CRM record. Pure; the store looks up, this decides (`cdp-semantics` §2.2).
//!
//! Two *known* profiles are joined only by a merge in the CRM. An event that names two known profiles goes to that of its
//! strongest identifier, attaches nothing, and is counted as an identity conflict: people share devices, and a wrong merge
//! is worse than a missing one.

mod event;
mod record;
#[cfg(test)]
mod tests;

pub use event::{Resolution, resolve, resolve_alias, resolve_event};
pub use record::{Ambiguity, HolderOf, RecordEvidence, RecordResolution, resolve_record};

use connector::Timestamp;

use crate::model::{Candidate, ProfileId};

/// The order of survivors of a merge: known before anonymous, then first seen, then the smaller id.
fn survivor_order(candidate: &Candidate) -> (bool, Timestamp, ProfileId) {
    (!candidate.known, candidate.first_seen, candidate.profile)
}
