//! Whose is this: what the store knows, and what was decided.

use connector::{ConnectionName, DealFacts, Object, RecordId, Timestamp};

use crate::model::{Identifier, ProfileId};

/// A profile that an identifier points at.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub profile: ProfileId,
    pub known: bool,
    pub first_seen: Timestamp,
    /// Which of the asked identifiers it holds, strongest first.
    pub matched: Vec<Identifier>,
    /// Whether it holds a user id. Told only where the asked identifiers name a user id that nobody holds.
    pub has_user_id: bool,
    /// Its live CRM records.
    pub live_links: Vec<(ConnectionName, Object)>,
}

/// Whose a record or an event is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Nobody's: kept without a profile (companies, deals, unattributable events).
    Nobody,
    Existing(ProfileId),
    /// A new profile; the engine makes it (a UUIDv7 from the page's instant and the engine's entropy).
    New,
    /// One profile from several: `survivor` takes everything of `losers`.
    Merge {
        survivor: ProfileId,
        losers: Vec<ProfileId>,
    },
}

/// A deal that counts for a profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Deal {
    pub connection: ConnectionName,
    pub id: RecordId,
    pub facts: DealFacts,
}
