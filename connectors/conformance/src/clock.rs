//! A clock for connectors under test: nobody waits, time leaps instead.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use connector::{Clock, Timestamp};

/// Starts at a given instant; a sleep moves it on by its length and returns. A connector that waits out a quota or
/// backs off between attempts therefore does so at once, and the suite never hangs on a clock nobody moves.
///
/// Time limits on calls must not be taken from this clock: they would pass at once.
#[derive(Debug)]
pub struct LeapClock {
    micros: AtomicI64,
}

impl LeapClock {
    pub const fn new(start: Timestamp) -> Self {
        Self { micros: AtomicI64::new(start.micros()) }
    }

    pub fn leap(&self, by: Duration) {
        self.micros.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for LeapClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.load(Ordering::SeqCst))
    }

    async fn sleep(&self, how_long: Duration) {
        self.leap(how_long);
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleeping_moves_time() {
        let clock = LeapClock::new(Timestamp::from_secs(10));
        clock.sleep_until(Timestamp::from_secs(200)).await;
        assert_eq!(clock.now(), Timestamp::from_secs(200));
    }
}
