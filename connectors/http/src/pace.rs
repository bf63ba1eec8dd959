//! Pacing: a small burst, then evenly, so that a bulk pull does not spend a whole window in its first second and leave
//! a push waiting for the rest of it. Also the steady clock that pace and ledger count by.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector::{Clock, Timestamp};
use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::lock::lock;

/// The connection's clock made steady: a wall clock set back neither stalls a quota nor hands it out twice.
#[derive(Clone, Debug)]
pub(crate) struct Steady {
    clock: Arc<dyn Clock>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug)]
struct Seen {
    last: Timestamp,
    elapsed: Duration,
}

impl Steady {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let last = clock.now();
        Self { clock, seen: Arc::new(Mutex::new(Seen { last, elapsed: Duration::ZERO })) }
    }

    pub fn elapsed(&self) -> Duration {
        let now = self.clock.now();
        let mut seen = lock(&self.seen);
        seen.elapsed = seen.elapsed.saturating_add(now.since(seen.last));
        seen.last = now;
        seen.elapsed
    }

    /// Microseconds since this clock was made.
    pub fn micros(&self) -> i64 {
        i64::try_from(self.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}

impl governor::clock::Clock for Steady {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.elapsed()
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, Steady, NoOpMiddleware<Duration>>;

/// Paces sends at `limit` per `window`, a tenth of the limit at once after a quiet time.
pub(crate) struct Pace {
    limiter: Limiter,
    clock: Steady,
}

impl Pace {
    pub fn new(limit: u32, window: Duration, clock: &Steady) -> Option<Self> {
        let each = window.checked_div(limit.max(1)).filter(|each| !each.is_zero())?;
        let burst = std::num::NonZeroU32::new((limit / 10).max(1))?;
        let quota = Quota::with_period(each)?.allow_burst(burst);
        Some(Self { limiter: RateLimiter::direct_with_clock(quota, clock.clone()), clock: clock.clone() })
    }

    /// Takes one place, or says how long until there is one.
    pub fn take(&self) -> Result<(), Duration> {
        // A microsecond more: sleeping exactly until the instant may wake a rounding before it.
        self.limiter.check().map_err(|not_until| not_until.wait_time_from(self.clock.now()) + Duration::from_micros(1))
    }
}

impl std::fmt::Debug for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pace")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector::ManualClock;

    #[test]
    fn a_clock_set_back_does_not_stall() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_000)));
        let steady = Steady::new(clock.clone());
        clock.set(Timestamp::from_secs(1_005));
        assert_eq!(steady.micros(), 5_000_000);
        clock.set(Timestamp::from_secs(10));
        assert_eq!(steady.micros(), 5_000_000);
        clock.advance(Duration::from_secs(1));
        assert_eq!(steady.micros(), 6_000_000);
    }

    #[test]
    fn a_tenth_at_once_then_evenly() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_000)));
        let steady = Steady::new(clock.clone());
        let pace = Pace::new(100, Duration::from_secs(10), &steady).unwrap();
        let at_once = std::iter::repeat_with(|| pace.take()).take_while(Result::is_ok).count();
        assert_eq!(at_once, 10);
        let mut sent = 0;
        for _ in 0..10_000 {
            match pace.take() {
                Ok(()) => sent += 1,
                Err(wait) => {
                    assert!(wait <= Duration::from_millis(101), "{wait:?}");
                    clock.advance(Duration::from_millis(1));
                }
            }
        }
        assert!((90..=101).contains(&sent), "{sent}");
    }
}
