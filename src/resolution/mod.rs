//! FLOOR 2 — whose is this: an event, an alias, a CRM record. Pure; a [`crate::model::Graph`] tells who holds what, this decides
//! (`cdp-semantics` §2.2). The same decisions are asked by the store as events arrive and by [`Replay`] over the log of
//! years, so that both end with the same people.
//!
//! Deterministic rules only. What merely looks alike is a question for a person ([`crate::model::Review`]), never a merge.

mod alias;
mod declared;
mod device;
mod event;
mod memory;
mod phone;
mod record;
mod replay;
#[cfg(test)]
mod tests;
mod union;

pub use declared::{joined_traits, won_traits};
pub use event::resolve;
pub use memory::Memory;
pub use record::{RecordEvidence, RecordResolution, resolve_record};
pub use replay::{Partition, Replay, partition};

use connector::Timestamp;

use crate::model::{Holder, ProfileId};

/// The order of survivors of a merge: known before anonymous, then first seen, then the smaller id.
fn survivor_order(holder: &Holder) -> (bool, Timestamp, ProfileId) {
    (!holder.known, holder.first_seen, holder.profile)
}
