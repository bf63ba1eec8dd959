//! What people and faces read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connector::{ConnectionName, Object, Timestamp};
use serde::Serialize;

use crate::model::{
    Activity, Attribute, ClaimKind, CompanyKey, CompanyUid, Deal, Flow, Identifier, LinkedRecord, Profile, ProfileUid,
    RunId, Score, Standings, TraitName,
};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoreStats {
    /// Live profiles (merged-away ones not counted).
    pub profiles: u64,
    pub events: u64,
    pub identity_conflicts: u64,
    pub connections: BTreeMap<ConnectionName, ConnectionStats>,
    /// Profiles waiting for computation.
    pub stale: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectionStats {
    pub objects: BTreeMap<Object, ObjectStats>,
    pub outbox: u64,
    pub dead_letters: u64,
    /// Records marked for push to look at.
    pub marked: u64,
    /// When a flow of this connection last went through, with or without failed records.
    pub went_through: BTreeMap<Flow, Timestamp>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObjectStats {
    /// Live records.
    pub records: u64,
    pub archived: u64,
}

/// What one source has sent, ever.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceHealth {
    pub accepted: u64,
    pub duplicate: u64,
    /// Accepted events that name nobody.
    pub unattributed: u64,
    /// Dropped because their person is on the suppression list.
    pub suppressed: u64,
    /// By reason.
    pub rejected: BTreeMap<Arc<str>, u64>,
    /// The newest event's time.
    pub last_event_at: Option<Timestamp>,
    /// When the last new event came in.
    pub last_received_at: Option<Timestamp>,
    /// Since when it is watched for silence.
    pub watched_since: Option<Timestamp>,
    /// When the silence under way was told.
    pub silence_told_at: Option<Timestamp>,
}

impl SourceHealth {
    /// How long nothing new has come, where that is longer than it may be. A source that has never sent is silent since
    /// somebody waits for it; one that nobody waits for yet is not silent.
    pub fn silent_for(&self, limit: Duration, now: Timestamp) -> Option<Duration> {
        let silent = now.since(self.last_received_at.max(self.watched_since)?);
        (silent > limit).then_some(silent)
    }
}

/// A profile with everything around it.
#[derive(Clone, Debug)]
pub struct ProfileDetail {
    pub profile: Profile,
    pub identifiers: Vec<Identifier>,
    pub records: Vec<LinkedRecord>,
    pub deals: Vec<Deal>,
    /// What people of ours did with the person, newest first.
    pub activities: Vec<Activity>,
    pub scores: Vec<Score>,
    /// Older values, newest first: trait, what it was, when it was replaced.
    pub history: Vec<(TraitName, Attribute, Timestamp)>,
    pub events: u64,
    /// Bands and segments, as last judged.
    pub standings: Standings,
}

/// A company that a profile is tied to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyTie {
    pub key: CompanyKey,
    /// What the company calls itself.
    pub name: Option<Arc<str>>,
    pub why: ClaimKind,
    /// What the person was known by: the company's own key, or a domain that it claims.
    pub by: CompanyKey,
}

/// Where a profile belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompanyOf {
    pub primary: Option<CompanyTie>,
    /// Every other company that the person was ever tied to, strongest tie first.
    pub past: Vec<CompanyTie>,
    /// Whether any e-mail address has a domain that names a company.
    pub email_is_business: bool,
}

/// A company with everything around it.
#[derive(Clone, Debug, PartialEq)]
pub struct CompanyDetail {
    pub uid: CompanyUid,
    pub key: CompanyKey,
    pub first_seen: Timestamp,
    /// What group messages or the CRM say of it, tombstones included.
    pub traits: BTreeMap<TraitName, Attribute>,
    /// Domains that it claims.
    pub domains: Vec<Arc<str>>,
    /// Other companies that claim the same: people known only by such a domain stay with the domain.
    pub rivals: Vec<(Arc<str>, CompanyKey)>,
    /// People whose primary company it is, as last computed.
    pub member_count: u64,
    /// Those first, then people who belong elsewhere now.
    pub members: Vec<CompanyMember>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanyMember {
    pub profile: ProfileUid,
    pub name: Option<Arc<str>>,
    pub email: Option<Arc<str>>,
    pub why: ClaimKind,
    pub is_primary: bool,
}

/// One line of a profile's timeline, newest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimelineItem {
    pub at: Timestamp,
    pub recorded_at: Timestamp,
    /// `event`, `crm`, `deal`, `identity`, `write`, `trait`, `consent`, `score`, `segment`
    pub kind: Arc<str>,
    pub title: Arc<str>,
    pub detail: Option<Arc<str>>,
    pub source: Arc<str>,
    /// The event's place in the log, where it is one.
    pub event: Option<i64>,
    /// `in` from the person, `out` to them; `None` where it is neither or nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Arc<str>>,
    /// Who of ours did it, as people see them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Arc<str>>,
}

/// One field written (or not) to a CRM.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JournalRow {
    pub at: Timestamp,
    pub run: RunId,
    pub connection: ConnectionName,
    pub object: Object,
    pub record: Option<Arc<str>>,
    pub field: Arc<str>,
    pub from: serde_json::Value,
    pub to: serde_json::Value,
    pub mapping: Arc<str>,
    pub origin: Arc<str>,
    pub outcome: Arc<str>,
}

/// When a job last started, was last due, and how that went: catch-up after downtime needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRow {
    pub job: Arc<str>,
    pub last_due: Option<Timestamp>,
    pub last_started: Option<Timestamp>,
    /// Before `last_started` while it runs, and still so after a daemon that was killed meanwhile.
    pub last_finished: Option<Timestamp>,
    /// Failures in a row: the wait after the next one grows with them.
    pub failures: u32,
    /// The next instant it should run; later than that by more than its grace, it is late.
    pub next_due: Option<Timestamp>,
    /// Its interval, in microseconds, for the lateness rule.
    pub interval_micros: i64,
}

/// Sizes, for metrics and retention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    pub database_bytes: u64,
    pub wal_bytes: u64,
    pub journal_rows: u64,
}

/// What waits to be worked on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    pub profiles: bool,
    pub records: Vec<(ConnectionName, Object)>,
}
