//! Row locks. Writing a child locks its parents too, so that two transactions on children of one parent collide.
//!
//! The mock answers one request after the other, so a collision is played: a transaction holds its locks for
//! `locks.hold_ms` of the mock's clock, and another that wants one of them within that time is refused, as if it had
//! waited its ten seconds. With `hold_ms` as long as `faults.delay_ms`, calls made at the same time collide and calls
//! made one after the other do not. `locks.odds` refuses rows with a parent by chance.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::ids::Id;
use crate::chance;
use crate::clock::Millis;

const TOPIC: u64 = 0x10c4;
/// Above this many the locks that are over are swept out.
const SWEEP_ABOVE: usize = 50_000;

/// `PUT /__mock/config {"locks": {…}}`; naming one sets the other to its default.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct LockKnobs {
    /// How long a transaction holds what it wrote and the parents of it, in milliseconds; 0: no collisions.
    pub hold_ms: Millis,
    /// Probability per row that has a parent.
    pub odds: f64,
}

impl LockKnobs {
    pub fn is_on(&self) -> bool {
        self.hold_ms > 0 || self.odds > 0.0
    }

    /// # Errors
    /// What is out of range.
    pub fn check(&self) -> Result<(), String> {
        if !(0.0..=1.0).contains(&self.odds) {
            return Err(format!("locks.odds is a probability: between 0 and 1, not {}", self.odds));
        }
        if !(0..=600_000).contains(&self.hold_ms) {
            return Err(format!("locks.hold_ms must be between 0 and 600000, not {}", self.hold_ms));
        }
        Ok(())
    }
}

/// Who holds what, and until when.
#[derive(Debug, Default)]
pub struct Locks {
    held: HashMap<Id, (u64, Millis)>,
    /// Rows drawn for so far.
    drawn: u64,
    /// Batches begun so far.
    batches: u64,
}

impl Locks {
    /// Begins another transaction within the request: a batch of a bulk job.
    pub fn next_batch(&mut self) {
        self.batches += 1;
    }

    /// The transaction a write of this request belongs to.
    pub fn transaction(&self, request: Option<u64>) -> u64 {
        (request.unwrap_or(0) << 20) | (self.batches & 0xf_ffff)
    }

    /// Takes the locks a row needs for `transaction`: of the record (if it is there already) and of its parents.
    ///
    /// # Errors
    /// The record that another transaction holds; none is taken then.
    pub fn take(
        &mut self,
        knobs: &LockKnobs,
        (seed, now, transaction): (u64, Millis, u64),
        record: Option<Id>,
        parents: &[Id],
    ) -> Result<(), Id> {
        if knobs.odds > 0.0
            && let Some(parent) = parents.first()
        {
            self.drawn += 1;
            if chance::unit(seed, TOPIC, self.drawn) < knobs.odds {
                return Err(*parent);
            }
        }
        if knobs.hold_ms == 0 {
            return Ok(());
        }
        let wanted = || parents.iter().copied().chain(record);
        let taken =
            wanted().find(|id| self.held.get(id).is_some_and(|(holder, until)| *holder != transaction && now < *until));
        if let Some(taken) = taken {
            return Err(taken);
        }
        if self.held.len() > SWEEP_ABOVE {
            self.held.retain(|_, (_, until)| now < *until);
        }
        for id in wanted() {
            self.held.insert(id, (transaction, now.saturating_add(knobs.hold_ms)));
        }
        Ok(())
    }
}

/// What a row is told that came too late.
pub fn message(held: Id) -> String {
    format!("unable to obtain exclusive access to this record or 1 records: {held}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> Id {
        Id::of_prefix(*b"001", number)
    }

    #[test]
    fn two_transactions_on_one_parent_collide_while_the_first_holds_it() {
        let (mut locks, knobs) = (Locks::default(), LockKnobs { hold_ms: 100, odds: 0.0 });
        let mut take = |transaction, now, record, parent| {
            locks.take(&knobs, (1, now, transaction), Some(id(record)), &[id(parent)])
        };
        assert_eq!(take(1, 0, 10, 7), Ok(()));
        assert_eq!(take(1, 0, 11, 7), Ok(()), "its own locks");
        assert_eq!(take(2, 99, 12, 7), Err(id(7)));
        assert_eq!(take(2, 99, 13, 8), Ok(()), "another parent");
        assert_eq!(take(2, 100, 12, 7), Ok(()), "the first is done");
    }

    #[test]
    fn nothing_collides_unless_it_is_turned_on() {
        let (mut locks, knobs) = (Locks::default(), LockKnobs::default());
        assert_eq!(locks.take(&knobs, (1, 0, 1), None, &[id(7)]), Ok(()));
        assert_eq!(locks.take(&knobs, (1, 0, 2), None, &[id(7)]), Ok(()));
    }

    #[test]
    fn chance_strikes_rows_with_a_parent() {
        let (mut locks, knobs) = (Locks::default(), LockKnobs { hold_ms: 0, odds: 0.25 });
        let struck = (0..400).filter(|_| locks.take(&knobs, (7, 0, 1), None, &[id(7)]).is_err()).count();
        assert!((60..140).contains(&struck), "{struck} of 400");
        assert!((0..400).all(|_| locks.take(&knobs, (7, 0, 1), Some(id(9)), &[]).is_ok()));
        assert!(LockKnobs { hold_ms: 0, odds: 1.5 }.check().is_err());
    }
}
