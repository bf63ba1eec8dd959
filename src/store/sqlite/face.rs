//! The store's face, carried out by SQLite: each operation names what it does and goes to the writer or a reader.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use connector::{ConnectionName, Note, Object, Timestamp};

use super::fault::Fault;
use super::gate::Gate;
use super::writer::Writer;
use super::{
    SqliteStore, company, compute, events, find, health, housekeeping, identity, identity_log, journal, lease, letters,
    notebook, outbox, page, parting, profiles, report, reviews, rules, runs, settle, stage, stats, timeline, withhold,
};
use crate::model::{
    CompanyRules, DeadLetter, DeadLetterId, EventRow, Fact, Identifier, Intent, LogPlace, Logged, OutboxEntry,
    ProfileId, RecordKey, RuleId, Run, RunId, Side, SourceName,
};
use crate::store::face::MatchFacts;
use crate::store::{
    Alike, Answer, AppendEvents, Checkpoint, CompanyDetail, CompanyOf, ComputeProfiles, ConflictRow, Delivered,
    EdgeRow, FuseTally, HeldBy, IncomingPage, IngestReport, JournalRow, Lease, PageReport, PartComponent, Pending,
    PlanRecords, ProfileDetail, ResolveEvents, Result, ReviewRow, ScheduleRow, Sizes, SourceHealth, StageItem,
    StageReport, StageWrites, Store, StoreStats, StreamKey, TimelineItem,
};

#[async_trait]
impl Store for SqliteStore {
    async fn checkpoint(&self, key: &StreamKey) -> Result<Option<Checkpoint>> {
        let key = key.clone();
        self.read("read a checkpoint", move |session| page::checkpoint(session, &key)).await
    }

    async fn reset_checkpoint(&self, key: &StreamKey) -> Result<()> {
        let key = key.clone();
        self.write("reset a checkpoint", move |session| page::reset(session, &key)).await
    }

    async fn apply_page(&self, page: IncomingPage, plan: Arc<dyn PlanRecords>) -> Result<PageReport> {
        let privacy = self.privacy();
        self.write_or_undo("apply a page", move |session| {
            page::apply(session, &Gate::open(session, &privacy)?, &page, &*plan)
        })
        .await
    }

    async fn append_events(&self, batch: AppendEvents, resolve: Arc<dyn ResolveEvents>) -> Result<IngestReport> {
        let privacy = self.privacy();
        // Lives longer than the writer's share: what it holds is not freed by the writer, which has better to do.
        let batch = Arc::new(batch);
        let share = batch.clone();
        self.append("append events", move |s| events::append(s, &Gate::open(s, &privacy)?, &share, &*resolve)).await
    }

    async fn matched_rules(&self) -> Result<Vec<RuleId>> {
        self.read("list matched rules", rules::matched).await
    }

    async fn rematch(
        &self,
        new: Vec<RuleId>,
        keep: Vec<RuleId>,
        after: i64,
        limit: usize,
        facts: MatchFacts,
    ) -> Result<Option<i64>> {
        self.write("match rules against the log", move |session| {
            rules::rematch(session, &new, &keep, after, limit, &*facts)
        })
        .await
    }

    async fn compute(
        &self,
        as_of: Timestamp,
        all: bool,
        after: Option<ProfileId>,
        limit: usize,
        compute: Arc<dyn ComputeProfiles>,
    ) -> Result<(u64, u64, Option<ProfileId>)> {
        let privacy = self.privacy();
        self.write("compute profiles", move |session| {
            compute::compute(&Gate::open(session, &privacy)?, as_of, all, after, limit, &*compute)
        })
        .await
    }

    fn is_awaited(&self) -> bool {
        self.writer.as_ref().is_some_and(Writer::is_awaited)
    }

    async fn recall_companies(&self) -> Result<()> {
        self.write("recall companies", company::recall).await
    }

    async fn facts_of(&self, profile: ProfileId, rules: Vec<RuleId>) -> Result<Vec<Fact>> {
        self.read("read facts", move |session| {
            let wanted = rules.into_iter().collect();
            profiles::of_current(session, profile, |id| rules::facts(session, id, &wanted))
        })
        .await
    }

    async fn mark_all(&self, connection: &ConnectionName, object: &Object) -> Result<u64> {
        let (connection, object) = (connection.clone(), object.clone());
        self.write("mark records", move |session| stage::mark_all(session, &connection, &object)).await
    }

    async fn stage(
        &self,
        connection: &ConnectionName,
        object: &Object,
        creates: bool,
        now: Timestamp,
        limit: usize,
        decide: Arc<dyn StageWrites>,
    ) -> Result<StageReport> {
        let (connection, object, privacy) = (connection.clone(), object.clone(), self.privacy());
        self.write("stage writes", move |session| {
            let place = session.place(&connection, &object)?;
            stage::stage(&Gate::open(session, &privacy)?, place, creates, now, limit, &*decide)
        })
        .await
    }

    async fn staged(
        &self,
        connection: &ConnectionName,
        object: &Object,
        creates: bool,
        after: i64,
        limit: usize,
    ) -> Result<(Vec<StageItem>, Option<i64>)> {
        let (connection, object, privacy) = (connection.clone(), object.clone(), self.privacy());
        self.read("list what is staged", move |session| match session.find_place(&connection, &object)? {
            Some(place) => stage::staged(&Gate::open(session, &privacy)?, place, creates, after, limit.max(1)),
            None => Ok(Default::default()),
        })
        .await
    }

    async fn fuse_tally(&self, connection: &ConnectionName, object: &Object) -> Result<FuseTally> {
        let (connection, object) = (connection.clone(), object.clone());
        self.read("tally the outbox", move |session| match session.find_place(&connection, &object)? {
            Some(place) => lease::fuse_tally(session, place),
            None => Ok(FuseTally::default()),
        })
        .await
    }

    async fn lease(
        &self,
        connection: &ConnectionName,
        object: &Object,
        lease: Lease,
        limit: usize,
    ) -> Result<Vec<OutboxEntry>> {
        let (connection, object, privacy) = (connection.clone(), object.clone(), self.privacy());
        self.write("lease outbox entries", move |session| match session.find_place(&connection, &object)? {
            Some(place) => lease::lease(&Gate::open(session, &privacy)?, place, &lease, limit),
            None => Ok(Vec::new()),
        })
        .await
    }

    async fn withhold(
        &self,
        connection: &ConnectionName,
        object: &Object,
        run: RunId,
        now: Timestamp,
        after: i64,
        limit: usize,
    ) -> Result<(u64, Option<i64>)> {
        let (connection, object, privacy) = (connection.clone(), object.clone(), self.privacy());
        self.write("withhold outbox entries", move |session| match session.find_place(&connection, &object)? {
            Some(place) => withhold::queued(&Gate::open(session, &privacy)?, place, run, now, after, limit),
            None => Ok((0, None)),
        })
        .await
    }

    async fn recover(&self, _now: Timestamp) -> Result<u64> {
        self.write("recover outbox entries", lease::recover).await
    }

    async fn reclaim(&self, connection: &ConnectionName, object: &Object, worker: &Arc<str>) -> Result<u64> {
        let (connection, object, worker) = (connection.clone(), object.clone(), worker.clone());
        self.write("reclaim outbox entries", move |session| match session.find_place(&connection, &object)? {
            Some(place) => lease::reclaim(session, place, &worker),
            None => Ok(0),
        })
        .await
    }

    async fn settle(&self, run: RunId, now: Timestamp, delivered: Vec<Delivered>) -> Result<()> {
        self.write("settle outbox entries", move |session| settle::settle(session, run, now, &delivered)).await
    }

    async fn outbox(&self, connection: &ConnectionName, object: &Object, limit: usize) -> Result<Vec<OutboxEntry>> {
        let (connection, object) = (connection.clone(), object.clone());
        self.read("list the outbox", move |session| match session.find_place(&connection, &object)? {
            Some(place) => outbox::list(session, place, limit),
            None => Ok(Vec::new()),
        })
        .await
    }

    async fn stage_items(&self, records: Vec<RecordKey>) -> Result<Vec<StageItem>> {
        let privacy = self.privacy();
        self.read("read staged records", move |session| stage::items(&Gate::open(session, &privacy)?, &records)).await
    }

    async fn enqueue(
        &self,
        now: Timestamp,
        connection: &ConnectionName,
        object: &Object,
        intents: Vec<Intent>,
    ) -> Result<u64> {
        let (connection, object) = (connection.clone(), object.clone());
        self.write("queue writes", move |session| {
            let place = session.place(&connection, &object)?;
            outbox::enqueue(session, place, now, &intents)
        })
        .await
    }

    async fn add_dead_letters(&self, letters: Vec<DeadLetter>) -> Result<()> {
        self.write("note dead letters", move |session| {
            letters.iter().try_for_each(|letter| letters::add(session, letter))
        })
        .await
    }

    async fn dead_letters(&self, after: DeadLetterId, limit: usize) -> Result<Vec<DeadLetter>> {
        self.read("list dead letters", move |session| letters::list(session, after, limit)).await
    }

    async fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetter>> {
        self.read("read a dead letter", move |session| letters::one(session, id)).await
    }

    async fn drop_dead_letter(&self, id: DeadLetterId) -> Result<bool> {
        self.write("drop a dead letter", move |session| letters::drop_for_good(session, id)).await
    }

    async fn retry_dead_letter(&self, id: DeadLetterId, verdict: Option<Side>) -> Result<bool> {
        self.write("retry a dead letter", move |session| letters::retry(session, id, verdict)).await
    }

    async fn save_run(&self, run: Run) -> Result<()> {
        self.write("save a run", move |session| runs::save(session, &run)).await
    }

    async fn runs(&self, limit: usize) -> Result<Vec<Run>> {
        self.read("list runs", move |session| runs::list(session, limit)).await
    }

    async fn run(&self, id: &str) -> Result<Option<(Run, Vec<JournalRow>)>> {
        let id = id.to_owned();
        self.read("read a run", move |session| runs::one(session, &id)).await
    }

    async fn last_runs(&self) -> Result<Vec<Run>> {
        self.read("list last runs", runs::last).await
    }

    async fn schedules(&self) -> Result<Vec<ScheduleRow>> {
        self.read("list schedules", runs::schedules).await
    }

    async fn save_schedule(&self, row: ScheduleRow) -> Result<()> {
        self.write("save a schedule", move |session| runs::save_schedule(session, &row)).await
    }

    async fn pending(&self, now: Timestamp) -> Result<Pending> {
        self.read("look for work", move |session| stats::pending(session, now)).await
    }

    async fn stats(&self) -> Result<StoreStats> {
        self.read("count", stats::stats).await
    }

    async fn source_health(&self) -> Result<BTreeMap<SourceName, SourceHealth>> {
        self.read("count by source", health::of_sources).await
    }

    async fn watch_sources(&self, sources: Vec<SourceName>, now: Timestamp) -> Result<()> {
        self.write("watch sources", move |session| health::watch(session, &sources, now)).await
    }

    async fn tell_silence(&self, source: &SourceName, now: Timestamp) -> Result<()> {
        let source = source.clone();
        self.write("note a silence", move |session| health::tell_silence(session, &source, now)).await
    }

    async fn sizes(&self) -> Result<Sizes> {
        let path = self.path.clone();
        self.read("measure", move |session| housekeeping::sizes(session, &path)).await
    }

    async fn find_profile(&self, key: &str) -> Result<Option<ProfileId>> {
        let key = key.to_owned();
        self.read("find a profile", move |session| Ok(find::find(session, &key)?.map(ProfileId))).await
    }

    async fn profile(&self, id: ProfileId) -> Result<Option<ProfileDetail>> {
        self.read("read a profile", move |session| stats::detail(session, id.0)).await
    }

    async fn company_of(&self, id: ProfileId, rules: Arc<dyn CompanyRules>) -> Result<CompanyOf> {
        self.read("read a person's company", move |session| company::of_profile(session, id.0, &*rules)).await
    }

    async fn company(&self, key: &str, members: usize) -> Result<Option<CompanyDetail>> {
        let key = key.to_owned();
        self.read("read a company", move |session| company::detail(session, &key, members)).await
    }

    async fn identifiers(&self, id: ProfileId) -> Result<Vec<Identifier>> {
        self.read("read identifiers", move |session| {
            profiles::of_current(session, id, |id| identity::identifiers_of(session, id))
        })
        .await
    }

    async fn timeline(&self, id: ProfileId, limit: usize) -> Result<Vec<TimelineItem>> {
        self.read("read a timeline", move |session| {
            profiles::of_current(session, id, |id| timeline::timeline(session, id, limit))
        })
        .await
    }

    async fn events_of(&self, id: ProfileId, limit: usize) -> Result<Vec<EventRow>> {
        self.read("read events", move |session| {
            profiles::of_current(session, id, |id| events::of_profile(session, id, limit))
        })
        .await
    }

    async fn journal(&self, id: ProfileId, field: Option<&str>, limit: usize) -> Result<Vec<JournalRow>> {
        let field = field.map(str::to_owned);
        self.read("read the journal", move |session| {
            profiles::of_current(session, id, |id| journal::of_profile(session, id, field.as_deref(), limit))
        })
        .await
    }

    async fn note(&self, name: &str) -> Result<Option<String>> {
        let name = name.to_owned();
        self.read("read a note", move |session| runs::note(session, &name)).await
    }

    async fn set_note(&self, name: &str, value: &str) -> Result<()> {
        let (name, value): (Arc<str>, Arc<str>) = (name.into(), value.into());
        self.write("set a note", move |session| runs::set_note(session, &name, &value)).await
    }

    async fn connector_notes(&self, connection: &ConnectionName) -> Result<Vec<Note>> {
        let connection = connection.clone();
        self.read("read a connector's notes", move |session| notebook::list(session, &connection)).await
    }

    async fn keep_connector_note(&self, connection: &ConnectionName, note: Note) -> Result<()> {
        let connection = connection.clone();
        self.write("keep a connector's note", move |session| notebook::keep(session, &connection, &note)).await
    }

    async fn forget_connector_note(&self, connection: &ConnectionName, key: &str) -> Result<()> {
        let (connection, key) = (connection.clone(), key.to_owned());
        self.write("forget a connector's note", move |session| notebook::forget(session, &connection, &key)).await
    }

    async fn held_by(&self, id: ProfileId) -> Result<Option<HeldBy>> {
        self.read("read an identity", move |session| {
            profiles::of_current(session, id, |id| report::held_by(session, id))
        })
        .await
    }

    async fn all_held(&self, after: ProfileId, limit: usize) -> Result<Vec<HeldBy>> {
        self.read("read identities", move |session| report::all(session, after, limit)).await
    }

    async fn edges(&self, id: ProfileId) -> Result<Vec<EdgeRow>> {
        self.read("read the identity log", move |session| {
            profiles::of_current(session, id, |id| report::edges(session, id))
        })
        .await
    }

    async fn conflicts(&self, id: Option<ProfileId>, limit: usize) -> Result<Vec<ConflictRow>> {
        self.read("list conflicts", move |session| match id {
            Some(id) => profiles::of_current(session, id, |id| report::conflicts(session, Some(id), limit)),
            None => report::conflicts(session, None, limit),
        })
        .await
    }

    async fn identity_log(&self, after: LogPlace, limit: usize) -> Result<Vec<(LogPlace, Logged)>> {
        self.read("read the identity log", move |session| identity_log::after(session, after, limit)).await
    }

    async fn adopt_identity(&self, rules: Arc<str>, now: Timestamp) -> Result<()> {
        self.write("adopt rules of identity", move |session| identity_log::adopt(session, &rules, now)).await
    }

    async fn kept_apart(&self) -> Result<Vec<(Identifier, Identifier)>> {
        self.read("list what is kept apart", report::apart).await
    }

    async fn reviews(&self, open: bool, limit: usize) -> Result<Vec<ReviewRow>> {
        self.read("list reviews", move |session| reviews::list(session, open, limit)).await
    }

    async fn answer_review(&self, id: i64, answer: Answer, now: Timestamp) -> Result<Option<ReviewRow>> {
        self.write("answer a review", move |session| reviews::answer(session, id, &answer, now)).await
    }

    async fn open_reviews(&self, alike: Vec<Alike>, now: Timestamp) -> Result<u64> {
        self.write("open reviews", move |session| reviews::open_alike(session, &alike, now)).await
    }

    async fn unlink(
        &self,
        identifier: Identifier,
        now: Timestamp,
        plan: Arc<dyn PartComponent>,
    ) -> Result<Vec<ProfileId>> {
        self.write("unlink an identifier", move |session| parting::unlink(session, &identifier, now, &*plan)).await
    }

    async fn prune(&self, before: Timestamp) -> Result<u64> {
        let pruned = self.write("prune", move |session| housekeeping::prune(session, before)).await?;
        if let Some(writer) = &self.writer {
            writer.truncate_log().await?;
        }
        Ok(pruned)
    }

    async fn verify(&self) -> Result<()> {
        let path = self.path.clone();
        // Damage met on the way is what this is for.
        let told = move |fault: Fault| Fault::Told(fault.told("verify the store", &path));
        self.read("verify the store", move |session| housekeeping::verify(session).map_err(told)).await
    }
}
