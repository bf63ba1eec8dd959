//! Intents on their way to a CRM, and the journal of what became of each.

use std::sync::Arc;

use connector::{FieldName, Fields, Operation, RecordId, Timestamp, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{OutboxId, ProfileId, RecordKey};

/// An intended write of one record. One live entry per record (or per profile and object, for a create): a newer intent
/// replaces a queued older one and raises `generation`.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    pub connection: connector::ConnectionName,
    pub object: connector::Object,
    /// `None` for a create: the CRM will name it.
    pub record: Option<RecordKey>,
    pub profile: Option<ProfileId>,
    pub operation: Operation,
    pub fields: Fields,
    /// One per field: why it is written and what it replaces.
    pub changes: Vec<Change>,
    /// Whether the CRM's current values must be read and compared before sending (a field both sides may write).
    pub compare_first: bool,
}

/// One field of an intent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub field: FieldName,
    /// The CRM's value as last seen; `Null` where empty or never seen.
    pub from: Value,
    pub to: Value,
    pub cause: Cause,
    /// Whether a non-empty value that Ferry did not write is replaced: what the update fuse counts.
    pub overwrites: bool,
}

/// Why a field is written: the mapping line, the trait, and what moved it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// `contact.visits_30d → cdp_visits_30d`
    pub mapping: Arc<str>,
    /// `computed 2026-11-24T09:00:00Z`, `source website`, …
    pub origin: Arc<str>,
}

impl Cause {
    /// How the origin of a change begins that tells a CRM of consent or takes back what is no longer allowed there.
    pub const CONSENT: &'static str = "consent";

    /// The origin of a change of a record's owner; why it is whose follows once that is decided.
    pub const ROUTING: &'static str = "routing";

    /// The mapping of a change that empties our own fields at a record of an erased person.
    pub const ERASURE: &'static str = "erasure";

    pub fn is_consent(&self) -> bool {
        self.origin.split(' ').next() == Some(Self::CONSENT)
    }

    /// Whether routing gives the record its owner with it.
    pub fn is_routing(&self) -> bool {
        self.origin.split(':').next() == Some(Self::ROUTING)
    }
}

impl Change {
    /// Whether routing has still to say whose the record is: until then the field is not among those to write.
    pub fn is_wish(&self) -> bool {
        *self.cause.origin == *Cause::ROUTING
    }
}

impl Intent {
    /// The owner that routing has still to name.
    pub fn wish(&self) -> Option<&Change> {
        self.changes.iter().find(|change| change.is_wish())
    }

    /// The owner that routing has named.
    pub fn routed(&self) -> Option<&Change> {
        self.changes.iter().find(|change| change.cause.is_routing() && !change.is_wish())
    }

    /// Whether it only takes back, or tells of an opt-out: what is sent although consent is denied, because it is.
    pub fn is_withdrawal(&self) -> bool {
        self.deletes() || (!self.changes.is_empty() && self.changes.iter().all(|change| change.cause.is_consent()))
    }

    /// Whether it deletes the record at the CRM.
    pub fn deletes(&self) -> bool {
        matches!(self.operation, Operation::Erase { .. })
    }

    /// Whether it is what is left of an erased person: nobody's any more, so that nobody's staging or plan takes it back.
    pub fn is_erasure(&self) -> bool {
        let clears = |change: &Change| *change.cause.mapping == *Cause::ERASURE;
        self.deletes() || (!self.changes.is_empty() && self.changes.iter().all(clears))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct OutboxEntry {
    pub id: OutboxId,
    /// The intent's key: stable over resends, new for a new generation.
    pub key: Uuid,
    pub intent: Intent,
    pub state: OutboxState,
    pub generation: u32,
    pub attempts: u32,
    pub not_before: Option<Timestamp>,
    pub created_at: Timestamp,
    /// The company a person's record belongs to at the CRM, where known; told when the entry is leased.
    pub parent: Option<RecordId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxState {
    Queued,
    /// Leased and perhaps sent. After a crash this is ambiguous: the CRM is asked before anything is sent again.
    InFlight,
    /// Sent, and the answer was lost.
    Ambiguous,
}

impl OutboxState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InFlight => "in_flight",
            Self::Ambiguous => "ambiguous",
        }
    }
}

/// What the write journal says became of a field's write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalOutcome {
    /// The CRM holds what was written.
    Written,
    /// The CRM holds something else now (rounded, trimmed, rewritten).
    KeptOther,
    /// Refused; the dead letter says why.
    Rejected,
    /// Not sent any more: replaced, record gone, consent withdrawn, value already there.
    Cancelled,
}

impl JournalOutcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::KeptOther => "kept_other",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }
}
