//! The thin part: runs what the plan says is due, each job in a task of its own, and wakes on a timer, a poke, or the
//! end of a run. It decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use connector::{Clock, Timestamp};
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Finish, JobKey, JobState, Late, Plan, Poke, Start};

/// The longest sleep between two looks at the wall clock.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// What the schedule is for. It knows no concrete job; whoever wires it does.
#[async_trait]
pub trait Work: Send + Sync + 'static {
    /// Runs one job to its end. It is never called twice at once for the same key. It should end soon once `stop` is
    /// cancelled.
    async fn run(&self, start: &Start, stop: CancellationToken) -> Finish;

    /// Remembers where a job stands: after each start and each end.
    async fn keep(&self, key: &JobKey, state: &JobState);

    /// A job is late: once for each start that should have been.
    fn late(&self, late: &Late);
}

/// Runs the plan until `stop` is cancelled, then waits for the jobs that run. Gives the plan back.
pub async fn drive(
    mut plan: Plan,
    work: Arc<dyn Work>,
    clock: Arc<dyn Clock>,
    poke: Poke,
    stop: CancellationToken,
) -> Plan {
    let mut running: JoinSet<Finish> = JoinSet::new();
    let mut keys: BTreeMap<Id, JobKey> = BTreeMap::new();
    let mut told: BTreeMap<JobKey, Timestamp> = BTreeMap::new();
    while !stop.is_cancelled() {
        let now = clock.now();
        for key in poke.take(plan.keys()) {
            plan.poke(&key, now);
        }
        let tick = plan.tick(now);
        for late in &tick.late {
            if told.insert(late.key.clone(), late.due) != Some(late.due) {
                work.late(late);
            }
        }
        let started = !tick.start.is_empty();
        for start in tick.start {
            plan.started(&start.key, now);
            keep(&plan, &*work, &start.key).await;
            let key = start.key.clone();
            let (work, stop) = (work.clone(), stop.child_token());
            let task = running.spawn(async move { work.run(&start, stop).await });
            keys.insert(task.id(), key);
        }
        if started {
            // What has just started changes what is next.
            continue;
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            Some(ended) = running.join_next_with_id() => end(&mut plan, &mut keys, &*work, &*clock, ended).await,
            () = poke.wait() => {}
            () = wait(&*clock, tick.wake) => {}
        }
    }
    while let Some(ended) = running.join_next_with_id().await {
        end(&mut plan, &mut keys, &*work, &*clock, ended).await;
    }
    plan
}

/// Sleeps until the instant, but looks again after a minute: a wall clock that was set back must not stretch the wait.
/// For ever where there is no instant.
async fn wait(clock: &dyn Clock, until: Option<Timestamp>) {
    match until {
        Some(at) => clock.sleep(at.since(clock.now()).min(LONGEST_SLEEP)).await,
        None => std::future::pending().await,
    }
}

async fn end(
    plan: &mut Plan,
    keys: &mut BTreeMap<Id, JobKey>,
    work: &dyn Work,
    clock: &dyn Clock,
    ended: Result<(Id, Finish), JoinError>,
) {
    let (id, finish) = match ended {
        Ok((id, finish)) => (id, finish),
        // A panic ends one run, not the daemon: the job has failed and is tried again.
        Err(error) => (error.id(), Finish::Failed { not_before: None }),
    };
    if let Some(key) = keys.remove(&id) {
        plan.finished(&key, clock.now(), finish);
        keep(plan, work, &key).await;
    }
}

async fn keep(plan: &Plan, work: &dyn Work, key: &JobKey) {
    if let Some(state) = plan.state(key) {
        work.keep(key, &state).await;
    }
}
