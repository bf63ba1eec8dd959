//! What a trait holds, and how any CRM's spelling of it becomes one value (`cdp-semantics` §8.3, §8.5).

use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;
use connector::{Timestamp, Value};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::model::Rule;

/// The declared kind of a trait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Text,
    Integer,
    /// An exact decimal: money, shares, scores.
    Number,
    Bool,
    Date,
    Instant,
    List,
}

/// A delivered value that cannot be read as the declared kind. Its text names the kind, never the value: values are
/// personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub kind: Kind,
    /// The shape of what was found, e.g. `text of 12 characters`.
    pub found: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {}", self.kind.word(), self.found)
    }
}

/// CRMs keep milliseconds at best.
const MICROS_KEPT: i64 = 1_000;

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Bool => "yes or no",
            Self::Date => "a date",
            Self::Instant => "a date and time",
            Self::List => "a list",
        }
    }

    /// Whether values of this kind have an order (`max`, `min`).
    pub fn is_ordered(self) -> bool {
        matches!(self, Self::Integer | Self::Number | Self::Date | Self::Instant)
    }

    /// Whether a conflict rule means something for values of this kind (E044).
    pub fn suits(self, rule: Rule) -> bool {
        match rule {
            Rule::Max | Rule::Min => self.is_ordered(),
            Rule::Union => self == Self::List,
            Rule::Append => matches!(self, Self::List | Self::Text),
            Rule::MostRestrictive => self == Self::Bool,
            _ => true,
        }
    }

    /// Reads a delivered value. Empty and blank text is null; text is trimmed and NFC-normalised; numbers keep their exact
    /// digits; instants are cut to milliseconds; lists are sets in a fixed order.
    pub fn read(self, value: &Value) -> Result<Value, Unreadable> {
        let text = match value {
            Value::Null => return Ok(Value::Null),
            Value::Text(text) => text.trim(),
            Value::List(items) if items.is_empty() => return Ok(Value::Null),
            other => return self.read_typed(other),
        };
        if text.is_empty() {
            return Ok(Value::Null);
        }
        let read = match self {
            // Nearly every text is clean already and is shared, not copied.
            Self::Text if is_clean(text) && matches!(value, Value::Text(whole) if whole.len() == text.len()) => {
                Some(value.clone())
            }
            Self::Text => Some(Value::Text(clean_text(text))),
            Self::Integer | Self::Number => self.number(parse_decimal(text)),
            Self::Bool => parse_bool(text).map(Value::Bool),
            Self::Date => parse_date(text).map(Value::Date),
            Self::Instant => parse_instant(text).map(instant),
            Self::List => Some(list(text.split(';'))),
        };
        read.ok_or_else(|| self.unreadable(value))
    }

    fn read_typed(self, value: &Value) -> Result<Value, Unreadable> {
        let read = match (self, value) {
            (Self::Text, Value::List(_) | Value::Bool(_) | Value::Number(_) | Value::Date(_) | Value::Instant(_)) => {
                Some(Value::text(value.to_string()))
            }
            (Self::Integer | Self::Number, Value::Number(number)) => self.number(Some(*number)),
            (Self::Bool, Value::Bool(flag)) => Some(Value::Bool(*flag)),
            (Self::Bool, Value::Number(number)) if number.is_zero() || *number == Decimal::ONE => {
                Some(Value::Bool(!number.is_zero()))
            }
            (Self::Date, Value::Date(date)) => Some(Value::Date(*date)),
            (Self::Date, Value::Instant(at)) => Some(Value::Date(at.to_utc().date_naive())),
            (Self::Instant, Value::Instant(at)) => Some(instant(*at)),
            (Self::Instant, Value::Date(date)) => Some(instant(midnight(*date))),
            (Self::List, Value::List(items)) => Some(list(items.iter().map(|item| &**item))),
            _ => None,
        };
        read.ok_or_else(|| self.unreadable(value))
    }

    fn number(self, number: Option<Decimal>) -> Option<Value> {
        let number = number?.normalize();
        (self != Self::Integer || number.scale() == 0).then_some(Value::Number(number))
    }

    fn unreadable(self, value: &Value) -> Unreadable {
        let found = match value {
            Value::Null => "nothing".to_owned(),
            Value::Text(text) => format!("text of {} characters", text.chars().count()),
            Value::Bool(_) => "yes or no".to_owned(),
            Value::Number(_) => "a number with decimals".to_owned(),
            Value::Date(_) => "a date".to_owned(),
            Value::Instant(_) => "a date and time".to_owned(),
            Value::List(items) => format!("a list of {}", items.len()),
        };
        Unreadable { kind: self, found }
    }
}

/// Trimmed, NFC, `\r\n` as `\n`. NUL is dropped: no CRM stores it and some answer 500 to it.
fn clean_text(text: &str) -> Arc<str> {
    if is_clean(text) {
        return text.into();
    }
    text.replace("\r\n", "\n").nfc().filter(|c| *c != '\0').collect::<String>().into()
}

fn is_clean(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii() && byte != b'\r' && byte != 0)
}

fn parse_decimal(text: &str) -> Option<Decimal> {
    // A CRM may write 1.5e3; a decimal with more than 28 digits is refused rather than bent.
    Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text)).ok()
}

fn parse_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// `2026-10-02`, an RFC 3339 instant's UTC date, or epoch milliseconds (HubSpot writes date properties as midnight UTC).
fn parse_date(text: &str) -> Option<NaiveDate> {
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(date);
    }
    parse_instant(text).map(|at| at.to_utc().date_naive())
}

/// RFC 3339 with any offset (also `+0000`), epoch milliseconds, or a date (its midnight UTC).
fn parse_instant(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text)
        .or_else(|| chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").ok().map(Timestamp::from))
        .or_else(|| text.parse::<i64>().ok().filter(|ms| ms.abs() > 9_999).map(Timestamp::from_millis))
        .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(midnight))
}

fn midnight(date: NaiveDate) -> Timestamp {
    Timestamp::from(date.and_time(chrono::NaiveTime::MIN).and_utc())
}

fn instant(at: Timestamp) -> Value {
    Value::Instant(Timestamp::from_micros(at.micros().div_euclid(MICROS_KEPT) * MICROS_KEPT))
}

fn list<'a>(items: impl Iterator<Item = &'a str>) -> Value {
    let mut items: Vec<Arc<str>> = items.map(str::trim).filter(|i| !i.is_empty()).map(clean_text).collect();
    items.sort();
    items.dedup();
    if items.is_empty() { Value::Null } else { Value::List(items) }
}

/// A number at the CRM's scale: what the CRM will keep of it.
pub(super) fn at_scale(number: Decimal, scale: u32) -> Decimal {
    number.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero).normalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, text: &str) -> Option<String> {
        kind.read(&Value::from(text)).ok().map(|value| value.to_string())
    }

    #[test]
    fn every_spelling_of_a_value_is_one_value() {
        let cases = [
            (Kind::Text, "  Ada ", "Ada"),
            (Kind::Text, "e\u{301}", "é"),
            (Kind::Text, " \t", ""),
            (Kind::Number, "10.50", "10.5"),
            (Kind::Number, "1e3", "1000"),
            (Kind::Number, "9007199254740993.000000001", "9007199254740993.000000001"),
            (Kind::Integer, "7.0", "7"),
            (Kind::Bool, "TRUE", "true"),
            (Kind::Bool, "0", "false"),
            (Kind::Date, "1790899200000", "2026-10-02"),
            (Kind::Date, "2026-10-02T23:59:00Z", "2026-10-02"),
            (Kind::Instant, "2026-10-02T10:00:00.1239Z", "2026-10-02T10:00:00.123Z"),
            (Kind::Instant, "2026-10-02T12:00:00.000+0200", "2026-10-02T10:00:00Z"),
            (Kind::List, "b; a;b;", "a;b"),
        ];
        for (kind, text, want) in cases {
            assert_eq!(read(kind, text).as_deref(), Some(want), "{kind:?} {text:?}");
        }
    }

    #[test]
    fn what_is_not_of_the_kind_is_unreadable_and_not_echoed() {
        for (kind, text) in [
            (Kind::Integer, "7.5"),
            (Kind::Number, "seven"),
            (Kind::Bool, "maybe"),
            (Kind::Date, "02.10.2026"),
            (Kind::Instant, "soon"),
        ] {
            let error = kind.read(&Value::from(text)).unwrap_err();
            assert!(!error.to_string().contains(text), "{error}");
        }
    }
}
