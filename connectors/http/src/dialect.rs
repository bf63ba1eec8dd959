//! What only the vendor knows about its answers: which quota they speak of, and what a refusal means.

use std::fmt;
use std::time::Duration;

use chrono::DateTime;
use connector::{ErrorKind, Timestamp};
use http::{HeaderMap, StatusCode};

/// A vendor's way of speaking. Pure: it reads answers and decides nothing about retries or time.
pub trait Dialect: fmt::Debug + Send + Sync {
    /// What a refusal (any status outside 2xx) means.
    fn judge(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Verdict;

    /// What an answer's headers say of the quotas.
    fn notice(&self, headers: &HeaderMap) -> Notice {
        let _ = headers;
        Notice::default()
    }

    /// The header that names the exchange for the vendor's support desk.
    fn correlation_header(&self) -> &'static str;

    /// What a person should do about a refused credential.
    fn auth_fix(&self) -> &'static str;
}

/// What a refusal means for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The caller reads it: validation errors, unknown records, conflicts.
    Deliver,
    /// The credential was refused; the request had no effect.
    Unauthorized { cause: String },
    /// Too many requests; this one had no effect.
    Throttled { scope: Scope, wait: Option<Duration> },
    /// The daily pool is used up; the request had no effect.
    Exhausted { resets_at: Option<Timestamp> },
    /// Not now, and certainly not applied (a locked row, a maintenance answer before anything was done).
    Busy { cause: String, wait: Option<Duration> },
    /// The server failed; a write may have been applied.
    Broken { cause: String },
    /// As broken, and worth only so many sendings in all: what answers may never be the CRM itself.
    Limited { cause: String, attempts: u32 },
    /// No use in trying again.
    Refused { kind: ErrorKind, cause: String, fix: Option<String> },
}

/// What a "too many requests" is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One bucket, by its place in [`crate::ThrottleSpec::buckets`].
    Bucket(usize),
    /// Everything on this connection.
    Connection,
}

/// What an answer's headers say of the quotas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notice {
    pub window: Option<WindowNotice>,
    pub daily: Option<DailyNotice>,
}

/// A rolling window as the CRM sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowNotice {
    pub bucket: usize,
    pub limit: u32,
    pub window: Duration,
    pub remaining: Option<u32>,
}

/// The daily pool as the CRM sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyNotice {
    pub limit: u64,
    pub used: u64,
}

/// The `Retry-After` header as a duration: seconds, or a date measured from the same answer's `Date` header.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text_of = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let text = text_of(http::header::RETRY_AFTER)?;
    if let Ok(secs) = text.parse::<u32>() {
        return Some(Duration::from_secs(u64::from(secs)));
    }
    if let Ok(secs) = text.parse::<f64>() {
        return (secs.is_finite() && (0.0..1e9).contains(&secs)).then(|| Duration::from_secs_f64(secs));
    }
    Some(http_date(text)?.since(http_date(text_of(http::header::DATE)?)?))
}

/// An HTTP date (`Wed, 21 Oct 2026 07:28:00 GMT`).
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc2822(text).ok().map(Timestamp::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_every_form() {
        let check = |text: &str, expected: Option<u64>| {
            let mut headers = HeaderMap::new();
            headers.insert(http::header::DATE, "Wed, 21 Oct 2026 07:28:00 GMT".parse().unwrap());
            headers.insert(http::header::RETRY_AFTER, text.parse().unwrap());
            assert_eq!(retry_after(&headers), expected.map(Duration::from_millis), "{text}");
        };
        check("7", Some(7_000));
        check("0.5", Some(500));
        check("Wed, 21 Oct 2026 07:28:30 GMT", Some(30_000));
        check("Wed, 21 Oct 2026 07:27:30 GMT", Some(0));
        check("soon", None);
        check("-3", None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
