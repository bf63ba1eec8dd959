//! Credits of a rolling day, and how many calls run at once. A call runs from its arrival to its answer; answers here take
//! as long as the faults make them, so concurrency is only felt where `delay_ms` or `slow` stretch them.

use std::collections::VecDeque;

use super::knobs::Knobs;
use super::refusal::Refusal;
use crate::clock::Millis;

const DAY: Millis = 86_400_000;

/// What a call costs, and whether it is one of the heavy ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    pub credits: u64,
    pub heavy: bool,
}

impl Cost {
    pub const ONE: Self = Self { credits: 1, heavy: false };

    /// One credit for ten records; many at once are heavy.
    pub fn of_rows(rows: usize) -> Self {
        Self { credits: (rows as u64).div_ceil(10).max(1), heavy: rows > 10 }
    }
}

#[derive(Debug, Default)]
pub struct Limits {
    /// When, and how many credits; oldest first.
    spent: VecDeque<(Millis, u64)>,
    total: u64,
    /// When running calls end, and whether they are heavy.
    running: Vec<(Millis, bool)>,
    /// Downloads of bulk results.
    pub downloads: VecDeque<Millis>,
}

impl Limits {
    /// Counts a call that will take `takes` milliseconds, or says why it may not run.
    pub fn admit(&mut self, now: Millis, cost: Cost, takes: u64, knobs: &mut Knobs) -> Result<(), Refusal> {
        self.forget(now);
        if knobs.concurrent_refusals > 0 {
            knobs.concurrent_refusals -= 1;
            return Err(Refusal::too_many_requests());
        }
        self.running.retain(|(ends, _)| *ends > now);
        let heavy = self.running.iter().filter(|(_, heavy)| *heavy).count();
        if self.running.len() >= knobs.concurrency || (cost.heavy && heavy >= knobs.sub_concurrency) {
            return Err(Refusal::too_many_requests());
        }
        if self.total.saturating_add(cost.credits) > knobs.daily_credits {
            return Err(Refusal::too_many_requests());
        }
        self.spend(now, cost.credits);
        if takes > 0 {
            let takes = i64::try_from(takes).unwrap_or(i64::MAX);
            self.running.push((now.saturating_add(takes), cost.heavy));
        }
        Ok(())
    }

    pub fn spend(&mut self, now: Millis, credits: u64) {
        match self.spent.back_mut() {
            Some((at, sum)) if *at == now => *sum += credits,
            _ => self.spent.push_back((now, credits)),
        }
        self.total += credits;
    }

    /// As if so many credits had been spent in the last day, by whomever.
    pub fn set_used(&mut self, now: Millis, credits: u64) {
        self.spent.clear();
        self.total = 0;
        self.spend(now, credits);
    }

    /// `X-API-CREDITS-REMAINING`, which is sent from half of the day's credits on.
    pub fn remaining(&self, knobs: &Knobs) -> Option<u64> {
        let told = self.total.saturating_mul(2) >= knobs.daily_credits;
        told.then(|| knobs.daily_credits.saturating_sub(self.total))
    }

    fn forget(&mut self, now: Millis) {
        while let Some((at, credits)) = self.spent.front().copied() {
            if now.saturating_sub(at) < DAY {
                break;
            }
            self.total = self.total.saturating_sub(credits);
            self.spent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_cost_a_credit_for_ten() {
        assert_eq!(Cost::of_rows(1).credits, 1);
        assert_eq!(Cost::of_rows(100), Cost { credits: 10, heavy: true });
        assert_eq!(Cost::of_rows(11).credits, 2);
    }

    #[test]
    fn a_day_rolls_and_the_header_comes_from_half_on() {
        let (mut limits, mut knobs) = (Limits::default(), Knobs { daily_credits: 4, ..Knobs::default() });
        assert!(limits.admit(0, Cost::ONE, 0, &mut knobs).is_ok());
        assert_eq!(limits.remaining(&knobs), None);
        assert!(limits.admit(10, Cost::ONE, 0, &mut knobs).is_ok());
        assert_eq!(limits.remaining(&knobs), Some(2));
        assert_eq!(limits.admit(20, Cost::of_rows(30), 0, &mut knobs).map_err(|no| no.status), Err(429));
        assert!(limits.admit(DAY, Cost::of_rows(30), 0, &mut knobs).is_ok());
    }

    #[test]
    fn heavy_calls_share_a_smaller_room() {
        let mut knobs = Knobs { concurrency: 3, sub_concurrency: 1, ..Knobs::default() };
        let (mut limits, heavy) = (Limits::default(), Cost::of_rows(100));
        assert!(limits.admit(0, heavy, 50, &mut knobs).is_ok());
        assert!(limits.admit(10, heavy, 50, &mut knobs).is_err());
        assert!(limits.admit(10, Cost::ONE, 50, &mut knobs).is_ok());
        assert!(limits.admit(10, Cost::ONE, 50, &mut knobs).is_ok());
        assert!(limits.admit(49, Cost::ONE, 50, &mut knobs).is_err());
        assert!(limits.admit(50, heavy, 50, &mut knobs).is_ok());
    }
}
