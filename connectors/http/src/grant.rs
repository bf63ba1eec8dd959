//! The OAuth refresh-token grant (RFC 6749 §6), as the CRMs' token endpoints really answer it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use connector::{Environment, Error, ErrorKind, Secret};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::auth::{Token, TokenSource, read_secret};
use crate::call::Answer;
use crate::endpoint::TokenEndpoint;
use crate::lock::lock;

const ATTEMPTED: &str = "refresh the access token";

/// Exchanges a refresh token for an access token. Secrets are read at every exchange, so that a new one is picked up.
#[derive(Debug)]
pub struct RefreshGrant {
    endpoint: TokenEndpoint,
    client_id: String,
    client_secret: Secret,
    refresh_token: Secret,
    environment: Arc<dyn Environment>,
    memory: Mutex<Memory>,
}

/// What earlier exchanges taught.
#[derive(Default)]
struct Memory {
    /// The configured refresh token, and the one the CRM gave in its place.
    rotated: Option<(SecretString, SecretString)>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    refresh_token: Option<SecretString>,
    expires_in: Option<u64>,
}

#[derive(Default, Deserialize)]
struct Refused {
    error: Option<String>,
    status: Option<String>,
}

impl RefreshGrant {
    pub fn new(
        endpoint: TokenEndpoint,
        client_id: String,
        client_secret: Secret,
        refresh_token: Secret,
        environment: Arc<dyn Environment>,
    ) -> Self {
        Self { endpoint, client_id, client_secret, refresh_token, environment, memory: Mutex::default() }
    }

    /// The refresh token to use: what the CRM gave last, unless the configured one has been changed since.
    fn refresh_token(&self) -> Result<SecretString, Error> {
        let configured = read_secret(&*self.environment, &self.refresh_token)?;
        let mut memory = lock(&self.memory);
        let token = match &memory.rotated {
            Some((from, to)) if same(from, &configured) => to.clone(),
            _ => {
                memory.rotated = None;
                configured
            }
        };
        Ok(token)
    }

    async fn exchange(&self, refresh_token: &SecretString) -> Result<Answer, Error> {
        let client_secret = read_secret(&*self.environment, &self.client_secret)?;
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", &self.client_id),
            ("client_secret", client_secret.expose_secret()),
            ("refresh_token", refresh_token.expose_secret()),
        ];
        self.endpoint.ask(ATTEMPTED, &form).await
    }

    fn revoked(&self) -> Error {
        Error::new(ErrorKind::Auth, ATTEMPTED, "the refresh token is invalid, expired or revoked (invalid_grant)")
            .with_fix(format!("authorise the app again and put the new refresh token into {}", self.refresh_token))
    }

    fn refused(&self, raw: &Answer) -> Error {
        let refused: Refused = serde_json::from_slice(&raw.body).unwrap_or_default();
        let code = refused.error.as_deref().unwrap_or_default();
        let status = refused.status.as_deref().unwrap_or_default();
        // The vendor's own code first: a wrong client id is reported as an invalid request.
        if status == "BAD_REFRESH_TOKEN" || (code == "invalid_grant" && !status.starts_with("BAD_CLIENT")) {
            return self.revoked();
        }
        let named = if status.is_empty() { code } else { status };
        let cause = format!("the token endpoint answered {} {}", raw.status.as_u16(), crate::redact::message(named));
        Error::new(ErrorKind::Config, ATTEMPTED, cause.trim_end())
            .with_fix(format!("check client_id, and the client secret in {}", self.client_secret))
    }
}

fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

#[async_trait]
impl TokenSource for RefreshGrant {
    async fn obtain(&self) -> Result<Token, Error> {
        let refresh_token = self.refresh_token()?;
        let raw = self.exchange(&refresh_token).await?;
        if !raw.status.is_success() {
            return Err(self.refused(&raw));
        }
        let granted: Granted = serde_json::from_slice(&raw.body)
            .map_err(|_| Error::new(ErrorKind::Protocol, ATTEMPTED, "the token endpoint's answer cannot be read"))?;
        if let Some(new) = granted.refresh_token.filter(|new| !same(new, &refresh_token)) {
            let configured = read_secret(&*self.environment, &self.refresh_token)?;
            tracing::warn!(secret = %self.refresh_token, "the CRM rotated the refresh token; store the new one before a restart");
            lock(&self.memory).rotated = Some((configured, new));
        }
        let lifetime = granted.expires_in.map(|secs| Duration::from_secs(secs.min(30 * 86_400)));
        Token::bearer(&granted.access_token, lifetime.map(|lifetime| self.endpoint.now().saturating_add(lifetime)))
    }
}
