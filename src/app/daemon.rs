//! The daemon's jobs: what the schedule starts, and who is poked by what. One `match` shows everything that can wake it.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use connector::{ConnectionName, Object, Timestamp};
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use super::running::Ending;
use super::{App, Computing, Connection, Finished, Pulling, Pushing, Sweeps};
use crate::config::ConnectionMode;
use crate::model::{Counts, Flow, RunState};
use crate::schedule::{Direction, Finish, Job, JobKey, JobState, Late, Plan, Poke, Start, Trigger, Work, drive};
use crate::store::{Result, ScheduleRow};

/// How often the store is asked whether another process (`ferry ingest`, `ferry failures`) left something to do.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long after an arrival the computation is poked: what arrives together is computed together.
const DEBOUNCE: Duration = Duration::from_millis(200);
/// Runs, journal rows and dead letters older than this are deleted.
const KEPT: Duration = Duration::from_secs(90 * 86_400);

const RETENTION: &str = "retention";
const TRAIN: &str = "train";

impl App {
    /// Runs the schedule until `app.stop` is cancelled, then lets what is under way come to an end in good order.
    pub async fn run_schedule(self: Arc<Self>) -> Result<()> {
        self.close_left_runs().await?;
        self.resume_erasures().await?;
        let now = self.world.clock.now();
        let states = self.store.schedules().await?.iter().filter_map(remembered).collect();
        let jobs = self.jobs();
        let plan = Plan::new(self.settings.timezone, jobs, &states, now, self.world.entropy.clone());
        let poke = Poke::new();
        if self.was_computed_by_another().await? {
            // Scores of another file, or learnt anew: nobody has to wait for the night, or for the next event, to see them.
            poke.job(JobKey::whole(Direction::Compute));
        }
        let intervals = plan.keys().filter_map(|key| Some((key.clone(), plan.interval(key, now)?))).collect();
        let work = Arc::new(Jobs { app: self.clone(), poke: poke.clone(), intervals });
        let watch = tokio::spawn(watch(self.clone(), poke.clone()));
        let inboxes = tokio::spawn(self.clone().watch_inboxes());
        let sources = tokio::spawn(self.clone().watch_sources());
        let leads = tokio::spawn(self.clone().watch_leads());
        let tellers = self.clone().start_telling().await?;
        let alerting = self.start_alerting();
        drive(plan, work, self.world.clock.clone(), poke, self.stop.clone()).await;
        watch.abort();
        sources.abort();
        leads.abort();
        // What is being told is told to its end.
        for teller in tellers.into_iter().chain(alerting) {
            let _ = teller.await;
        }
        // A file under way is put down in good order.
        if inboxes.await.is_err() {
            tracing::error!("the inboxes were no longer looked into because of a defect in Ferry; please report it");
        }
        Ok(())
    }

    /// Everything that runs by itself: a pull and a push for each object of each connection, the computation, retention.
    fn jobs(&self) -> Vec<Job> {
        let schedule = &self.settings.schedule;
        let job = |key, trigger: &Trigger| Job {
            key,
            trigger: trigger.clone(),
            catch_up: schedule.catch_up,
            jitter: schedule.jitter,
        };
        let mut jobs = vec![
            job(JobKey::whole(Direction::Compute), &schedule.recompute),
            job(JobKey::whole(Direction::Other(RETENTION.into())), &schedule.retention),
        ];
        if !self.learnt_scores().is_empty() {
            jobs.push(job(JobKey::whole(Direction::Other(TRAIN.into())), &schedule.train));
        }
        for connection in &self.connections {
            let name = connection.name();
            let activities = connection.settings.pull_activities.map(|_| &Object::Activity);
            let mapped = connection.settings.objects.iter().map(|mapping| &mapping.object);
            let pulled = mapped.chain([&Object::User]).chain(activities);
            for object in pulled.filter(|object| connection.connector.capability().objects.contains(object)) {
                jobs.push(job(JobKey::of(Direction::Pull, name.clone(), object.clone()), &schedule.pull));
            }
            if self.sends(connection) {
                for mapping in connection.settings.objects.iter().filter(|m| connection.writes_to(m)) {
                    jobs.push(job(JobKey::of(Direction::Push, name.clone(), mapping.object.clone()), &schedule.push));
                }
            }
        }
        jobs
    }

    fn sends(&self, connection: &Connection) -> bool {
        connection.settings.mode == ConnectionMode::ReadWrite && !self.only_plans(connection)
    }

    /// Runs that a process left open when it died are closed, so that nobody waits for them.
    pub async fn close_left_runs(&self) -> Result<()> {
        for mut run in self.store.last_runs().await? {
            if run.state == RunState::Running {
                run.state = RunState::Interrupted;
                run.ended_at = Some(self.world.clock.now());
                run.message = Some(
                    "the process ended without a word; this run's writes were looked up before anything was sent again"
                        .into(),
                );
                self.store.save_run(run).await?;
            }
        }
        Ok(())
    }
}

/// What the schedule runs.
#[derive(Debug)]
struct Jobs {
    app: Arc<App>,
    poke: Poke,
    intervals: BTreeMap<JobKey, Duration>,
}

impl Jobs {
    async fn start(&self, key: &JobKey) -> Result<Vec<Finished>> {
        let connection = key.connection.as_ref().and_then(|name| self.app.connection(name.as_str()));
        match (&key.direction, connection) {
            (Direction::Pull, Some(connection)) => {
                let what = Pulling { object: key.object.as_ref(), full: false, sweeps: Sweeps::Due };
                let finished = self.app.pull(connection, what, &()).await?;
                if finished.iter().any(|finished| changed(&finished.run.counts)) {
                    // Compute pokes push when it is done: a record is written once, with what was computed.
                    self.poke.job(JobKey::whole(Direction::Compute));
                }
                self.app.remember_quota(connection).await?;
                Ok(finished)
            }
            (Direction::Push, Some(connection)) => {
                let what = Pushing { object: key.object.as_ref(), ..Pushing::default() };
                let finished = self.app.push(connection, what, &()).await?;
                self.app.remember_quota(connection).await?;
                Ok(finished)
            }
            (Direction::Compute, _) => {
                let finished = self.app.compute(Computing::default(), &()).await?;
                self.app.tellers.poke();
                // Events that arrive all the time must not keep push waiting: what has been computed goes out.
                let pending = self.app.store.pending(self.app.world.clock.now()).await?;
                poke_pushes(&self.poke, pending.records);
                Ok(vec![finished])
            }
            (Direction::Other(name), _) if &**name == TRAIN => {
                self.app.train_all().await?;
                Ok(Vec::new())
            }
            (Direction::Other(_), _) => {
                self.app.resume_erasures().await?;
                let retained = self.app.retain().await?;
                let before = self.app.world.clock.now().saturating_sub(KEPT);
                let dropped = self.app.store.prune(before).await?;
                // The quiet hour is also when people are compared with people.
                let alike = self.app.ask_about_alike().await?;
                tracing::info!(people = alike.people, pairs = alike.pairs, new = alike.new, "people who look alike");
                tracing::info!(
                    dropped,
                    events = retained.events,
                    profiles = retained.profiles,
                    bodies = retained.bodies,
                    "retention done"
                );
                Ok(Vec::new())
            }
            // A job of a connection that is not configured: it was dropped on reload.
            (Direction::Pull | Direction::Push, None) => Ok(Vec::new()),
        }
    }

    /// A panic is our defect: one run has failed, the others go on, and it is written down like any failure.
    async fn note_panic(&self, key: &JobKey) {
        let flow = match key.direction {
            Direction::Pull => Flow::Pull,
            Direction::Push => Flow::Push,
            _ => Flow::Compute,
        };
        let why = format!("{key} stopped at a defect in Ferry; please report it with the log around this time");
        let noted = async {
            let run = self.app.start_run(flow, key.connection.as_ref(), key.object.as_ref()).await?;
            self.app.end_run(run, Counts::default(), Ending::Defect(why)).await
        };
        if let Err(error) = noted.await {
            tracing::error!(job = %key, %error, "the failed run could not be written down");
        }
    }
}

#[async_trait]
impl Work for Jobs {
    async fn run(&self, start: &Start, _stop: CancellationToken) -> Finish {
        let job = match &start.key.direction {
            Direction::Compute => "recompute",
            other => other.as_str(),
        };
        if self.app.settings.schedule.is_quiet(job, self.app.world.clock.now(), self.app.settings.timezone) {
            return Finish::Done;
        }
        // The flows themselves watch `app.stop`, which is the parent of this token.
        let ended = AssertUnwindSafe(self.start(&start.key)).catch_unwind().await;
        match ended {
            Ok(Ok(finished)) => finish(&self.app, &finished),
            Ok(Err(error)) => {
                tracing::error!(job = %start.key, %error, "the store failed");
                Finish::Failed { not_before: None }
            }
            Err(_) => {
                self.note_panic(&start.key).await;
                Finish::Failed { not_before: None }
            }
        }
    }

    async fn keep(&self, key: &JobKey, state: &JobState) {
        let interval = self.intervals.get(key).copied().unwrap_or_default();
        let row = ScheduleRow {
            job: key.to_string().into(),
            last_due: state.last_due,
            last_started: state.last_started,
            last_finished: state.last_finished,
            failures: state.failures,
            next_due: state.next_due,
            interval_micros: i64::try_from(interval.as_micros()).unwrap_or(i64::MAX),
        };
        if let Err(error) = self.app.store.save_schedule(row).await {
            tracing::error!(job = %key, %error, "the schedule could not be saved");
        }
    }

    fn late(&self, late: &Late) {
        tracing::warn!(job = %late.key, due = %late.due, running = late.running, "a schedule is late");
    }
}

fn changed(counts: &Counts) -> bool {
    counts.created + counts.updated + counts.deleted + counts.merged > 0
}

/// A run that failed is tried again after a wait; a quota names when.
fn finish(app: &App, finished: &[Finished]) -> Finish {
    let failed = finished.iter().any(|f| matches!(f.run.state, RunState::Failed | RunState::Interrupted));
    if !failed || app.stop.is_cancelled() {
        return Finish::Done;
    }
    // Another connection's quota is no reason to wait.
    let concerned = |name: &ConnectionName| finished.iter().any(|f| f.run.connection.as_ref() == Some(name));
    let paused: Option<Timestamp> = app
        .connections
        .iter()
        .filter(|connection| concerned(connection.name()))
        .filter_map(|connection| connection.connector.budget().paused_until)
        .max();
    Finish::Failed { not_before: paused.filter(|at| *at > app.world.clock.now()) }
}

fn remembered(row: &ScheduleRow) -> Option<(JobKey, JobState)> {
    let state = JobState {
        last_due: row.last_due,
        last_started: row.last_started,
        last_finished: row.last_finished,
        failures: row.failures,
        next_due: row.next_due,
        ..JobState::default()
    };
    Some((row.job.parse().ok()?, state))
}

/// Looks again and again for what another process left: events imported, a dead letter retried.
async fn watch(app: Arc<App>, poke: Poke) {
    let mut told = false;
    loop {
        tokio::select! {
            () = app.world.clock.sleep(LOOK_EVERY) => {}
            // Events that arrive in a stream are computed together.
            () = app.arrived.notified() => app.world.clock.sleep(DEBOUNCE).await,
        }
        if let Err(error) = look(&app, &poke).await {
            tracing::warn!(%error, "the store could not be asked for work");
        }
        if !told && app.has_other_models().await.unwrap_or(false) {
            told = true;
            app.relearnt.notify_one();
        }
    }
}

/// Pokes whoever has something to do: first the computation, and push once nothing waits to be computed.
async fn look(app: &App, poke: &Poke) -> Result<()> {
    let pending = app.store.pending(app.world.clock.now()).await?;
    if pending.profiles {
        poke.job(JobKey::whole(Direction::Compute));
        return Ok(());
    }
    poke_pushes(poke, pending.records);
    Ok(())
}

fn poke_pushes(poke: &Poke, records: Vec<(ConnectionName, Object)>) {
    for (connection, object) in records {
        poke.job(JobKey::of(Direction::Push, connection, object));
    }
}
