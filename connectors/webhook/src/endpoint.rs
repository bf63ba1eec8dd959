//! One receiver: where it is, what it is signed with, and one sending at a time.

use std::time::Duration;

use bytes::Bytes;
use connector::{Error, ErrorKind, Timestamp};
use connector_http::{Origin, Timeouts, Transport};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use secrecy::SecretString;

use crate::{Answer, Signer};

/// Larger bodies are not sent.
const LARGEST: usize = 256 * 1_024;

/// Where messages go and how they are signed.
#[derive(Debug)]
pub struct Config {
    /// https, or http to a loopback address; without user, query and fragment.
    pub url: String,
    /// The secrets that are valid, the newest first.
    pub secrets: Vec<SecretString>,
    /// Whether it goes without a signature where there is no secret: a chat takes what comes to its secret address.
    pub unsigned: bool,
    /// One sending, from the first byte to the answer's head.
    pub timeout: Duration,
    /// Whether it may stand in a private network.
    pub allow_private: bool,
}

/// One message, as it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The same on every sending: what a receiver recognises it by.
    pub id: &'a str,
    /// The instant of this sending.
    pub at: Timestamp,
    /// A JSON document.
    pub body: &'a str,
}

/// A receiver, ready to be sent to.
#[derive(Debug)]
pub struct Endpoint {
    origin: Origin,
    transport: Transport,
    signer: Option<Signer>,
}

impl Endpoint {
    /// Nothing is sent yet. An `Err` is of kind config and names no secret.
    pub fn new(config: &Config) -> Result<Self, Error> {
        const ATTEMPTED: &str = "prepare a webhook";
        let refused = |why: String| Error::new(ErrorKind::Config, ATTEMPTED, why);
        let origin = Origin::parse(&config.url).map_err(|error| refused(format!("its url {error}")))?;
        let signer = match config.unsigned && config.secrets.is_empty() {
            true => None,
            false => Some(Signer::new(&config.secrets).map_err(|fault| {
                refused(fault.to_string())
                    .with_fix("make one: echo \"whsec_$(openssl rand -base64 32)\", and give it to the receiver")
            })?),
        };
        let connect = config.timeout.min(Duration::from_secs(10));
        let timeouts = Timeouts { connect, idle_read: config.timeout, total: config.timeout };
        let transport = Transport::outward(&origin, timeouts, config.allow_private)?;
        Ok(Self { origin, transport, signer })
    }

    /// Sends once and says what the answer means.
    pub async fn send(&self, message: Message<'_>) -> Answer {
        if message.body.len() > LARGEST {
            return Answer::Refused { status: 413, gone: false };
        }
        let Some(headers) = self.headers(message) else {
            return Answer::Later { cause: "the message's id cannot be a header".to_owned(), wait: None };
        };
        let body = Bytes::copy_from_slice(message.body.as_bytes());
        Answer::of(self.transport.post(&self.origin, headers, body).await)
    }

    fn headers(&self, message: Message<'_>) -> Option<HeaderMap> {
        let seconds = message.at.micros().div_euclid(1_000_000);
        let mut headers = HeaderMap::new();
        let mut set = |name: HeaderName, value: &str| {
            headers.insert(name, HeaderValue::from_str(value).ok()?);
            Some(())
        };
        set(header::CONTENT_TYPE, "application/json")?;
        set(HeaderName::from_static("webhook-id"), message.id)?;
        set(HeaderName::from_static("webhook-timestamp"), &seconds.to_string())?;
        if let Some(signer) = &self.signer {
            let signature = signer.sign(message.id, seconds, message.body);
            set(HeaderName::from_static("webhook-signature"), &signature)?;
        }
        Some(headers)
    }
}
