//! Signing in: a refresh token for access tokens that live an hour, of which Zoho gives ten in ten minutes and no more
//! (`zoho.md` §1.3). So the access token is kept where a restart and the other clients of the connection find it, one
//! caller asks for a new one while the others wait, and asking too often is refused here before Zoho refuses it.

mod note;
mod refusal;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use connector::{Context, Environment, Error, ErrorKind, Notebook, Secret, Timestamp};
use connector_http::{Token, TokenEndpoint, TokenSource, read_secret};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use self::note::{NOTE, Signed, fingerprint};
use crate::hosts::Hosts;

pub(crate) const ATTEMPTED: &str = "sign in to Zoho";

/// A token is replaced this long before Zoho lets it die; the client adds its own minute.
const EARLY: Duration = Duration::from_secs(240);
/// What a token lives where the answer does not say.
const USUAL_LIFE: u64 = 3_600;

/// Where this connection's access tokens come from.
pub(crate) struct Grant {
    endpoint: TokenEndpoint,
    client_id: String,
    client_secret: Secret,
    refresh_token: Secret,
    hosts: Hosts,
    environment: Arc<dyn Environment>,
    notebook: Arc<dyn Notebook>,
    /// What was signed for last. Held while a token is asked for: single flight.
    signed: tokio::sync::Mutex<Option<Signed>>,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

/// Everything but the token may be missing.
#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    api_domain: Option<String>,
    expires_in: Option<u64>,
}

/// What the configuration says of the sign-in.
pub(crate) struct Credentials {
    pub client_id: String,
    pub client_secret: Secret,
    pub refresh_token: Secret,
}

impl Grant {
    pub fn new(endpoint: TokenEndpoint, credentials: Credentials, hosts: Hosts, context: &Context) -> Self {
        let Credentials { client_id, client_secret, refresh_token } = credentials;
        Self {
            endpoint,
            client_id,
            client_secret,
            refresh_token,
            hosts,
            environment: context.environment.clone(),
            notebook: context.notebook.clone(),
            signed: tokio::sync::Mutex::new(None),
        }
    }

    /// A token that is not the refused one, from memory, from the notebook, or from Zoho.
    async fn token(&self, refused: Option<&str>) -> Result<Signed, Error> {
        let mut held = self.signed.lock().await;
        let refresh_token = read_secret(&*self.environment, &self.refresh_token)?;
        let from = fingerprint(&refresh_token);
        let now = self.endpoint.now();
        let usable = |signed: &Signed| signed.from == from && signed.is_good(now, refused);
        if let Some(signed) = held.as_ref().filter(|signed| usable(signed)) {
            return Ok(signed.clone());
        }
        // Another worker, or this one before a restart, may have a newer one.
        let kept = self.kept().await?;
        if let Some(signed) = kept.as_ref().filter(|signed| usable(signed)) {
            *held = Some(signed.clone());
            return Ok(signed.clone());
        }
        let before = kept.or_else(|| held.take()).filter(|signed| signed.from == from);
        let mut signed = before.unwrap_or_else(|| Signed::nothing(from));
        if let Some(at) = signed.must_wait_until(now) {
            return Err(refusal::too_often(at));
        }
        let asked = self.exchange(&refresh_token).await;
        // An answer of whatever kind was counted there.
        signed.count(self.endpoint.now());
        let granted = match asked {
            Ok(granted) => granted,
            Err(error) => {
                if let Some(at) = error.retry_at.filter(|_| error.kind == ErrorKind::Quota) {
                    signed.blocked_until = Some(at);
                }
                self.keep(&signed).await?;
                return Err(error);
            }
        };
        // Refused before it is kept: a token for a strange host is no token.
        self.hosts.api(granted.api_domain.as_deref())?;
        let life = Duration::from_secs(granted.expires_in.unwrap_or(USUAL_LIFE).min(86_400));
        let expires_at = self.endpoint.now().saturating_add(life.saturating_sub(EARLY));
        signed.renew(granted.access_token, expires_at, granted.api_domain);
        self.keep(&signed).await?;
        *held = Some(signed.clone());
        Ok(signed)
    }

    async fn exchange(&self, refresh_token: &SecretString) -> Result<Granted, Error> {
        let client_secret = read_secret(&*self.environment, &self.client_secret)?;
        // In the body, never in the query: addresses are logged on the way.
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", &self.client_id),
            ("client_secret", client_secret.expose_secret()),
            ("refresh_token", refresh_token.expose_secret()),
        ];
        let answer = self.endpoint.ask(ATTEMPTED, &form).await?;
        // Zoho refuses with status 200: only a token is a success.
        match serde_json::from_slice::<Granted>(&answer.body) {
            Ok(granted) if answer.status.is_success() => Ok(granted),
            _ => Err(refusal::error(&answer, self.endpoint.now())),
        }
    }

    async fn kept(&self) -> Result<Option<Signed>, Error> {
        let notes = self.notebook.notes().await?;
        Ok(notes.into_iter().find(|note| note.key == NOTE).and_then(|note| Signed::read(&note.text)))
    }

    async fn keep(&self, signed: &Signed) -> Result<(), Error> {
        let text = signed
            .text()
            .ok_or_else(|| Error::new(ErrorKind::Protocol, ATTEMPTED, "the access token cannot be written down"))?;
        self.notebook.keep(NOTE, &text).await
    }
}

/// One client's way to the tokens: what it was given last and comes back for was refused.
#[derive(Debug)]
pub(crate) struct Desk {
    grant: Arc<Grant>,
    /// Whether its calls go where the sign-in says the API is.
    follows: bool,
    handed: Mutex<Option<(String, Timestamp)>>,
}

impl Desk {
    /// For calls of the API.
    pub fn api(grant: Arc<Grant>) -> Self {
        Self { grant, follows: true, handed: Mutex::new(None) }
    }

    /// For calls of a host of its own.
    pub fn elsewhere(grant: Arc<Grant>) -> Self {
        Self { follows: false, ..Self::api(grant) }
    }

    /// The last token, if it is asked for anew before its time.
    fn refused(&self, now: Timestamp) -> Option<String> {
        let handed = self.handed.lock().unwrap_or_else(PoisonError::into_inner);
        handed.as_ref().filter(|(_, until)| now < *until).map(|(token, _)| token.clone())
    }
}

#[async_trait]
impl TokenSource for Desk {
    async fn obtain(&self) -> Result<Token, Error> {
        let now = self.grant.endpoint.now();
        // The client itself comes a minute early: that is no refusal.
        let refused = self.refused(now.saturating_add(Duration::from_secs(61)));
        let signed = self.grant.token(refused.as_deref()).await?;
        let (secret, expires_at) = signed
            .token()
            .ok_or_else(|| Error::new(ErrorKind::Protocol, ATTEMPTED, "no token was kept").with_fix("try again"))?;
        let token = Token::with_scheme("Zoho-oauthtoken", &secret, Some(expires_at))?;
        let handed = (fingerprint(&secret), expires_at);
        *self.handed.lock().unwrap_or_else(PoisonError::into_inner) = Some(handed);
        let origin = if self.follows { self.grant.hosts.api(signed.api_domain.as_deref())? } else { None };
        Ok(match origin {
            Some(origin) => token.at(origin),
            None => token,
        })
    }
}
