//! At most so many sendings in a second, evenly.

use std::sync::{Mutex, PoisonError};

use connector::Timestamp;

/// Gives each sending its instant.
#[derive(Debug)]
pub struct Pace {
    gap_micros: i64,
    next: Mutex<Timestamp>,
}

impl Pace {
    pub fn new(per_second: u32) -> Self {
        Self { gap_micros: 1_000_000 / i64::from(per_second.max(1)), next: Mutex::new(Timestamp::EPOCH) }
    }

    /// When the next may be sent; asking takes the place.
    pub fn slot(&self, now: Timestamp) -> Timestamp {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = (*next).max(now);
        *next = Timestamp::from_micros(mine.micros().saturating_add(self.gap_micros));
        mine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sendings_keep_their_distance_and_save_up_nothing() {
        let pace = Pace::new(4);
        let at = |millis: i64| Timestamp::from_micros(millis * 1_000);
        assert_eq!([0, 0, 0].map(|now| pace.slot(at(now))), [at(0), at(250), at(500)]);
        assert_eq!(pace.slot(at(10_000)), at(10_000));
        assert_eq!(pace.slot(at(10_001)), at(10_250));
    }
}
