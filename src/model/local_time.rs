//! A wall-clock time as an instant, where clocks are moved: one rule for hours, days and schedules.

use chrono::{NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use connector::Timestamp;

/// How long to look for a wall-clock time that exists: longer than a zone that leaves out a whole day.
const LONGEST_GAP_MINUTES: i64 = 2 * 24 * 60;

/// The first instant at or after a wall-clock time in a zone. One that comes twice is its first; one that a change of clocks
/// skips is the first minute that exists after it. `None` where the calendar ends.
pub fn first_instant(zone: Tz, time: NaiveDateTime) -> Option<Timestamp> {
    (0..=LONGEST_GAP_MINUTES)
        .map_while(|minutes| time.checked_add_signed(TimeDelta::minutes(minutes)))
        .find_map(|time| zone.from_local_datetime(&time).earliest())
        .map(|local| Timestamp::from(local.to_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_times_wait_and_doubled_ones_are_their_first() {
        let cases = [
            (Tz::UTC, "2026-03-02T00:00", "2026-03-02T00:00:00Z"),
            (Tz::Europe__Berlin, "2026-03-29T02:30", "2026-03-29T01:00:00Z"),
            (Tz::Europe__Berlin, "2026-10-25T02:30", "2026-10-25T00:30:00Z"),
            (Tz::Africa__Cairo, "2026-04-24T00:00", "2026-04-23T22:00:00Z"),
            // Samoa had no 30 December 2011.
            (Tz::Pacific__Apia, "2011-12-30T00:00", "2011-12-30T10:00:00Z"),
        ];
        for (zone, local, instant) in cases {
            let time = NaiveDateTime::parse_from_str(local, "%Y-%m-%dT%H:%M").unwrap();
            assert_eq!(first_instant(zone, time), Timestamp::parse_rfc3339(instant), "{local} {zone}");
        }
        assert_eq!(first_instant(Tz::UTC, NaiveDateTime::MAX), Some(Timestamp::from(NaiveDateTime::MAX.and_utc())));
    }
}
