//! Writing: intents, and what became of each.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, FieldName, Fields, Link, Object, RecordId, Timestamp, Value};

/// One intended change of one record. `key` names the intent: it is durable before the call and the same on a resend.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    pub key: Uuid,
    pub object: Object,
    pub operation: Operation,
    /// Exactly the fields to write. A field not named is not touched; [`Value::Null`] clears.
    pub fields: Fields,
    pub hints: Hints,
}

/// What may help a connector to send a write well. No hint changes what the write means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hints {
    /// The record whose lock this write takes as well (a contact's company), where known. Writes of one parent are kept
    /// together, in one call where possible, so that they do not wait for each other's lock.
    pub parent: Option<RecordId>,
    /// A create whose owner the CRM's own assignment rules are to choose.
    pub crm_assigns: bool,
}

/// What to do. Each beyond update stands behind a [`crate::Capability`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// Changes the record `id`; never creates one.
    Update { id: RecordId },
    /// Changes the record whose unique field `field` holds `value`, or creates it.
    Upsert { field: FieldName, value: Value },
    /// Creates a record. Not idempotent: the caller looks before it sends one again.
    Create,
    /// Associates two records.
    Associate { from: RecordId, to: Link },
    /// Puts a record on a list, or takes it off. `list` is what the CRM calls it by: an id or a tag's name. Where it is so already
    /// nothing changes, and the write is [`Outcome::Done`] all the same; `created` says that this very write has put it there.
    /// [`Reason::NotThere`]: there is no such list, or nobody may write to it.
    ListMembership { list: Arc<str>, record: RecordId, member: bool },
    /// Writes a note of a record in place. With `note` it is that one, which is never made anew
    /// ([`Reason::NotThere`] where it is gone). Without, it is the record's note whose text holds `marker`, made where there is
    /// none: the same write sent twice leaves one note. `body` holds the marker, and is HTML where the capability says so; an empty
    /// one empties the note and makes none. [`Outcome::Done`] names the note, not the record.
    NoteUpsert { record: RecordId, note: Option<RecordId>, marker: Arc<str>, body: Arc<str> },
    /// Makes a lead object beside a record, or gives the one that is there to its owner. With `lead` it is that one, which is never made
    /// anew ([`Reason::NotThere`] where it is gone). Without, it is the record's lead whose name holds `marker`, made where there is
    /// none: the same write sent twice leaves one. `name` holds the marker. [`Outcome::Done`] names the lead, not the record.
    LeadUpsert {
        record: RecordId,
        lead: Option<RecordId>,
        marker: Arc<str>,
        name: Arc<str>,
        /// Whose it is: a user's id; where none is named it is left to the CRM.
        owner: Option<RecordId>,
    },
    /// Deletes the lead object `lead`, or, where its id is not known, the record's lead whose name holds `marker`. Where there is none it
    /// is [`Outcome::Done`], so that the same write sent twice leaves what it left the first time; what is beside the lead stays.
    /// Stands behind the same capability as [`Operation::LeadUpsert`].
    LeadErase { record: RecordId, lead: Option<RecordId>, marker: Arc<str> },
    /// Deletes a person's record for good: by the CRM's own erasure where it has one, else as its users do. It names the record
    /// itself: of one that was merged away nothing is deleted ([`Reason::Merged`]). One that is not there is
    /// [`Outcome::Done`], so that the same write sent twice leaves what it left the first time.
    Erase { id: RecordId },
    /// Makes a task of a record, unless the record has one whose text holds `marker`: that one is left as it is. `body` is plain
    /// text and holds the marker. [`Outcome::Done`] names the task, not the record.
    TaskOnce {
        record: RecordId,
        marker: Arc<str>,
        subject: Arc<str>,
        body: Arc<str>,
        due_at: Timestamp,
        /// Whose it is: a user's id; nobody's in particular where none is named.
        owner: Option<RecordId>,
    },
}

impl Operation {
    /// Whether a record is deleted by it.
    pub fn is_erasure(&self) -> bool {
        matches!(self, Self::Erase { .. })
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Update { .. } => "update",
            Self::Upsert { .. } => "upsert",
            Self::Create => "create",
            Self::Associate { .. } => "associate",
            Self::ListMembership { .. } => "list_membership",
            Self::Erase { .. } => "erase",
            Self::NoteUpsert { .. } => "note_upsert",
            Self::LeadUpsert { .. } => "lead_upsert",
            Self::LeadErase { .. } => "lead_erase",
            Self::TaskOnce { .. } => "task_once",
        }
    }
}

/// What became of one write.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The CRM says it is done.
    Done {
        /// The record's id now: of the record created, or of the survivor where the id had been merged away.
        id: RecordId,
        created: bool,
        /// What the CRM says it kept of the written fields, where the answer tells. May differ from what was sent.
        kept: Fields,
        /// The record's change stamp after the write, where the answer tells: an older version of the record seen later (a
        /// lagging search index, a page already under way) is then known to be older.
        modified_at: Option<Timestamp>,
    },
    /// The CRM (or the connector, before sending) refused this write. Nothing of it was applied.
    Rejected(Rejection),
    /// The call's answer was lost or unreadable: it may or may not have been applied. Ask the CRM before sending again.
    Ambiguous(Error),
    /// Certainly not sent or not applied, for a reason that has nothing to do with this write (quota, outage, shutdown).
    Deferred(Error),
}

/// Why one write was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    pub reason: Reason,
    /// The CRM's own code, for searching its documentation.
    pub code: Arc<str>,
    /// The CRM's own words, already stripped of values.
    pub message: Arc<str>,
    /// The fields it is about, where the CRM says.
    pub fields: Vec<FieldName>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The record is deleted. It is never created again because of this.
    Gone,
    /// What the write names beside the record, a note or a list, does not exist. The record itself may well be there.
    NotThere,
    /// The record was merged away; `into` is the record it goes on as where known, of another object where a lead was
    /// converted.
    Merged { into: Option<Link> },
    /// A value was refused (format, range, option, length, validation rule).
    Invalid,
    /// The field does not exist (any more) at the CRM.
    UnknownField,
    /// The field exists and cannot be written.
    ReadOnly,
    /// Another record already holds this unique value.
    Duplicate { existing: Option<RecordId> },
    /// More than one record matches the key; nobody chooses for the CRM's owner.
    AmbiguousMatch,
    /// The record is locked just now; try again later.
    Locked { retry_after: Option<Duration> },
    /// The credential may not do this.
    Forbidden,
    /// The record changed since it was read.
    Conflict,
    /// The connector or the CRM does not do this operation.
    Unsupported,
}
