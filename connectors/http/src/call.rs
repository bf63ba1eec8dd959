//! One exchange with a CRM, as asked for and as answered.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

/// Which exchanges go first when a quota is short: pushes and what they need, then bulk pulls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    Push,
    Pull,
}

/// What may be sent again after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Changes nothing at the CRM: repeated after any passing failure.
    Safe,
    /// A write: repeated only where the first sending certainly had no effect.
    OnlyIfNotApplied,
}

/// A request to be sent.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Fits after "failed to", e.g. `read a page of contacts`; no values, no ids.
    pub attempted: &'a str,
    pub method: Method,
    /// Starts with `/`, below the connection's origin; may carry a query.
    pub path: String,
    /// A JSON document, unless a header says otherwise.
    pub body: Option<Bytes>,
    /// Beside what every request carries; `content-type` replaces the usual one.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The quotas it counts against, by their place in [`crate::ThrottleSpec::buckets`]; narrow ones first.
    pub buckets: &'static [usize],
    pub priority: Priority,
    pub repeat: Repeat,
    /// What it takes of the daily pool, in the pool's own unit: one, where a CRM counts calls.
    pub cost: u64,
}

impl<'a> Call<'a> {
    /// A read: repeatable, with pull priority.
    pub fn get(attempted: &'a str, path: String, buckets: &'static [usize]) -> Self {
        Self {
            attempted,
            method: Method::GET,
            path,
            body: None,
            headers: Vec::new(),
            buckets,
            priority: Priority::Pull,
            repeat: Repeat::Safe,
            cost: 1,
        }
    }

    /// A POST that only asks: repeatable, with pull priority.
    pub fn ask(attempted: &'a str, path: String, body: Bytes, buckets: &'static [usize]) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(attempted, path, buckets) }
    }

    /// A POST that writes: push priority, not repeated once it may have been applied.
    pub fn write(attempted: &'a str, path: String, body: Bytes, buckets: &'static [usize]) -> Self {
        Self { priority: Priority::Push, repeat: Repeat::OnlyIfNotApplied, ..Self::ask(attempted, path, body, buckets) }
    }

    /// The same with another method, e.g. `PATCH` for a write or `DELETE`.
    #[must_use]
    pub fn with_method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: HeaderValue) -> Self {
        self.headers.push((HeaderName::from_static(name), value));
        self
    }

    #[must_use]
    pub fn with_repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    #[must_use]
    pub fn with_cost(mut self, cost: u64) -> Self {
        self.cost = cost;
        self
    }

    #[must_use]
    pub fn with_priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }
}

/// What the CRM answered: a success, or a refusal its dialect hands to the caller ([`crate::Verdict::Deliver`]).
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Decompressed, at most the client's size cap.
    pub body: Bytes,
    pub correlation_id: Option<String>,
}
