//! How Dataverse refuses: statuses and codes (`dynamics.md` §4).

use std::time::Duration;

use connector::ErrorKind;
use connector_http::{Dialect, Scope, Verdict, retry_after};
use http::{HeaderMap, StatusCode};

use crate::wire::Fault;

/// The one quota bucket: requests of this user in five minutes.
pub(crate) const CALL: &[usize] = &[0];

/// How long to stay away where a refusal for too many requests names no time.
const UNNAMED: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(86_400);

/// A duplicate detection rule matched; 500 in one part of Microsoft's documentation, 412 in another.
pub(crate) const DUPLICATE_RULE: &str = "0x80040333";
/// A database deadlock, and a statement that took too long: the transaction was taken back.
pub(crate) const DEADLOCK: &str = "0x80044150";
pub(crate) const SQL_TIMEOUT: &str = "0x80044151";
/// There is no application user for us.
const NOT_A_MEMBER: &str = "0x80072560";

#[derive(Debug)]
pub(crate) struct DynamicsDialect;

impl Dialect for DynamicsDialect {
    fn judge(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Verdict {
        let fault = Fault::read(body);
        let cause = || fault.cause(status.as_u16());
        match status.as_u16() {
            304 => Verdict::Deliver,
            300..=399 => Verdict::Refused {
                kind: ErrorKind::Protocol,
                cause: format!("Dynamics answered {} (a redirect, which is not followed)", status.as_u16()),
                fix: Some("check base_url: the organisation's own address, like https://ORG.crm4.dynamics.com".into()),
            },
            401 => Verdict::Unauthorized { cause: cause() },
            403 => Verdict::Refused {
                kind: ErrorKind::Forbidden,
                cause: cause(),
                fix: Some(
                    if fault.is(NOT_A_MEMBER) {
                        "create the application user in the Power Platform admin centre (environment, Settings, \
                         Application users) and give it a security role"
                    } else {
                        "give the application user's security role the privilege that the message names; following \
                         changes needs read on the whole organisation"
                    }
                    .into(),
                ),
            },
            // Requests, execution time and concurrency are counted per user: nobody sends before the pause ends.
            429 => Verdict::Throttled {
                scope: Scope::Connection,
                wait: Some(retry_after(headers).unwrap_or(UNNAMED).min(LONGEST)),
            },
            500 if [DUPLICATE_RULE, DEADLOCK, SQL_TIMEOUT].iter().any(|code| fault.is(code)) => Verdict::Deliver,
            500..=599 => Verdict::Broken { cause: cause() },
            _ => Verdict::Deliver,
        }
    }

    fn correlation_header(&self) -> &'static str {
        "x-ms-service-request-id"
    }

    fn auth_fix(&self) -> &'static str {
        "check that base_url is the organisation the app was given access to, and that the app registration and its \
         secret or certificate are current; a new secret is picked up without a restart"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(status: u16, after: Option<&str>, code: &str) -> Verdict {
        let mut headers = HeaderMap::new();
        if let Some(after) = after {
            headers.insert("retry-after", after.parse().unwrap());
        }
        let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
        DynamicsDialect.judge(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
    }

    #[test]
    fn the_three_throttles_pause_the_whole_connection() {
        for code in ["0x80072322", "0x80072321", "0x80072326"] {
            let wait = Some(Duration::from_secs(17));
            assert_eq!(judge(429, Some("17"), code), Verdict::Throttled { scope: Scope::Connection, wait });
            let unnamed = Verdict::Throttled { scope: Scope::Connection, wait: Some(UNNAMED) };
            assert_eq!(judge(429, None, code), unnamed);
        }
    }

    #[test]
    fn a_missing_application_user_is_explained() {
        let fix_of = |code: &str| match judge(403, None, code) {
            Verdict::Refused { kind: ErrorKind::Forbidden, fix: Some(fix), .. } => fix,
            other => panic!("{other:?}"),
        };
        assert!(fix_of("0x80072560").contains("application user in the Power Platform admin centre"));
        assert!(fix_of("0x80040220").contains("privilege"));
    }

    #[test]
    fn what_a_database_took_back_was_not_applied() {
        for code in [DUPLICATE_RULE, DEADLOCK, SQL_TIMEOUT] {
            assert_eq!(judge(500, None, code), Verdict::Deliver, "{code}");
        }
        assert!(matches!(judge(500, None, "0x80040216"), Verdict::Broken { .. }));
        assert!(matches!(judge(503, None, ""), Verdict::Broken { .. }));
        assert!(matches!(judge(401, None, ""), Verdict::Unauthorized { .. }));
        assert!(matches!(judge(302, None, ""), Verdict::Refused { kind: ErrorKind::Protocol, .. }));
        assert_eq!(judge(412, None, "0x80060882"), Verdict::Deliver);
    }
}
