//! The mock's clock: the machine's time, shifted or stopped by `/__mock/config`. Instants are milliseconds since 1970,
//! which is the grain of every CRM stamp.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

/// Milliseconds since 1970-01-01 UTC.
pub type Millis = i64;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clock {
    /// Added to the time read, in milliseconds: a CRM whose clock is wrong, or a test that moves on.
    pub offset_ms: i64,
    /// When set, time stands still here (plus the offset), so that many writes share one stamp.
    pub frozen_at: Option<Millis>,
}

impl Clock {
    pub fn now(&self) -> Millis {
        self.frozen_at.unwrap_or_else(machine_now).saturating_add(self.offset_ms)
    }
}

/// The one place in this crate that reads the machine's time. A mock is a server of its own, started beside the daemon
/// it is tested with: it has no caller to take a clock from, and its stamps must agree with the daemon's.
#[allow(clippy::disallowed_methods)]
fn machine_now() -> Millis {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map(|since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
        .unwrap_or(0)
}

/// Waits in real time: what a slow CRM does to its caller.
#[allow(clippy::disallowed_methods)]
pub(crate) async fn linger(ms: u64) {
    if ms > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
    }
}

/// `2026-11-23T09:00:00.000Z`.
pub fn iso(at: Millis) -> String {
    DateTime::<Utc>::from_timestamp_millis(at).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// `2026-11-23`.
pub fn iso_date(at: Millis) -> String {
    DateTime::<Utc>::from_timestamp_millis(at).unwrap_or_default().format("%Y-%m-%d").to_string()
}

/// `Mon, 23 Nov 2026 09:00:00 GMT`, as in a `Date` header.
pub fn http_date(at: Millis) -> String {
    let at = DateTime::<Utc>::from_timestamp_millis(at).unwrap_or_default();
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Its day in UTC; none for an instant no calendar knows.
pub fn day(at: Millis) -> Option<NaiveDate> {
    DateTime::from_timestamp_millis(at).map(|at| at.date_naive())
}

/// Without the part of a second, as CRMs stamp whose grain is the second.
pub fn whole_second(at: Millis) -> Millis {
    at.div_euclid(1000) * 1000
}

/// Reads an RFC 3339 instant or a plain date (its midnight UTC).
pub fn parse_iso(text: &str) -> Option<Millis> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.timestamp_millis());
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_go_out_and_come_back() {
        let at = parse_iso("2026-11-23T09:00:00.123Z").unwrap();
        assert_eq!(iso(at), "2026-11-23T09:00:00.123Z");
        assert_eq!(parse_iso("2026-11-23T10:00:00.123+01:00"), Some(at));
        assert_eq!(iso_date(at), "2026-11-23");
        assert_eq!(http_date(at), "Mon, 23 Nov 2026 09:00:00 GMT");
        assert_eq!(parse_iso("23-11-2026"), None);
    }

    #[test]
    fn a_frozen_clock_moves_only_by_its_offset() {
        let mut clock = Clock { offset_ms: 0, frozen_at: Some(5_000) };
        assert_eq!((clock.now(), clock.now()), (5_000, 5_000));
        clock.offset_ms = 1_000;
        assert_eq!(clock.now(), 6_000);
    }
}
