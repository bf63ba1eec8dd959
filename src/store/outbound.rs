//! What flows out: staging, leases, settlement.

use std::fmt::Debug;
use std::sync::Arc;

use connector::{Link, RecordId, Timestamp};

use crate::model::{
    AttributeChange, Consents, DeadLetter, Desire, FieldWritten, Intent, JournalOutcome, LinkedRecord, Mirror,
    OpenDeal, OutboxEntry, OutboxId, Profile, RunId, Tell,
};

/// One record (or one profile that has none yet) that push must look at.
#[derive(Clone, Debug)]
pub struct StageItem {
    /// `None`: the profile has no live record of this object at this connection; a create may be decided.
    pub record: Option<LinkedRecord>,
    pub profile: Option<Profile>,
    /// The live outbox entry for it, if any.
    pub queued: Option<OutboxEntry>,
    /// The profile's identifiers, strongest first, where there is no record: an existing one tells whose it is itself.
    pub identifiers: Vec<crate::model::Identifier>,
    pub consents: Consents,
    /// Bands that the profile has entered and for which nothing has been done yet at this connection, by full name; none where
    /// another record of the person here is the one that is given to somebody.
    pub ready: Vec<std::sync::Arc<str>>,
    /// Open deals of somebody who entered a band, where a record is to be made.
    pub deals: Vec<OpenDeal>,
    /// Whether whoever the record was given to has not answered in time.
    pub is_late: bool,
    /// Whether it is somebody on the suppression list: nothing may be written.
    pub is_suppressed: bool,
    /// The lists that its record is on as far as Ferry knows, and whether Ferry put it there; for whoever plans.
    pub lists: Vec<(Arc<str>, bool)>,
}

/// What to do about one staged item.
#[derive(Clone, Debug, Default)]
pub struct StageDecision {
    /// The write to queue; replaces a queued older one. `None` with `withdraw` removes a queued one.
    pub intent: Option<Intent>,
    /// The queued (never sent) entry is no longer wanted.
    pub withdraw: bool,
    /// A record would have been made and may not be: nothing is done about the band's entry until there is news of the person.
    pub waits: bool,
    /// The owner of an open deal is told in place of a record's being made: the entry is done.
    pub tells: Option<Tell>,
    /// A changed mirror (new base by agreement, verdict taken, field frozen).
    pub mirror: Option<Mirror>,
    /// Traits to take from the CRM (a verdict for its side).
    pub attributes: Vec<AttributeChange>,
    /// Places on lists that its record should have or not have.
    pub places: Vec<Desire>,
    pub dead_letters: Vec<DeadLetter>,
}

/// Decides what to write. Pure.
pub trait StageWrites: Debug + Send + Sync {
    fn decide(&self, item: &StageItem) -> StageDecision;

    /// Whether it asks of records what their people entered and who is late: what costs a look at each.
    fn routes(&self) -> bool {
        false
    }
}

/// What a staging pass did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageReport {
    pub looked_at: u64,
    pub queued: u64,
    pub withdrawn: u64,
    /// Items whose decision brought a dead letter.
    pub failed: u64,
    /// Whether marked items remain.
    pub more: bool,
}

/// What the fuses look at: the harm that the queued entries of one (connection, object) would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FuseTally {
    pub linked: u64,
    pub queued: u64,
    pub creates: u64,
    /// Records where a non-empty value that Ferry did not write would be replaced.
    pub overwriting: u64,
    /// Records where a field would be cleared.
    pub clearing: u64,
}

/// Who leases, and for how long.
#[derive(Clone, Debug)]
pub struct Lease {
    pub worker: Arc<str>,
    /// Whose journal says what was cancelled instead of leased.
    pub run: RunId,
    pub now: Timestamp,
    pub until: Timestamp,
}

/// What became of one leased entry, decided by `push::settle`.
#[derive(Clone, Debug)]
pub struct Delivered {
    pub id: OutboxId,
    /// The generation that was sent: a newer one queued meanwhile stays queued.
    pub generation: u32,
    pub fate: Fate,
    /// The record's change stamp after the write, where the CRM told.
    pub modified_at: Option<Timestamp>,
    /// What the CRM holds now of the written fields; the engine applies each by [`Mirror::written`], even if a newer
    /// generation is queued, and stamps the record as written at the settlement's instant.
    pub written: Vec<FieldWritten>,
    /// The journal's word for changes of the entry that are not in `written`; those bring their own. `None`: no row for them
    /// (the entry goes on living).
    pub journal: Option<JournalOutcome>,
    pub dead_letters: Vec<DeadLetter>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Done, refused for good or cancelled: the entry leaves the outbox (unless a newer generation waits).
    Finished,
    /// A create or upsert made (or found) this record: link it to the entry's profile, then as `Finished`.
    Linked { id: RecordId, url: Option<Arc<str>> },
    /// Not sent or not applied: queued again, not before the instant. `counts` says whether it counts as an attempt.
    Again { not_before: Timestamp, counts: bool },
    /// Perhaps applied: the CRM is asked before anything is sent again. `counts` says whether it counts as an attempt.
    Ambiguous { not_before: Timestamp, counts: bool },
    /// The record is gone: tombstone it, drop the entry. Never created again.
    Gone,
    /// The record goes on as another (merged, or converted to a record of another object): both are one person's, the other is
    /// marked for staging, this entry is dropped.
    Merged { into: Link },
}
