//! Signing in: three grants, one answer, and the rule about which host that answer may name (`salesforce.md` §1).

mod hosts;
mod jwt;
mod refresh;
mod refusal;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use connector::{Context, Environment, Error, ErrorKind, Notebook};
use connector_http::{Answer, Token, TokenEndpoint, TokenSource, read_secret};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::config::Flow;
pub(crate) use hosts::Hosts;

pub(crate) const ATTEMPTED: &str = "sign in to Salesforce";

/// Where this connection's access tokens come from. Secrets are read at every exchange, so that a new one is picked up.
#[derive(Debug)]
pub(crate) struct Grant {
    endpoint: TokenEndpoint,
    flow: Flow,
    hosts: Hosts,
    environment: Arc<dyn Environment>,
    /// The audience Salesforce took last.
    audience: Mutex<Option<String>>,
    notebook: Arc<dyn Notebook>,
}

/// Everything but the token and the host may be missing.
#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    instance_url: Option<String>,
    refresh_token: Option<SecretString>,
}

impl Grant {
    pub fn new(endpoint: TokenEndpoint, flow: Flow, hosts: Hosts, context: &Context) -> Self {
        let (environment, notebook) = (context.environment.clone(), context.notebook.clone());
        Self { endpoint, flow, hosts, environment, notebook, audience: Mutex::new(None) }
    }

    async fn client_credentials(&self, client_id: &str, secret: &connector::Secret) -> Result<Answer, Error> {
        let secret = read_secret(&*self.environment, secret)?;
        let form =
            [("grant_type", "client_credentials"), ("client_id", client_id), ("client_secret", secret.expose_secret())];
        self.endpoint.ask(ATTEMPTED, &form).await
    }

    fn remembered_audience(&self) -> Option<String> {
        self.audience.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember_audience(&self, audience: &str) {
        *self.audience.lock().unwrap_or_else(PoisonError::into_inner) = Some(audience.to_owned());
    }

    fn token(&self, granted: &Granted) -> Result<Token, Error> {
        let token = Token::bearer(&granted.access_token, None)?;
        Ok(match self.hosts.instance(granted.instance_url.as_deref())? {
            Some(origin) => token.at(origin),
            None => token,
        })
    }
}

fn granted(answer: &Answer) -> Result<Granted, Error> {
    if !answer.status.is_success() {
        return Err(refusal::error(answer));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|_| Error::new(ErrorKind::Protocol, ATTEMPTED, "the token endpoint's answer cannot be read"))
}

#[async_trait]
impl TokenSource for Grant {
    async fn obtain(&self) -> Result<Token, Error> {
        let answer = match &self.flow {
            Flow::ClientCredentials { client_id, client_secret } => {
                self.client_credentials(client_id, client_secret).await?
            }
            Flow::Jwt { client_id, username, private_key, audience } => {
                self.assertion(client_id, username, private_key, audience.as_deref()).await?
            }
            Flow::Refresh { client_id, client_secret, refresh_token } => {
                self.refresh(client_id, client_secret.as_ref(), refresh_token).await?
            }
        };
        self.token(&granted(&answer)?)
    }
}
