//! The JWT bearer grant: an assertion signed with the app's key, valid for three minutes by Salesforce's clock.

use connector::{Error, ErrorKind, Secret};
use connector_http::{Answer, read_secret};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::{ATTEMPTED, Grant, refusal};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Salesforce refuses assertions that are good for longer than three minutes; some of it is for the way.
const LIFETIME_SECS: i64 = 170;
/// A clock this far off is why an assertion was refused as expired.
const SKEW_SECS: i64 = 30;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
    jti: String,
}

impl Grant {
    /// Asks with an assertion. Which audience an organisation takes cannot be known beforehand, so each candidate gets one
    /// try where Salesforce says that it is the audience it does not like.
    pub(super) async fn assertion(
        &self,
        client_id: &str,
        username: &str,
        private_key: &Secret,
        audience: Option<&str>,
    ) -> Result<Answer, Error> {
        let pem = read_secret(&*self.environment, private_key)?;
        let key = EncodingKey::from_rsa_pem(pem.expose_secret().as_bytes()).map_err(|_| {
            Error::new(ErrorKind::Config, ATTEMPTED, format!("{private_key} holds no RSA private key in PEM form"))
                .with_fix("store the key whose certificate the app holds, beginning with -----BEGIN PRIVATE KEY-----")
        })?;
        let login = self.hosts.login.to_string();
        let candidates = candidates(self.remembered_audience().as_deref(), audience, &login);
        let mut last = None;
        for audience in &candidates {
            let answer = self.ask_with(client_id, username, &key, audience).await?;
            if answer.status.is_success() {
                self.remember_audience(audience);
                return Ok(answer);
            }
            let described = refusal::described(&answer);
            // The audience the file names is the one a person is told about.
            last.get_or_insert(answer);
            if !described.contains("audience") {
                break;
            }
        }
        last.ok_or_else(|| Error::new(ErrorKind::Config, ATTEMPTED, "no audience is known"))
    }

    async fn ask_with(&self, client_id: &str, username: &str, key: &EncodingKey, aud: &str) -> Result<Answer, Error> {
        let believed = self.endpoint.server_now();
        let answer = self.send_assertion(client_id, username, key, aud).await?;
        let off = self.endpoint.server_now().secs().saturating_sub(believed.secs());
        if answer.status.is_success() || off.abs() < SKEW_SECS || !refusal::described(&answer).contains("expired") {
            return Ok(answer);
        }
        // The refusal told Salesforce's time: once more by that clock.
        self.send_assertion(client_id, username, key, aud).await
    }

    async fn send_assertion(
        &self,
        client_id: &str,
        username: &str,
        key: &EncodingKey,
        aud: &str,
    ) -> Result<Answer, Error> {
        let claims = Claims {
            iss: client_id,
            sub: username,
            aud,
            exp: self.endpoint.server_now().secs().saturating_add(LIFETIME_SECS),
            jti: format!("{:016x}{:016x}", self.endpoint.chance(), self.endpoint.chance()),
        };
        let signed = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, key).map_err(|_| {
            Error::new(ErrorKind::Config, ATTEMPTED, "the assertion cannot be signed with the configured key")
                .with_fix("use an RSA key of 2,048 bits or more")
        })?;
        let assertion = SecretString::from(signed);
        let form = [("grant_type", GRANT_TYPE), ("assertion", assertion.expose_secret())];
        self.endpoint.ask(ATTEMPTED, &form).await
    }
}

/// The audiences to try, in order, each once.
fn candidates(remembered: Option<&str>, configured: Option<&str>, login: &str) -> Vec<String> {
    const PRODUCTION: &str = "https://login.salesforce.com";
    const SANDBOX: &str = "https://test.salesforce.com";
    let looks_like_a_sandbox = login.contains(".sandbox.") || login.contains("--") || login == SANDBOX;
    let usual = if looks_like_a_sandbox { [SANDBOX, PRODUCTION] } else { [PRODUCTION, SANDBOX] };
    let mut candidates: Vec<String> = Vec::new();
    for audience in remembered.into_iter().chain(configured).chain(usual).chain([login]) {
        let audience = audience.trim_end_matches('/');
        if !candidates.iter().any(|have| have == audience) {
            candidates.push(audience.to_owned());
        }
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_audience_is_tried_once_the_likely_one_first() {
        let login = "https://acme.my.salesforce.com";
        let usual = ["https://login.salesforce.com", "https://test.salesforce.com", login];
        assert_eq!(candidates(None, None, login), usual);
        assert_eq!(candidates(Some("https://test.salesforce.com"), None, login)[0], "https://test.salesforce.com");
        assert_eq!(candidates(None, Some(login), login)[0], login);
        let sandbox = "https://acme--dev.sandbox.my.salesforce.com";
        assert_eq!(candidates(None, None, sandbox)[0], "https://test.salesforce.com");
        assert_eq!(candidates(None, None, "https://login.salesforce.com").len(), 2);
    }
}
