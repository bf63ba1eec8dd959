//! Date words (`TODAY`, `LAST_N_DAYS:30`, …): spans of days that move with the clock. Days are UTC days here.

use std::fmt;

use chrono::{Datelike, Days, Months, NaiveDate};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateWord {
    Yesterday,
    Today,
    Tomorrow,
    LastWeek,
    ThisWeek,
    NextWeek,
    LastMonth,
    ThisMonth,
    NextMonth,
    Last90Days,
    Next90Days,
    LastQuarter,
    ThisQuarter,
    NextQuarter,
    LastYear,
    ThisYear,
    NextYear,
    Counted(Counted, u32),
}

/// The words that take a number after a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    LastDays,
    NextDays,
    DaysAgo,
    LastWeeks,
    NextWeeks,
    LastMonths,
    NextMonths,
    LastQuarters,
    NextQuarters,
    LastYears,
    NextYears,
}

const PLAIN: [(&str, DateWord); 17] = [
    ("YESTERDAY", DateWord::Yesterday),
    ("TODAY", DateWord::Today),
    ("TOMORROW", DateWord::Tomorrow),
    ("LAST_WEEK", DateWord::LastWeek),
    ("THIS_WEEK", DateWord::ThisWeek),
    ("NEXT_WEEK", DateWord::NextWeek),
    ("LAST_MONTH", DateWord::LastMonth),
    ("THIS_MONTH", DateWord::ThisMonth),
    ("NEXT_MONTH", DateWord::NextMonth),
    ("LAST_90_DAYS", DateWord::Last90Days),
    ("NEXT_90_DAYS", DateWord::Next90Days),
    ("LAST_QUARTER", DateWord::LastQuarter),
    ("THIS_QUARTER", DateWord::ThisQuarter),
    ("NEXT_QUARTER", DateWord::NextQuarter),
    ("LAST_YEAR", DateWord::LastYear),
    ("THIS_YEAR", DateWord::ThisYear),
    ("NEXT_YEAR", DateWord::NextYear),
];

const COUNTED: [(&str, Counted); 11] = [
    ("LAST_N_DAYS", Counted::LastDays),
    ("NEXT_N_DAYS", Counted::NextDays),
    ("N_DAYS_AGO", Counted::DaysAgo),
    ("LAST_N_WEEKS", Counted::LastWeeks),
    ("NEXT_N_WEEKS", Counted::NextWeeks),
    ("LAST_N_MONTHS", Counted::LastMonths),
    ("NEXT_N_MONTHS", Counted::NextMonths),
    ("LAST_N_QUARTERS", Counted::LastQuarters),
    ("NEXT_N_QUARTERS", Counted::NextQuarters),
    ("LAST_N_YEARS", Counted::LastYears),
    ("NEXT_N_YEARS", Counted::NextYears),
];

impl DateWord {
    pub fn parse(name: &str) -> Option<Self> {
        PLAIN.iter().find(|(word, _)| word.eq_ignore_ascii_case(name)).map(|(_, word)| *word)
    }

    /// The span of whole days the word means on `today`: first day, and first day after. `None` when it runs off the
    /// calendar.
    pub fn span(self, today: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
        let days = |from: i64, to: i64| Some((shift_days(today, from)?, shift_days(today, to)?));
        let week = shift_days(today, -i64::from(today.weekday().num_days_from_sunday()))?;
        let weeks = |from: i64, to: i64| Some((shift_days(week, 7 * from)?, shift_days(week, 7 * to)?));
        let month = today.with_day(1)?;
        let months = |from: i64, to: i64| Some((shift_months(month, from)?, shift_months(month, to)?));
        let quarter = shift_months(month, -i64::from(month.month0() % 3))?;
        let quarters = |from: i64, to: i64| Some((shift_months(quarter, 3 * from)?, shift_months(quarter, 3 * to)?));
        let year = month.with_month(1)?;
        let years = |from: i64, to: i64| Some((shift_months(year, 12 * from)?, shift_months(year, 12 * to)?));
        match self {
            Self::Yesterday => days(-1, 0),
            Self::Today => days(0, 1),
            Self::Tomorrow => days(1, 2),
            Self::LastWeek => weeks(-1, 0),
            Self::ThisWeek => weeks(0, 1),
            Self::NextWeek => weeks(1, 2),
            Self::LastMonth => months(-1, 0),
            Self::ThisMonth => months(0, 1),
            Self::NextMonth => months(1, 2),
            Self::Last90Days => days(-90, 1),
            Self::Next90Days => days(1, 91),
            Self::LastQuarter => quarters(-1, 0),
            Self::ThisQuarter => quarters(0, 1),
            Self::NextQuarter => quarters(1, 2),
            Self::LastYear => years(-1, 0),
            Self::ThisYear => years(0, 1),
            Self::NextYear => years(1, 2),
            Self::Counted(counted, n) => {
                let n = i64::from(n);
                match counted {
                    // The last n days include today; the next n start tomorrow.
                    Counted::LastDays => days(-n, 1),
                    Counted::NextDays => days(1, n.saturating_add(1)),
                    Counted::DaysAgo => days(-n, 1 - n),
                    Counted::LastWeeks => weeks(-n, 0),
                    Counted::NextWeeks => weeks(1, n.saturating_add(1)),
                    Counted::LastMonths => months(-n, 0),
                    Counted::NextMonths => months(1, n.saturating_add(1)),
                    Counted::LastQuarters => quarters(-n, 0),
                    Counted::NextQuarters => quarters(1, n.saturating_add(1)),
                    Counted::LastYears => years(-n, 0),
                    Counted::NextYears => years(1, n.saturating_add(1)),
                }
            }
        }
    }
}

impl Counted {
    pub fn parse(name: &str) -> Option<Self> {
        COUNTED.iter().find(|(word, _)| word.eq_ignore_ascii_case(name)).map(|(_, word)| *word)
    }
}

impl fmt::Display for DateWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counted(counted, n) => {
                let name = COUNTED.iter().find(|(_, each)| each == counted).map_or("", |(name, _)| *name);
                write!(f, "{name}:{n}")
            }
            plain => f.write_str(PLAIN.iter().find(|(_, each)| each == plain).map_or("", |(name, _)| *name)),
        }
    }
}

fn shift_days(day: NaiveDate, by: i64) -> Option<NaiveDate> {
    let distance = Days::new(by.unsigned_abs());
    if by < 0 { day.checked_sub_days(distance) } else { day.checked_add_days(distance) }
}

fn shift_months(day: NaiveDate, by: i64) -> Option<NaiveDate> {
    let distance = Months::new(u32::try_from(by.unsigned_abs()).ok()?);
    if by < 0 { day.checked_sub_months(distance) } else { day.checked_add_months(distance) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn words_mean_whole_days() {
        // A Wednesday.
        let today = day("2026-03-04");
        for (word, from, to) in [
            (DateWord::Today, "2026-03-04", "2026-03-05"),
            (DateWord::Yesterday, "2026-03-03", "2026-03-04"),
            (DateWord::ThisWeek, "2026-03-01", "2026-03-08"),
            (DateWord::LastMonth, "2026-02-01", "2026-03-01"),
            (DateWord::ThisQuarter, "2026-01-01", "2026-04-01"),
            (DateWord::NextYear, "2027-01-01", "2028-01-01"),
            (DateWord::Counted(Counted::LastDays, 30), "2026-02-02", "2026-03-05"),
            (DateWord::Counted(Counted::NextDays, 2), "2026-03-05", "2026-03-07"),
            (DateWord::Counted(Counted::DaysAgo, 3), "2026-03-01", "2026-03-02"),
            (DateWord::Counted(Counted::LastMonths, 2), "2026-01-01", "2026-03-01"),
        ] {
            assert_eq!(word.span(today), Some((day(from), day(to))), "{word}");
        }
    }

    #[test]
    fn a_word_that_runs_off_the_calendar_means_nothing() {
        assert_eq!(DateWord::Counted(Counted::LastYears, u32::MAX).span(day("2026-03-04")), None);
        assert_eq!(DateWord::Counted(Counted::LastDays, u32::MAX).span(day("2026-03-04")), None);
    }

    #[test]
    fn words_are_read_in_any_case_and_written_in_one() {
        assert_eq!(DateWord::parse("today"), Some(DateWord::Today));
        assert_eq!(Counted::parse("last_n_days"), Some(Counted::LastDays));
        assert_eq!(DateWord::Counted(Counted::LastDays, 7).to_string(), "LAST_N_DAYS:7");
        assert_eq!(DateWord::LastQuarter.to_string(), "LAST_QUARTER");
    }
}
