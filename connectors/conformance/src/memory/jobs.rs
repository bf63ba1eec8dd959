//! Bulk jobs: a large push is taken at once and applied later, whether or not anybody waits for it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use connector::{Capability, Error, ErrorKind, Outcome, Result, Timestamp, Write};

use super::fault::Call;
use super::state::State;
use super::{MemoryCrm, write};

/// How long a connector waits for a job before it leaves the rest to `recover`.
const PATIENCE: Duration = Duration::from_secs(480);

/// When the CRM takes a push as a job, and how long one takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bulk {
    pub above: usize,
    pub takes: Duration,
}

/// One job at the CRM.
#[derive(Debug)]
pub(super) struct Job {
    number: u64,
    writes: Vec<Write>,
    capability: Capability,
    due: Timestamp,
    /// What became of each write, once it has run.
    outcomes: Option<Vec<Outcome>>,
    /// Whether the push that sent it is still there to hear of it.
    waits: Weak<()>,
}

/// Runs what is due, in the order it came.
pub(super) fn run_due(state: &mut State, now: Timestamp) {
    if !state.jobs.iter().any(|job| job.outcomes.is_none() && job.due <= now) {
        return;
    }
    let mut jobs = std::mem::take(&mut state.jobs);
    for job in jobs.iter_mut().filter(|job| job.outcomes.is_none() && job.due <= now) {
        let due = job.due;
        job.outcomes = Some(job.writes.iter().map(|one| write::apply(state, &job.capability, one, due)).collect());
    }
    state.jobs = jobs;
}

/// Sends a job and waits for it as long as patience lasts.
pub(super) async fn push(crm: &MemoryCrm, capability: &Capability, bulk: Bulk, writes: &[Write]) -> Vec<Outcome> {
    let here = Arc::new(());
    let number = send(crm, capability, bulk, writes, &here);
    crm.clock().sleep(bulk.takes.min(PATIENCE)).await;
    let mut state = crm.lock();
    let ended = state.jobs.iter().position(|job| job.number == number && job.outcomes.is_some());
    if let Some(outcomes) = ended.and_then(|at| state.jobs.remove(at).outcomes) {
        return outcomes;
    }
    unclear(writes, "the job is still under way")
}

/// Sends a job, and the answer that it was taken is lost.
pub(super) fn push_unheard(crm: &MemoryCrm, capability: &Capability, bulk: Bulk, writes: &[Write]) -> Vec<Outcome> {
    send(crm, capability, bulk, writes, &Arc::new(()));
    unclear(writes, "the answer was lost")
}

fn send(crm: &MemoryCrm, capability: &Capability, bulk: Bulk, writes: &[Write], here: &Arc<()>) -> u64 {
    let mut state = crm.lock();
    let (now, number) = (crm.server_time(state.clock_skew_ms), state.next_job);
    state.next_job += 1;
    state.jobs.push(Job {
        number,
        writes: writes.to_vec(),
        capability: capability.clone(),
        due: now.saturating_add(bulk.takes),
        outcomes: None,
        waits: Arc::downgrade(here),
    });
    number
}

fn unclear(writes: &[Write], cause: &str) -> Vec<Outcome> {
    let error = Error::new(ErrorKind::Transient, Call::Push.attempted(), cause).maybe_applied();
    writes.iter().map(|_| Outcome::Ambiguous(error.clone())).collect()
}

/// Collects the jobs nobody waits for any more.
pub(super) fn recover(state: &mut State) -> Result<()> {
    let left = |job: &Job| job.waits.strong_count() == 0;
    if let Some(due) = state.jobs.iter().filter(|job| left(job) && job.outcomes.is_none()).map(|job| job.due).max() {
        let error = Error::new(ErrorKind::Transient, Call::Recover.attempted(), "a job is still under way");
        return Err(error.with_retry_at(due));
    }
    state.jobs.retain(|job| !left(job));
    Ok(())
}
