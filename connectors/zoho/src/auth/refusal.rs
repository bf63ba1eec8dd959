//! What a refused sign-in means, and what a person does about it. Zoho refuses with status 200 and an `error`, and with
//! status 400 when tokens were asked for too often: that one is a pause, no refusal of the credential.

use std::time::Duration;

use connector::{Error, ErrorKind, Timestamp};
use connector_http::{Answer, redact};
use serde::Deserialize;

use super::ATTEMPTED;

/// The rest of Zoho's window, at most. Asking before it is over only lengthens it.
const BLOCKED: Duration = Duration::from_secs(660);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    error: String,
    error_description: String,
}

/// Tokens were asked for so often that the next would be refused.
pub(super) fn too_often(until: Timestamp) -> Error {
    let cause =
        "Zoho gives ten access tokens in ten minutes, and these are used up; this is no refusal of the credential";
    Error::new(ErrorKind::Quota, ATTEMPTED, cause)
        .with_fix("give every program its own refresh token; nothing else needs doing, signing in goes on by itself")
        .with_retry_at(until)
}

pub(super) fn error(answer: &Answer, now: Timestamp) -> Error {
    let refused: Refused = serde_json::from_slice(&answer.body).unwrap_or_default();
    let described = refused.error_description.to_ascii_lowercase();
    if refused.error.eq_ignore_ascii_case("Access Denied") || described.contains("too many requests") {
        return too_often(now.saturating_add(BLOCKED));
    }
    let (kind, fix) = meaning(&refused.error, answer.status.as_u16());
    let words = [refused.error.as_str(), refused.error_description.as_str()]
        .map(redact::message)
        .into_iter()
        .filter(|words| !words.is_empty())
        .collect::<Vec<_>>()
        .join(": ");
    let said = if words.is_empty() { "without a token" } else { &words };
    Error::new(kind, ATTEMPTED, format!("Zoho answered {} {said}", answer.status.as_u16())).with_fix(fix)
}

fn meaning(error: &str, status: u16) -> (ErrorKind, &'static str) {
    match error {
        "invalid_code" | "invalid_grant" => (
            ErrorKind::Auth,
            "the refresh token is revoked, or of another data centre: check data_center, or authorise the app again and \
             store the new refresh token",
        ),
        "invalid_client_secret" => (ErrorKind::Auth, "check the client secret: Zoho does not take it"),
        "invalid_client" => {
            (ErrorKind::Config, "check client_id and data_center: no app of this data centre has that id")
        }
        "general_error" => (ErrorKind::Transient, "try again; if it stays, look at Zoho's status page"),
        "" if !(300..500).contains(&status) => {
            (ErrorKind::Protocol, "check token_url: it does not answer as Zoho does")
        }
        "" if matches!(status, 408 | 429) => (ErrorKind::Transient, "try again later"),
        _ if (300..400).contains(&status) => {
            (ErrorKind::Protocol, "check token_url: it leads elsewhere, which is not followed")
        }
        _ => (ErrorKind::Auth, "check the app's credentials and the data centre"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, body: &str) -> Error {
        let status = http::StatusCode::from_u16(status).unwrap();
        let body = bytes::Bytes::copy_from_slice(body.as_bytes());
        let answer = Answer { status, headers: http::HeaderMap::new(), body, correlation_id: None };
        error(&answer, Timestamp::from_secs(1_000))
    }

    #[test]
    fn a_throttle_is_not_taken_for_a_refused_credential() {
        let body = r#"{"error_description":"You have made too many requests continuously. Please try again after some time.","error":"Access Denied","status":"failure"}"#;
        let error = told(400, body);
        assert_eq!((error.kind, error.retry_at), (ErrorKind::Quota, Some(Timestamp::from_secs(1_660))));
    }

    #[test]
    fn a_person_is_told_what_to_do() {
        let check = |status: u16, body: &str, kind: ErrorKind, fix: &str| {
            let error = told(status, body);
            assert_eq!(error.kind, kind, "{body}");
            assert!(error.fix.as_deref().unwrap().contains(fix), "{body}: {:?}", error.fix);
        };
        check(200, r#"{"error":"invalid_code"}"#, ErrorKind::Auth, "data_center");
        check(200, r#"{"error":"invalid_client"}"#, ErrorKind::Config, "client_id");
        check(200, r#"{"error":"invalid_client_secret"}"#, ErrorKind::Auth, "secret");
        check(200, r#"{"error":"general_error"}"#, ErrorKind::Transient, "again");
        check(200, "{}", ErrorKind::Protocol, "token_url");
        check(302, "", ErrorKind::Protocol, "token_url");
        check(200, "<html>", ErrorKind::Protocol, "token_url");
    }
}
