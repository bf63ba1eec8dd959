//! Durations as people write them: `90s 15m 12h 14d 8w`.

use std::time::Duration;

use super::TriggerError;

/// Ten years: longer is a slip of the keyboard.
const LONGEST: u64 = 10 * 366 * 86_400;

/// One number and one unit. E053 otherwise, with the spelling that was probably meant.
pub fn parse_duration(text: &str) -> Result<Duration, TriggerError> {
    let wrong = |message: String| TriggerError::new("E053", message, 0..text.len());
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let Some(seconds) = seconds_of(unit).filter(|_| digits > 0) else {
        let error = wrong(format!("\"{text}\" is not a duration"));
        return Err(match meant(number, unit.trim()) {
            Some(meant) => error.help(format!("did you mean \"{meant}\"?")),
            None => error.help("write a number and s, m, h, d or w, as in \"5m\""),
        });
    };
    match number.parse::<u64>().ok().and_then(|number| number.checked_mul(seconds)) {
        Some(0) => Err(wrong(format!("\"{text}\" is no time at all")).help("the shortest duration is \"1s\"")),
        Some(total) if total <= LONGEST => Ok(Duration::from_secs(total)),
        _ => Err(wrong(format!("\"{text}\" is longer than ten years"))),
    }
}

fn seconds_of(unit: &str) -> Option<u64> {
    Some(match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    })
}

fn meant(number: &str, unit: &str) -> Option<String> {
    let unit = match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        "w" | "wk" | "week" | "weeks" => "w",
        _ => return None,
    };
    (!number.is_empty()).then(|| format!("{number}{unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_slips_are_named() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("12h", 43_200), ("14d", 1_209_600), ("8w", 4_838_400)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        let error = parse_duration("5min").unwrap_err();
        assert_eq!(error.to_string(), "E053: \"5min\" is not a duration (did you mean \"5m\"?)");
        assert_eq!(parse_duration("2 Hours").unwrap_err().help.unwrap(), "did you mean \"2h\"?");
        for text in ["", "m", "5", "-5m", "5.5m", "0s", "5m5s", "99999999999999999999s", "999999w", "５m"] {
            assert_eq!(parse_duration(text).unwrap_err().code, "E053", "{text}");
        }
    }
}
