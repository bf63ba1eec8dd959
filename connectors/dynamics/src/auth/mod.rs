//! Signing in: client credentials at Microsoft Entra, with a secret or a signed assertion (`dynamics.md` §1).

mod assertion;
mod refusal;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use connector::{Context, Environment, Error, ErrorKind, Timestamp};
use connector_http::{Answer, Token, TokenEndpoint, TokenSource, read_secret};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::config::Credential;

pub(crate) const ATTEMPTED: &str = "sign in to Microsoft Entra";

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// A token is given up this long before it ends.
const EARLY: u64 = 300;

/// Where this connection's access tokens come from. Secrets are read at every exchange, so that a new one is picked up.
#[derive(Debug)]
pub(crate) struct Grant {
    pub endpoint: TokenEndpoint,
    /// The endpoint's address, whom an assertion is for.
    pub audience: String,
    pub client_id: String,
    /// `https://ORG.crm4.dynamics.com/.default`: exactly one slash, or it names another resource.
    pub scope: String,
    pub credential: Credential,
    pub environment: Arc<dyn Environment>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: Option<u64>,
}

impl Grant {
    pub fn new(
        endpoint: TokenEndpoint,
        audience: &str,
        client_id: String,
        base_url: &str,
        credential: Credential,
        context: &Context,
    ) -> Self {
        let scope = format!("{}/.default", base_url.trim_end_matches('/'));
        let environment = context.environment.clone();
        Self { endpoint, audience: audience.to_owned(), client_id, scope, credential, environment }
    }

    async fn exchange(&self) -> Result<Answer, Error> {
        let with = |name: &'static str, secret: SecretString| async move {
            let mut form = vec![
                ("grant_type", "client_credentials"),
                ("client_id", self.client_id.as_str()),
                ("scope", self.scope.as_str()),
                (name, secret.expose_secret()),
            ];
            if name == "client_assertion" {
                form.push(("client_assertion_type", ASSERTION_TYPE));
            }
            self.endpoint.ask(ATTEMPTED, &form).await
        };
        match &self.credential {
            Credential::Secret(secret) => with("client_secret", read_secret(&*self.environment, secret)?).await,
            Credential::Certificate { certificate, private_key } => {
                with("client_assertion", self.assertion(certificate, private_key)?).await
            }
        }
    }

    fn token(&self, granted: &Granted) -> Result<Token, Error> {
        Token::bearer(&granted.access_token, granted.expires_in.map(|secs| expiry(self.endpoint.now(), secs)))
    }
}

/// When a token is given up: five minutes early where it lives long enough for that.
fn expiry(now: Timestamp, secs: u64) -> Timestamp {
    let secs = secs.min(30 * 86_400);
    let early = if secs > 3 * EARLY { EARLY } else { secs / 3 };
    now.saturating_add(Duration::from_secs(secs - early))
}

#[async_trait]
impl TokenSource for Grant {
    async fn obtain(&self) -> Result<Token, Error> {
        let answer = self.exchange().await?;
        if !answer.status.is_success() {
            return Err(refusal::error(&answer, &self.credential));
        }
        let granted: Granted = serde_json::from_slice(&answer.body)
            .map_err(|_| Error::new(ErrorKind::Protocol, ATTEMPTED, "the token endpoint's answer cannot be read"))?;
        self.token(&granted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_given_up_early_and_a_short_one_is_still_used() {
        let now = Timestamp::from_secs(1_000);
        assert_eq!(expiry(now, 3_599), Timestamp::from_secs(1_000 + 3_299));
        assert_eq!(expiry(now, 300), Timestamp::from_secs(1_200));
        assert_eq!(expiry(now, 0), now);
    }
}
