//! When somebody works: hours of the week in a time zone, and days away.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{Datelike, Days, NaiveDate, NaiveTime, Weekday};
use chrono_tz::Tz;
use connector::Timestamp;

use crate::model::first_instant;

/// Days of the week. Never empty where it comes from a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Week(u8);

impl Week {
    pub const ALL: Self = Self(0x7f);

    pub fn of(days: impl IntoIterator<Item = Weekday>) -> Self {
        Self(days.into_iter().fold(0, |bits, day| bits | 1 << day.num_days_from_monday()))
    }

    pub fn contains(self, day: Weekday) -> bool {
        self.0 & (1 << day.num_days_from_monday()) != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// The hours of a working day, `from` before `to`. Nights are two entries of the configuration's author, not one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    pub days: Week,
    pub from: NaiveTime,
    /// Exclusive: at this minute the day is over.
    pub to: NaiveTime,
}

/// Dates, both of them away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub from: NaiveDate,
    pub to: NaiveDate,
}

impl Span {
    pub fn contains(self, day: NaiveDate) -> bool {
        self.from <= day && day <= self.to
    }
}

/// Somebody's calendar. Without hours they work around the clock, on every day that they are not away.
#[derive(Clone, Copy, Debug)]
pub struct Calendar<'a> {
    pub zone: Tz,
    pub hours: Option<Hours>,
    pub away: &'a [Span],
    pub holidays: &'a BTreeSet<NaiveDate>,
}

/// How far ahead a working day is looked for: nobody is away for longer and still waited for.
const LOOK_AHEAD_DAYS: u64 = 400;

impl Calendar<'_> {
    pub fn is_away(&self, at: Timestamp) -> bool {
        let day = self.day(at);
        self.away.iter().any(|span| span.contains(day))
    }

    pub fn is_open(&self, at: Timestamp) -> bool {
        self.hours_of(self.day(at)).is_some_and(|(from, to)| from <= at && at < to)
    }

    /// The first instant at or after `at` at which they work; `None` where there is none within a year and a month.
    pub fn next_open(&self, at: Timestamp) -> Option<Timestamp> {
        self.stretches(at).next().map(|(from, _)| from.max(at))
    }

    /// The instant by which `time` of working time has passed since `at`.
    pub fn after(&self, at: Timestamp, time: Duration) -> Option<Timestamp> {
        let mut left = time;
        for (from, to) in self.stretches(at) {
            let from = from.max(at);
            let here = to.since(from);
            if left <= here {
                return Some(from.saturating_add(left));
            }
            left -= here;
        }
        None
    }

    /// Working time between two instants.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Duration {
        let stretches = self.stretches(from).take_while(|(start, _)| *start < to);
        stretches.map(|(start, end)| end.min(to).since(start.max(from))).sum()
    }

    /// The first instant of the local day that `at` is in.
    pub fn midnight(&self, at: Timestamp) -> Timestamp {
        self.instant(self.day(at), NaiveTime::MIN).unwrap_or(at)
    }

    /// The first instant of the next local day.
    pub fn next_midnight(&self, at: Timestamp) -> Timestamp {
        let next = self.day(at).succ_opt().and_then(|day| self.instant(day, NaiveTime::MIN));
        next.unwrap_or_else(|| at.saturating_add(Duration::from_secs(86_400)))
    }

    /// What is worked from the day of `at` on, day by day, without what had ended by then.
    fn stretches(&self, at: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let first = self.day(at);
        let days = (0..LOOK_AHEAD_DAYS).map_while(move |ahead| first.checked_add_days(Days::new(ahead)));
        days.filter_map(|day| self.hours_of(day)).filter(move |(_, to)| *to > at)
    }

    /// The instants between which a day is worked.
    fn hours_of(&self, day: NaiveDate) -> Option<(Timestamp, Timestamp)> {
        if self.away.iter().any(|span| span.contains(day)) || self.holidays.contains(&day) {
            return None;
        }
        let Some(hours) = self.hours else {
            return Some((self.instant(day, NaiveTime::MIN)?, self.instant(day.succ_opt()?, NaiveTime::MIN)?));
        };
        if !hours.days.contains(day.weekday()) {
            return None;
        }
        let (from, to) = (self.instant(day, hours.from)?, self.instant(day, hours.to)?);
        (from < to).then_some((from, to))
    }

    fn instant(&self, day: NaiveDate, time: NaiveTime) -> Option<Timestamp> {
        first_instant(self.zone, day.and_time(time))
    }

    fn day(&self, at: Timestamp) -> NaiveDate {
        at.to_utc().with_timezone(&self.zone).date_naive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn office_hours() -> Hours {
        let days = Week::of([Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri]);
        let time = |h, m| NaiveTime::from_hms_opt(h, m, 0).unwrap();
        Hours { days, from: time(9, 0), to: time(17, 30) }
    }

    #[test]
    fn a_weekend_a_holiday_and_days_away_are_not_worked() {
        let holidays = BTreeSet::from([NaiveDate::from_ymd_opt(2026, 3, 9).unwrap()]);
        let away = [Span {
            from: NaiveDate::from_ymd_opt(2026, 3, 10).unwrap(),
            to: NaiveDate::from_ymd_opt(2026, 3, 11).unwrap(),
        }];
        let calendar =
            Calendar { zone: Tz::Europe__Berlin, hours: Some(office_hours()), away: &away, holidays: &holidays };
        // Friday, 2026-03-06; Berlin is an hour ahead of UTC.
        assert!(calendar.is_open(at("2026-03-06T08:00:00Z")));
        assert!(!calendar.is_open(at("2026-03-06T16:30:00Z")), "17:30 is closed");
        assert_eq!(calendar.next_open(at("2026-03-06T10:00:00Z")), Some(at("2026-03-06T10:00:00Z")));
        assert_eq!(calendar.next_open(at("2026-03-06T17:00:00Z")), Some(at("2026-03-12T08:00:00Z")));
        assert!(calendar.is_away(at("2026-03-10T12:00:00Z")) && !calendar.is_away(at("2026-03-12T12:00:00Z")));
    }

    #[test]
    fn a_deadline_counts_only_working_time() {
        let none = BTreeSet::new();
        let calendar = Calendar { zone: Tz::Europe__Berlin, hours: Some(office_hours()), away: &[], holidays: &none };
        let half_hour = Duration::from_secs(1_800);
        // 17:15 on Friday: fifteen minutes then, fifteen on Monday.
        assert_eq!(calendar.after(at("2026-03-06T16:15:00Z"), half_hour), Some(at("2026-03-09T08:15:00Z")));
        assert_eq!(calendar.after(at("2026-03-06T16:00:00Z"), half_hour), Some(at("2026-03-06T16:30:00Z")));
        assert_eq!(calendar.between(at("2026-03-06T16:15:00Z"), at("2026-03-09T08:15:00Z")), half_hour);
    }

    #[test]
    fn clocks_that_change_move_the_opening_with_them() {
        let none = BTreeSet::new();
        let calendar = Calendar {
            zone: Tz::Europe__Berlin,
            hours: Some(Hours { days: Week::ALL, ..office_hours() }),
            away: &[],
            holidays: &none,
        };
        assert_eq!(calendar.next_open(at("2026-03-28T20:00:00Z")), Some(at("2026-03-29T07:00:00Z")));
        assert_eq!(calendar.next_open(at("2026-10-24T20:00:00Z")), Some(at("2026-10-25T08:00:00Z")));
    }

    proptest! {
        #[test]
        fn working_time_up_to_a_deadline_is_the_time_given(start in 0i64..60_000_000, minutes in 1u64..5_000) {
            let none = BTreeSet::new();
            let hours = Some(office_hours());
            let calendar = Calendar { zone: Tz::America__New_York, hours, away: &[], holidays: &none };
            let from = Timestamp::from_secs(1_760_000_000 + start);
            let time = Duration::from_secs(minutes * 60);
            let until = calendar.after(from, time).unwrap();
            prop_assert_eq!(calendar.between(from, until), time);
        }
    }
}
