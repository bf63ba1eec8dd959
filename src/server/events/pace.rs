//! How fast one source may send: a bucket that fills by the second.

use std::sync::{Mutex, PoisonError};

use connector::Timestamp;

/// Messages a second, with a second's worth at once.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: f64,
    state: Mutex<(Timestamp, f64)>,
}

impl Pace {
    pub fn new(per_second: u32, now: Timestamp) -> Self {
        let full = f64::from(per_second);
        Self { per_second: full, state: Mutex::new((now, full)) }
    }

    /// Lets so many messages through, or says after how many seconds to come back. A batch larger than a second's worth goes
    /// through when the bucket is full and leaves it in debt.
    pub fn admit(&self, messages: usize, now: Timestamp) -> Result<(), u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, level) = *state;
        let passed = now.micros().saturating_sub(at.micros()).max(0) as f64 / 1e6;
        let level = (level + passed * self.per_second).min(self.per_second);
        let wanted = (messages as f64).min(self.per_second);
        if level < wanted {
            *state = (now, level);
            return Err(((wanted - level) / self.per_second).ceil().max(1.0) as u64);
        }
        *state = (now, level - messages as f64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_fills_what_a_second_may_take() {
        let at = |ms: i64| Timestamp::from_micros(1_000_000_000 + ms * 1_000);
        let pace = Pace::new(10, at(0));
        assert_eq!(pace.admit(10, at(0)), Ok(()));
        assert_eq!(pace.admit(1, at(0)), Err(1));
        assert_eq!(pace.admit(5, at(500)), Ok(()));
        assert_eq!(pace.admit(25, at(1_500)), Ok(()), "more than fits goes when the bucket is full");
        assert_eq!(pace.admit(1, at(2_000)), Err(2), "and is paid back");
        assert_eq!(pace.admit(1, at(3_100)), Ok(()));
        assert_eq!(pace.admit(1, at(0)), Err(1), "a clock that goes back grants nothing");
    }
}
