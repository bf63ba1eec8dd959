//! How HubSpot refuses: statuses, categories and policy names. Nothing here depends on a message's text, except where
//! HubSpot offers nothing else.

use std::time::Duration;

use connector::ErrorKind;
use connector_http::{DailyNotice, Dialect, Notice, Scope, Verdict, WindowNotice, retry_after};
use http::{HeaderMap, StatusCode};

use crate::wire::Envelope;

/// The quota buckets, narrow ones first; a search counts against both.
pub(crate) const SEARCH: usize = 0;
pub(crate) const BURST: usize = 1;
pub(crate) const PLAIN_CALL: &[usize] = &[BURST];
pub(crate) const SEARCH_CALL: &[usize] = &[SEARCH, BURST];

#[derive(Debug)]
pub(crate) struct HubSpotDialect {
    pub follow_headers: bool,
}

impl Dialect for HubSpotDialect {
    fn judge(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Verdict {
        let envelope = Envelope::read(body);
        let cause = || envelope.cause(status.as_u16());
        match status.as_u16() {
            // A malformed token does not reach HubSpot: its front door answers 530.
            401 | 530 => Verdict::Unauthorized { cause: cause() },
            403 => Verdict::Refused {
                kind: ErrorKind::Forbidden,
                cause: cause(),
                fix: Some(envelope.missing_scopes().map_or_else(
                    || "grant the app the scopes this needs, then try again".to_owned(),
                    |scopes| format!("grant the app one of these scopes: {scopes}"),
                )),
            },
            423 => Verdict::Busy {
                cause: cause(),
                wait: Some(retry_after(headers).unwrap_or_default().max(Duration::from_secs(2))),
            },
            429 => throttled(headers, &envelope),
            // A data-centre migration: nothing is served, for as long as it says.
            477 => Verdict::Throttled {
                scope: Scope::Connection,
                wait: Some(retry_after(headers).unwrap_or(Duration::from_secs(60)).min(Duration::from_secs(86_400))),
            },
            300..=399 => Verdict::Refused {
                kind: ErrorKind::Protocol,
                cause: format!("HubSpot answered {} (a redirect, which is not followed)", status.as_u16()),
                fix: Some("check base_url".into()),
            },
            500..=599 => Verdict::Broken { cause: cause() },
            _ => Verdict::Deliver,
        }
    }

    fn notice(&self, headers: &HeaderMap) -> Notice {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let daily = number("x-hubspot-ratelimit-daily").zip(number("x-hubspot-ratelimit-daily-remaining"));
        let window = number("x-hubspot-ratelimit-max").zip(number("x-hubspot-ratelimit-interval-milliseconds"));
        let narrow = |wide: u64| u32::try_from(wide).unwrap_or(u32::MAX);
        Notice {
            window: window.filter(|_| self.follow_headers).map(|(limit, interval)| WindowNotice {
                bucket: BURST,
                limit: narrow(limit),
                window: Duration::from_millis(interval.min(600_000)),
                remaining: number("x-hubspot-ratelimit-remaining").map(narrow),
            }),
            daily: daily.map(|(limit, remaining)| DailyNotice { limit, used: limit.saturating_sub(remaining) }),
        }
    }

    fn correlation_header(&self) -> &'static str {
        "x-hubspot-correlation-id"
    }

    fn auth_fix(&self) -> &'static str {
        "check that the access token is current and belongs to an app that is still installed; a rotated token is \
         picked up from its secret without a restart"
    }
}

fn throttled(headers: &HeaderMap, envelope: &Envelope) -> Verdict {
    let named = retry_after(headers).map(|wait| wait.min(Duration::from_secs(60)));
    let policy = envelope.policy_name.as_deref().unwrap_or_default();
    let says = |word: &str| {
        policy.eq_ignore_ascii_case(word) || (policy.is_empty() && envelope.message_has(&word.to_ascii_lowercase()))
    };
    if says("DAILY") {
        return Verdict::Exhausted { resets_at: None };
    }
    if policy == "SECONDLY" || (policy.is_empty() && envelope.message_has(" secondly limit")) {
        let wait = named.unwrap_or_default().max(Duration::from_secs(1));
        return Verdict::Throttled { scope: Scope::Bucket(SEARCH), wait: Some(wait) };
    }
    let scope = if named.is_some() { Scope::Connection } else { Scope::Bucket(BURST) };
    Verdict::Throttled { scope, wait: named }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIALECT: HubSpotDialect = HubSpotDialect { follow_headers: true };

    fn judge(status: u16, retry_after: Option<&str>, body: &str) -> Verdict {
        let mut headers = HeaderMap::new();
        if let Some(text) = retry_after {
            headers.insert("retry-after", text.parse().unwrap());
        }
        DIALECT.judge(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
    }

    #[test]
    fn the_policy_of_a_429_decides_who_waits() {
        let secs = Duration::from_secs;
        assert_eq!(
            judge(429, None, r#"{"message":"You have reached your secondly limit.","policyName":"SECONDLY"}"#),
            Verdict::Throttled { scope: Scope::Bucket(SEARCH), wait: Some(secs(1)) }
        );
        assert_eq!(
            judge(429, None, r#"{"policyName":"TEN_SECONDLY_ROLLING"}"#),
            Verdict::Throttled { scope: Scope::Bucket(BURST), wait: None }
        );
        assert_eq!(
            judge(429, Some("7"), r#"{"policyName":"TEN_SECONDLY_ROLLING"}"#),
            Verdict::Throttled { scope: Scope::Connection, wait: Some(secs(7)) }
        );
        assert_eq!(judge(429, None, r#"{"policyName":"DAILY"}"#), Verdict::Exhausted { resets_at: None });
        assert_eq!(judge(477, Some("120"), ""), Verdict::Throttled { scope: Scope::Connection, wait: Some(secs(120)) });
    }

    #[test]
    fn refusals_are_told_apart() {
        assert!(matches!(judge(401, None, "{}"), Verdict::Unauthorized { .. }));
        assert!(matches!(judge(530, None, "<html>"), Verdict::Unauthorized { .. }));
        assert!(matches!(judge(502, None, "<html>bad gateway</html>"), Verdict::Broken { .. }));
        assert!(matches!(judge(524, None, ""), Verdict::Broken { .. }));
        assert!(matches!(judge(423, None, "{}"), Verdict::Busy { wait: Some(wait), .. } if wait.as_secs() == 2));
        assert_eq!(judge(400, None, "{}"), Verdict::Deliver);
        assert_eq!(judge(404, None, "{}"), Verdict::Deliver);
        let forbidden = judge(
            403,
            None,
            r#"{"category":"MISSING_SCOPES","message":"no","errors":[{"message":"x","context":{"requiredGranularScopes":["crm.objects.deals.read"]}}]}"#,
        );
        let Verdict::Refused { kind: ErrorKind::Forbidden, fix: Some(fix), .. } = forbidden else {
            panic!("{forbidden:?}");
        };
        assert!(fix.contains("crm.objects.deals.read"));
    }

    #[test]
    fn headers_tell_the_quota() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-hubspot-ratelimit-max", "190"),
            ("x-hubspot-ratelimit-remaining", "150"),
            ("x-hubspot-ratelimit-interval-milliseconds", "10000"),
            ("x-hubspot-ratelimit-daily", "625000"),
            ("x-hubspot-ratelimit-daily-remaining", "600000"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        let notice = DIALECT.notice(&headers);
        let window = notice.window.unwrap();
        assert_eq!((window.limit, window.remaining, window.window), (190, Some(150), Duration::from_secs(10)));
        assert_eq!(notice.daily, Some(DailyNotice { limit: 625_000, used: 25_000 }));
        assert_eq!(DIALECT.notice(&HeaderMap::new()), Notice::default());
    }
}
