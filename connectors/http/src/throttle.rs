//! One throttle per connection, shared by everything that speaks over it: buckets with their windows, a pause of the
//! whole connection, a bound on what is in flight, and the daily pool.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector::{Budget, Clock, Error, ErrorKind, Timestamp};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::budget::DailyPool;
use crate::call::Priority;
use crate::dialect::{DailyNotice, Scope, WindowNotice};
use crate::gate::Gate;
use crate::ledger::{Ledger, Room};
use crate::lock::lock;
use crate::pace::{Pace, Steady};

/// A rolling window: at most `limit` requests in any `window`. The CRM's headers correct both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    pub name: &'static str,
    pub limit: u32,
    pub window: Duration,
}

/// What a connection may spend.
#[derive(Clone, Debug)]
pub struct ThrottleSpec {
    pub buckets: Vec<Bucket>,
    /// The daily pool's name at the CRM.
    pub daily: &'static str,
    /// Requests in flight at once; two of them are kept free of pulls.
    pub max_in_flight: usize,
    /// A pause longer than this is an error of kind quota instead of a wait.
    pub longest_wait: Duration,
}

#[derive(Debug)]
pub(crate) struct Throttle {
    clock: Arc<dyn Clock>,
    steady: Steady,
    lanes: Vec<Lane>,
    in_flight: Semaphore,
    pulls_in_flight: Semaphore,
    longest_wait: Duration,
    paused_until: Mutex<Option<Timestamp>>,
    daily: Mutex<DailyPool>,
    skew_micros: Mutex<Option<i64>>,
}

#[derive(Debug)]
struct Lane {
    gate: Gate,
    allowance: Mutex<Allowance>,
    freed: Notify,
}

#[derive(Debug)]
struct Allowance {
    ledger: Ledger,
    pace: Option<Pace>,
    window: Duration,
    /// Steady microseconds.
    paused_until: i64,
    /// Refusals in a row: each doubles the pause the CRM did not name.
    refusals: u32,
}

enum Wait {
    Not,
    For(Duration),
    ForAnAnswer,
}

/// The right to send one request. Its places in the windows are given back one window after it is dropped.
pub(crate) struct Permit<'a> {
    throttle: &'a Throttle,
    lanes: &'static [usize],
    entered: usize,
    _in_flight: SemaphorePermit<'a>,
    _pull: Option<SemaphorePermit<'a>>,
}

impl Throttle {
    pub fn new(spec: &ThrottleSpec, clock: Arc<dyn Clock>) -> Self {
        let steady = Steady::new(clock.clone());
        let lanes = spec.buckets.iter().map(|bucket| Lane::new(bucket, &steady)).collect();
        let in_flight = spec.max_in_flight.max(1);
        Self {
            clock,
            steady,
            lanes,
            in_flight: Semaphore::new(in_flight),
            pulls_in_flight: Semaphore::new(in_flight.saturating_sub(2).max(1)),
            longest_wait: spec.longest_wait,
            paused_until: Mutex::new(None),
            daily: Mutex::new(DailyPool::new(spec.daily)),
            skew_micros: Mutex::new(None),
        }
    }

    /// Waits for its turn in every named bucket, in the order named.
    pub async fn admit(
        &self,
        attempted: &str,
        lanes: &'static [usize],
        priority: Priority,
        cost: u64,
    ) -> Result<Permit<'_>, Error> {
        let closed = |_| Error::new(ErrorKind::Cancelled, attempted, "the connection is closing");
        let pull = match priority {
            Priority::Pull => Some(self.pulls_in_flight.acquire().await.map_err(closed)?),
            Priority::Push => None,
        };
        let in_flight = self.in_flight.acquire().await.map_err(closed)?;
        let mut permit = Permit { throttle: self, lanes, entered: 0, _in_flight: in_flight, _pull: pull };
        for lane in lanes.iter().filter_map(|lane| self.lanes.get(*lane)) {
            let _turn = lane.gate.enter(priority).await;
            loop {
                self.open(attempted).await?;
                match lane.take(self.steady.micros()) {
                    Wait::Not => break,
                    Wait::For(wait) if wait > self.longest_wait => {
                        return Err(self.quota(attempted, self.clock.now().saturating_add(wait)));
                    }
                    Wait::For(wait) => self.clock.sleep(wait).await,
                    Wait::ForAnAnswer => lane.freed.notified().await,
                }
            }
            permit.entered += 1;
        }
        self.open(attempted).await?;
        lock(&self.daily).sent(cost);
        Ok(permit)
    }

    /// Waits out a pause of the whole connection.
    async fn open(&self, attempted: &str) -> Result<(), Error> {
        loop {
            let now = self.clock.now();
            if let Some(until) = lock(&self.daily).empty_until(now) {
                return Err(self.quota(attempted, until));
            }
            let Some(until) = *lock(&self.paused_until) else { return Ok(()) };
            let left = until.since(now);
            if left.is_zero() {
                return Ok(());
            }
            if left > self.longest_wait {
                return Err(self.quota(attempted, until));
            }
            self.clock.sleep(left).await;
        }
    }

    fn quota(&self, attempted: &str, until: Timestamp) -> Error {
        Error::new(ErrorKind::Quota, attempted, "the CRM's quota is used up").with_retry_at(until)
    }

    /// The CRM asked for a pause: `wait` as it said, or longer with every refusal in a row. Returns when it ends.
    pub fn throttled(&self, scope: Scope, wait: Option<Duration>, jitter: f64) -> Timestamp {
        let lane = match scope {
            Scope::Bucket(bucket) => self.lanes.get(bucket),
            Scope::Connection => None,
        };
        let Some(lane) = lane else {
            let until = self.clock.now().saturating_add(wait.unwrap_or(Duration::from_secs(10)));
            return self.pause(until);
        };
        let mut allowance = lock(&lane.allowance);
        let wait = wait.unwrap_or_else(|| allowance.unnamed_pause(jitter));
        allowance.refusals = allowance.refusals.saturating_add(1);
        let until = self.steady.micros().saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX));
        allowance.paused_until = allowance.paused_until.max(until);
        self.clock.now().saturating_add(wait)
    }

    /// Nothing is sent on this connection before `until`.
    pub fn pause(&self, until: Timestamp) -> Timestamp {
        let mut paused = lock(&self.paused_until);
        let until = paused.map_or(until, |already| already.max(until));
        *paused = Some(until);
        until
    }

    pub fn exhausted(&self, resets_at: Option<Timestamp>) -> Timestamp {
        // A pool whose hour nobody knows is tried again in a quarter of an hour.
        let unknown = self.clock.now().saturating_add(Duration::from_secs(900));
        lock(&self.daily).exhausted(resets_at, unknown)
    }

    pub fn accepted(&self, lanes: &[usize]) {
        for lane in lanes.iter().filter_map(|lane| self.lanes.get(*lane)) {
            lock(&lane.allowance).refusals = 0;
        }
    }

    pub fn learn(&self, notice: WindowNotice) {
        let Some(lane) = self.lanes.get(notice.bucket) else { return };
        if notice.limit == 0 || notice.window.is_zero() {
            return;
        }
        let window = i64::try_from(notice.window.as_micros()).unwrap_or(i64::MAX);
        let now = self.steady.micros();
        let mut allowance = lock(&lane.allowance);
        if allowance.ledger.learn(notice.limit, window, notice.remaining, now) {
            allowance.window = notice.window;
            allowance.pace = Pace::new(notice.limit, notice.window, &self.steady);
        }
    }

    pub fn learn_daily(&self, notice: DailyNotice) {
        lock(&self.daily).notice(notice);
    }

    pub fn learn_reset(&self, at: Timestamp) {
        lock(&self.daily).resets_at(at);
    }

    pub fn learn_skew(&self, micros: i64) {
        *lock(&self.skew_micros) = Some(micros);
    }

    /// How far the CRM's clock is ahead, in microseconds.
    pub fn skew(&self) -> Option<i64> {
        *lock(&self.skew_micros)
    }

    pub fn budget(&self) -> Budget {
        let now = self.clock.now();
        let mut daily = lock(&self.daily);
        let empty_until = daily.empty_until(now);
        let paused = lock(&self.paused_until).filter(|until| *until > now);
        Budget {
            daily: daily.pool(),
            paused_until: paused.max(empty_until),
            clock_skew_ms: self.skew().map(|micros| micros / 1_000),
        }
    }
}

impl Lane {
    fn new(bucket: &Bucket, steady: &Steady) -> Self {
        let window = i64::try_from(bucket.window.as_micros()).unwrap_or(i64::MAX);
        Self {
            gate: Gate::default(),
            allowance: Mutex::new(Allowance {
                ledger: Ledger::new(bucket.limit, window),
                pace: Pace::new(bucket.limit, bucket.window, steady),
                window: bucket.window,
                paused_until: 0,
                refusals: 0,
            }),
            freed: Notify::new(),
        }
    }

    fn take(&self, now: i64) -> Wait {
        let mut allowance = lock(&self.allowance);
        if allowance.paused_until > now {
            return Wait::For(micros(allowance.paused_until - now));
        }
        match allowance.ledger.room(now) {
            Room::Now => {}
            Room::At(at) => return Wait::For(micros(at - now)),
            Room::AfterAnswer => return Wait::ForAnAnswer,
        }
        if let Some(Err(wait)) = allowance.pace.as_ref().map(Pace::take) {
            return Wait::For(wait);
        }
        allowance.ledger.sent();
        Wait::Not
    }
}

impl Allowance {
    /// A tenth of the window, doubled with every refusal in a row up to the whole window, and up to a fifth more.
    fn unnamed_pause(&self, jitter: f64) -> Duration {
        let base = (self.window / 10).saturating_mul(1 << self.refusals.min(4)).min(self.window);
        base + base.mul_f64(jitter.clamp(0.0, 1.0) * 0.2)
    }
}

fn micros(wait: i64) -> Duration {
    Duration::from_micros(u64::try_from(wait).unwrap_or(0))
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let now = self.throttle.steady.micros();
        let entered = self.lanes.iter().filter_map(|lane| self.throttle.lanes.get(*lane)).take(self.entered);
        for lane in entered {
            lock(&lane.allowance).ledger.answered(now);
            lane.freed.notify_one();
        }
    }
}
