//! Time and chance of the demo: the same day and the same ids whenever it is played.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use connector::{Clock, Entropy, SystemClock, Timestamp};

/// Stands still at an instant of the story, moves on by what is slept, and can be set going for good.
#[derive(Debug)]
pub struct StoryClock(Mutex<State>);

#[derive(Clone, Copy, Debug)]
struct State {
    at: Timestamp,
    /// The machine's time at `at`, once the clock goes by itself.
    going_since: Option<Timestamp>,
}

impl StoryClock {
    pub fn new(at: Timestamp) -> Self {
        Self(Mutex::new(State { at, going_since: None }))
    }

    /// The story goes on at a later instant.
    pub fn set(&self, at: Timestamp) {
        self.with(|state| state.at = at);
    }

    /// From now on it goes like any clock. Returns how far it is from the machine's, in seconds.
    pub fn let_go(&self) -> i64 {
        let machine = SystemClock.now();
        self.with(|state| {
            state.going_since = Some(machine);
            state.at.secs() - machine.secs()
        })
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Clock for StoryClock {
    fn now(&self) -> Timestamp {
        let state = self.with(|state| *state);
        match state.going_since {
            None => state.at,
            Some(since) => state.at.saturating_add(SystemClock.now().since(since)),
        }
    }

    async fn sleep(&self, how_long: Duration) {
        // Truly slept: whoever waits here waits for a quota or between two tries.
        SystemClock.sleep(how_long).await;
        self.with(|state| {
            if state.going_since.is_none() {
                state.at = state.at.saturating_add(how_long);
            }
        });
    }
}

/// A sequence of random bits that a seed decides (SplitMix64).
#[derive(Debug)]
pub struct StoryChance(AtomicU64);

impl StoryChance {
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Entropy for StoryChance {
    fn next_u64(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_story_stands_still_until_it_is_let_go() {
        let start = Timestamp::from_secs(1_000);
        let clock = StoryClock::new(start);
        assert_eq!(clock.now(), start);
        clock.sleep(Duration::from_millis(1)).await;
        assert_eq!(clock.now(), start.saturating_add(Duration::from_millis(1)));
        clock.set(Timestamp::from_secs(5_000));
        let behind = clock.let_go();
        assert!(behind < 0 && clock.now() >= Timestamp::from_secs(5_000));
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let draw = |seed| [(); 3].map(|()| StoryChance(AtomicU64::new(seed)).next_u64());
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
