//! The place tokens come from: a form goes in, an answer comes out; what is passing is tried again.

use std::sync::{Arc, Mutex};

use connector::{Clock, Entropy, Error, ErrorKind, Timestamp};
use http::header::DATE;

use crate::call::{Answer, Repeat};
use crate::dialect::http_date;
use crate::lock::lock;
use crate::origin::Origin;
use crate::retry::{Fault, Next, RetryPolicy, after};
use crate::transport::Transport;

/// A CRM's token endpoint. It takes secrets in forms and shows none.
#[derive(Debug)]
pub struct TokenEndpoint {
    /// The whole URL; nothing is appended.
    url: Origin,
    transport: Transport,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    retry: RetryPolicy,
    /// How far its clock is ahead of ours, in microseconds, by its last `Date` header.
    ahead: Mutex<Option<i64>>,
}

impl TokenEndpoint {
    pub fn new(url: Origin, transport: Transport, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { url, transport, clock, entropy, retry: RetryPolicy::default(), ahead: Mutex::new(None) }
    }

    /// Sends a form and returns what was answered, a refusal included. Sent again after 429, 5xx and broken connections:
    /// a grant may be asked for twice.
    pub async fn ask(&self, attempted: &str, form: &[(&str, &str)]) -> Result<Answer, Error> {
        let began = self.clock.now();
        for attempt in 1.. {
            let request = self.transport.http.post(self.url.url().clone()).form(form);
            let fault = match self.transport.exchange(request, None).await {
                Ok(raw) if raw.status.as_u16() == 429 => Fault::Busy {
                    cause: "the token endpoint asks for patience (429)".into(),
                    wait: crate::retry_after(&raw.headers),
                },
                Ok(raw) if raw.status.is_server_error() => {
                    Fault::Broken(format!("the token endpoint answered {}", raw.status.as_u16()))
                }
                Ok(raw) => {
                    let date = raw.headers.get(DATE).and_then(|date| date.to_str().ok()).and_then(http_date);
                    if let Some(date) = date {
                        *lock(&self.ahead) = Some(date.micros().saturating_sub(self.clock.now().micros()));
                    }
                    return Ok(Answer {
                        status: raw.status,
                        headers: raw.headers,
                        body: raw.body,
                        correlation_id: None,
                    });
                }
                Err(fault) => fault,
            };
            let age = self.clock.now().since(began);
            match after(&fault, Repeat::Safe, &self.retry, attempt, age, self.entropy.unit()) {
                Next::Again(pause) => self.clock.sleep(pause).await,
                Next::GiveUp => return Err(Error::new(fault.kind(), attempted, fault.cause())),
            }
        }
        Err(Error::new(ErrorKind::Transient, attempted, "no attempt was allowed"))
    }

    /// Our own clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The endpoint's clock by its last answer; ours before the first.
    pub fn server_now(&self) -> Timestamp {
        let ahead = lock(&self.ahead).unwrap_or(0);
        Timestamp::from_micros(self.clock.now().micros().saturating_add(ahead))
    }

    /// 64 bits of chance, for ids that must not repeat.
    pub fn chance(&self) -> u64 {
        self.entropy.next_u64()
    }
}
