//! The time of an event from its four timestamps (`cdp-semantics` §1.2).

use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use connector::Timestamp;

use crate::expr::Json;

/// What a message says of its times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamps {
    /// `originalTimestamp`, else `timestamp`.
    pub original: Option<Timestamp>,
    pub sent: Option<Timestamp>,
    /// `receivedAt`: believed of imports only.
    pub received: Option<Timestamp>,
}

impl Stamps {
    /// Reads them; `None` where the original timestamp is there and cannot be read. `sentAt` and `receivedAt` that cannot be
    /// read are as good as missing.
    pub(super) fn read(message: &Json<'_>) -> Option<Self> {
        let given = |key: &str| message.get(key).filter(|value| !matches!(value, Json::Null));
        let original = match given("originalTimestamp").or_else(|| given("timestamp")) {
            Some(value) => Some(instant(value)?),
            None => None,
        };
        let sent = given("sentAt").and_then(instant);
        Some(Self { original, sent, received: given("receivedAt").and_then(instant) })
    }

    /// Event time. `client` messages come straight from an SDK: what its clock said when it sent is compared with ours. Of an
    /// import we know when the message arrived only if it says so; otherwise its timestamp stands. Never later than
    /// `received_at`; `None` before 1970.
    pub(super) fn event_time(&self, received_at: Timestamp, client: bool) -> Option<Timestamp> {
        let Some(original) = self.original else { return Some(received_at) };
        let arrived = if client { Some(received_at) } else { self.received };
        let time = match (self.sent, arrived) {
            (Some(sent), Some(arrived)) => {
                let delay = sent.micros().saturating_sub(original.micros());
                Timestamp::from_micros(arrived.micros().saturating_sub(delay)).min(arrived)
            }
            _ => original,
        };
        (time >= Timestamp::EPOCH).then(|| time.min(received_at))
    }
}

/// An instant: ISO 8601 text with or without an offset (then UTC), or seconds (from 10^11 on: milliseconds) since 1970.
pub(super) fn instant(value: &Json<'_>) -> Option<Timestamp> {
    match value {
        Json::Text(text) => iso(text.trim()),
        Json::Int(number) if number.unsigned_abs() >= 100_000_000_000 => Some(Timestamp::from_millis(*number)),
        Json::Int(number) => Some(Timestamp::from_secs(*number)),
        Json::Float(number) => {
            let factor = if number.abs() >= 1e11 { 1e3 } else { 1e6 };
            let micros = number * factor;
            // Saturates; what is absurd is refused by the year below.
            readable(Timestamp::from_micros(micros as i64)).filter(|_| number.is_finite())
        }
        _ => None,
    }
    .and_then(readable)
}

fn readable(at: Timestamp) -> Option<Timestamp> {
    const YEAR_10000: i64 = 253_402_300_800;
    (at.secs() < YEAR_10000 && at.secs() > -YEAR_10000).then_some(at)
}

/// The same text, in `zone` where it has no offset. A time that the zone's clocks skip is moved on by what they skip (02:30
/// becomes 03:30); one that they show twice is the first. Ten and thirteen digits are seconds and milliseconds since 1970;
/// other lengths are more likely a date without its dashes.
pub(super) fn local(text: &str, zone: Tz) -> Option<Timestamp> {
    let text = text.trim();
    if matches!(text.len(), 10 | 13) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return instant(&Json::Int(text.parse().ok()?));
    }
    let (time, offset) = read_iso(text)?;
    let at = match offset {
        Some(offset) => time.checked_sub_signed(TimeDelta::seconds(offset))?.and_utc(),
        None => in_zone(time, zone)?,
    };
    readable(Timestamp::from(at))
}

fn in_zone(time: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    let at = match zone.from_local_datetime(&time) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at,
        LocalResult::None => {
            // By the clock as it stood a day before the gap.
            let before = zone.from_local_datetime(&time.checked_sub_days(Days::new(1))?).earliest()?;
            let offset = TimeDelta::seconds(i64::from(before.offset().fix().local_minus_utc()));
            return Some(time.checked_sub_signed(offset)?.and_utc());
        }
    };
    Some(at.with_timezone(&Utc))
}

/// The text in UTC where it has no offset.
fn iso(text: &str) -> Option<Timestamp> {
    let (time, offset) = read_iso(text)?;
    Some(Timestamp::from(time.checked_sub_signed(TimeDelta::seconds(offset.unwrap_or(0)))?.and_utc()))
}

/// `2026-03-02T09:00:00.123Z`, `…+02:00`, `…+0200`, `…+02`, a space for the `T`, without offset, without seconds, or a date:
/// the time it says, and how many seconds that is ahead of UTC.
fn read_iso(text: &str) -> Option<(NaiveDateTime, Option<i64>)> {
    let bytes = text.as_bytes();
    if !text.is_ascii() || bytes.len() > 40 {
        return None;
    }
    let mut rest = Digits(bytes);
    let year = i32::try_from(rest.number(4)?).ok()?;
    rest.skip(b'-')?;
    let month = rest.number(2)?;
    rest.skip(b'-')?;
    let date = NaiveDate::from_ymd_opt(year, month, rest.number(2)?)?;
    if rest.0.is_empty() {
        return Some((date.and_time(NaiveTime::MIN), None));
    }
    rest.skip(b'T').or_else(|| rest.skip(b't')).or_else(|| rest.skip(b' '))?;
    let hour = rest.number(2)?;
    rest.skip(b':')?;
    let minute = rest.number(2)?;
    let (mut second, mut micros) = (0, 0);
    if rest.skip(b':').is_some() {
        second = rest.number(2)?;
        if rest.skip(b'.').or_else(|| rest.skip(b',')).is_some() {
            micros = rest.fraction()?;
        }
    }
    // A leap second is the last microsecond before the next minute.
    let (second, micros) = if second == 60 { (59, 999_999) } else { (second, micros) };
    let time = NaiveTime::from_hms_micro_opt(hour, minute, second, micros)?;
    let offset = if rest.0.is_empty() { None } else { Some(rest.offset()?) };
    Some((NaiveDateTime::new(date, time), offset))
}

struct Digits<'a>(&'a [u8]);

impl Digits<'_> {
    fn number(&mut self, digits: usize) -> Option<u32> {
        let (head, tail) = self.0.split_at_checked(digits)?;
        self.0 = tail;
        head.iter().try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))
    }

    fn skip(&mut self, byte: u8) -> Option<()> {
        let (first, tail) = self.0.split_first()?;
        (*first == byte).then(|| self.0 = tail)
    }

    /// Digits after the point as microseconds; more than six are cut off.
    fn fraction(&mut self) -> Option<u32> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (head, tail) = self.0.split_at_checked(digits)?;
        self.0 = tail;
        let six = head.iter().copied().chain(std::iter::repeat(b'0')).take(6);
        (digits > 0).then(|| six.fold(0, |number, byte| number * 10 + u32::from(byte - b'0')))
    }

    /// The offset in seconds, to the end of the text.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.0.first() {
            None => return Some(0),
            Some(b'Z' | b'z') => return (self.0.len() == 1).then_some(0),
            Some(b'+') => 1,
            Some(b'-') => -1,
            Some(_) => return None,
        };
        self.0 = self.0.get(1..)?;
        let hours = self.number(2)?;
        let _ = self.skip(b':');
        let minutes = if self.0.is_empty() { 0 } else { self.number(2)? };
        let valid = hours < 24 && minutes < 60 && self.0.is_empty();
        valid.then(|| sign * (i64::from(hours) * 3_600 + i64::from(minutes) * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn instants_in_the_forms_that_are_sent() {
        let cases = [
            (r#""2026-11-23T14:43:50.454+00:00""#, Some("2026-11-23T14:43:50.454Z")),
            (r#""2026-11-23T14:43:50.454321Z""#, Some("2026-11-23T14:43:50.454321Z")),
            (r#""2026-11-23T14:43:50.4543219Z""#, Some("2026-11-23T14:43:50.454321Z")),
            (r#""2026-11-23T16:43:50+0200""#, Some("2026-11-23T14:43:50Z")),
            (r#""2026-11-23 14:43:50""#, Some("2026-11-23T14:43:50Z")),
            (r#""2026-11-23T14:43""#, Some("2026-11-23T14:43:00Z")),
            (r#""2026-11-23""#, Some("2026-11-23T00:00:00Z")),
            (r#""2026-06-30T23:59:60Z""#, Some("2026-06-30T23:59:59.999999Z")),
            ("1772000000", Some("2026-02-25T06:13:20Z")),
            ("1772000000123", Some("2026-02-25T06:13:20.123Z")),
            ("1772000000.5", Some("2026-02-25T06:13:20.500Z")),
            (r#""2026""#, None),
            (r#""2026-13-01T00:00:00Z""#, None),
            (r#""2026-02-30T00:00:00Z""#, None),
            (r#""2026-11-23T14:43:50 Berlin""#, None),
            (r#""yesterday""#, None),
            (r#""""#, None),
            ("1e300", None),
            ("true", None),
        ];
        for (json, want) in cases {
            let got = instant(&Json::parse(json).unwrap());
            assert_eq!(got, want.map(at), "{json}");
        }
    }

    #[test]
    fn local_times_are_in_the_zone() {
        let cases = [
            ("2026-03-02 09:00", "2026-03-02T08:00:00Z"),
            ("2026-07-02T09:00:00.5", "2026-07-02T07:00:00.500Z"),
            ("2026-07-02", "2026-07-01T22:00:00Z"),
            ("2026-07-02T09:00:00Z", "2026-07-02T09:00:00Z"),
            ("2026-07-02T09:00:00-05:00", "2026-07-02T14:00:00Z"),
            // The clocks go from 02:00 to 03:00: the skipped hour is moved on.
            ("2026-03-29 02:30", "2026-03-29T01:30:00Z"),
            ("2026-03-29 03:30", "2026-03-29T01:30:00Z"),
            // The clocks go from 03:00 back to 02:00: the first of the two.
            ("2026-10-25 02:30", "2026-10-25T00:30:00Z"),
            ("1772000000", "2026-02-25T06:13:20Z"),
            ("1772000000123", "2026-02-25T06:13:20.123Z"),
        ];
        for (text, want) in cases {
            assert_eq!(local(text, chrono_tz::Europe::Berlin), Some(at(want)), "{text}");
        }
        for text in ["", "20260302", "02.03.2026", "1772", "9:00", "2026-03-02 25:00"] {
            assert_eq!(local(text, chrono_tz::Europe::Berlin), None, "{text}");
        }
    }

    #[test]
    fn clocks_are_corrected_by_the_figures() {
        let day = |time: &str| at(&format!("2026-03-02T{time}Z"));
        let stamps = |original, sent| Stamps { original: Some(day(original)), sent: Some(day(sent)), received: None };
        let skewed = stamps("14:00:00.000", "14:00:10.000");
        assert_eq!(skewed.event_time(day("12:00:10.500"), true), Some(day("12:00:00.500")));
        let ahead = stamps("15:00:00", "14:00:00");
        assert_eq!(ahead.event_time(day("14:00:01"), true), Some(day("14:00:01")));
    }

    #[test]
    fn imports_keep_their_times() {
        let (early, late, now) = (at("2024-01-01T10:00:00Z"), at("2024-01-01T10:00:05Z"), at("2026-03-02T00:00:00Z"));
        let import = Stamps { original: Some(early), sent: Some(late), received: None };
        assert_eq!(import.event_time(now, false), Some(early));
        // An archive says when it was received, and then the clock can be corrected as it was.
        let archive = Stamps { received: Some(at("2024-01-01T09:00:05Z")), ..import };
        assert_eq!(archive.event_time(now, false), Some(at("2024-01-01T09:00:00Z")));
        assert_eq!(Stamps::default().event_time(now, false), Some(now));
        let future = Stamps { original: Some(at("2030-01-01T00:00:00Z")), ..Stamps::default() };
        assert_eq!(future.event_time(now, false), Some(now));
        let ancient = Stamps { original: Some(at("1969-12-31T23:59:59Z")), ..Stamps::default() };
        assert_eq!(ancient.event_time(now, false), None);
    }
}
