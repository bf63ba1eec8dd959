//! A rolling ledger of sends: a pure count that no window of the CRM's, wherever it begins, can exceed.
//!
//! The CRM counts a request when it arrives, somewhere between our send and its answer. So a send holds its place from
//! the moment it is sent until one whole window after it was *answered*: two requests that could fall into one window
//! of the CRM's always fall into one window here.

use std::collections::VecDeque;

/// Instants are microseconds of a steady clock.
#[derive(Debug)]
pub(crate) struct Ledger {
    limit: usize,
    window: i64,
    in_flight: usize,
    answered: VecDeque<i64>,
}

/// When the next send fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Now,
    /// At this instant, the oldest answered send leaves the window.
    At(i64),
    /// Everything is in flight: after an answer.
    AfterAnswer,
}

impl Ledger {
    pub fn new(limit: u32, window: i64) -> Self {
        Self { limit: (limit as usize).max(1), window, in_flight: 0, answered: VecDeque::new() }
    }

    pub fn room(&mut self, now: i64) -> Room {
        self.forget(now);
        let taken = self.answered.len() + self.in_flight;
        if taken < self.limit {
            return Room::Now;
        }
        // So many of the oldest must leave before one more fits.
        let leave = taken - self.limit;
        match self.answered.get(leave) {
            Some(at) => Room::At(at.saturating_add(self.window)),
            None => Room::AfterAnswer,
        }
    }

    pub fn sent(&mut self) {
        self.in_flight += 1;
    }

    pub fn answered(&mut self, now: i64) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.answered.push_back(now);
    }

    /// Takes over what the CRM says: its limit, its window, and how many are left; returns whether the first two were
    /// news. Sends that are not ours (another tool on the same credential) are entered as answered now. A difference
    /// of a fiftieth is only the time between their count and ours.
    pub fn learn(&mut self, limit: u32, window: i64, remaining: Option<u32>, now: i64) -> bool {
        let limit = (limit as usize).max(1);
        let news = limit != self.limit || window != self.window;
        self.limit = limit;
        self.window = window;
        self.forget(now);
        if let Some(remaining) = remaining {
            let used_there = limit.saturating_sub(remaining as usize);
            let used_here = self.answered.len() + self.in_flight;
            if used_there > used_here + limit / 50 {
                self.answered.extend(std::iter::repeat_n(now, used_there - used_here));
            }
        }
        news
    }

    fn forget(&mut self, now: i64) {
        while self.answered.front().is_some_and(|at| at.saturating_add(self.window) <= now) {
            self.answered.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_holds_its_place_until_a_window_after_its_answer() {
        let mut ledger = Ledger::new(2, 100);
        ledger.sent();
        ledger.sent();
        assert_eq!(ledger.room(0), Room::AfterAnswer);
        ledger.answered(30);
        assert_eq!(ledger.room(31), Room::At(130));
        ledger.answered(40);
        assert_eq!(ledger.room(129), Room::At(130));
        assert_eq!(ledger.room(130), Room::Now);
        ledger.sent();
        assert_eq!(ledger.room(131), Room::At(140));
    }

    #[test]
    fn no_window_at_the_crm_is_ever_exceeded() {
        // Arrivals anywhere between send and answer; the worst is: first ones early, next ones at once.
        let (limit, window) = (5, 1_000);
        let mut ledger = Ledger::new(limit, window);
        let mut arrivals: Vec<i64> = Vec::new();
        let mut now = 0;
        for step in 0..200_i64 {
            loop {
                match ledger.room(now) {
                    Room::Now => break,
                    Room::At(at) => now = now.max(at),
                    Room::AfterAnswer => panic!("each send is answered before the next is asked for"),
                }
            }
            let latency = 1 + (step * 37) % 150;
            ledger.sent();
            arrivals.push(if step % 2 == 0 { now + latency } else { now });
            now += latency;
            ledger.answered(now);
        }
        for from in &arrivals {
            let within = arrivals.iter().filter(|at| (*from..from + window).contains(*at)).count();
            assert!(within <= limit as usize, "{within} from {from}");
        }
    }

    #[test]
    fn what_others_used_is_learned() {
        let mut ledger = Ledger::new(10, 100);
        ledger.sent();
        assert!(ledger.learn(4, 100, Some(1), 50));
        // Three are used there, one is ours and in flight: two are entered.
        assert_eq!(ledger.room(50), Room::Now);
        ledger.sent();
        assert_eq!(ledger.room(50), Room::At(150));
        assert!(!ledger.learn(4, 100, None, 50));
    }
}
