//! Instants and the clock. Time comes in through the door: nobody below `app` asks the machine what time it is.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, TimeZone, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant: microseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const EPOCH: Timestamp = Timestamp(0);

    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Reads RFC 3339 with any offset (`2026-10-02T08:15:30.123Z`, `…+02:00`).
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(Self::from)
    }

    /// This instant as chrono's UTC date-time. Instants chrono cannot hold (beyond year 262,000) read as the epoch.
    pub fn to_utc(self) -> DateTime<Utc> {
        Utc.timestamp_micros(self.0).single().unwrap_or_default()
    }

    /// `2026-10-02T08:15:30Z`, with as many sub-second digits as are needed (none, 3 or 6).
    pub fn to_rfc3339(self) -> String {
        self.to_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }

    /// `2026-10-02T08:15:30.123Z`: always milliseconds, the precision most CRMs keep.
    pub fn to_rfc3339_millis(self) -> String {
        self.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    pub fn saturating_add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }

    pub fn saturating_sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }

    /// Time from `earlier` to here; zero if `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl From<DateTime<chrono::FixedOffset>> for Timestamp {
    fn from(at: DateTime<chrono::FixedOffset>) -> Self {
        Self(at.timestamp_micros())
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_micros())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_rfc3339())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_rfc3339(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not an RFC 3339 instant")))
    }
}

/// Where time comes from. `now` is wall-clock UTC; `sleep` is monotonic, so a jump of the wall clock neither
/// shortens nor stretches it.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync {
    fn now(&self) -> Timestamp;

    async fn sleep(&self, how_long: Duration);

    /// Sleeps until `now() >= at`, looking again at least once a minute so that a wall-clock jump is noticed.
    async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = at.since(self.now());
            if left.is_zero() {
                return;
            }
            self.sleep(left.min(Duration::from_secs(60))).await;
        }
    }
}

/// The machine's clock. The only place that reads it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Timestamp {
        Timestamp::from(Utc::now())
    }

    #[allow(clippy::disallowed_methods)]
    async fn sleep(&self, how_long: Duration) {
        tokio::time::sleep(how_long).await;
    }
}

/// A clock that moves only when told to; sleepers wake when it passes their instant.
#[cfg(any(test, feature = "test-util"))]
#[derive(Debug)]
pub struct ManualClock {
    now: tokio::sync::watch::Sender<Timestamp>,
}

#[cfg(any(test, feature = "test-util"))]
impl ManualClock {
    pub fn new(now: Timestamp) -> Self {
        Self { now: tokio::sync::watch::Sender::new(now) }
    }

    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now = now.saturating_add(by));
    }

    pub fn set(&self, now: Timestamp) {
        self.now.send_replace(now);
    }
}

#[cfg(any(test, feature = "test-util"))]
#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep(&self, how_long: Duration) {
        let until = self.now().saturating_add(how_long);
        let mut seen = self.now.subscribe();
        // The sender lives in `self`, so waiting cannot fail while this future exists.
        let _ = seen.wait_for(|now| *now >= until).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_read_and_print() {
        let at = Timestamp::parse_rfc3339("2026-10-02T10:15:30.123+02:00").unwrap();
        assert_eq!(at.to_rfc3339(), "2026-10-02T08:15:30.123Z");
        assert_eq!(Timestamp::from_secs(0).to_rfc3339(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamp::from_secs(0).to_rfc3339_millis(), "1970-01-01T00:00:00.000Z");
        assert!(Timestamp::parse_rfc3339("yesterday").is_none());
    }

    #[tokio::test]
    async fn a_manual_clock_wakes_its_sleepers() {
        let clock = std::sync::Arc::new(ManualClock::new(Timestamp::from_secs(10)));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move {
                clock.sleep_until(Timestamp::from_secs(130)).await;
                clock.now()
            }
        });
        for _ in 0..1_000 {
            if sleeper.is_finished() {
                break;
            }
            clock.advance(Duration::from_secs(10));
            tokio::task::yield_now().await;
        }
        assert!(sleeper.await.unwrap() >= Timestamp::from_secs(130));
    }
}
