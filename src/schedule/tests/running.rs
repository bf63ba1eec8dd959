//! The running schedule: one run at a time, pokes, panics, stopping, and a wall clock that is set back.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use connector::{Clock, ManualClock, Timestamp};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::scenarios::{MINUTE, NOON, plan, pull};
use crate::schedule::{Direction, Finish, JobKey, JobState, Late, Plan, Poke, Start, Why, Work, drive};

/// A wall clock that can be set while time goes on by itself.
#[derive(Debug)]
struct SetClock {
    time: ManualClock,
    ahead: AtomicI64,
}

impl SetClock {
    fn set_back(&self, by: Duration) {
        self.ahead.fetch_sub(i64::try_from(by.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.time.now().micros() + self.ahead.load(Ordering::SeqCst))
    }

    async fn sleep(&self, how_long: Duration) {
        self.time.sleep(how_long).await;
    }
}

/// Jobs that count and wait to be let go.
struct Counting {
    clock: Arc<SetClock>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    gate: Semaphore,
    starts: Mutex<Vec<(Timestamp, Why)>>,
    panics: bool,
}

#[async_trait]
impl Work for Counting {
    async fn run(&self, start: &Start, _: CancellationToken) -> Finish {
        self.starts.lock().unwrap().push((self.clock.now(), start.why));
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        assert!(!self.panics, "a run that panics");
        Finish::Done
    }

    async fn keep(&self, _: &JobKey, _: &JobState) {}

    fn late(&self, _: &Late) {}
}

struct World {
    clock: Arc<SetClock>,
    work: Arc<Counting>,
    poke: Poke,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<Plan>,
}

impl World {
    fn start(trigger: &str, permits: usize, panics: bool) -> Self {
        let clock = Arc::new(SetClock { time: ManualClock::new(NOON), ahead: AtomicI64::new(0) });
        let work = Arc::new(Counting {
            clock: clock.clone(),
            at_once: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
            gate: Semaphore::new(permits),
            starts: Mutex::default(),
            panics,
        });
        let (poke, stop) = (Poke::new(), CancellationToken::new());
        let running = tokio::spawn(drive(plan(trigger), work.clone(), clock.clone(), poke.clone(), stop.clone()));
        Self { clock, work, poke, stop, running }
    }

    /// Lets every task run until it waits.
    async fn settle(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }

    async fn advance(&self, by: Duration) {
        self.settle().await;
        self.clock.time.advance(by);
        self.settle().await;
    }

    fn starts(&self) -> usize {
        self.work.starts.lock().unwrap().len()
    }
}

#[tokio::test]
async fn scenario_58_the_same_job_never_runs_twice_at_once() {
    let world = World::start("1m", 0, false);
    for _ in 0..10 {
        world.poke.job(pull());
        world.advance(MINUTE).await;
    }
    assert_eq!((world.starts(), world.work.most_at_once.load(Ordering::SeqCst)), (1, 1));
    world.work.gate.add_permits(100);
    world.settle().await;
    world.advance(Duration::from_millis(300)).await;
    assert_eq!(world.starts(), 2, "the pokes during the run make one more run");
    assert_eq!(world.work.most_at_once.load(Ordering::SeqCst), 1);
    world.stop.cancel();
    assert!(world.running.await.unwrap().state(&pull()).unwrap().skipped >= 9);
}

#[tokio::test]
async fn a_hundred_pokes_make_one_run_within_300_milliseconds() {
    let world = World::start("1h", 100, false);
    world.advance(MINUTE).await;
    assert_eq!(world.starts(), 1);
    for _ in 0..100 {
        world.poke.connection(Direction::Pull, "hubspot".into());
        world.settle().await;
    }
    assert_eq!(world.starts(), 1);
    world.advance(Duration::from_millis(300)).await;
    assert_eq!(world.starts(), 2);
    world.advance(MINUTE).await;
    assert_eq!(world.starts(), 2);
    assert_eq!(world.work.starts.lock().unwrap()[1].1, Why::Poke);
    world.stop.cancel();
    world.running.await.unwrap();
}

#[tokio::test]
async fn scenario_62_a_run_that_panics_is_a_failure_and_the_schedule_goes_on() {
    let world = World::start("1m", 100, true);
    world.advance(MINUTE).await;
    world.advance(MINUTE * 10).await;
    assert!(world.starts() >= 2);
    world.stop.cancel();
    assert!(world.running.await.unwrap().state(&pull()).unwrap().failures >= 2);
}

#[tokio::test]
async fn scenario_13_stopping_waits_for_the_run_and_starts_nothing_more() {
    let world = World::start("1m", 0, false);
    world.advance(Duration::ZERO).await;
    world.stop.cancel();
    world.settle().await;
    assert!(!world.running.is_finished(), "it did not wait for the run");
    world.advance(MINUTE * 5).await;
    world.work.gate.add_permits(1);
    let plan = world.running.await.unwrap();
    assert!(!plan.is_running(&pull()));
    assert_eq!(world.work.starts.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn scenario_55_a_clock_set_back_while_the_schedule_sleeps_stalls_no_job() {
    let world = World::start("5m", 100, false);
    world.advance(MINUTE).await;
    assert_eq!(world.starts(), 1);
    world.clock.set_back(MINUTE * 360);
    for _ in 0..6 {
        world.advance(MINUTE).await;
    }
    assert_eq!(world.starts(), 2);
    world.stop.cancel();
    world.running.await.unwrap();
}
