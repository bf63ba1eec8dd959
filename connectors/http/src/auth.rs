//! The token of a connection: kept until shortly before it expires, renewed by one caller while the others wait.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use connector::{Clock, Environment, Error, ErrorKind, Secret, Timestamp};
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::lock::lock;
use crate::origin::Origin;

/// Renewed this long before it expires, so that no request carries a token that dies on the way.
const EARLY: Duration = Duration::from_secs(60);

/// What goes into the `Authorization` header, and until when.
#[derive(Clone)]
pub struct Token {
    header: HeaderValue,
    expires_at: Option<Timestamp>,
    origin: Option<Origin>,
}

impl Token {
    /// A `Bearer` token; an error where it holds characters no header can carry.
    pub fn bearer(token: &SecretString, expires_at: Option<Timestamp>) -> Result<Self, Error> {
        Self::with_scheme("Bearer", token, expires_at)
    }

    /// A token under the vendor's own scheme (`Zoho-oauthtoken …`).
    pub fn with_scheme(scheme: &str, token: &SecretString, expires_at: Option<Timestamp>) -> Result<Self, Error> {
        let mut header = HeaderValue::from_str(&format!("{scheme} {}", token.expose_secret())).map_err(|_| {
            Error::new(ErrorKind::Config, "read the access token", "it holds characters no HTTP header can carry")
                .with_fix("check that the secret holds the token alone, without line breaks")
        })?;
        header.set_sensitive(true);
        Ok(Self { header, expires_at, origin: None })
    }

    /// The same token, good at `origin`: where the CRM says at sign-in which of its hosts serves the account. Whether that
    /// host may be spoken to is the token source's to decide.
    #[must_use]
    pub fn at(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| now.saturating_add(EARLY) < at)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(expires {:?})", self.expires_at)
    }
}

/// Where tokens come from. Called by one task at a time.
#[async_trait]
pub trait TokenSource: fmt::Debug + Send + Sync {
    async fn obtain(&self) -> Result<Token, Error>;
}

/// A token that is itself the secret. Read from the environment again after a 401, so that a rotated one is picked up.
#[derive(Debug)]
pub struct StaticToken {
    pub secret: Secret,
    pub environment: Arc<dyn Environment>,
}

#[async_trait]
impl TokenSource for StaticToken {
    async fn obtain(&self) -> Result<Token, Error> {
        let token = read_secret(&*self.environment, &self.secret)?;
        Token::bearer(&token, None)
    }
}

/// Reads a secret, or says which one and what to do.
pub fn read_secret(environment: &dyn Environment, secret: &Secret) -> Result<SecretString, Error> {
    environment.read(secret).map_err(|error| {
        Error::new(ErrorKind::Config, "read a secret", format!("{} ({})", error.message, error.code))
            .with_fix(error.help)
    })
}

/// A token and which renewal it came from.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    pub token: Token,
    pub generation: u64,
}

#[derive(Debug)]
pub(crate) struct Tokens {
    source: Arc<dyn TokenSource>,
    clock: Arc<dyn Clock>,
    current: Mutex<Option<Lease>>,
    /// Held while a token is obtained: single flight.
    renewing: tokio::sync::Mutex<Option<Error>>,
    /// Renewals ended so far, well or badly.
    ended: AtomicU64,
}

impl Tokens {
    pub fn new(source: Arc<dyn TokenSource>, clock: Arc<dyn Clock>) -> Self {
        Self {
            source,
            clock,
            current: Mutex::new(None),
            renewing: tokio::sync::Mutex::new(None),
            ended: AtomicU64::new(0),
        }
    }

    /// A token that is still good.
    pub async fn current(&self) -> Result<Lease, Error> {
        match self.fresh(None) {
            Some(lease) => Ok(lease),
            None => self.renew(None).await,
        }
    }

    /// A token other than the refused one; many callers refused together cause one renewal.
    pub async fn after_refusal(&self, refused: u64) -> Result<Lease, Error> {
        self.renew(Some(refused)).await
    }

    /// Where the last token is good, if it said so.
    pub fn origin(&self) -> Option<Origin> {
        lock(&self.current).as_ref().and_then(|lease| lease.token.origin().cloned())
    }

    fn fresh(&self, refused: Option<u64>) -> Option<Lease> {
        let now = self.clock.now();
        lock(&self.current)
            .as_ref()
            .filter(|lease| Some(lease.generation) != refused && lease.token.is_fresh(now))
            .cloned()
    }

    async fn renew(&self, refused: Option<u64>) -> Result<Lease, Error> {
        let ended = self.ended.load(Ordering::SeqCst);
        let mut failed = self.renewing.lock().await;
        if let Some(lease) = self.fresh(refused) {
            return Ok(lease);
        }
        // Whoever waited for a renewal that failed shares its error, instead of asking the same again.
        if let Some(error) = failed.as_ref().filter(|_| self.ended.load(Ordering::SeqCst) > ended) {
            return Err(error.clone());
        }
        let obtained = self.source.obtain().await;
        self.ended.fetch_add(1, Ordering::SeqCst);
        *failed = obtained.as_ref().err().cloned();
        let token = obtained?;
        let mut current = lock(&self.current);
        let generation = current.as_ref().map_or(1, |lease| lease.generation + 1);
        let lease = Lease { token, generation };
        *current = Some(lease.clone());
        Ok(lease)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector::ManualClock;

    #[derive(Debug)]
    struct Counting {
        clock: Arc<ManualClock>,
        obtained: AtomicU64,
    }

    #[async_trait]
    impl TokenSource for Counting {
        async fn obtain(&self) -> Result<Token, Error> {
            let nth = self.obtained.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            let expires_at = self.clock.now().saturating_add(Duration::from_secs(1_800));
            Token::bearer(&SecretString::from(format!("t{nth}")), Some(expires_at))
        }
    }

    fn tokens() -> (Arc<Tokens>, Arc<Counting>) {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_000)));
        let source = Arc::new(Counting { clock: clock.clone(), obtained: AtomicU64::new(0) });
        (Arc::new(Tokens::new(source.clone(), clock)), source)
    }

    #[tokio::test]
    async fn many_refused_together_renew_once() {
        let (tokens, source) = tokens();
        let first = tokens.current().await.unwrap();
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let tokens = tokens.clone();
                tokio::spawn(async move { tokens.after_refusal(first.generation).await.unwrap().generation })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), first.generation + 1);
        }
        assert_eq!(source.obtained.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_token_is_renewed_a_minute_early() {
        let (tokens, source) = tokens();
        tokens.current().await.unwrap();
        source.clock.advance(Duration::from_secs(1_739));
        tokens.current().await.unwrap();
        assert_eq!(source.obtained.load(Ordering::SeqCst), 1);
        source.clock.advance(Duration::from_secs(1));
        tokens.current().await.unwrap();
        assert_eq!(source.obtained.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_token_shows_itself_to_nobody() {
        let token = Token::bearer(&SecretString::from("canary-secret"), None).unwrap();
        assert!(!format!("{token:?} {:?}", token.header()).contains("canary"));
        assert!(Token::bearer(&SecretString::from("two\nlines"), None).is_err());
    }
}
