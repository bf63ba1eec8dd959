//! Whose is this; and a deal that counts for somebody.

use std::sync::Arc;

use connector::{ConnectionName, DealFacts, RecordId};

use crate::model::ProfileId;

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
    /// The order of the shop that this deal stands for, where a mapped field of the CRM names one.
    pub order_id: Option<Arc<str>>,
}

impl Deal {
    pub fn order_id(&self) -> Option<&str> {
        self.order_id.as_deref()
    }
}
