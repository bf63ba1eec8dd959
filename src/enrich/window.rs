//! Instants at which a result changes by time alone.

use std::time::Duration;

use chrono::{Days, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use connector::Timestamp;

use crate::model::first_instant;

/// The earliest instant after `as_of` that was noted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    as_of: Timestamp,
    at: Option<Timestamp>,
}

impl Due {
    pub(super) fn new(as_of: Timestamp) -> Self {
        Self { as_of, at: None }
    }

    pub(super) fn note(&mut self, at: Timestamp) {
        if at > self.as_of && self.at.is_none_or(|earliest| at < earliest) {
            self.at = Some(at);
        }
    }

    pub(super) fn earliest(self) -> Option<Timestamp> {
        self.at
    }
}

/// Whether an instant is in (as_of − window, as_of]. Pure UTC arithmetic; without a window everything up to `as_of` is.
pub(super) fn is_within(at: Timestamp, window: Option<Duration>, as_of: Timestamp) -> bool {
    at <= as_of && window.is_none_or(|window| at > as_of.saturating_sub(window))
}

/// The calendar date of an instant in a time zone.
pub fn local_day(at: Timestamp, zone: Tz) -> NaiveDate {
    at.to_utc().with_timezone(&zone).date_naive()
}

/// The first instant of the local day after the one that `at` is in. Where midnight does not exist, the first minute that
/// does; where it comes twice, the first.
pub fn next_midnight(at: Timestamp, zone: Tz) -> Timestamp {
    let Some(day) = local_day(at, zone).checked_add_days(Days::new(1)) else { return at };
    let midnight = first_instant(zone, day.and_time(NaiveTime::MIN));
    midnight.unwrap_or_else(|| at.saturating_add(Duration::from_secs(86_400)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn local_days_follow_daylight_saving() {
        let cases = [
            ("2026-03-28T23:30:00Z", "2026-03-29"),
            ("2026-03-29T22:01:00Z", "2026-03-30"),
            ("2026-10-24T22:30:00Z", "2026-10-25"),
            ("2026-10-25T22:59:00Z", "2026-10-25"),
        ];
        for (instant, day) in cases {
            assert_eq!(local_day(at(instant), Tz::Europe__Berlin).to_string(), day, "{instant}");
        }
    }

    #[test]
    fn midnight_is_the_first_instant_of_the_next_day() {
        let cases = [
            ("2026-03-28T23:30:00Z", Tz::Europe__Berlin, "2026-03-29T22:00:00Z"),
            ("2026-10-24T22:30:00Z", Tz::Europe__Berlin, "2026-10-25T23:00:00Z"),
            ("2026-03-02T10:00:00Z", Tz::UTC, "2026-03-03T00:00:00Z"),
            // Clocks go from 00:00 to 01:00 on 2026-04-24 in Cairo.
            ("2026-04-23T12:00:00Z", Tz::Africa__Cairo, "2026-04-23T22:00:00Z"),
        ];
        for (instant, zone, midnight) in cases {
            assert_eq!(next_midnight(at(instant), zone), at(midnight), "{instant} {zone}");
        }
    }

    #[test]
    fn a_window_is_open_at_its_start() {
        let window = Some(Duration::from_secs(86_400));
        let as_of = at("2026-03-02T10:00:00Z");
        assert!(!is_within(at("2026-03-01T10:00:00Z"), window, as_of));
        assert!(is_within(at("2026-03-01T10:00:00.000001Z"), window, as_of));
        assert!(is_within(as_of, window, as_of));
        assert!(!is_within(at("2026-03-02T10:00:00.000001Z"), window, as_of));
    }
}
