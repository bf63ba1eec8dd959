//! Five-field cron text, read as people mean it and written again as the `cron` crate means it.
//!
//! The crate wants seconds first, counts weekdays from Sunday = 1, knows no wrapping ranges, joins day and weekday with
//! "and" where every other cron says "or", accepts dates that never come, and explains nothing. So each field is read
//! here into the set of its values (0 and 7 are Sunday, names work, `fri-mon` and `22-2` wrap), and what can be
//! misunderstood or never fires is refused with a reason.

use std::collections::BTreeSet;
use std::ops::Range;

use super::TriggerError;

/// One of the five places.
struct Field {
    name: &'static str,
    low: u32,
    high: u32,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", low: 0, high: 59, names: &[] },
    Field { name: "hour", low: 0, high: 23, names: &[] },
    Field { name: "day", low: 1, high: 31, names: &[] },
    Field {
        name: "month",
        low: 1,
        high: 12,
        names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Field { name: "weekday", low: 0, high: 7, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

const SHORTHANDS: [(&str, &str); 6] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
];

/// What a cron text says, for the `cron` crate.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Normal {
    /// Seven-place text: seconds first, weekdays from Sunday = 1.
    pub text: String,
    /// Whether it names every hour: then it goes on through clock changes instead of being tied to a wall-clock time.
    pub every_hour: bool,
}

pub(super) fn normalise(text: &str) -> Result<Normal, TriggerError> {
    let whole = 0..text.len();
    if text.starts_with('@') {
        return match SHORTHANDS.iter().find(|(short, _)| *short == text) {
            Some((_, long)) => normalise(long),
            None => Err(TriggerError::new("E051", format!("cron \"{text}\" is not a known shorthand"), whole)
                .help("write @hourly, @daily, @weekly, @monthly or @yearly, or an interval such as \"5m\"")),
        };
    }
    let words = words(text);
    let [minute, hour, day, month, weekday] = words.as_slice() else {
        let message = format!("cron \"{text}\" has {} fields, needs 5", words.len());
        return Err(TriggerError::new("E050", message, whole).help("minute hour day month weekday"));
    };
    let read = |field: &Field, place: &Range<usize>| values(field, text, place);
    let [minutes, hours, days, months, weekdays] = [
        read(&FIELDS[0], minute)?,
        read(&FIELDS[1], hour)?,
        read(&FIELDS[2], day)?,
        read(&FIELDS[3], month)?,
        read(&FIELDS[4], weekday)?.into_iter().map(|day| day % 7).collect::<BTreeSet<u32>>(),
    ];
    if days.len() < 31 && weekdays.len() < 7 {
        let message = format!("cron \"{text}\" names both a day of the month and a weekday");
        return Err(TriggerError::new("E051", message, day.start..weekday.end)
            .help("cron programs disagree on what that means: make one of them *"));
    }
    if days.iter().all(|day| months.iter().all(|month| *day > longest(*month))) {
        let message = format!("cron \"{text}\" never fires: none of its months has such a day");
        return Err(TriggerError::new("E051", message, day.start..month.end));
    }
    let shifted = weekdays.iter().map(|day| day + 1).collect();
    let text = format!(
        "0 {} {} {} {} {} *",
        list(&minutes, 60),
        list(&hours, 24),
        list(&days, 31),
        list(&months, 12),
        list(&shifted, 7)
    );
    Ok(Normal { text, every_hour: hours.len() == 24 })
}

/// Where the words are.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut start = None;
    for (at, letter) in text.char_indices().chain([(text.len(), ' ')]) {
        match (letter.is_ascii_whitespace(), start) {
            (false, None) => start = Some(at),
            (true, Some(from)) => {
                places.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    places
}

/// The values a field names. A place is a range of bytes that begins and ends at a letter's edge.
fn values(field: &Field, text: &str, place: &Range<usize>) -> Result<BTreeSet<u32>, TriggerError> {
    let mut set = BTreeSet::new();
    let mut start = place.start;
    for part in text.get(place.clone()).unwrap_or_default().split(',') {
        let at = start..start + part.len();
        start = at.end + 1;
        set.extend(part_values(field, part, &at)?);
    }
    Ok(set)
}

/// `*`, `7`, `mon-fri`, each with an optional `/step`.
fn part_values(field: &Field, part: &str, at: &Range<usize>) -> Result<Vec<u32>, TriggerError> {
    let (range, step) = match part.split_once('/') {
        None => (part, None),
        Some((range, step)) => match step.parse::<u32>() {
            Ok(step) if step > 0 && step <= field.high => (range, Some(step)),
            _ => {
                let message = format!("cron {} step \"{step}\" is out of range 1-{}", field.name, field.high);
                return Err(TriggerError::new("E051", message, at.clone()));
            }
        },
    };
    // Sunday is 0 and 7; a star names it once.
    let last = if field.name == "weekday" { 6 } else { field.high };
    let (from, to) = match (range, range.split_once('-')) {
        ("*", _) => (field.low, last),
        (_, Some((from, to))) => (value(field, from, at)?, value(field, to, at)?),
        (_, None) => {
            let from = value(field, range, at)?;
            // `5/15` begins at 5 and goes on to the end.
            (from, if step.is_some() { last.max(from) } else { from })
        }
    };
    let step = usize::try_from(step.unwrap_or(1)).unwrap_or(1);
    let walk: Vec<u32> = if from <= to { (from..=to).collect() } else { (from..=last).chain(field.low..=to).collect() };
    Ok(walk.into_iter().step_by(step).collect())
}

fn value(field: &Field, word: &str, at: &Range<usize>) -> Result<u32, TriggerError> {
    let lower = word.to_ascii_lowercase();
    if let Some(index) = field.names.iter().position(|name| *name == lower) {
        return Ok(field.low + u32::try_from(index).unwrap_or(0));
    }
    let range = format!("{}-{}", field.low, field.high);
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = format!("cron {} \"{word}\" is not a {}", field.name, field.name);
        let error = TriggerError::new("E051", message, at.clone());
        return Err(match (field.names.first(), field.names.last()) {
            (Some(first), Some(last)) => error.help(format!("write {range} or {first}-{last}")),
            _ => error.help(format!("write {range}, *, a list or a range")),
        });
    }
    match word.parse() {
        Ok(number) if (field.low..=field.high).contains(&number) => Ok(number),
        _ => {
            let message = format!("cron {} {word} is out of range {range}", field.name);
            Err(TriggerError::new("E051", message, at.clone()))
        }
    }
}

fn list(values: &BTreeSet<u32>, all: usize) -> String {
    if values.len() == all {
        return "*".to_owned();
    }
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn longest(month: u32) -> u32 {
    match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_fields_become_what_the_crate_means() {
        let text = |cron| normalise(cron).unwrap().text;
        assert_eq!(text("*/15 2 * * *"), "0 0,15,30,45 2 * * * *");
        assert_eq!(text("0 7 * * 1-5"), "0 0 7 * * 2,3,4,5,6 *");
        assert_eq!(text("30 3 * * 0"), text("30 3 * * 7"));
        assert_eq!(text("30 3 * * SUN"), "0 30 3 * * 1 *");
        assert_eq!(text("0 22-2 * * fri-mon"), "0 0 0,1,2,22,23 * * 1,2,6,7 *");
        assert_eq!(text("0 0 1,15 jan-mar *"), "0 0 0 1,15 1,2,3 * *");
        assert_eq!(text("5/20 * * * *"), "0 5,25,45 * * * * *");
        assert_eq!(text("@daily"), "0 0 0 * * * *");
        assert!(normalise("0 * * * *").unwrap().every_hour);
        assert!(!normalise("0 */2 * * *").unwrap().every_hour);
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let error = normalise("*/5 * * *").unwrap_err();
        assert_eq!(error.to_string(), "E050: cron \"*/5 * * *\" has 4 fields, needs 5 (minute hour day month weekday)");
        let error = normalise("75 * * * *").unwrap_err();
        assert_eq!((error.to_string().as_str(), error.at), ("E051: cron minute 75 is out of range 0-59", 0..2));
        let error = normalise("0 8,25 * * *").unwrap_err();
        assert_eq!((error.message.as_str(), error.at), ("cron hour 25 is out of range 0-23", 4..6));
        let error = normalise("0 8 * * funday").unwrap_err();
        assert_eq!(error.message, "cron weekday \"funday\" is not a weekday");
        for (cron, code) in [
            ("0 0 31 2 *", "E051"),
            ("0 0 15 * mon", "E051"),
            ("*/0 * * * *", "E051"),
            ("0 0 0 * *", "E051"),
            ("0 0 * * L", "E051"),
            ("1- * * * *", "E051"),
            (", * * * *", "E051"),
            ("@every 5m", "E051"),
            ("0 0 0 * * *", "E050"),
            ("", "E050"),
        ] {
            assert_eq!(normalise(cron).unwrap_err().code, code, "{cron}");
        }
    }
}
