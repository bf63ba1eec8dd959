//! Instants and lengths of time as people say them. Machines get RFC 3339 from `--json`.

use std::time::Duration;

use connector::Timestamp;

/// `just now`, `4 min ago`, `3 h ago`, `12 d ago`; in the future `in 5 min`. An absent instant is `never`.
pub fn ago(now: Timestamp, at: Option<Timestamp>) -> String {
    let Some(at) = at else { return "never".into() };
    if at > now {
        return format!("in {}", length(at.since(now)));
    }
    let past = now.since(at);
    if past < Duration::from_secs(5) { "just now".into() } else { format!("{} ago", length(past)) }
}

/// The two largest units would be noise: `45 s`, `12 min`, `5 h`, `3 d`.
pub fn length(time: Duration) -> String {
    let secs = time.as_secs();
    match secs {
        0 => format!("{} ms", time.subsec_millis()),
        1..=119 => format!("{secs} s"),
        120..=7_199 => format!("{} min", secs / 60),
        7_200..=172_799 => format!("{} h", secs / 3_600),
        _ => format!("{} d", secs / 86_400),
    }
}

/// `2026-11-25 14:05:33`, UTC, to the second.
pub fn at(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%d %H:%M:%S").to_string()
}

/// A whole number with thin grouping: `12,431`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Reads what `--as-of` takes: an RFC 3339 instant, or a date for its first instant (UTC).
pub fn parse(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text)
        .or_else(|| Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z")))
        .ok_or_else(|| "not an instant; write 2026-11-25 or 2026-11-25T09:30:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_well() {
        let now = Timestamp::from_secs(1_000_000);
        let cases = [
            (Some(999_999), "just now"),
            (Some(999_955), "45 s ago"),
            (Some(999_000), "16 min ago"),
            (Some(990_000), "2 h ago"),
            (Some(500_000), "5 d ago"),
            (Some(1_000_300), "in 5 min"),
            (None, "never"),
        ];
        for (at, want) in cases {
            assert_eq!(ago(now, at.map(Timestamp::from_secs)), want);
        }
    }

    #[test]
    fn counts_are_grouped() {
        let cases = [(0, "0"), (999, "999"), (1_000, "1,000"), (12_431, "12,431"), (1_234_567, "1,234,567")];
        for (number, want) in cases {
            assert_eq!(count(number), want);
        }
    }

    #[test]
    fn instants_are_read_with_and_without_a_time() {
        assert_eq!(parse("1970-01-02").unwrap(), Timestamp::from_secs(86_400));
        assert_eq!(parse("1970-01-01T01:00:00+01:00").unwrap(), Timestamp::EPOCH);
        assert!(parse("yesterday").is_err());
    }
}
