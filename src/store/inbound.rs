//! What flows in: pages of records, batches of events, recomputation.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use connector::{ConnectionName, Cursor, FieldName, Record, Stream, Timestamp, Tombstone, Value};

use crate::model::{
    Activity, Attribute, AttributeChange, CompanyRules, Computed, ConsentDecision, Consents, Counts, DeadLetter, Deal,
    Event, Fact, Graph, Identifier, LinkedRecord, MessageConsent, Mirror, Profile, ProfileId, ProfileUid, Resolution,
    RuleId, RunId, Score, SourceName, Standings, TraitName, TraitValues,
};

/// One stream of one connection: the unit of checkpoints.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamKey {
    pub connection: ConnectionName,
    pub stream: Stream,
}

/// A cursor Ferry has promised to resume from, because everything before it is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub cursor: Cursor,
    /// Whether a full load has ever been completed on this stream: until then the pull guard is off.
    pub full_load_done: bool,
    pub updated_at: Timestamp,
    /// Records of the current full sweep carry this mark; what lacks it at the end of the sweep was not seen.
    pub sweep: Option<i64>,
}

/// One record on its way in, mapped, before a decision.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub record: Record,
    /// 64-bit hash over everything the store keeps of the record (fields, links, deal, user, merged ids). A stored record with
    /// the same hash is unchanged: the engine counts it and asks nobody.
    pub hash: i64,
    /// What may tell whose it is, besides the record's own id; strongest first.
    pub identifiers: Vec<Identifier>,
    /// The profile id that the record carries in our key field.
    pub carried: Option<ProfileUid>,
}

/// A page to be applied in one transaction together with its checkpoint.
#[derive(Clone, Debug)]
pub struct IncomingPage {
    pub key: StreamKey,
    pub run: RunId,
    pub now: Timestamp,
    /// The instant that everything on the page is at least as new as, by the same clock as `now`: when the CRM was asked, less
    /// the lag of its index. A record older than our last write to it is left as it is and counted as skipped: older by
    /// its stamp where the write's answer told the new one, else where the write was settled at or after this instant.
    /// The write has moved the record's stamp, so a later page brings it again.
    pub asked_at: Timestamp,
    pub records: Vec<Incoming>,
    pub tombstones: Vec<Tombstone>,
    pub resume: Cursor,
    pub full_load_done: bool,
}

/// Everything the store knows that bears on one incoming record.
#[derive(Clone, Debug)]
pub struct Known {
    /// The stored record with this id (or that has this id as an alias).
    pub record: Option<LinkedRecord>,
    /// Stored records, archived ones too, whose ids the incoming record lists as merged into it.
    pub merged: Vec<LinkedRecord>,
    /// The profile that the record carries the id of, merges followed; `None` where it carries none, or one nobody knows.
    pub carried: Option<ProfileId>,
    /// Fields of this record in flight (leased or ambiguous) in the outbox, with the values sent: a pulled value equal to one
    /// is an echo, and any other may be older than the write, so the field is left alone.
    pub in_flight: Vec<(FieldName, Value)>,
}

/// What one incoming record does to the store.
#[derive(Clone, Debug)]
pub struct RecordDecision {
    /// Whose it is; an edge for each identifier that joins, its cause this record.
    pub resolution: Resolution,
    pub attributes: Vec<AttributeChange>,
    pub mirror: Mirror,
    /// Whether push must look at this record again.
    pub restage: bool,
    /// Whether a mapped field that had a value is empty now: what the pull guard counts.
    pub emptied: bool,
    pub dead_letters: Vec<DeadLetter>,
    pub tally: Tally,
    /// Opt-outs that the record says, and takes back.
    pub consents: Vec<ConsentDecision>,
}

/// How a record is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tally {
    #[default]
    Updated,
    Created,
    /// Our own write came back: no mapped field changed.
    Echo,
    Unchanged,
}

/// Decides about incoming records. Pure.
pub trait PlanRecords: Debug + Send + Sync {
    /// `profile` reads a candidate's profile, so that a record found by its identifiers is compared with what is known.
    fn decide(
        &self,
        incoming: &Incoming,
        known: &Known,
        graph: &dyn Graph,
        profile: &dyn Fn(ProfileId) -> Option<Profile>,
    ) -> RecordDecision;

    /// Called after all decisions of the page and before anything is committed.
    fn guard(&self, tally: &Guard) -> Verdict;
}

/// What one page would do, for the pull guard; the planner adds the pages before it. `linked` counts live records of this
/// (connection, object) before the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    pub linked: u64,
    /// Tombstones of live records on this page.
    pub deleted: u64,
    /// Records of this page whose decision says `emptied`.
    pub emptied: u64,
    pub full_load_done: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Go,
    /// Roll the page back; the text says why and what to do.
    Stop(Arc<str>),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageReport {
    pub counts: Counts,
    /// Set when the guard stopped the page; nothing of it was written.
    pub stopped: Option<Arc<str>>,
    pub identity_conflicts: u64,
    /// Whether a profile became stale or a record needs push to look: poke compute or push.
    pub profiles_marked: u64,
    pub records_marked: u64,
}

/// A batch of events to append in one transaction.
#[derive(Clone, Debug)]
pub struct AppendEvents {
    pub run: RunId,
    pub now: Timestamp,
    /// Each with the facts it means. Facts' `event` is filled in by the engine.
    pub events: Vec<(Event, Vec<Fact>)>,
    pub dead_letters: Vec<DeadLetter>,
    /// Messages that could not be taken, counted for their sources; a sample of them is among the dead letters.
    pub rejected: Vec<RejectedEvents>,
}

impl AppendEvents {
    /// Counts a message that cannot be taken.
    pub fn reject(&mut self, source: &SourceName, code: &'static str) {
        match self.rejected.iter_mut().find(|one| one.source == *source && one.code == code) {
            Some(one) => one.count += 1,
            None => self.rejected.push(RejectedEvents { source: source.clone(), code, count: 1 }),
        }
    }
}

/// Messages of one source that could not be taken for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedEvents {
    pub source: SourceName,
    pub code: &'static str,
    pub count: u64,
}

/// What one event does to identity.
#[derive(Clone, Debug, PartialEq)]
pub struct EventDecision {
    pub resolution: Resolution,
    /// Declared traits that win over what is there.
    pub attributes: Vec<AttributeChange>,
    /// What it says of consent; with what is known of the person it decides what of the event is kept.
    pub consent: MessageConsent,
}

/// Decides whose an event is. Pure.
pub trait ResolveEvents: Debug + Send + Sync {
    /// `graph` tells who holds what; `traits` reads what a profile has declared, so that a weak or late value does not replace a
    /// better one.
    fn resolve(
        &self,
        event: &Event,
        graph: &dyn Graph,
        traits: &dyn Fn(ProfileId) -> Option<Rc<BTreeMap<TraitName, Attribute>>>,
    ) -> EventDecision;

    /// Everybody whom the text of a message that could not be taken may name; rather one too many.
    fn named_in(&self, text: &str) -> Vec<Identifier>;
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IngestReport {
    pub accepted: u64,
    pub duplicates: u64,
    pub unattributed: u64,
    pub identity_conflicts: u64,
    /// Dropped: they name somebody on the suppression list.
    pub suppressed: u64,
    /// Dropped: their person does not allow analytics.
    pub withheld: u64,
    pub dead_letters: u64,
    pub profiles_marked: u64,
    /// Records whose person's declared traits changed: poke push.
    pub records_marked: u64,
}

/// What a computation sees of one profile.
#[derive(Clone, Debug)]
pub struct ComputeInput<'a> {
    pub profile: &'a Profile,
    /// Facts of the wanted rules, by time.
    pub facts: &'a [Fact],
    /// Deals associated with any live contact of the profile, each once.
    pub deals: &'a [Deal],
    /// What people of ours did with the person, newest first; empty where the computation does not read it.
    pub activities: &'a [Activity],
    /// What the rules of companies say of the profile: `email_is_business`, `company.domain`, and the traits of its primary
    /// company. They join what is computed.
    pub company: &'a TraitValues,
    pub consents: &'a Consents,
    /// What the last computation left behind.
    pub standings: &'a Standings,
    /// The scores stored last and when a CRM was told of them, where it was since the last computation.
    pub told: Option<(Timestamp, &'a [Score])>,
}

/// Traits of a company as its people have them, and the instant at which they change by time alone.
pub type RolledUp = (TraitValues, Option<Timestamp>);

/// Computes traits and scores. Pure.
pub trait ComputeProfiles: Debug + Send + Sync {
    /// Rules whose facts are wanted.
    fn rules(&self) -> Vec<RuleId>;

    fn compute(&self, input: &ComputeInput<'_>) -> Computed;

    /// Whether anything is computed from activities.
    fn reads_activities(&self) -> bool {
        false
    }

    /// How long nothing is done about entries into a band after something was.
    fn cooldown(&self, _band: &str) -> Duration {
        Duration::ZERO
    }

    /// What the people of a company come to together, and when that changes by time alone: from what is computed of each, and the
    /// deals of the company and its people, each once.
    fn roll_up(&self, _members: &[TraitValues], _deals: &[Deal], _as_of: Timestamp) -> RolledUp {
        RolledUp::default()
    }

    /// The computed traits of people that a roll-up reads; none where nothing is rolled up.
    fn rolled_up(&self) -> &[TraitName] {
        &[]
    }

    /// The rules by which profiles belong to companies; without any nothing is derived of companies.
    fn companies(&self) -> Option<&dyn CompanyRules> {
        None
    }
}
