//! What a refused sign-in means, and what a person does about it (`salesforce.md` §1.7).

use connector::{Error, ErrorKind};
use connector_http::{Answer, redact};
use serde::Deserialize;

use super::ATTEMPTED;

#[derive(Default, Deserialize)]
struct Refused {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// The description, in lower case, by which the variants of one error are told apart.
pub(super) fn described(answer: &Answer) -> String {
    read(answer).error_description.to_ascii_lowercase()
}

fn read(answer: &Answer) -> Refused {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

pub(super) fn error(answer: &Answer) -> Error {
    let refused = read(answer);
    let (kind, fix) = meaning(&refused.error, &refused.error_description.to_ascii_lowercase(), answer.status.as_u16());
    let words = [refused.error.as_str(), refused.error_description.as_str()]
        .map(redact::message)
        .into_iter()
        .filter(|words| !words.is_empty())
        .collect::<Vec<_>>()
        .join(": ");
    let cause = format!("Salesforce answered {} {words}", answer.status.as_u16());
    Error::new(kind, ATTEMPTED, cause.trim_end()).with_fix(fix)
}

fn meaning(error: &str, described: &str, status: u16) -> (ErrorKind, &'static str) {
    let says = |words: &str| described.contains(words);
    match error {
        "invalid_grant" if says("approved") => {
            (ErrorKind::Auth, "pre-authorise the integration user for the app (profile or permission set)")
        }
        "invalid_grant" if says("audience") => (
            ErrorKind::Auth,
            "set audience to the address the organisation signs in at, e.g. https://test.salesforce.com",
        ),
        "invalid_grant" if says("expired authorization code") || says("assertion") => {
            (ErrorKind::Auth, "check this machine's clock, the username, and that the app holds the key's certificate")
        }
        "invalid_grant" if says("not supported on this domain") => {
            (ErrorKind::Auth, "set login_url to the organisation's own address, e.g. https://acme.my.salesforce.com")
        }
        "invalid_grant" if says("no client credentials user") => {
            (ErrorKind::Auth, "choose a run-as user for the app's client credentials flow")
        }
        "invalid_grant" if says("locked") || says("inactive") => {
            (ErrorKind::Auth, "unlock or activate the integration user in Salesforce")
        }
        "invalid_grant" => (ErrorKind::Auth, "authorise the app again and store the new refresh token or credentials"),
        "invalid_client" => (ErrorKind::Auth, "check the client secret: Salesforce does not take it"),
        "invalid_client_id" => (ErrorKind::Config, "check client_id: no app of Salesforce has it"),
        "unsupported_grant_type" => (ErrorKind::Config, "allow this OAuth flow for the app in Salesforce's setup"),
        "invalid_request" => {
            (ErrorKind::Config, "check the connection's settings: something the sign-in needs is missing")
        }
        // The front door and its gateways, not the sign-in: the credential may be as good as ever.
        "" if matches!(status, 406 | 408 | 420 | 429) => {
            (ErrorKind::Transient, "try again; if it stays, check login_url: nobody answers behind it")
        }
        _ if (400..500).contains(&status) => {
            (ErrorKind::Auth, "check the app's credentials and that login_url is right")
        }
        _ => (ErrorKind::Protocol, "check login_url: it does not answer as Salesforce does"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, body: &str) -> Error {
        let status = http::StatusCode::from_u16(status).unwrap();
        let body = bytes::Bytes::copy_from_slice(body.as_bytes());
        error(&Answer { status, headers: http::HeaderMap::new(), body, correlation_id: None })
    }

    #[test]
    fn a_person_is_told_what_to_do() {
        let check = |body: &str, kind: ErrorKind, fix: &str| {
            let error = told(400, body);
            assert_eq!(error.kind, kind, "{body}");
            assert!(error.fix.as_deref().unwrap().contains(fix), "{body}: {:?}", error.fix);
        };
        let grant = |words: &str| format!(r#"{{"error":"invalid_grant","error_description":"{words}"}}"#);
        check(&grant("user hasn't approved this consumer"), ErrorKind::Auth, "pre-authorise");
        check(&grant("audience is invalid"), ErrorKind::Auth, "audience");
        check(&grant("expired authorization code"), ErrorKind::Auth, "clock");
        check(&grant("request not supported on this domain"), ErrorKind::Auth, "login_url");
        check(&grant("no client credentials user enabled"), ErrorKind::Auth, "run-as");
        check(&grant("user is locked"), ErrorKind::Auth, "unlock");
        check(&grant("expired access/refresh token"), ErrorKind::Auth, "again");
        check(r#"{"error":"invalid_grant"}"#, ErrorKind::Auth, "again");
        check(r#"{"error":"invalid_client_id","error_description":"x"}"#, ErrorKind::Config, "client_id");
        check(r#"{"error":"invalid_client"}"#, ErrorKind::Auth, "secret");
        check("<html>", ErrorKind::Auth, "login_url");
        assert_eq!(told(302, "").kind, ErrorKind::Protocol);
        assert_eq!(told(420, "<html>").kind, ErrorKind::Transient);
        assert_eq!(told(429, "").kind, ErrorKind::Transient);
    }
}
