//! The daily pool: what the CRM last said of it, and what was sent since.

use std::sync::Arc;

use connector::{Pool, Timestamp};

use crate::dialect::DailyNotice;

#[derive(Clone, Debug)]
pub(crate) struct DailyPool {
    name: Arc<str>,
    state: Option<DailyNotice>,
    resets_at: Option<Timestamp>,
    /// Set once the CRM refused a call for the day.
    exhausted: bool,
}

impl DailyPool {
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), state: None, resets_at: None, exhausted: false }
    }

    /// The pool as known now; `None` until the CRM has said something.
    pub fn pool(&self) -> Option<Pool> {
        let state = self.state?;
        Some(Pool { name: self.name.clone(), limit: state.limit, used: state.used, resets_at: self.resets_at })
    }

    pub fn notice(&mut self, notice: DailyNotice) {
        self.state = Some(notice);
        self.exhausted = false;
    }

    /// One more call of this cost was sent; the next notice corrects it.
    pub fn sent(&mut self, cost: u64) {
        if let Some(state) = &mut self.state {
            state.used = state.used.saturating_add(cost);
        }
    }

    pub fn resets_at(&mut self, at: Timestamp) {
        self.resets_at = Some(at);
    }

    /// The CRM refused a call for the day: until when, as it says, as is known, or else `unknown`.
    pub fn exhausted(&mut self, resets_at: Option<Timestamp>, unknown: Timestamp) -> Timestamp {
        let until = resets_at.or(self.resets_at).unwrap_or(unknown);
        self.exhausted = true;
        self.resets_at = Some(until);
        if let Some(state) = &mut self.state {
            state.used = state.limit;
        }
        until
    }

    /// Until when nothing is to be sent, if the pool is known to be empty. A new day starts with a full one.
    pub fn empty_until(&mut self, now: Timestamp) -> Option<Timestamp> {
        if let Some(at) = self.resets_at
            && at <= now
        {
            self.resets_at = None;
            self.exhausted = false;
            if let Some(state) = &mut self.state {
                state.used = 0;
            }
        }
        self.exhausted.then_some(self.resets_at).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_pool_fills_at_its_hour() {
        let (noon, midnight) = (Timestamp::from_secs(43_200), Timestamp::from_secs(86_400));
        let mut pool = DailyPool::new("daily");
        assert_eq!(pool.pool(), None);
        pool.notice(DailyNotice { limit: 10, used: 8 });
        pool.sent(1);
        assert_eq!(pool.pool().map(|pool| pool.used), Some(9));
        assert_eq!(pool.empty_until(noon), None);
        assert_eq!(pool.exhausted(Some(midnight), noon), midnight);
        assert_eq!(pool.empty_until(noon), Some(midnight));
        assert_eq!(pool.pool().map(|pool| pool.used), Some(10));
        assert_eq!(pool.empty_until(midnight), None);
        assert_eq!(pool.pool().map(|pool| pool.used), Some(0));
    }
}
