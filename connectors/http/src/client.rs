//! Sending: throttle, authorise, send, read the answer, and decide about another try.

use std::sync::Arc;

use bytes::Bytes;
use connector::{Budget, Clock, Context, Entropy, Error, ErrorKind, Timestamp};
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE};

use crate::auth::{Lease, TokenSource, Tokens};
use crate::call::{Answer, Call};
use crate::dialect::{Dialect, Verdict, http_date};
use crate::origin::Origin;
use crate::retry::{Fault, Next, RetryPolicy, after};
use crate::throttle::{Throttle, ThrottleSpec};
use crate::transport::{Pieces, Raw, Transport};

/// What a client is made of.
#[derive(Debug)]
pub struct ClientSpec {
    pub origin: Origin,
    pub transport: Transport,
    pub tokens: Arc<dyn TokenSource>,
    pub throttle: ThrottleSpec,
    pub retry: RetryPolicy,
    pub dialect: Arc<dyn Dialect>,
}

/// One connection's way to its CRM, shared by everything that speaks over it.
#[derive(Debug)]
pub struct Client {
    origin: Origin,
    transport: Transport,
    tokens: Tokens,
    throttle: Throttle,
    retry: RetryPolicy,
    dialect: Arc<dyn Dialect>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// One sending's result: an answer for the caller, a fault that may be tried again, or the end.
enum Sent {
    Answer(Answer),
    Fault(Fault, Option<Timestamp>),
    Unauthorized(String),
    Refused(Error),
}

impl Client {
    pub fn new(spec: ClientSpec, context: &Context) -> Self {
        Self {
            origin: spec.origin,
            transport: spec.transport,
            tokens: Tokens::new(spec.tokens, context.clock.clone()),
            throttle: Throttle::new(&spec.throttle, context.clock.clone()),
            retry: spec.retry,
            dialect: spec.dialect,
            clock: context.clock.clone(),
            entropy: context.entropy.clone(),
        }
    }

    /// Sends a call and returns the CRM's answer. Refusals of single records are answers; an `Err` is about the call.
    ///
    /// `Error::maybe_applied` is set where a write was sent and its effect is unknown.
    pub async fn send(&self, call: &Call<'_>) -> Result<Answer, Error> {
        self.fetch(call, |answer| Ok(answer.clone())).await
    }

    /// Sends a call and decodes its answer. An answer that cannot be decoded counts as a failed sending: a read is
    /// tried again, a write may have been applied.
    pub async fn fetch<T>(&self, call: &Call<'_>, decode: impl Fn(&Answer) -> Result<T, String>) -> Result<T, Error> {
        self.repeat(call, || None::<NoPieces>, |_, answer| decode(answer)).await
    }

    /// Sends a call whose answer is too large to be kept whole: the body of a success goes to what `begin` makes, piece by
    /// piece, and `finish` says what became of it. Each sending begins anew. A refusal comes to `finish` as an answer
    /// with a body.
    pub async fn pour<P: Pieces, T>(
        &self,
        call: &Call<'_>,
        begin: impl Fn() -> P,
        finish: impl Fn(P, &Answer) -> Result<T, String>,
    ) -> Result<T, Error> {
        let finish = |pieces: Option<P>, answer: &Answer| match pieces {
            Some(pieces) => finish(pieces, answer),
            None => Err("its body went nowhere".to_owned()),
        };
        self.repeat(call, || Some(begin()), finish).await
    }

    async fn repeat<P: Pieces, T>(
        &self,
        call: &Call<'_>,
        begin: impl Fn() -> Option<P>,
        finish: impl Fn(Option<P>, &Answer) -> Result<T, String>,
    ) -> Result<T, Error> {
        let began = self.clock.now();
        let mut lease: Option<Lease> = None;
        let mut replayed = false;
        let mut attempt = 1;
        loop {
            let current = match lease.take() {
                Some(renewed) => renewed,
                None => self.tokens.current().await?,
            };
            let mut pieces = begin();
            let (fault, retry_at) = match self.send_once(call, &current, &mut pieces).await? {
                Sent::Answer(answer) => match finish(pieces, &answer) {
                    Ok(decoded) => return Ok(decoded),
                    Err(why) => (Fault::Unreadable(self.unreadable(&answer, &why)), None),
                },
                Sent::Refused(error) => return Err(error),
                Sent::Unauthorized(cause) if replayed => return Err(self.unauthorized(call, cause)),
                Sent::Unauthorized(_) => {
                    replayed = true;
                    lease = Some(self.tokens.after_refusal(current.generation).await?);
                    continue;
                }
                Sent::Fault(fault, retry_at) => (fault, retry_at),
            };
            let age = self.clock.now().since(began);
            match after(&fault, call.repeat, &self.retry, attempt, age, self.entropy.unit()) {
                Next::Again(pause) => {
                    tracing::debug!(attempted = call.attempted, attempt, cause = fault.cause(), "trying again");
                    self.clock.sleep(pause).await;
                    attempt += 1;
                }
                Next::GiveUp => return Err(self.failed(call, &fault, retry_at)),
            }
        }
    }

    async fn send_once<P: Pieces>(
        &self,
        call: &Call<'_>,
        lease: &Lease,
        pieces: &mut Option<P>,
    ) -> Result<Sent, Error> {
        let url = lease
            .token
            .origin()
            .unwrap_or(&self.origin)
            .join(&call.path)
            .ok_or_else(|| Error::new(ErrorKind::Protocol, call.attempted, "the path leads to another host"))?;
        let mut request =
            self.transport.http.request(call.method.clone(), url).header(AUTHORIZATION, lease.token.header());
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &call.body {
            if !call.headers.iter().any(|(name, _)| name == CONTENT_TYPE) {
                request = request.header(CONTENT_TYPE, "application/json");
            }
            request = request.body(Bytes::clone(body));
        }
        let permit = self.throttle.admit(call.attempted, call.buckets, call.priority, call.cost).await?;
        let result = self.transport.exchange(request, pieces.as_mut().map(|pieces| pieces as &mut dyn Pieces)).await;
        drop(permit);
        Ok(match result {
            Ok(raw) => self.read(call, raw),
            Err(fault) => Sent::Fault(fault, None),
        })
    }

    fn read(&self, call: &Call<'_>, raw: Raw) -> Sent {
        self.learn(&raw);
        let correlation_id = raw
            .headers
            .get(self.dialect.correlation_header())
            .and_then(|id| id.to_str().ok())
            .map(crate::redact::identifier);
        let Raw { status, headers, body } = raw;
        if status.is_success() {
            self.throttle.accepted(call.buckets);
            return Sent::Answer(Answer { status, headers, body, correlation_id });
        }
        match self.dialect.judge(status, &headers, &body) {
            Verdict::Deliver => Sent::Answer(Answer { status, headers, body, correlation_id }),
            Verdict::Unauthorized { cause } => Sent::Unauthorized(with_id(cause, correlation_id.as_deref())),
            Verdict::Throttled { scope, wait } => {
                let until = self.throttle.throttled(scope, wait, self.entropy.unit());
                Sent::Fault(Fault::Throttled, Some(until))
            }
            Verdict::Exhausted { resets_at } => {
                let until = self.throttle.exhausted(resets_at);
                let error = Error::new(ErrorKind::Quota, call.attempted, "the CRM's daily quota is used up");
                Sent::Refused(with_correlation(error.with_retry_at(until), correlation_id))
            }
            Verdict::Busy { cause, wait } => Sent::Fault(Fault::Busy { cause, wait }, None),
            Verdict::Limited { cause, attempts } => {
                Sent::Fault(Fault::Limited { cause: with_id(cause, correlation_id.as_deref()), attempts }, None)
            }
            Verdict::Broken { cause } => Sent::Fault(Fault::Broken(with_id(cause, correlation_id.as_deref())), None),
            Verdict::Refused { kind, cause, fix } => {
                let mut error = Error::new(kind, call.attempted, cause);
                error.fix = fix;
                Sent::Refused(with_correlation(error, correlation_id))
            }
        }
    }

    fn learn(&self, raw: &Raw) {
        let notice = self.dialect.notice(&raw.headers);
        if let Some(window) = notice.window {
            self.throttle.learn(window);
        }
        if let Some(daily) = notice.daily {
            self.throttle.learn_daily(daily);
        }
        if let Some(date) = raw.headers.get(DATE).and_then(|date| date.to_str().ok()).and_then(http_date) {
            // The header has whole seconds: on average the CRM's clock is half a second past it.
            let theirs = date.micros().saturating_add(500_000);
            self.throttle.learn_skew(theirs.saturating_sub(self.clock.now().micros()));
        }
    }

    fn unreadable(&self, answer: &Answer, why: &str) -> String {
        let cause = format!("the answer ({} bytes) cannot be read: {why}", answer.body.len());
        with_id(cause, answer.correlation_id.as_deref())
    }

    fn unauthorized(&self, call: &Call<'_>, cause: String) -> Error {
        Error::new(ErrorKind::Auth, call.attempted, cause).with_fix(self.dialect.auth_fix())
    }

    fn failed(&self, call: &Call<'_>, fault: &Fault, retry_at: Option<Timestamp>) -> Error {
        let mut error = Error::new(fault.kind(), call.attempted, fault.cause());
        error.retry_at = retry_at;
        error.maybe_applied = call.repeat == crate::Repeat::OnlyIfNotApplied && fault.maybe_applied();
        error
    }

    /// What is known of the quota; asks nobody.
    pub fn budget(&self) -> Budget {
        self.throttle.budget()
    }

    /// When the daily pool starts again, as the connector works it out.
    pub fn daily_resets_at(&self, at: Timestamp) {
        self.throttle.learn_reset(at);
    }

    /// The CRM's daily pool, where a connector reads it other than from headers.
    pub fn daily_pool(&self, limit: u64, used: u64) {
        self.throttle.learn_daily(crate::DailyNotice { limit, used });
    }

    /// Nothing is sent before `until`.
    pub fn pause(&self, until: Timestamp) {
        self.throttle.pause(until);
    }

    /// The CRM's time now, by its last `Date` header; ours until it has answered once.
    pub fn server_now(&self) -> Timestamp {
        let skew = self.throttle.skew().unwrap_or(0);
        // Half a second of doubt is the header's precision, not skew.
        let skew = if skew.abs() <= 1_000_000 { 0 } else { skew };
        Timestamp::from_micros(self.clock.now().micros().saturating_add(skew))
    }

    /// Whether the CRM has answered at all, so that its clock is known.
    pub fn has_heard_server_time(&self) -> bool {
        self.throttle.skew().is_some()
    }

    /// Where the last token is good; the configured origin until one has said otherwise.
    pub fn origin(&self) -> Origin {
        self.tokens.origin().unwrap_or_else(|| self.origin.clone())
    }
}

/// Of a call whose answer is kept whole.
struct NoPieces;

impl Pieces for NoPieces {
    fn take(&mut self, _piece: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

fn with_id(cause: String, id: Option<&str>) -> String {
    match id {
        Some(id) => format!("{cause} (correlation id {id})"),
        None => cause,
    }
}

fn with_correlation(error: Error, id: Option<String>) -> Error {
    match id {
        Some(id) => error.with_correlation_id(id),
        None => error,
    }
}
