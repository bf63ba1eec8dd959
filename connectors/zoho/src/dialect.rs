//! How Zoho refuses: statuses and codes (`zoho.md` §7), and the one header that tells of credits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use connector::{ErrorKind, Timestamp};
use connector_http::{DailyNotice, Dialect, Notice, Scope, Verdict, retry_after};
use http::{HeaderMap, StatusCode};

use crate::wire::Fault;

/// The one bucket: Zoho bounds what is in flight and what a day costs, not what a second holds. Its window is what an
/// unexplained refusal is answered with: two seconds first, then longer.
pub(crate) const CALL: &[usize] = &[0];

/// Fewer credits than this are none: other tools of the organisation want some too.
const FEW_CREDITS: u64 = 25;
/// How long to stay away where the day's credits are used up: they come back bit by bit, as a day rolls by.
const PARKED: Duration = Duration::from_secs(3_600);

/// What is known of an organisation's credits.
#[derive(Debug, Default)]
pub(crate) struct Credits {
    /// A day's credits by edition and users; zero: not known.
    limit: AtomicU64,
    /// What a header said last, plus one; zero: nothing yet, so that less than half is used.
    remaining: AtomicU64,
}

impl Credits {
    pub fn learn_limit(&self, limit: u64) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    fn learn(&self, remaining: u64) -> DailyNotice {
        self.remaining.store(remaining.saturating_add(1), Ordering::Relaxed);
        // The header comes once half of the day is used: there were at least twice as many.
        let limit = self.limit.load(Ordering::Relaxed).max(remaining.saturating_mul(2)).max(1);
        DailyNotice { limit, used: limit.saturating_sub(remaining) }
    }

    fn are_few(&self) -> bool {
        self.remaining.load(Ordering::Relaxed).checked_sub(1).is_some_and(|remaining| remaining < FEW_CREDITS)
    }
}

#[derive(Debug)]
pub(crate) struct ZohoDialect {
    pub credits: Arc<Credits>,
}

impl Dialect for ZohoDialect {
    fn judge(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Verdict {
        let fault = Fault::read(body);
        let cause = || fault.cause(status.as_u16());
        let refused = |kind, fix: &str| Verdict::Refused { kind, cause: cause(), fix: Some(fix.to_owned()) };
        match status.as_u16() {
            401 | 403 if fault.is("OAUTH_SCOPE_MISMATCH") => refused(
                ErrorKind::Forbidden,
                "authorise the app again with the scopes that docs/configuration.md lists for Zoho, and store the new \
                 refresh token",
            ),
            401 => Verdict::Unauthorized { cause: cause() },
            // About single rows: the caller knows which.
            403 if fault.is("AUTHORIZATION_FAILED") => Verdict::Deliver,
            403 => refused(ErrorKind::Forbidden, "give the integration user's profile the permission this needs"),
            304 => Verdict::Deliver,
            300..=399 => Verdict::Refused {
                kind: ErrorKind::Protocol,
                cause: format!("Zoho answered {} (a redirect, which is not followed)", status.as_u16()),
                fix: Some("check data_center and base_url".into()),
            },
            429 => self.throttled(headers),
            500..=599 => Verdict::Broken { cause: cause() },
            _ => Verdict::Deliver,
        }
    }

    fn notice(&self, headers: &HeaderMap) -> Notice {
        let remaining = headers.get("x-api-credits-remaining").and_then(|value| value.to_str().ok());
        let remaining = remaining.and_then(|text| text.trim().parse::<u64>().ok());
        Notice { window: None, daily: remaining.map(|remaining| self.credits.learn(remaining)) }
    }

    fn correlation_header(&self) -> &'static str {
        "x-request-id"
    }

    fn auth_fix(&self) -> &'static str {
        "check that the refresh token is not revoked and belongs to the data centre of data_center; a new one is picked up \
         from its secret without a restart"
    }
}

impl ZohoDialect {
    /// One status for too many calls at once and for a day's credits: how many were left tells which.
    fn throttled(&self, headers: &HeaderMap) -> Verdict {
        let named = retry_after(headers);
        if named.is_none() && self.credits.are_few() {
            let now = headers.get(http::header::DATE).and_then(|date| date.to_str().ok());
            let now = now.and_then(|date| chrono::DateTime::parse_from_rfc2822(date).ok()).map(Timestamp::from);
            return Verdict::Exhausted { resets_at: now.map(|now| now.saturating_add(PARKED)) };
        }
        Verdict::Throttled { scope: Scope::Bucket(0), wait: named.map(|wait| wait.min(Duration::from_secs(86_400))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(dialect: &ZohoDialect, status: u16, headers: &[(&'static str, &str)], body: &str) -> Verdict {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let _ = dialect.notice(&map);
        dialect.judge(StatusCode::from_u16(status).unwrap(), &map, body.as_bytes())
    }

    fn dialect() -> ZohoDialect {
        ZohoDialect { credits: Arc::default() }
    }

    #[test]
    fn refusals_are_told_apart() {
        let dialect = dialect();
        let code = |code: &str| format!(r#"{{"code":"{code}","details":{{}},"message":"m","status":"error"}}"#);
        assert!(matches!(judge(&dialect, 401, &[], &code("INVALID_TOKEN")), Verdict::Unauthorized { .. }));
        let scope = judge(&dialect, 401, &[], &code("OAUTH_SCOPE_MISMATCH"));
        assert!(matches!(scope, Verdict::Refused { kind: ErrorKind::Forbidden, .. }), "{scope:?}");
        let permission = judge(&dialect, 403, &[], &code("NO_PERMISSION"));
        assert!(matches!(permission, Verdict::Refused { kind: ErrorKind::Forbidden, .. }));
        assert_eq!(judge(&dialect, 304, &[], ""), Verdict::Deliver);
        assert_eq!(judge(&dialect, 412, &[], ""), Verdict::Deliver);
        assert!(matches!(judge(&dialect, 302, &[], ""), Verdict::Refused { kind: ErrorKind::Protocol, .. }));
        assert!(matches!(judge(&dialect, 502, &[], "<html>"), Verdict::Broken { .. }));
    }

    #[test]
    fn too_many_at_once_waits_and_no_credits_park() {
        let dialect = dialect();
        let waits = Verdict::Throttled { scope: Scope::Bucket(0), wait: None };
        assert_eq!(judge(&dialect, 429, &[], "{}"), waits);
        assert_eq!(judge(&dialect, 429, &[("x-api-credits-remaining", "900")], "{}"), waits);
        let date = "Wed, 21 Oct 2026 07:28:00 GMT";
        let at = Timestamp::parse_rfc3339("2026-10-21T08:28:00Z");
        let parked = judge(&dialect, 429, &[("x-api-credits-remaining", "0"), ("date", date)], "{}");
        assert_eq!(parked, Verdict::Exhausted { resets_at: at });
        let named = judge(&dialect, 429, &[("retry-after", "7")], "{}");
        assert_eq!(named, Verdict::Throttled { scope: Scope::Bucket(0), wait: Some(Duration::from_secs(7)) });
    }

    #[test]
    fn the_header_tells_the_day() {
        let dialect = dialect();
        let mut headers = HeaderMap::new();
        assert_eq!(dialect.notice(&headers).daily, None);
        headers.insert("x-api-credits-remaining", "20000".parse().unwrap());
        assert_eq!(dialect.notice(&headers).daily, Some(DailyNotice { limit: 40_000, used: 20_000 }));
        dialect.credits.learn_limit(55_000);
        assert_eq!(dialect.notice(&headers).daily, Some(DailyNotice { limit: 55_000, used: 35_000 }));
    }
}
