//! Writes beside a record's fields: lease → deliver → settle, after the fields of the same (connection, object) are out.
//!
//! Wishes are durable before the call (`store::SideWrites`). Every operation here leaves the CRM the same when it is sent twice: a
//! connector finds a note or task again by its marker, or its id, before it makes one. So after a lost answer the connector
//! first brings to an end what is under way, and then the wish is sent once more.

mod settle;

use std::time::Duration;

use connector::{ErrorKind, Hints, Outcome, Write};

use super::settle::Tally;
use super::{End, Push, Report, ends_run};
use crate::model::{Counts, OutboxState, SideEntry};
use crate::store::{Lease, SideLimit, SideSettled};

/// Longer than a batch may take; see the fields' own.
const LEASE: Duration = Duration::from_secs(3_600);
/// How long a run waits for wishes that come again soon.
const PATIENCE: Duration = Duration::from_secs(60);
/// Whole calls that may fail in a row before the run ends; the schedule comes back.
const MOST_FAILURES: u32 = 5;

/// What a pass over the wishes has seen so far.
#[derive(Default)]
struct Pass {
    failures: u32,
    /// Whether a call of this pass has left something under way.
    unclear: bool,
}

impl Push<'_> {
    /// Delivers what is due beside the fields. Stages nothing and asks no fuse: whoever wishes keeps to a budget.
    pub async fn run_beside(&self, progress: &(dyn Fn(&Counts) + Sync)) -> Report {
        let mut report = Report { counts: Counts::default(), waiting: 0, end: End::Complete };
        report.end = self.deliver_beside(&mut report, progress).await.unwrap_or_else(|end| end);
        report
    }

    async fn deliver_beside(&self, report: &mut Report, progress: &(dyn Fn(&Counts) + Sync)) -> Result<End, End> {
        let object = &self.mapping.object;
        let patience_ends = self.clock.now().saturating_add(PATIENCE);
        self.store.take_back(self.connection, object, self.clock.now()).await.map_err(End::Store)?;
        let mut pass = Pass::default();
        loop {
            while !self.stop.is_cancelled() && self.one_batch(&mut pass, &mut report.counts).await? {
                progress(&report.counts);
            }
            let tally = self.store.side_tally(self.connection, object).await.map_err(End::Store)?;
            report.waiting = tally.waiting;
            if self.stop.is_cancelled() {
                return Ok(End::Stopped);
            }
            match tally.next_due {
                Some(at) if at <= patience_ends && at > self.clock.now() => {
                    tokio::select! {
                        () = self.clock.sleep_until(at) => {}
                        () = self.stop.cancelled() => return Ok(End::Stopped),
                    }
                }
                _ => return Ok(End::Complete),
            }
        }
    }

    /// `false` where nothing was due.
    async fn one_batch(&self, pass: &mut Pass, counts: &mut Counts) -> Result<bool, End> {
        let now = self.clock.now();
        let lease = Lease { worker: self.worker.clone(), run: self.run, now, until: now.saturating_add(LEASE) };
        let capability = self.connector.capability();
        let most = SideLimit {
            places: capability.list_kind(&self.mapping.object).map_or(1, |kind| kind.batch.max(1)),
            others: capability.push_batch.max(1),
        };
        let leased = self.store.lease_side(self.connection, &self.mapping.object, lease, most).await;
        let entries = leased.map_err(End::Store)?;
        if entries.is_empty() {
            return Ok(false);
        }
        let (settled, end) = self.batch_beside(&entries, pass).await;
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
        fail::fail_point!("before_side_outcome");
        let settled: Vec<SideSettled> = settled.into_iter().map(|(settled, _)| settled).collect();
        self.store.settle_side(self.run, self.clock.now(), settled).await.map_err(End::Store)?;
        fail::fail_point!("after_side_outcome");
        match end {
            Some(error) => Err(End::Crm(error)),
            None => Ok(true),
        }
    }

    /// One call, to the settlement of every entry; with the error that ends the run.
    async fn batch_beside(
        &self,
        entries: &[SideEntry],
        pass: &mut Pass,
    ) -> (Vec<(SideSettled, Tally)>, Option<connector::Error>) {
        let is_unclear = entries.iter().any(|entry| entry.state == OutboxState::Ambiguous);
        if is_unclear && std::mem::take(&mut pass.unclear) {
            // A call of this very run may still be under way: without this, a look could find the CRM as it was before it.
            if let Err(error) = self.connector.recover().await {
                pass.unclear = true;
                let settled = entries.iter().map(|entry| settle::still_unclear(entry, &error, self.clock.now()));
                return (settled.map(|settled| (settled, Tally::Waiting)).collect(), Some(error));
            }
        }
        let writes: Vec<Write> = entries.iter().map(write).collect();
        fail::fail_point!("before_side_send");
        let answer = self.connector.push(&writes).await;
        fail::fail_point!("after_side_send");
        let outcomes = match answer {
            Ok(outcomes) if outcomes.len() == writes.len() => outcomes,
            // Promise 5 broken: nobody knows which outcome is whose.
            Ok(_) => {
                let attempted = format!("write beside {} records at {}", self.mapping.object, self.connection);
                let cause = "the number of outcomes does not match the number of writes";
                same(&writes, Outcome::Ambiguous(connector::Error::new(ErrorKind::Protocol, attempted, cause)))
            }
            Err(error) if error.maybe_applied => same(&writes, Outcome::Ambiguous(error)),
            Err(error) => same(&writes, Outcome::Deferred(error)),
        };
        let failed = outcomes.iter().find_map(|outcome| match outcome {
            Outcome::Deferred(error) | Outcome::Ambiguous(error) => Some(error.clone()),
            _ => None,
        });
        let is_lost = |outcome: &Outcome| matches!(outcome, Outcome::Deferred(_) | Outcome::Ambiguous(_));
        pass.failures = if outcomes.iter().all(is_lost) { pass.failures + 1 } else { 0 };
        pass.unclear |= outcomes.iter().any(|outcome| matches!(outcome, Outcome::Ambiguous(_)));
        let ends = failed.filter(|error| ends_run(error.kind) || pass.failures >= MOST_FAILURES);
        let now = self.clock.now();
        let settled = entries
            .iter()
            .zip(outcomes)
            .map(|(entry, outcome)| settle::settle(entry, outcome, now, self.entropy.unit()))
            .collect();
        (settled, ends)
    }
}

fn write(entry: &SideEntry) -> Write {
    let (operation, fields) = entry.wish.operation(&entry.record.id, entry.remote.as_ref());
    Write { key: entry.key, object: entry.record.object.clone(), operation, fields, hints: Hints::default() }
}

fn same(writes: &[Write], outcome: Outcome) -> Vec<Outcome> {
    writes.iter().map(|_| outcome.clone()).collect()
}
