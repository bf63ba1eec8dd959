//! How Salesforce refuses: statuses and codes (`salesforce.md` §4). Its messages are read only where nothing else tells.

use std::time::Duration;

use connector::ErrorKind;
use connector_http::{DailyNotice, Dialect, Notice, Scope, Verdict, retry_after};
use http::{HeaderMap, StatusCode};

use crate::wire::Fault;

/// The one quota bucket: Salesforce has no short window, this only paces.
pub(crate) const CALL: &[usize] = &[0];

/// Sendings of a call that nobody behind the front door takes.
const UNROUTED: u32 = 3;
/// How long to stay away when too many long requests run at once.
const CONCURRENT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct SalesforceDialect;

impl Dialect for SalesforceDialect {
    fn judge(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Verdict {
        let fault = Fault::first(body);
        let cause = || fault.cause(status.as_u16());
        let refused = |kind, fix: &str| Verdict::Refused { kind, cause: cause(), fix: Some(fix.to_owned()) };
        match status.as_u16() {
            401 => unauthorized(&fault, cause()),
            403 if body.starts_with(b"Bad_OAuth_Token") => Verdict::Unauthorized { cause: cause() },
            403 => forbidden(&fault, cause()),
            // 300: a key that several records hold; 304: not changed. Both are answers.
            300 | 304 => Verdict::Deliver,
            301..=399 => Verdict::Refused {
                kind: ErrorKind::Protocol,
                cause: format!("Salesforce answered {} (a redirect, which is not followed)", status.as_u16()),
                fix: Some(
                    "check login_url and base_url: the API is at …my.salesforce.com, not at a page's address".into(),
                ),
            },
            406 | 420 => Verdict::Limited {
                cause: format!("{} (its front door found nobody to answer)", cause()),
                attempts: UNROUTED,
            },
            410 => refused(ErrorKind::Unsupported, "raise api_version: Salesforce has retired this one"),
            414 | 431 => Verdict::Refused { kind: ErrorKind::Protocol, cause: cause(), fix: None },
            429 => Verdict::Throttled {
                scope: Scope::Connection,
                wait: Some(retry_after(headers).unwrap_or(CONCURRENT).min(Duration::from_secs(86_400))),
            },
            500..=599 => Verdict::Broken { cause: cause() },
            _ => Verdict::Deliver,
        }
    }

    fn notice(&self, headers: &HeaderMap) -> Notice {
        let usage = headers.get("sforce-limit-info").and_then(|value| value.to_str().ok());
        Notice { window: None, daily: usage.and_then(usage_of) }
    }

    fn correlation_header(&self) -> &'static str {
        "x-sfdc-request-id"
    }

    fn auth_fix(&self) -> &'static str {
        "check that the integration user is active, may use the app, and that the app's credentials are current; a new \
         secret is picked up without a restart"
    }
}

/// Two refusals say that another token would be refused as well.
fn unauthorized(fault: &Fault, cause: String) -> Verdict {
    let hopeless =
        |fix: &str| Verdict::Refused { kind: ErrorKind::Auth, cause: cause.clone(), fix: Some(fix.to_owned()) };
    if fault.message.contains("This session is not valid for use with the REST API") {
        hopeless("give the app the scope \"Manage user data via APIs (api)\"")
    } else if fault.message.contains("Connected app is not attached to Agent") {
        hopeless("attach the app to the agent in Salesforce's setup, or use an app of its own")
    } else {
        Verdict::Unauthorized { cause }
    }
}

fn forbidden(fault: &Fault, cause: String) -> Verdict {
    let refused =
        |fix: &str| Verdict::Refused { kind: ErrorKind::Forbidden, cause: cause.clone(), fix: Some(fix.to_owned()) };
    match fault.code.as_str() {
        "REQUEST_LIMIT_EXCEEDED" if fault.message.contains("Concurrent") => {
            Verdict::Throttled { scope: Scope::Connection, wait: Some(CONCURRENT) }
        }
        // A rolling day: nobody says when there is room again.
        "REQUEST_LIMIT_EXCEEDED" => Verdict::Exhausted { resets_at: None },
        "TXN_SECURITY_METERING_ERROR" => Verdict::Busy { cause, wait: Some(CONCURRENT) },
        "API_DISABLED_FOR_ORG" | "API_CURRENTLY_DISABLED" => {
            refused("the organisation's edition has no API, or it is switched off for this user: enable API access")
        }
        // About one record: the caller knows which.
        "INSUFFICIENT_ACCESS_OR_READONLY" | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY" => Verdict::Deliver,
        _ => refused("give the integration user the permission this needs, then try again"),
    }
}

/// `api-usage=18/15000`, or that and `per-app-api-usage=17/250(appName=x)`: the pool that ends first.
fn usage_of(header: &str) -> Option<DailyNotice> {
    let pools = header.split([';', ',']).filter_map(|part| {
        let (name, counts) = part.split_once('=')?;
        if !name.trim().ends_with("api-usage") {
            return None;
        }
        let (used, rest) = counts.trim().split_once('/')?;
        let digits = rest.trim_start().split(|c: char| !c.is_ascii_digit()).next()?;
        Some(DailyNotice { used: used.trim().parse().ok()?, limit: digits.parse().ok()? })
    });
    pools.min_by_key(|pool| pool.limit.saturating_sub(pool.used))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(status: u16, body: &str) -> Verdict {
        SalesforceDialect.judge(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes())
    }

    fn error(code: &str, message: &str) -> String {
        format!(r#"[{{"message":"{message}","errorCode":"{code}"}}]"#)
    }

    #[test]
    fn a_dead_session_is_renewed_and_a_hopeless_one_is_not() {
        let dead = error("INVALID_SESSION_ID", "Session expired or invalid");
        assert!(matches!(judge(401, &dead), Verdict::Unauthorized { .. }));
        for hopeless in
            ["This session is not valid for use with the REST API", "Connected app is not attached to Agent"]
        {
            let verdict = judge(401, &error("INVALID_SESSION_ID", hopeless));
            assert!(matches!(verdict, Verdict::Refused { kind: ErrorKind::Auth, fix: Some(_), .. }), "{verdict:?}");
        }
        assert!(matches!(judge(403, "Bad_OAuth_Token"), Verdict::Unauthorized { .. }));
    }

    #[test]
    fn the_days_limit_is_not_the_moments_limit() {
        let daily = error("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
        assert_eq!(judge(403, &daily), Verdict::Exhausted { resets_at: None });
        let moment = error("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.");
        assert!(matches!(judge(403, &moment), Verdict::Throttled { wait: Some(wait), .. } if wait.as_secs() <= 60));
    }

    #[test]
    fn statuses_mean_what_the_reference_says() {
        assert!(matches!(judge(420, "<html>"), Verdict::Limited { attempts: 3, .. }));
        assert!(matches!(judge(406, ""), Verdict::Limited { attempts: 3, .. }));
        assert!(matches!(judge(414, "<html>"), Verdict::Refused { .. }));
        assert!(matches!(judge(431, "<html>"), Verdict::Refused { .. }));
        assert!(matches!(judge(302, ""), Verdict::Refused { kind: ErrorKind::Protocol, .. }));
        assert!(matches!(judge(503, ""), Verdict::Broken { .. }));
        assert_eq!(judge(300, "[]"), Verdict::Deliver);
        assert_eq!(judge(404, &error("NOT_FOUND", "x")), Verdict::Deliver);
        assert_eq!(judge(400, &error("UNABLE_TO_LOCK_ROW", "x")), Verdict::Deliver);
        assert!(matches!(
            judge(403, &error("API_DISABLED_FOR_ORG", "x")),
            Verdict::Refused { kind: ErrorKind::Forbidden, .. }
        ));
    }

    #[test]
    fn the_tighter_pool_counts() {
        let check = |header: &str, expected: Option<(u64, u64)>| {
            assert_eq!(usage_of(header).map(|pool| (pool.used, pool.limit)), expected, "{header}");
        };
        check("api-usage=18/15000", Some((18, 15_000)));
        check("api-usage=25/5000; per-app-api-usage=17/250(appName=my-app)", Some((17, 250)));
        check("api-usage=4990/5000; per-app-api-usage=17/250(appName=my-app)", Some((4_990, 5_000)));
        check("api-usage=many", None);
        check("", None);
    }
}
