//! When a job runs: an interval, or a cron text in the configured time zone. Pure.
//!
//! The `cron` crate (0.17) can answer an instant before the one it was asked about in the hour that a clock change
//! repeats, skips the hour it leaves out, and fires twice in the doubled one. It is therefore only asked in wall-clock
//! time without a zone, and wall-clock times become instants here:
//!
//! * a time that does not exist runs at the first valid minute after it;
//! * a time that occurs twice runs once, the first time;
//! * a text that names every hour is an interval in disguise: it goes on through both changes.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use connector::Timestamp;

use super::cron_text::normalise;
use super::{TriggerError, parse_duration};
use crate::model::first_instant;

/// Further than any clock change moves the wall clock back.
const PAD: TimeDelta = TimeDelta::hours(3);

/// `"5m"` or five-field cron.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    Every(Duration),
    Cron(Cron),
}

/// A cron text that was understood.
#[derive(Clone, Debug)]
pub struct Cron {
    text: Arc<str>,
    schedule: Arc<cron::Schedule>,
    every_hour: bool,
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Cron {
    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Trigger {
    /// Reads `"5m"`, `"*/10 * * * *"` or `"@daily"`. One word that does not begin with `*` or `@` is a duration, and so is
    /// meant to be a number and a word.
    pub fn parse(text: &str) -> Result<Self, TriggerError> {
        let trimmed = text.trim();
        let words: Vec<&str> = trimmed.split_ascii_whitespace().collect();
        let duration = match words.as_slice() {
            [word] => !word.starts_with(['*', '@']),
            [number, unit] => number.parse::<u64>().is_ok() && unit.bytes().all(|byte| byte.is_ascii_alphabetic()),
            _ => false,
        };
        if duration {
            return parse_duration(text).map(Self::Every);
        }
        let normal = normalise(text)?;
        let schedule = cron::Schedule::from_str(&normal.text).map_err(|_| {
            // The crate's own message is a caret; the normalised form is always one it reads.
            TriggerError::new("E051", format!("cron \"{text}\" was not understood"), 0..text.len())
        })?;
        Ok(Self::Cron(Cron { text: trimmed.into(), schedule: Arc::new(schedule), every_hour: normal.every_hour }))
    }

    /// The first instant strictly after `at` when this fires; `None` where it never does again (cron ends in 2100).
    /// An interval counts from `at`.
    pub fn next_after(&self, at: Timestamp, zone: Tz) -> Option<Timestamp> {
        match self {
            Self::Every(interval) => Some(at.saturating_add(*interval)),
            Self::Cron(cron) => cron.next_after(at, zone),
        }
    }

    /// How long this is from one firing to the next, for the firing after `at`.
    pub fn interval(&self, at: Timestamp, zone: Tz) -> Duration {
        match self {
            Self::Every(interval) => *interval,
            Self::Cron(cron) => {
                let first = cron.next_after(at, zone);
                let second = first.and_then(|first| cron.next_after(first, zone));
                first.zip(second).map_or(Duration::ZERO, |(first, second)| second.since(first))
            }
        }
    }
}

impl Cron {
    fn next_after(&self, at: Timestamp, zone: Tz) -> Option<Timestamp> {
        let at = at.to_utc();
        let wall = |instant: DateTime<Utc>| instant.with_timezone(&zone).naive_local();
        let start = wall(at).checked_sub_signed(PAD)?;
        let mut best: Option<DateTime<Utc>> = None;
        // UTC stands in for "no zone": the crate meets no clock change in it.
        for candidate in self.schedule.after(&Utc.from_utc_datetime(&start)) {
            let time = candidate.naive_utc();
            // Wall-clock order is instant order, but for a clock change; behind the pad nothing earlier can come.
            if best.is_some_and(|best| wall(best).checked_add_signed(PAD).is_none_or(|end| time > end)) {
                break;
            }
            for instant in self.instants(zone, time) {
                if instant > at && best.is_none_or(|best| instant < best) {
                    best = Some(instant);
                }
            }
        }
        best.map(Timestamp::from)
    }

    /// The instants a wall-clock time stands for: none, one or two.
    fn instants(&self, zone: Tz, time: NaiveDateTime) -> impl Iterator<Item = DateTime<Utc>> {
        let (first, second) = match zone.from_local_datetime(&time) {
            LocalResult::Single(only) => (Some(only.to_utc()), None),
            LocalResult::Ambiguous(first, second) if self.every_hour => (Some(first.to_utc()), Some(second.to_utc())),
            LocalResult::Ambiguous(first, _) => (Some(first.to_utc()), None),
            LocalResult::None if self.every_hour => (None, None),
            LocalResult::None => (first_instant(zone, time).map(Timestamp::to_utc), None),
        };
        first.into_iter().chain(second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triggers_read() {
        assert_eq!(Trigger::parse("5m"), Ok(Trigger::Every(Duration::from_secs(300))));
        assert!(matches!(Trigger::parse(" */5 * * * * "), Ok(Trigger::Cron(cron)) if cron.text() == "*/5 * * * *"));
        assert!(Trigger::parse("@hourly").is_ok());
        for (text, code) in
            [("5min", "E053"), ("5 minutes", "E053"), ("*/5", "E050"), ("*/5 * * *", "E050"), ("75 * * * *", "E051")]
        {
            assert_eq!(Trigger::parse(text).unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn intervals_are_the_gap_to_the_next_firing() {
        let at = Timestamp::from_secs(1_790_000_000);
        let interval = |text| Trigger::parse(text).unwrap().interval(at, Tz::UTC).as_secs();
        assert_eq!(interval("90s"), 90);
        assert_eq!(interval("*/10 * * * *"), 600);
        assert_eq!(interval("0 3 * * *"), 86_400);
    }

    #[test]
    fn the_end_of_time_is_no_panic() {
        let daily = Trigger::parse("0 3 * * *").unwrap();
        for at in [i64::MIN, -1, 0, i64::MAX] {
            let at = Timestamp::from_micros(at);
            assert!(daily.next_after(at, chrono_tz::Europe::Berlin).is_none_or(|next| next > Timestamp::EPOCH));
        }
        let late = Timestamp::parse_rfc3339("2101-01-01T00:00:00Z").unwrap();
        assert_eq!(daily.next_after(late, Tz::UTC), None);
    }
}
