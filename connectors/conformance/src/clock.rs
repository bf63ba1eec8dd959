//! A clock for connectors under test: nobody waits, time leaps instead.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use connector::{Clock, ManualClock, Timestamp};

/// A clock over another one; a sleep moves it on by its length and returns. A connector that waits out a quota or backs
/// off between attempts therefore does so at once, and the suite never hangs on a clock nobody moves.
///
/// Over the system's clock it goes with a stand-in that runs in real time: the stand-in's offset is [`LeapClock::leapt`].
/// Time limits on calls must not be taken from this clock: they would pass at once.
#[derive(Debug)]
pub struct LeapClock {
    base: Arc<dyn Clock>,
    leapt_micros: AtomicI64,
}

impl LeapClock {
    /// Moves only by leaps, from this instant on.
    pub fn new(start: Timestamp) -> Self {
        Self::over(Arc::new(ManualClock::new(start)))
    }

    /// Goes with `base`, ahead of it by what was leapt.
    pub fn over(base: Arc<dyn Clock>) -> Self {
        Self { base, leapt_micros: AtomicI64::new(0) }
    }

    pub fn leap(&self, by: Duration) {
        self.leapt_micros.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    /// How far this clock is ahead of its base, through leaps and sleeps.
    pub fn leapt(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.leapt_micros.load(Ordering::SeqCst)).unwrap_or(0))
    }
}

#[async_trait]
impl Clock for LeapClock {
    fn now(&self) -> Timestamp {
        self.base.now().saturating_add(self.leapt())
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
        assert_eq!(clock.leapt(), Duration::from_secs(190));
    }
}
