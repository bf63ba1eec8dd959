//! What Entra's refusals mean, by their AADSTS numbers: whose mistake it is, and where it is mended.

use connector::{Error, ErrorKind};
use connector_http::{Answer, redact};
use serde::Deserialize;

use super::ATTEMPTED;
use crate::config::Credential;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    error: String,
    error_description: String,
    error_codes: Vec<u64>,
}

/// The error of a refused sign-in.
pub(super) fn error(answer: &Answer, credential: &Credential) -> Error {
    let refused: Refused = serde_json::from_slice(&answer.body).unwrap_or_default();
    let number = refused.error_codes.first().copied().or_else(|| number_in(&refused.error_description));
    let (kind, fix) = meaning(number, &refused.error, credential);
    let code = redact::identifier(&refused.error);
    let named = number.map_or_else(|| code.clone(), |number| format!("{code} (AADSTS{number})"));
    let cause = format!("the token endpoint answered {} {named}", answer.status.as_u16());
    let mut error = Error::new(kind, ATTEMPTED, cause.trim_end());
    error.fix = fix;
    error
}

fn meaning(number: Option<u64>, code: &str, credential: &Credential) -> (ErrorKind, Option<String>) {
    let proof = match credential {
        Credential::Secret(secret) => secret.to_string(),
        Credential::Certificate { certificate, .. } => certificate.to_string(),
    };
    let auth = |fix: String| (ErrorKind::Auth, Some(fix));
    let config = |fix: &str| (ErrorKind::Config, Some(fix.to_owned()));
    match number {
        Some(7_000_215) => auth(format!("put the secret's value (not its id) into {proof}")),
        Some(7_000_222) => auth(format!("the secret has expired: make a new one and put it into {proof}")),
        Some(700_027 | 700_021 | 700_023 | 700_024 | 700_030) => {
            auth(format!("upload the certificate to the app registration and keep it and its key together ({proof})"))
        }
        Some(700_016) => config("check client_id, and that the app is registered in this tenant"),
        Some(90_002) => config("check tenant, or token_url"),
        Some(70_011 | 500_011) => {
            config("check base_url: it must be the organisation's own address, like https://ORG.crm4.dynamics.com")
        }
        Some(90_033 | 90_055 | 50_196) => (ErrorKind::Transient, None),
        _ => match code {
            "temporarily_unavailable" => (ErrorKind::Transient, None),
            "invalid_client" | "unauthorized_client" | "invalid_grant" => {
                auth(format!("check client_id and what is kept in {proof}"))
            }
            "invalid_scope" | "invalid_resource" => config("check base_url"),
            _ => config("check tenant, client_id and token_url"),
        },
    }
}

/// `AADSTS7000215: Invalid client secret provided. …`
fn number_in(description: &str) -> Option<u64> {
    let after = description.split_once("AADSTS")?.1;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector::Secret;
    use http::{HeaderMap, StatusCode};

    fn refused(status: u16, body: &str) -> Error {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.to_owned().into(),
            correlation_id: None,
        };
        error(&answer, &Credential::Secret(Secret::Env("SECRET".into())))
    }

    #[test]
    fn a_wrong_secret_is_not_a_wrong_tenant() {
        let body =
            |error: &str, number: u64| format!(r#"{{"error":"{error}","error_description":"AADSTS{number}: x"}}"#);
        let secret = refused(401, &body("invalid_client", 7_000_215));
        assert_eq!(secret.kind, ErrorKind::Auth);
        assert!(secret.cause.contains("AADSTS7000215"), "{secret}");
        assert!(secret.fix.is_some_and(|fix| fix.contains("environment variable SECRET")));
        for (name, number) in [("unauthorized_client", 700_016), ("invalid_request", 90_002), ("invalid_scope", 70_011)]
        {
            assert_eq!(refused(400, &body(name, number)).kind, ErrorKind::Config, "{number}");
        }
        assert_eq!(refused(400, &body("temporarily_unavailable", 90_033)).kind, ErrorKind::Transient);
        assert_eq!(refused(401, "<html>").kind, ErrorKind::Config);
        let listed = r#"{"error":"invalid_client","error_codes":[7000222]}"#;
        assert!(refused(401, listed).fix.is_some_and(|fix| fix.contains("expired")));
    }
}
