//! HubSpot's instants: ISO 8601 with or without milliseconds, or epoch milliseconds in older answers.

use connector::Timestamp;

/// Reads an instant in any of HubSpot's forms.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    fixed_width(text.as_bytes())
        .or_else(|| Timestamp::parse_rfc3339(text))
        .or_else(|| text.parse::<i64>().ok().map(Timestamp::from_millis))
        .or_else(|| midnight(text))
}

/// `2026-10-31` alone: midnight UTC, as HubSpot means it.
fn midnight(text: &str) -> Option<Timestamp> {
    let date = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(Timestamp::from(date.and_hms_opt(0, 0, 0)?.and_utc()))
}

/// `2026-10-02T08:15:30.123Z` and `2026-10-02T08:15:30Z`, which every record carries twice: read by position.
fn fixed_width(text: &[u8]) -> Option<Timestamp> {
    let (head, fraction) = text.split_at_checked(19)?;
    let millis = match fraction {
        [b'Z'] => 0,
        [b'.', digits @ .., b'Z'] if digits.len() == 3 => number(digits)?,
        _ => return None,
    };
    let [y0, y1, y2, y3, b'-', mo0, mo1, b'-', d0, d1, b'T', h0, h1, b':', mi0, mi1, b':', s0, s1] = *head else {
        return None;
    };
    let (year, month, day) = (number(&[y0, y1, y2, y3])?, number(&[mo0, mo1])?, number(&[d0, d1])?);
    let (hour, minute, second) = (number(&[h0, h1])?, number(&[mi0, mi1])?, number(&[s0, s1])?);
    // Day 29 to 31 and leap seconds are left to the calendar.
    if !(1..=12).contains(&month) || !(1..=28).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_from_civil(year, month, day);
    Some(Timestamp::from_millis((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000 + millis))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum: i64, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counted in years that begin in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_way_agrees_with_the_calendar() {
        for day in 0..40_000_i64 {
            let at = Timestamp::from_millis(day * 86_400_000 + (day * 7_919) % 86_400_000);
            assert_eq!(parse(&at.to_rfc3339_millis()), Some(at));
        }
    }

    #[test]
    fn every_form_is_read() {
        let at = |text: &str| Timestamp::parse_rfc3339(text);
        assert_eq!(parse("2026-10-31T00:00:00Z"), at("2026-10-31T00:00:00Z"));
        assert_eq!(parse("2026-10-02T08:15:30.123Z"), at("2026-10-02T08:15:30.123Z"));
        assert_eq!(parse("2026-10-02T08:15:30.123456+02:00"), at("2026-10-02T06:15:30.123456Z"));
        assert_eq!(parse("1790000000123"), Some(Timestamp::from_millis(1_790_000_000_123)));
        assert_eq!(parse("2026-10-31"), at("2026-10-31T00:00:00Z"));
        for bad in ["", "soon", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-10-02T25:00:00Z"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
