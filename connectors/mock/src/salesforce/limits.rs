//! The daily allowance: a counter that moves with every call, in the header and in `/limits` alike.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::knobs::Knobs;
use super::refusal::Refusal;
use crate::clock::Millis;

const HOUR: Millis = 3_600_000;

/// What has been used in the last twenty-four hours.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Calls by the hour they were made in.
    calls: BTreeMap<i64, u64>,
    /// Bulk query jobs, ingest batches of 10,000 rows; whoever makes them counts them here.
    pub bulk_query_jobs: u64,
    pub bulk_batches: u64,
}

impl Limits {
    /// Notes `calls` API calls: one per request, one per subrequest of a composite batch.
    pub fn count(&mut self, now: Millis, calls: u64) {
        let hour = now.div_euclid(HOUR);
        *self.calls.entry(hour).or_default() += calls;
        self.calls = self.calls.split_off(&(hour - 23));
    }

    pub fn used(&self, now: Millis) -> u64 {
        let hour = now.div_euclid(HOUR);
        self.calls.range(hour - 23..=hour).map(|(_, calls)| calls).sum()
    }

    /// As if `calls` had been made: others share the allowance.
    pub fn set_used(&mut self, now: Millis, calls: u64) {
        self.calls = BTreeMap::from([(now.div_euclid(HOUR), calls)]);
    }

    /// Whether a call may be made now.
    ///
    /// # Errors
    /// 403 `REQUEST_LIMIT_EXCEEDED`, daily or concurrent by its message.
    pub fn admit(&self, now: Millis, knobs: &mut Knobs) -> Result<(), Refusal> {
        if let Some(left) = knobs.concurrent_refusals.checked_sub(1) {
            knobs.concurrent_refusals = left;
            return Err(concurrent());
        }
        let over = |limit: u64| self.used(now) >= limit;
        let app_over = knobs.per_app_limit > 0 && over(knobs.per_app_limit);
        if over(knobs.daily_limit) || app_over { Err(exhausted()) } else { Ok(()) }
    }

    /// `Sforce-Limit-Info`.
    pub fn header(&self, now: Millis, knobs: &Knobs) -> String {
        let used = self.used(now);
        let org = format!("api-usage={used}/{}", knobs.daily_limit);
        if knobs.per_app_limit == 0 {
            return org;
        }
        format!("{org}; per-app-api-usage={used}/{}(appName=mock-app)", knobs.per_app_limit)
    }

    /// `GET limits/`.
    pub fn body(&self, now: Millis, knobs: &Knobs) -> Value {
        let left = |max: u64, used: u64| json!({ "Max": max, "Remaining": max.saturating_sub(used) });
        let mut daily = left(knobs.daily_limit, self.used(now));
        if knobs.per_app_limit > 0 {
            daily["mock-app"] = left(knobs.per_app_limit, self.used(now));
        }
        json!({
            "ConcurrentAsyncGetReportInstances": left(200, 0),
            "DailyApiRequests": daily,
            "DailyAsyncApexExecutions": left(250_000, 0),
            "DailyBulkApiBatches": left(knobs.bulk.daily_batches, self.bulk_batches),
            "DailyBulkV2QueryFileStorageMB": left(976_562, 0),
            "DailyBulkV2QueryJobs": left(knobs.bulk.daily_query_jobs, self.bulk_query_jobs),
            "DailyDeliveredPlatformEvents": left(10_000, 0),
            "DataStorageMB": left(1_024, 23),
            "FileStorageMB": left(1_024, 0),
            "HourlyODataCallout": left(20_000, 0),
        })
    }
}

pub fn exhausted() -> Refusal {
    Refusal::new(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
}

pub fn concurrent() -> Refusal {
    Refusal::new(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_forgotten_a_day_later() {
        let mut limits = Limits::default();
        let mut knobs = Knobs { daily_limit: 3, ..Knobs::default() };
        limits.count(0, 2);
        limits.count(5 * HOUR, 1);
        assert_eq!(limits.header(5 * HOUR, &knobs), "api-usage=3/3");
        assert_eq!(limits.admit(5 * HOUR, &mut knobs), Err(exhausted()));
        assert_eq!(limits.used(24 * HOUR), 1);
        assert_eq!(limits.admit(24 * HOUR, &mut knobs), Ok(()));
    }
}
