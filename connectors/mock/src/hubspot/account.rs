//! The account's own facts: who it is, and how much of the day's quota is used.

use serde_json::{Value, json};

use super::knobs::Knobs;
use super::refusal::PORTAL_ID;
use crate::clock::iso;
use crate::desk::Core;

const DAY_MS: i64 = 86_400_000;

/// `GET /account-info/{version}/details`.
pub fn details(core: &Core) -> Value {
    let host = core.base_url.trim_start_matches("http://");
    json!({
        "portalId": PORTAL_ID, "accountType": "DEVELOPER_TEST", "timeZone": "UTC", "companyCurrency": "USD",
        "additionalCurrencies": ["EUR", "GBP"], "utcOffset": "+00:00", "utcOffsetMilliseconds": 0,
        "uiDomain": host, "dataHostingLocation": "na1",
    })
}

/// `GET /account-info/{version}/api-usage/daily/private-apps`.
pub fn usage(core: &Core, used: u64, knobs: &Knobs) -> Value {
    let midnight = (core.now.div_euclid(DAY_MS) + 1) * DAY_MS;
    json!({ "results": [{
        "name": "private-apps-api-calls-daily", "usageLimit": knobs.daily_limit, "currentUsage": used,
        "collectedAt": iso(core.now), "fetchStatus": "SUCCESS", "resetsAt": iso(midnight),
    }] })
}

/// What a portal without custom objects, rules or limits to report answers.
pub fn no_results() -> Value {
    json!({ "results": [] })
}
