//! Rate limits, on by default: a rolling ten seconds per credential, a second of searches per portal, and the day.

use std::collections::{HashMap, VecDeque};

use serde_json::json;

use super::auth::Credential;
use super::knobs::Knobs;
use super::refusal::Refusal;
use crate::chance;
use crate::clock::Millis;
use crate::desk::Core;

const BURST_MS: i64 = 10_000;
const SECOND_MS: i64 = 1_000;
const DAY_MS: i64 = 86_400_000;

#[derive(Debug, Default)]
pub struct Limits {
    burst: HashMap<Credential, VecDeque<Millis>>,
    searches: VecDeque<Millis>,
    day: i64,
    pub used_today: u64,
}

/// Which limit was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    TenSeconds,
    Second,
    Day,
}

impl Policy {
    /// Client libraries compare these texts and names letter by letter.
    pub fn refusal(self, core: &Core) -> Refusal {
        let (text, name) = match self {
            Self::TenSeconds => ("You have reached your ten_secondly_rolling limit.", "TEN_SECONDLY_ROLLING"),
            Self::Second => ("You have reached your secondly limit.", "SECONDLY"),
            Self::Day => ("You have reached your daily limit.", "DAILY"),
        };
        let id = chance::uuid(core.seed, 0x4e9, core.request.unwrap_or(0));
        Refusal::new(429, "", text)
            .with("errorType", json!("RATE_LIMIT"))
            .with("policyName", json!(name))
            .with("requestId", json!(id))
    }
}

impl Limits {
    /// Counts a call, or names the limit it broke. Searches count against their own limit and the day only.
    pub fn admit(&mut self, now: Millis, who: Credential, search: bool, knobs: &Knobs) -> Result<(), Policy> {
        let today = now.div_euclid(DAY_MS);
        if today != self.day {
            self.day = today;
            self.used_today = 0;
        }
        if self.used_today >= knobs.daily_limit {
            return Err(Policy::Day);
        }
        let (window, length, limit, policy) = if search {
            (&mut self.searches, SECOND_MS, knobs.search_limit, Policy::Second)
        } else {
            (self.burst.entry(who).or_default(), BURST_MS, knobs.burst_limit, Policy::TenSeconds)
        };
        forget(window, now, length);
        if window.len() as u64 >= limit {
            return Err(policy);
        }
        window.push_back(now);
        self.used_today += 1;
        Ok(())
    }

    /// The headers of an ordinary answer; searches carry none.
    pub fn headers(&mut self, now: Millis, who: Credential, knobs: &Knobs) -> Vec<(&'static str, String)> {
        let window = self.burst.entry(who).or_default();
        forget(window, now, BURST_MS);
        let left = knobs.burst_limit.saturating_sub(window.len() as u64);
        let mut headers = vec![
            ("x-hubspot-ratelimit-max", knobs.burst_limit.to_string()),
            ("x-hubspot-ratelimit-remaining", left.to_string()),
            ("x-hubspot-ratelimit-interval-milliseconds", BURST_MS.to_string()),
            // Still sent by the vendor, and meaningless.
            ("x-hubspot-ratelimit-secondly", "19".to_owned()),
            ("x-hubspot-ratelimit-secondly-remaining", "18".to_owned()),
        ];
        if who == Credential::PrivateApp {
            let daily = knobs.daily_limit.saturating_sub(self.used_today);
            headers.push(("x-hubspot-ratelimit-daily", knobs.daily_limit.to_string()));
            headers.push(("x-hubspot-ratelimit-daily-remaining", daily.to_string()));
        }
        headers
    }
}

/// Drops what lies outside the window, on either side: the clock of a mock may be set back.
fn forget(window: &mut VecDeque<Millis>, now: Millis, length: i64) {
    window.retain(|at| *at <= now && *at > now - length);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_rolls() {
        let (mut limits, knobs) = (Limits::default(), Knobs { burst_limit: 2, ..Knobs::default() });
        let mut call = |at| limits.admit(at, Credential::PrivateApp, false, &knobs);
        assert_eq!((call(0), call(5_000)), (Ok(()), Ok(())));
        assert_eq!(call(9_999), Err(Policy::TenSeconds));
        assert_eq!(call(10_000), Ok(()));
        assert_eq!(call(14_999), Err(Policy::TenSeconds));
    }

    #[test]
    fn searches_have_their_own_second_and_share_the_day() {
        let (mut limits, knobs) = (Limits::default(), Knobs { daily_limit: 6, ..Knobs::default() });
        for _ in 0..5 {
            assert_eq!(limits.admit(0, Credential::PrivateApp, true, &knobs), Ok(()));
        }
        assert_eq!(limits.admit(0, Credential::OAuth, true, &knobs), Err(Policy::Second));
        assert_eq!(limits.admit(0, Credential::OAuth, false, &knobs), Ok(()));
        assert_eq!(limits.admit(1, Credential::OAuth, false, &knobs), Err(Policy::Day));
        assert_eq!(limits.admit(DAY_MS, Credential::OAuth, false, &knobs), Ok(()));
    }
}
