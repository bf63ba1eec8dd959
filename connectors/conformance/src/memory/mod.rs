//! A CRM account in memory: the reference implementation of the contract, and the far side of every flow test.
//!
//! [`MemoryCrm`] is the account (a cheap handle; clones share it), [`MemoryConnector`] the door to it. Time comes from
//! the injected clock, ids count up, nothing is random: the same calls in the same order leave the same account.
//!
//! ```text
//! let crm = MemoryCrm::new(clock.clone());
//! let ada = crm.create(&Object::Contact, [("email", "ada@acme.example")]);
//! let connector = crm.connector();
//! crm.fail_next(Call::Push, Fault::Lost { applied: true });
//! … run the flow …
//! assert_eq!(crm.by_us(), []);
//! ```
//!
//! Contacts, leads, companies, deals and users exist with the fields of `schema.rs`; [`MemoryCrm::define`] adds fields
//! (any object). Every write moves the record's stamp, even one that changes nothing; associations do not move it.

mod beside;
mod connect;
mod cursor;
mod fault;
mod jobs;
mod ledger;
mod lists;
mod read;
mod rep;
mod schema;
mod state;
mod subject;
mod write;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connector::{Clock, ErrorKind, FieldSpec, Fields, Object, RecordId, Rejection, Schema, Timestamp, Value};

pub use self::connect::MemoryConnector;
pub use self::fault::{Call, Fault};
pub use self::ledger::{Actor, Calls, ChangeKind, Entry};
pub use self::schema::field;
use self::state::State;
pub use self::subject::MemorySubject;

/// An account. Clones share the same records.
#[derive(Clone)]
pub struct MemoryCrm {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

impl MemoryCrm {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { inner: Arc::new(Inner { clock, state: Mutex::new(State::new()) }) }
    }

    /// A connector with everything the in-memory CRM can do. Give it a narrower capability with
    /// [`MemoryConnector::with_capability`].
    pub fn connector(&self) -> MemoryConnector {
        MemoryConnector::new(self.clone())
    }

    // ── what is there ──────────────────────────────────────────────────────────────────────────────────────────────

    /// All fields of a live record that have a value; `None` where there is no live record of that id.
    pub fn fields(&self, object: &Object, id: &RecordId) -> Option<Fields> {
        self.lock().live(object, id).map(|held| held.fields.clone())
    }

    /// One value of a live record; null where it has none or the record is not there.
    pub fn value(&self, object: &Object, id: &RecordId, field: &str) -> Value {
        self.lock().live(object, id).and_then(|held| held.fields.get(field).cloned()).unwrap_or(Value::Null)
    }

    /// Ids of the live records, in order.
    pub fn ids(&self, object: &Object) -> Vec<RecordId> {
        let state = self.lock();
        state.all(object).filter(|(_, held)| held.deleted_at.is_none()).map(|(id, _)| id.clone()).collect()
    }

    /// The live notes of a record: id and text.
    pub fn notes(&self, record: &RecordId) -> Vec<(RecordId, String)> {
        self.beside(&beside::notes(), record)
    }

    /// The live tasks of a record: id and text.
    pub fn tasks(&self, record: &RecordId) -> Vec<(RecordId, String)> {
        self.beside(&beside::tasks(), record)
    }

    /// The live lead objects beside a record: id and name.
    pub fn lead_objects(&self, record: &RecordId) -> Vec<(RecordId, String)> {
        self.beside(&beside::lead_objects(), record)
    }

    fn beside(&self, object: &Object, record: &RecordId) -> Vec<(RecordId, String)> {
        let state = self.lock();
        beside::of_record(&state, object, record).map(|(id, body)| (id.clone(), body.to_owned())).collect()
    }

    /// Somebody at the CRM deletes a note. `false` where there is none.
    pub fn delete_note(&self, note: &RecordId) -> bool {
        self.delete(&beside::notes(), note)
    }

    pub fn modified_at(&self, object: &Object, id: &RecordId) -> Option<Timestamp> {
        self.lock().get(object, id).map(|held| held.modified_at)
    }

    pub fn schema(&self, object: &Object) -> Option<Schema> {
        self.lock().schemas.get(object).cloned()
    }

    /// Every change so far.
    pub fn ledger(&self) -> Vec<Entry> {
        self.lock().ledger.clone()
    }

    /// Changes after the one numbered `seq` (0 for all).
    pub fn ledger_since(&self, seq: u64) -> Vec<Entry> {
        self.lock().ledger.iter().filter(|entry| entry.seq > seq).cloned().collect()
    }

    /// The changes the connector made.
    pub fn by_us(&self) -> Vec<Entry> {
        self.lock().ledger.iter().filter(|entry| entry.by == Actor::Us).cloned().collect()
    }

    pub fn calls(&self) -> Calls {
        self.lock().calls
    }

    /// Server time: the injected clock plus the skew.
    pub fn now(&self) -> Timestamp {
        let skew = self.lock().clock_skew_ms;
        self.server_time(skew)
    }

    // ── how it behaves ─────────────────────────────────────────────────────────────────────────────────────────────

    /// Adds a field (or replaces its definition). The object need not be known yet.
    pub fn define(&self, object: &Object, spec: FieldSpec) {
        let mut state = self.lock();
        let schema = state
            .schemas
            .entry(object.clone())
            .or_insert_with(|| Schema { object: object.clone(), fields: Default::default() });
        schema.fields.insert(spec.name.clone(), spec);
    }

    /// Takes a field away, with all its values: schema drift.
    pub fn undefine(&self, object: &Object, field: &str) {
        let mut state = self.lock();
        if let Some(schema) = state.schemas.get_mut(object) {
            schema.fields.remove(field);
        }
        for held in state.records.get_mut(object).into_iter().flat_map(|all| all.values_mut()) {
            held.fields.remove(field);
        }
    }

    /// Records on a page; 100 at first.
    pub fn set_page_size(&self, records: usize) {
        self.lock().page_size = records.max(1);
    }

    /// How long a change stays invisible to incremental pulls. A connector made later declares it.
    pub fn set_visibility_lag(&self, lag: Duration) {
        self.lock().visibility_lag = lag;
    }

    /// How far the CRM's clock is ahead of ours; negative is behind.
    pub fn set_clock_skew_ms(&self, skew: i64) {
        let mut state = self.lock();
        state.clock_skew_ms = skew;
        state.budget.clock_skew_ms = Some(skew);
    }

    /// Whether an update of a merged-away id changes the survivor (`Done` with its id) or is refused as `Merged`
    /// (as at first).
    pub fn set_follows_merges(&self, follows: bool) {
        self.lock().follows_merges = follows;
    }

    /// Whether outcomes say what was kept (as at first).
    pub fn set_tells_kept(&self, tells: bool) {
        self.lock().tells_kept = tells;
    }

    /// Pushes of more writes than `above` are taken as a job that is applied all at once after `takes`. A connector waits for
    /// one as long as eight minutes.
    pub fn set_bulk(&self, above: usize, takes: Duration) {
        self.lock().bulk = Some(jobs::Bulk { above, takes });
    }

    /// Jobs that nobody has collected.
    pub fn open_jobs(&self) -> usize {
        self.lock().jobs.len()
    }

    /// Somebody at the CRM deletes all jobs, whatever their state.
    pub fn drop_jobs(&self) {
        self.lock().jobs.clear();
    }

    /// Answers every value as text, as HubSpot does.
    pub fn set_answers_text(&self, text: bool) {
        self.lock().answers_text = text;
    }

    /// What the CRM makes of a value written to this field by us: rounding, trimming, a phone format.
    pub fn rewrite(&self, object: &Object, field: &str, by: impl Fn(&Value) -> Value + Send + Sync + 'static) {
        self.lock().rewrites.insert((object.clone(), field.into()), Arc::new(by));
    }

    /// Automation that answers our writes: given the object and all fields of the record just written, the fields to
    /// change next. It is a change of its own in the ledger, by [`Actor::Workflow`].
    pub fn workflow(&self, by: impl Fn(&Object, &Fields) -> Fields + Send + Sync + 'static) {
        self.lock().workflows.push(Arc::new(by));
    }

    /// Allows this many requests until the instant; then calls fail with a quota error that names it. When the
    /// instant has passed the pool is full again.
    pub fn set_daily_limit(&self, limit: u64, resets_at: Timestamp) {
        let pool = connector::Pool { name: "daily".into(), limit, used: 0, resets_at: Some(resets_at) };
        self.lock().budget.daily = Some(pool);
    }

    // ── what goes wrong ────────────────────────────────────────────────────────────────────────────────────────────

    pub fn fail_next(&self, call: Call, fault: Fault) {
        self.fail_nth(call, 1, fault);
    }

    /// The `nth` call of that kind from now goes wrong; 1 is the next.
    pub fn fail_nth(&self, call: Call, nth: u64, fault: Fault) {
        self.lock().script.once(call, nth, fault);
    }

    /// Every call of that kind goes wrong until [`MemoryCrm::mend`].
    pub fn fail_always(&self, call: Call, fault: Fault) {
        self.lock().script.always(call, fault);
    }

    /// Every call of every kind fails with this kind of error until [`MemoryCrm::mend`].
    pub fn fail_all(&self, kind: ErrorKind) {
        for call in [Call::Check, Call::Describe, Call::Pull, Call::Read, Call::Push, Call::CreateField, Call::Recover]
        {
            self.fail_always(call, Fault::Fail(kind));
        }
    }

    /// Refuses every write to this record until [`MemoryCrm::mend`].
    pub fn reject_record(&self, id: &RecordId, rejection: Rejection) {
        self.lock().rejections.insert(id.clone(), rejection);
    }

    /// Takes back all faults, rejections and the revocation.
    pub fn mend(&self) {
        let mut state = self.lock();
        state.script.clear();
        state.rejections.clear();
        state.revoked = false;
    }

    /// The access token runs out: the next call is answered 401, renews it once and is sent again.
    pub fn expire_token(&self) {
        self.lock().token_valid = false;
    }

    /// The credential is withdrawn: every call fails as `Auth` until [`MemoryCrm::mend`].
    pub fn revoke(&self) {
        let mut state = self.lock();
        state.revoked = true;
        state.token_valid = false;
    }

    // ── inside ─────────────────────────────────────────────────────────────────────────────────────────────────────

    /// The account as it is now: jobs that have come due meanwhile have run.
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panicking test must not hide its cause behind a poisoned lock.
        let mut state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.jobs.is_empty() {
            let now = self.server_time(state.clock_skew_ms);
            jobs::run_due(&mut state, now);
        }
        state
    }

    fn server_time(&self, skew_ms: i64) -> Timestamp {
        Timestamp::from_micros(self.inner.clock.now().micros().saturating_add(skew_ms.saturating_mul(1_000)))
    }

    fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }
}

impl fmt::Debug for MemoryCrm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCrm").field("state", &*self.lock()).finish()
    }
}
