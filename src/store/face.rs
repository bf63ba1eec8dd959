//! The face itself.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use connector::{ConnectionName, Note, Object, Timestamp};

use crate::model::{
    CompanyRules, DeadLetter, DeadLetterId, Event, EventRow, Fact, Identifier, LogPlace, Logged, OutboxEntry,
    ProfileId, RecordKey, RuleId, Run, RunId, Side, SourceName,
};
use crate::store::{
    Alike, Answer, AppendEvents, Checkpoint, CompanyDetail, CompanyOf, ComputeProfiles, ConflictRow, Delivered,
    EdgeRow, FuseTally, HeldBy, IncomingPage, IngestReport, JournalRow, Leads, LearntData, Lease, PageReport,
    PartComponent, PastData, Pending, PersonalData, PlanRecords, ProfileDetail, ResolveEvents, Result, ReviewRow,
    ScheduleRow, SideWrites, Sizes, SourceHealth, StageItem, StageReport, StageWrites, StandingData, StoreStats,
    StreamKey, TimelineItem, Webhooks,
};

/// Matches rules against one logged event again, when a rule is new or changed.
pub type MatchFacts = Arc<dyn Fn(&Event) -> Vec<Fact> + Send + Sync>;

/// Every operation is one transaction and returns after it is durable.
#[async_trait]
pub trait Store:
    PersonalData + StandingData + Leads + SideWrites + Webhooks + PastData + LearntData + Debug + Send + Sync
{
    // — in: CRM —

    async fn checkpoint(&self, key: &StreamKey) -> Result<Option<Checkpoint>>;

    /// Forgets a stream's cursor, so that the next pull is a full load. What was stored stays.
    async fn reset_checkpoint(&self, key: &StreamKey) -> Result<()>;

    /// Applies one page and its checkpoint. Records with a known hash are only counted: a page of unchanged records
    /// writes the checkpoint and nothing else. Merged ids become aliases; tombstones archive; links, deal facts (with a
    /// history row when the stage or amount changed) and users are kept; touched profiles are marked stale; merges are
    /// carried out (events, facts, identifiers, links, outbox follow the survivor; the loser stays as an alias).
    ///
    /// An associations stream carries links only: the engine keeps them itself and asks nobody. On a deletions stream, records
    /// (where a CRM lists what lives instead of what died) are noted as seen, and the page that ends the sweep archives the
    /// rest.
    async fn apply_page(&self, page: IncomingPage, plan: Arc<dyn PlanRecords>) -> Result<PageReport>;

    // — in: events —

    /// Appends events once per (source, message id), attributes them, stores their facts, marks profiles stale.
    async fn append_events(&self, batch: AppendEvents, resolve: Arc<dyn ResolveEvents>) -> Result<IngestReport>;

    /// Which of these rules have been matched against the whole log.
    async fn matched_rules(&self) -> Result<Vec<RuleId>>;

    /// Matches new rules against the next `limit` events after `after` (0 starts); `None` when the log is done. The rules are
    /// recorded as matched, and rules not in `keep` dropped with their facts, when the last chunk commits. Touched profiles become stale.
    async fn rematch(
        &self,
        new: Vec<RuleId>,
        keep: Vec<RuleId>,
        after: i64,
        limit: usize,
        facts: MatchFacts,
    ) -> Result<Option<i64>>;

    /// What each source has sent, ever, by name: counted with every batch that it sends.
    async fn source_health(&self) -> Result<BTreeMap<SourceName, SourceHealth>>;

    /// Watches sources for silence from now on; those watched already keep their instant.
    async fn watch_sources(&self, sources: Vec<SourceName>, now: Timestamp) -> Result<()>;

    /// Notes that a source's silence has been told; its next new event ends the silence.
    async fn tell_silence(&self, source: &SourceName, now: Timestamp) -> Result<()>;

    // — compute —

    /// Recomputes up to `limit` profiles that are stale or whose `due_at` is at or before `as_of` (or every profile with
    /// `all`, after profile `after`), and stores what changed: values, scores, `due_at`, history rows; records of profiles with a
    /// changed value are marked for push. Writes nothing for a profile whose result is the same. Returns (looked at,
    /// changed, last profile looked at while there is more).
    async fn compute(
        &self,
        as_of: Timestamp,
        all: bool,
        after: Option<ProfileId>,
        limit: usize,
        compute: Arc<dyn ComputeProfiles>,
    ) -> Result<(u64, u64, Option<ProfileId>)>;

    /// Whether somebody waits at this moment for events to be stored: what is not urgent then gives way.
    fn is_awaited(&self) -> bool;

    /// Has every company looked at by the next computation: the rules of companies are others now.
    async fn recall_companies(&self) -> Result<()>;

    /// Recomputes without storing: what `compute` would find for one profile as of an instant (`--as-of`, `explain`).
    async fn facts_of(&self, profile: ProfileId, rules: Vec<RuleId>) -> Result<Vec<Fact>>;

    // — out —

    /// Marks every live record of the connection and object (a mapping changed, or `--full`).
    async fn mark_all(&self, connection: &ConnectionName, object: &Object) -> Result<u64>;

    /// Looks at up to `limit` marked items and queues, replaces or withdraws intents. With `creates`, known profiles with
    /// an e-mail and without a live (or archived) record of this object here are items too. Marks are removed for what was looked at. `key` for new
    /// entries: UUIDv7 by the engine.
    async fn stage(
        &self,
        connection: &ConnectionName,
        object: &Object,
        creates: bool,
        now: Timestamp,
        limit: usize,
        decide: Arc<dyn StageWrites>,
    ) -> Result<StageReport>;

    /// The items that `stage` would look at plus those with a queued entry, without changing anything: for `plan`.
    async fn staged(
        &self,
        connection: &ConnectionName,
        object: &Object,
        creates: bool,
        after: i64,
        limit: usize,
    ) -> Result<(Vec<StageItem>, Option<i64>)>;

    /// What the queued entries would do, for the fuses.
    async fn fuse_tally(&self, connection: &ConnectionName, object: &Object) -> Result<FuseTally>;

    /// Leases up to `limit` due entries of one kind of operation. Committed before any call: a leased entry is `in_flight`,
    /// and after a crash it is found as ambiguous. Entries whose lease ran out come back as `Ambiguous`. Ambiguous ones
    /// come first, and alone. At most one entry per record is ever in flight.
    async fn lease(
        &self,
        connection: &ConnectionName,
        object: &Object,
        lease: Lease,
        limit: usize,
    ) -> Result<Vec<OutboxEntry>>;

    /// Cancels queued entries that privacy does not let out, up to `limit` looked at after `after` (0 starts): how many, and where
    /// to go on. The journal says why; their records are marked, so that what is there can be taken back.
    async fn withhold(
        &self,
        connection: &ConnectionName,
        object: &Object,
        run: RunId,
        now: Timestamp,
        after: i64,
        limit: usize,
    ) -> Result<(u64, Option<i64>)>;

    /// Turns every entry leased by a worker that no longer exists into `Ambiguous`; called at start. Returns how many.
    async fn recover(&self, now: Timestamp) -> Result<u64>;

    /// The same for the entries of one (connection, object) that this worker has leased: its run broke off.
    async fn reclaim(&self, connection: &ConnectionName, object: &Object, worker: &Arc<str>) -> Result<u64>;

    /// Records what became of leased entries: mirror, outbox, journal and dead letters in one transaction.
    async fn settle(&self, run: RunId, now: Timestamp, delivered: Vec<Delivered>) -> Result<()>;

    /// Live outbox entries, oldest first.
    async fn outbox(&self, connection: &ConnectionName, object: &Object, limit: usize) -> Result<Vec<OutboxEntry>>;

    /// Current stage items of given records (for `apply`): record, profile and queued entry.
    async fn stage_items(&self, records: Vec<RecordKey>) -> Result<Vec<StageItem>>;

    /// Queues these intents as they are (for `apply`). Whatever else is queued and not yet sent at the connection and object
    /// is withdrawn and its records marked for push again, so that nothing but these is sent next.
    async fn enqueue(
        &self,
        now: Timestamp,
        connection: &ConnectionName,
        object: &Object,
        intents: Vec<crate::model::Intent>,
    ) -> Result<u64>;

    // — dead letters —

    async fn add_dead_letters(&self, letters: Vec<DeadLetter>) -> Result<()>;

    async fn dead_letters(&self, after: DeadLetterId, limit: usize) -> Result<Vec<DeadLetter>>;

    async fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetter>>;

    /// Removes a dead letter; `false` if there is none.
    async fn drop_dead_letter(&self, id: DeadLetterId) -> Result<bool>;

    /// Removes it and lets its subject try again: thaws the field
    /// ([`crate::model::Mirror::thaw`]), notes a verdict, marks the record for push.
    async fn retry_dead_letter(&self, id: DeadLetterId, verdict: Option<Side>) -> Result<bool>;

    // — runs and schedule —

    /// Starts or updates a run row.
    async fn save_run(&self, run: Run) -> Result<()>;

    async fn runs(&self, limit: usize) -> Result<Vec<Run>>;

    /// A run by id or unique prefix of it, with its journal rows.
    async fn run(&self, id: &str) -> Result<Option<(Run, Vec<JournalRow>)>>;

    /// The last run of each (flow, connection, object).
    async fn last_runs(&self) -> Result<Vec<Run>>;

    async fn schedules(&self) -> Result<Vec<ScheduleRow>>;

    async fn save_schedule(&self, row: ScheduleRow) -> Result<()>;

    // — reading —

    /// Whether profiles wait for computation as of now, and where records wait for push: what another process may have left.
    /// Cheap enough to ask every second.
    async fn pending(&self, now: Timestamp) -> Result<Pending>;

    async fn stats(&self) -> Result<StoreStats>;

    async fn sizes(&self) -> Result<Sizes>;

    async fn find_profile(&self, key: &str) -> Result<Option<ProfileId>>;

    async fn profile(&self, id: ProfileId) -> Result<Option<ProfileDetail>>;

    /// Where a profile belongs by these rules and what is known this instant.
    async fn company_of(&self, id: ProfileId, rules: Arc<dyn CompanyRules>) -> Result<CompanyOf>;

    /// A company by its key or id, with up to `members` of its members as last computed.
    async fn company(&self, key: &str, members: usize) -> Result<Option<CompanyDetail>>;

    async fn identifiers(&self, id: ProfileId) -> Result<Vec<Identifier>>;

    async fn timeline(&self, id: ProfileId, limit: usize) -> Result<Vec<TimelineItem>>;

    async fn events_of(&self, id: ProfileId, limit: usize) -> Result<Vec<EventRow>>;

    /// Journal rows of a profile's records, newest first; of one field if given.
    async fn journal(&self, id: ProfileId, field: Option<&str>, limit: usize) -> Result<Vec<JournalRow>>;

    /// A small durable note of the engine's user: the account a connection was first seen with, a config hash.
    async fn note(&self, name: &str) -> Result<Option<String>>;

    async fn set_note(&self, name: &str, value: &str) -> Result<()>;

    /// What the connector of a connection remembers, by key ([`connector::Notebook`]).
    async fn connector_notes(&self, connection: &ConnectionName) -> Result<Vec<Note>>;

    /// Keeps a note; one of the same key is replaced.
    async fn keep_connector_note(&self, connection: &ConnectionName, note: Note) -> Result<()>;

    async fn forget_connector_note(&self, connection: &ConnectionName, key: &str) -> Result<()>;

    // — identity —

    /// A profile with all that it holds.
    async fn held_by(&self, id: ProfileId) -> Result<Option<HeldBy>>;

    /// All profiles after one, by number; fewer than `limit` are the last ones.
    async fn all_held(&self, after: ProfileId, limit: usize) -> Result<Vec<HeldBy>>;

    /// What joined and parted from a profile and from those that became part of it, oldest first.
    async fn edges(&self, id: ProfileId) -> Result<Vec<EdgeRow>>;

    /// Where identifiers were not taken at their word, newest first; of one profile if given.
    async fn conflicts(&self, id: Option<ProfileId>, limit: usize) -> Result<Vec<ConflictRow>>;

    /// The log of identity after a place, events among it, in order; none is the end.
    async fn identity_log(&self, after: LogPlace, limit: usize) -> Result<Vec<(LogPlace, Logged)>>;

    /// Puts rules of identity in force: a line of the log, and the note [`crate::store::IDENTITY_RULES`].
    async fn adopt_identity(&self, rules: Arc<str>, now: Timestamp) -> Result<()>;

    /// What must never be in one profile, each pair once.
    async fn kept_apart(&self) -> Result<Vec<(Identifier, Identifier)>>;

    /// Questions for a person: open ones, or answered ones.
    async fn reviews(&self, open: bool, limit: usize) -> Result<Vec<ReviewRow>>;

    /// Carries an answer out. `None` where there is no such open question.
    async fn answer_review(&self, id: i64, answer: Answer, now: Timestamp) -> Result<Option<ReviewRow>>;

    /// Asks about pairs that look alike, unless they were asked about before or are kept apart. Returns how many are new.
    async fn open_reviews(&self, alike: Vec<Alike>, now: Timestamp) -> Result<u64>;

    /// Takes an identifier away from its profile for ever: its component is told again without it. Returns the profiles there are
    /// now, the one that keeps the id first.
    async fn unlink(
        &self,
        identifier: Identifier,
        now: Timestamp,
        plan: Arc<dyn PartComponent>,
    ) -> Result<Vec<ProfileId>>;

    // — housekeeping —

    /// Deletes runs, journal rows and dead letters older than the instant; truncates the write-ahead log when idle.
    async fn prune(&self, before: Timestamp) -> Result<u64>;

    /// Checks the database; `Err(Corrupt)` says what is wrong.
    async fn verify(&self) -> Result<()>;
}
