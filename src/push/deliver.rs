//! Lease → look → deliver → settle, several calls at once, until nothing is due.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connector::{ErrorKind, FieldName, Hints, Outcome, Reason, Rejection, Write};
use futures::future::join_all;

use super::settle::{self, Tally};
use super::{End, Push, Report, Stager, ends_run};
use crate::mapping::Assignment;
use crate::model::{Counts, OutboxEntry, OutboxState};
use crate::store::{Delivered, Lease};

/// Longer than a batch may take, so that a live worker's lease never runs out: what is under way brought to an end, looks at
/// 25,000 records, and two calls of some eight minutes, after which a connector leaves a bulk job to its `recover`; each
/// perhaps behind another worker's. Nobody waits for the end of a dead worker's lease: its entries are given back.
const LEASE: Duration = Duration::from_secs(3_600);
/// Entries under way at once, all calls together: what bounds the memory of a push whose calls are large.
const UNDER_WAY: usize = 50_000;
/// Entries settled in one transaction: a large batch does not keep others from the store.
const SETTLED_AT_ONCE: usize = 1_000;
/// How long a run waits for entries that come again soon.
const PATIENCE: Duration = Duration::from_secs(60);
/// Whole calls that may fail in a row before the run ends; the schedule comes back.
const MOST_FAILURES: u32 = 5;

pub(super) struct Delivery<'a> {
    pub(super) push: &'a Push<'a>,
    pub(super) stager: Arc<Stager>,
    shared: Mutex<Shared>,
    /// Whether a call of this run has left something under way.
    pub(super) unclear: AtomicBool,
    pub(super) recovering: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Shared {
    counts: Counts,
    failures: u32,
    end: Option<End>,
}

impl<'a> Delivery<'a> {
    pub fn new(push: &'a Push<'a>, stager: Arc<Stager>) -> Self {
        let (unclear, recovering) = (AtomicBool::new(false), tokio::sync::Mutex::default());
        Self { push, stager, shared: Mutex::default(), unclear, recovering }
    }

    pub async fn run(&self, report: &mut Report, progress: &(dyn Fn(&Counts) + Sync)) -> Result<End, End> {
        let patience_ends = self.push.clock.now().saturating_add(PATIENCE);
        let before = report.counts;
        loop {
            join_all((0..self.workers()).map(|_| self.work(&before, progress))).await;
            report.counts = self.total(&before);
            let object = &self.push.mapping.object;
            let left = self.push.store.outbox(self.push.connection, object, 10_000).await.map_err(End::Store)?;
            report.waiting = left.len() as u64;
            if let Some(end) = self.shared().end.take() {
                return Err(end);
            }
            if self.push.stop.is_cancelled() {
                return Ok(End::Stopped);
            }
            // What somebody else has under way is theirs to settle; waiting for it here would only turn in circles.
            let mine = left.iter().filter(|entry| entry.state != OutboxState::InFlight);
            let next = mine.map(|entry| entry.not_before.unwrap_or_default()).min();
            match next {
                Some(at) if at <= patience_ends => {
                    tokio::select! {
                        () = self.push.clock.sleep_until(at) => {}
                        () = self.push.stop.cancelled() => return Ok(End::Stopped),
                    }
                }
                _ => return Ok(End::Complete),
            }
        }
    }

    /// Each leases the largest legal batch, so that few large calls are not cut into many small ones.
    fn workers(&self) -> usize {
        let batch = self.push.connector.capability().push_batch.max(1);
        self.push.parallel.min(UNDER_WAY / batch).max(1)
    }

    /// One of several workers: leases batches until none is due or the run ends.
    async fn work(&self, before: &Counts, progress: &(dyn Fn(&Counts) + Sync)) {
        while self.shared().end.is_none() && !self.push.stop.is_cancelled() {
            let now = self.push.clock.now();
            let lease =
                Lease { worker: self.push.worker.clone(), run: self.push.run, now, until: now.saturating_add(LEASE) };
            let most = self.push.connector.capability().push_batch;
            let leased = self.push.store.lease(self.push.connection, &self.push.mapping.object, lease, most).await;
            let entries = match leased {
                Ok(entries) if entries.is_empty() => return,
                Ok(entries) => entries,
                Err(error) => return self.end(End::Store(error)),
            };
            fail::fail_point!("after_lease");
            self.batch(entries).await;
            progress(&self.total(before));
        }
    }

    /// Sends one call's worth of writes; a write refused for some of its fields goes once more without them.
    pub(super) async fn send(&self, entries: Vec<OutboxEntry>) -> Vec<(Delivered, Tally)> {
        let outcomes = match self.call(&entries).await {
            Ok(outcomes) => outcomes,
            Err(error) => return self.not_sent(&entries, &error),
        };
        let mut settled = Vec::with_capacity(entries.len());
        let mut again: Vec<(OutboxEntry, Rejection, OutboxEntry)> = Vec::new();
        for (entry, outcome) in entries.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Rejected(rejection) => match without_refused(&entry, &rejection) {
                    Some(reduced) => again.push((reduced, rejection, entry)),
                    None => settled.push(self.decide(&entry, Outcome::Rejected(rejection))),
                },
                outcome => settled.push(self.decide(&entry, outcome)),
            }
        }
        if again.is_empty() {
            return settled;
        }
        let reduced: Vec<OutboxEntry> = again.iter().map(|(reduced, _, _)| reduced.clone()).collect();
        let outcomes = self.call(&reduced).await;
        for (at, (reduced, rejection, whole)) in again.into_iter().enumerate() {
            let (mut delivered, tally) = match &outcomes {
                Ok(outcomes) => match outcomes.get(at) {
                    Some(outcome) => self.decide(&reduced, outcome.clone()),
                    None => continue,
                },
                Err(error) => self.again(&reduced, error),
            };
            if tally != Tally::Waiting {
                let (refused, _) = self.decide(&whole, Outcome::Rejected(rejection));
                delivered.written.extend(refused.written);
                delivered.dead_letters.extend(refused.dead_letters);
            }
            let tally = if tally == Tally::Waiting { tally } else { Tally::Failed };
            settled.push((delivered, tally));
        }
        settled
    }

    async fn call(&self, entries: &[OutboxEntry]) -> connector::Result<Vec<Outcome>> {
        let crm_assigns = self.push.mapping.assignment == Assignment::Crm;
        let writes: Vec<Write> = entries
            .iter()
            .map(|entry| Write {
                key: entry.key,
                object: entry.intent.object.clone(),
                operation: entry.intent.operation.clone(),
                fields: entry.intent.fields.clone(),
                hints: Hints { parent: entry.parent.clone(), crm_assigns },
            })
            .collect();
        fail::fail_point!("before_send");
        let answer = self.push.connector.push(&writes).await;
        fail::fail_point!("after_send");
        match answer {
            Ok(outcomes) if outcomes.len() == writes.len() => {
                self.unclear.fetch_or(outcomes.iter().any(is_ambiguous), Ordering::SeqCst);
                match outcomes.first() {
                    // A connector may tell of a lost answer write by write.
                    Some(Outcome::Ambiguous(error)) if outcomes.iter().all(is_ambiguous) => self.note_failure(error),
                    _ => self.shared().failures = 0,
                }
                Ok(outcomes)
            }
            // Promise 5 broken: nobody knows which outcome is whose.
            Ok(_) => {
                self.unclear.store(true, Ordering::SeqCst);
                let error = self.miscounted();
                self.note_failure(&error);
                Ok(writes.iter().map(|_| Outcome::Ambiguous(error.clone())).collect())
            }
            Err(error) if error.maybe_applied => {
                self.unclear.store(true, Ordering::SeqCst);
                self.note_failure(&error);
                Ok(writes.iter().map(|_| Outcome::Ambiguous(error.clone())).collect())
            }
            Err(error) => Err(error),
        }
    }

    fn miscounted(&self) -> connector::Error {
        connector::Error::new(
            ErrorKind::Protocol,
            format!("write {} records at {}", self.push.mapping.object, self.push.connection),
            "the number of outcomes does not match the number of writes",
        )
    }

    fn decide(&self, entry: &OutboxEntry, outcome: Outcome) -> (Delivered, Tally) {
        if let Outcome::Deferred(error) | Outcome::Ambiguous(error) = &outcome
            && ends_run(error.kind)
        {
            self.end(End::Crm(error.clone()));
        }
        settle::settle(&self.push.mapping, entry, outcome, self.push.clock.now(), self.push.entropy.unit())
    }

    fn again(&self, entry: &OutboxEntry, error: &connector::Error) -> (Delivered, Tally) {
        settle::again(entry, error, self.push.clock.now(), self.push.entropy.unit())
    }

    pub(super) fn not_sent(&self, entries: &[OutboxEntry], error: &connector::Error) -> Vec<(Delivered, Tally)> {
        self.note_failure(error);
        entries
            .iter()
            .map(|entry| {
                let (mut delivered, tally) = self.again(entry, error);
                if entry.state == OutboxState::Ambiguous
                    && let crate::store::Fate::Again { not_before, counts } = delivered.fate
                {
                    delivered.fate = crate::store::Fate::Ambiguous { not_before, counts };
                }
                (delivered, tally)
            })
            .collect()
    }

    fn note_failure(&self, error: &connector::Error) {
        let ended = {
            let mut shared = self.shared();
            shared.failures += 1;
            ends_run(error.kind) || shared.failures >= MOST_FAILURES
        };
        if ended {
            self.end(End::Crm(error.clone()));
        }
    }

    pub(super) async fn settle(&self, settled: Vec<(Delivered, Tally)>) {
        {
            let counts = &mut self.shared().counts;
            counts.pages += 1;
            for (_, tally) in &settled {
                match tally {
                    Tally::Created => counts.created += 1,
                    Tally::Updated => counts.updated += 1,
                    Tally::Skipped => counts.skipped += 1,
                    Tally::Gone => counts.deleted += 1,
                    Tally::Failed => counts.failed += 1,
                    Tally::Waiting => {}
                }
            }
        }
        fail::fail_point!("before_outcome");
        let mut delivered = settled.into_iter().map(|(delivered, _)| delivered);
        loop {
            let some: Vec<Delivered> = delivered.by_ref().take(SETTLED_AT_ONCE).collect();
            if some.is_empty() {
                break;
            }
            if let Err(error) = self.push.store.settle(self.push.run, self.push.clock.now(), some).await {
                self.end(End::Store(error));
            }
        }
        fail::fail_point!("after_outcome");
    }

    pub(super) fn end(&self, end: End) {
        let mut shared = self.shared();
        // The first reason is the one to report.
        if shared.end.is_none() {
            shared.end = Some(end);
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn total(&self, before: &Counts) -> Counts {
        let mut total = *before;
        total.add(&self.shared().counts);
        total
    }
}

fn is_ambiguous(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Ambiguous(_))
}

/// Writes of one call are of one kind.
pub(super) fn by_operation(entries: Vec<OutboxEntry>) -> Vec<Vec<OutboxEntry>> {
    let mut groups: Vec<Vec<OutboxEntry>> = Vec::new();
    for entry in entries {
        let name = entry.intent.operation.name();
        match groups.iter_mut().find(|group| group.first().is_some_and(|e| e.intent.operation.name() == name)) {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    groups
}

/// The entry without the fields the CRM named, where others remain and the refusal is about fields.
fn without_refused(entry: &OutboxEntry, rejection: &Rejection) -> Option<OutboxEntry> {
    let about_fields = matches!(rejection.reason, Reason::Invalid | Reason::UnknownField | Reason::ReadOnly);
    if !about_fields || entry.intent.record.is_none() || rejection.fields.is_empty() {
        return None;
    }
    let refused = |field: &FieldName| rejection.fields.contains(field);
    let mut reduced = entry.clone();
    reduced.intent.changes.retain(|change| !refused(&change.field));
    if reduced.intent.changes.is_empty() || reduced.intent.changes.len() == entry.intent.changes.len() {
        return None;
    }
    reduced.intent.fields =
        reduced.intent.changes.iter().map(|change| (change.field.clone(), change.to.clone())).collect();
    Some(reduced)
}
