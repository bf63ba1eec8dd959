//! What is due, what is late, when to look again. Pure: instants in, decisions out.
//!
//! Each job's start is decided from its trigger and its state, never from a queue of ticks: however long the daemon was
//! down, asleep or busy, at most one start is due. A start that falls into a run of the same job is left out and
//! counted. After a failure the wait before the next start grows; neither timer nor poke cuts it short.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use connector::{Entropy, Timestamp};

use super::job::late_from;
use super::{CatchUp, Job, JobKey, JobState, Trigger, backoff};

/// How long a poke waits for more of its kind; 300 ms is the most that a poke may wait.
pub const DEBOUNCE: Duration = Duration::from_millis(200);

/// A wall clock set back by less than this is a correction: what was just done is not due again. Set back by more, the
/// old instants mean nothing and every job starts afresh from now.
const CORRECTION: Duration = Duration::from_secs(300);

/// Why a job starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Timer,
    Poke,
    /// Its time passed while the daemon was down, or it never ran.
    CatchUp,
    /// It failed before.
    Retry,
}

/// A job that is to start now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    pub key: JobKey,
    /// When it should have started; before now by jitter, or by more where nobody looked.
    pub due: Timestamp,
    pub why: Why,
}

/// A job that should have started long ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    pub key: JobKey,
    pub due: Timestamp,
    /// Whether it did not start because it still runs.
    pub running: bool,
}

/// What to do at an instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// In the order they became due.
    pub start: Vec<Start>,
    pub late: Vec<Late>,
    /// When to look again; `None` where only a poke or the end of a run can change anything.
    pub wake: Option<Timestamp>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    Done,
    /// It failed. It is tried again after a wait, and not before the instant, where one is known (a quota's end).
    Failed {
        not_before: Option<Timestamp>,
    },
}

/// All jobs and where they stand.
#[derive(Debug)]
pub struct Plan {
    zone: Tz,
    entropy: Arc<dyn Entropy>,
    jobs: BTreeMap<JobKey, Standing>,
}

#[derive(Debug)]
struct Standing {
    job: Job,
    state: JobState,
    /// By how much the next timed start is put off.
    put_off: Duration,
    caught_up: bool,
    running: bool,
    /// Nothing starts before this, after a failure.
    retry_at: Option<Timestamp>,
    poked_for: Option<Timestamp>,
    poked_while_running: bool,
}

impl Plan {
    /// The jobs with what is remembered of them. A job that never ran starts at once if it has an interval, and at its
    /// time if it has a cron text.
    pub fn new(
        zone: Tz,
        jobs: Vec<Job>,
        states: &BTreeMap<JobKey, JobState>,
        now: Timestamp,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let mut plan = Self { zone, entropy, jobs: BTreeMap::new() };
        for job in jobs {
            let state = states.get(&job.key).cloned().unwrap_or_default();
            let (next_due, caught_up, put_off) = plan.first(&job, &state, now);
            let standing = Standing {
                state: JobState { next_due, ..state },
                put_off,
                caught_up,
                running: false,
                retry_at: None,
                poked_for: None,
                poked_while_running: false,
                job,
            };
            plan.jobs.insert(standing.job.key.clone(), standing);
        }
        plan
    }

    /// The first start after the daemon came up: when, whether it makes up for missed ones, and its jitter.
    fn first(&self, job: &Job, state: &JobState, now: Timestamp) -> (Option<Timestamp>, bool, Duration) {
        let jitter = self.jitter(job, now);
        let ahead = self.next(job, state, now);
        if state.was_cut_off() {
            // The run that was under way when the daemon died has not done what it was started for.
            return (Some(now), true, jitter);
        }
        let known = state.next_due.or_else(|| state.last_due.and_then(|due| job.trigger.next_after(due, self.zone)));
        match (known, &job.trigger, job.catch_up) {
            // Somebody who starts the daemon for the first time wants to see it move.
            (None, Trigger::Every(_), _) => (Some(now), true, Duration::ZERO),
            (None, Trigger::Cron(_), _) => (ahead, false, jitter),
            (Some(due), _, CatchUp::Once) if due <= now => (Some(now), true, jitter),
            (Some(due), _, CatchUp::None) if due <= now => (ahead, false, jitter),
            (Some(due), _, _) => (ahead.map(|ahead| ahead.min(due)), false, jitter),
        }
    }

    /// A job was poked: something it should look at has happened.
    pub fn poke(&mut self, key: &JobKey, now: Timestamp) {
        if let Some(standing) = self.jobs.get_mut(key) {
            if standing.running {
                // What the run has already looked at may have changed since: it runs once more.
                standing.poked_while_running = true;
            } else {
                standing.poked_for.get_or_insert(now.saturating_add(DEBOUNCE));
            }
        }
    }

    pub fn keys(&self) -> impl Iterator<Item = &JobKey> {
        self.jobs.keys()
    }

    /// What is due and late now. Each job in `start` is to be told to [`Plan::started`].
    pub fn tick(&mut self, now: Timestamp) -> Tick {
        self.follow_the_clock(now);
        let mut tick = Tick::default();
        let mut wake = |at: Timestamp| tick.wake = Some(tick.wake.map_or(at, |wake| wake.min(at)));
        for (key, standing) in &self.jobs {
            if let Some((at, due, why)) = standing.start() {
                if at <= now {
                    tick.start.push(Start { key: key.clone(), due, why });
                    continue;
                }
                wake(at);
            }
            let Some(due) = standing.state.next_due.filter(|_| standing.retry_at.is_none()) else { continue };
            let late_from = late_from(due, standing.job.trigger.interval(due, self.zone));
            if now > late_from {
                tick.late.push(Late { key: key.clone(), due, running: standing.running });
            } else {
                wake(late_from.saturating_add(Duration::from_micros(1)));
            }
        }
        tick.start.sort_by_key(|start| start.due);
        tick
    }

    /// The job runs from now on.
    pub fn started(&mut self, key: &JobKey, now: Timestamp) {
        let Some((due, why)) = self.jobs.get(key).map(|standing| match standing.start() {
            Some((_, due, why)) => (due, why),
            None => (now, Why::Poke),
        }) else {
            return;
        };
        let next = self.after_start(key, due, why, now);
        let Some(standing) = self.jobs.get_mut(key) else { return };
        standing.running = true;
        standing.retry_at = None;
        standing.poked_for = None;
        standing.state.last_started = Some(now);
        standing.state.last_due = Some(due);
        if let Some((next_due, put_off)) = next {
            standing.state.next_due = next_due;
            standing.put_off = put_off;
            standing.caught_up = false;
        }
    }

    /// The next timed start after this one; `None` where a poke ran ahead of a timer, which keeps its time.
    fn after_start(
        &self,
        key: &JobKey,
        due: Timestamp,
        why: Why,
        now: Timestamp,
    ) -> Option<(Option<Timestamp>, Duration)> {
        let standing = self.jobs.get(key)?;
        if why == Why::Poke && standing.state.next_due.is_none_or(|next| next > now) {
            return None;
        }
        let next = match (&standing.job.trigger, standing.state.next_due) {
            // On the grid of the last one, so that jitter and waiting do not add up.
            (Trigger::Every(interval), Some(from)) if why == Why::Timer => on_grid(from, *interval, now),
            (trigger, _) => trigger.next_after(due.max(now), self.zone),
        };
        Some((next, self.jitter(&standing.job, now)))
    }

    /// The run ended.
    pub fn finished(&mut self, key: &JobKey, now: Timestamp, finish: Finish) {
        let chance = self.entropy.unit();
        let zone = self.zone;
        let Some(standing) = self.jobs.get_mut(key) else { return };
        standing.running = false;
        standing.state.last_finished = Some(now);
        let (missed, next) = missed_until(&standing.job.trigger, standing.state.next_due, now, zone);
        standing.state.skipped += missed;
        standing.state.next_due = next;
        match finish {
            Finish::Done => {
                standing.state.failures = 0;
                standing.retry_at = None;
            }
            Finish::Failed { not_before } => {
                standing.state.failures = standing.state.failures.saturating_add(1);
                let wait = now.saturating_add(backoff::delay(standing.state.failures, chance));
                standing.retry_at = Some(not_before.map_or(wait, |at| at.max(wait)));
            }
        }
        if std::mem::take(&mut standing.poked_while_running) {
            standing.poked_for = Some(now.saturating_add(DEBOUNCE));
        }
    }

    /// What is to be remembered of a job. While it waits after a failure, its next start is the retry.
    pub fn state(&self, key: &JobKey) -> Option<JobState> {
        self.jobs.get(key).map(|standing| JobState {
            next_due: standing.retry_at.or(standing.state.next_due),
            ..standing.state.clone()
        })
    }

    pub fn is_running(&self, key: &JobKey) -> bool {
        self.jobs.get(key).is_some_and(|standing| standing.running)
    }

    /// A job's interval at an instant, for the lateness rule of whoever looks at its state later.
    pub fn interval(&self, key: &JobKey, at: Timestamp) -> Option<Duration> {
        self.jobs.get(key).map(|standing| standing.job.trigger.interval(at, self.zone))
    }

    /// After the wall clock was set back, nothing waits longer than its trigger says from now.
    fn follow_the_clock(&mut self, now: Timestamp) {
        let zone = self.zone;
        for standing in self.jobs.values_mut().filter(|standing| !standing.running) {
            let latest = next(&standing.job.trigger, &standing.state, now, zone);
            if let (Some(due), Some(latest)) = (standing.state.next_due, latest)
                && due > latest
            {
                standing.state.next_due = Some(latest);
            }
            let set_back = |last: Option<Timestamp>| last.is_some_and(|last| last > now.saturating_add(CORRECTION));
            if set_back(standing.state.last_finished) {
                // The waits below were reckoned by a clock that is no longer right.
                standing.retry_at = standing.retry_at.map(|at| at.min(now.saturating_add(backoff::FIRST)));
            }
            standing.poked_for = standing.poked_for.map(|at| at.min(now.saturating_add(DEBOUNCE)));
        }
    }

    fn next(&self, job: &Job, state: &JobState, now: Timestamp) -> Option<Timestamp> {
        next(&job.trigger, state, now, self.zone)
    }

    fn jitter(&self, job: &Job, now: Timestamp) -> Duration {
        let most = job.jitter.min(job.trigger.interval(now, self.zone) / 2);
        most.mul_f64(self.entropy.unit())
    }
}

impl Standing {
    /// When it starts, which due instant that answers, and why; `None` while it runs and where nothing is to come.
    fn start(&self) -> Option<(Timestamp, Timestamp, Why)> {
        if self.running {
            return None;
        }
        if let Some(at) = self.retry_at {
            return Some((at, at, Why::Retry));
        }
        let why = if self.caught_up { Why::CatchUp } else { Why::Timer };
        let timed = self.state.next_due.map(|due| (due.saturating_add(self.put_off), due, why));
        let poked = self.poked_for.map(|at| (at, at, Why::Poke));
        timed.into_iter().chain(poked).min_by_key(|(at, _, _)| *at)
    }
}

/// The next start by the trigger alone, seen from now.
fn next(trigger: &Trigger, state: &JobState, now: Timestamp, zone: Tz) -> Option<Timestamp> {
    let base = match (trigger, state.last_due) {
        (Trigger::Cron(_), Some(last)) if last > now && last.since(now) <= CORRECTION => last,
        _ => now,
    };
    trigger.next_after(base, zone)
}

/// The first of `from`, `from + interval`, … after now.
fn on_grid(from: Timestamp, interval: Duration, now: Timestamp) -> Option<Timestamp> {
    let step = i64::try_from(interval.as_micros()).ok().filter(|step| *step > 0)?;
    let behind = now.micros().saturating_sub(from.micros()).max(0) / step + 1;
    Some(Timestamp::from_micros(from.micros().saturating_add(step.saturating_mul(behind))))
}

/// How many starts fell between `due` and now, and the first one after.
fn missed_until(trigger: &Trigger, due: Option<Timestamp>, now: Timestamp, zone: Tz) -> (u64, Option<Timestamp>) {
    const ENOUGH: u64 = 10_000;
    let mut missed = 0;
    let mut due = due;
    while let Some(at) = due.filter(|at| *at <= now) {
        if missed == ENOUGH {
            return (missed, trigger.next_after(now, zone));
        }
        missed += 1;
        due = trigger.next_after(at, zone);
    }
    (missed, due)
}
