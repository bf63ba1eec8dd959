//! One value of one column, as the org holds it.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate};
use rust_decimal::Decimal;
use serde_json::Value;

use super::guid::Guid;
use super::kind::Kind;
use crate::clock::Millis;

/// A typed value. Text is never empty: an empty text is [`Datum::Null`].
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Datum {
    #[default]
    Null,
    Text(Arc<str>),
    /// A whole number, and the value of a choice.
    Int(i64),
    Number(Decimal),
    Bool(bool),
    Date(NaiveDate),
    /// To the second, as every stamp is.
    Instant(Millis),
    Guid(Guid),
    /// A lookup.
    Ref(Kind, Guid),
}

impl Datum {
    /// Text, or null when empty.
    pub fn text(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        if text.is_empty() { Self::Null } else { Self::Text(text.into()) }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    pub fn as_lookup(&self) -> Option<(Kind, Guid)> {
        match self {
            Self::Ref(kind, id) => Some((*kind, *id)),
            _ => None,
        }
    }

    pub fn as_decimal(&self) -> Option<Decimal> {
        match self {
            Self::Int(number) => Some(Decimal::from(*number)),
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// What an index files it under; none for null. The database compares text without regard to capitals.
    pub fn key(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Text(text) => Some(text.to_lowercase()),
            other => Some(other.plain()),
        }
    }

    /// The value as text, without quotes; nothing for null.
    pub fn plain(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) => text.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Number(number) => number.normalize().to_string(),
            Self::Bool(flag) => flag.to_string(),
            Self::Date(date) => date.format("%Y-%m-%d").to_string(),
            Self::Instant(at) => instant(*at),
            Self::Guid(id) | Self::Ref(_, id) => id.to_string(),
        }
    }

    /// For the ledger.
    pub fn json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Int(number) => Value::from(*number),
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Number(number) => number
                .normalize()
                .to_string()
                .parse()
                .ok()
                .and_then(serde_json::Number::from_f64)
                .map_or(Value::Null, Value::Number),
            other => Value::String(other.plain()),
        }
    }

    /// Writes it as a JSON value. `digits` pads decimals: money has four.
    pub fn write_json(&self, out: &mut String, digits: Option<u32>) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Text(text) => write_text(out, text),
            Self::Int(_) | Self::Bool(_) => out.push_str(&self.plain()),
            Self::Number(number) => {
                let mut number = *number;
                match digits {
                    Some(digits) => number.rescale(digits),
                    None => number = number.normalize(),
                }
                let _ = write!(out, "{number}");
            }
            other => {
                let _ = write!(out, "\"{}\"", other.plain());
            }
        }
    }

    /// Order within one type, text by the database's collation; null before everything.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.to_lowercase().cmp(&b.to_lowercase()),
            (Self::Int(_) | Self::Number(_), Self::Int(_) | Self::Number(_)) => {
                self.as_decimal().cmp(&other.as_decimal())
            }
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::Instant(a), Self::Instant(b)) => a.cmp(b),
            (Self::Guid(a) | Self::Ref(_, a), Self::Guid(b) | Self::Ref(_, b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Int(_) | Self::Number(_) => 2,
            Self::Date(_) => 3,
            Self::Instant(_) => 4,
            Self::Guid(_) | Self::Ref(..) => 5,
            Self::Text(_) => 6,
        }
    }
}

/// `2026-01-04T15:02:11Z`: stamps show whole seconds.
pub fn instant(at: Millis) -> String {
    DateTime::from_timestamp_millis(at).unwrap_or_default().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A JSON string.
pub fn write_text(out: &mut String, text: &str) {
    out.push_str(&Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::parse_iso;

    #[test]
    fn values_are_written_as_the_vendor_writes_them() {
        let written = |datum: Datum, digits| {
            let mut out = String::new();
            datum.write_json(&mut out, digits);
            out
        };
        assert_eq!(written(Datum::Number(Decimal::from(12_500)), Some(4)), "12500.0000");
        assert_eq!(written(Datum::Number(Decimal::new(1250, 2)), None), "12.5");
        assert_eq!(
            written(Datum::Instant(parse_iso("2026-01-04T15:02:11.700Z").unwrap()), None),
            "\"2026-01-04T15:02:11Z\""
        );
        assert_eq!(written(Datum::text("O\"B"), None), "\"O\\\"B\"");
        assert_eq!(Datum::text(""), Datum::Null);
    }

    #[test]
    fn text_is_compared_without_capitals_and_numbers_across_types() {
        assert_eq!(Datum::text("ANA").order(&Datum::text("ana")), Ordering::Equal);
        assert_eq!(Datum::Int(2).order(&Datum::Number(Decimal::new(15, 1))), Ordering::Greater);
        assert_eq!(Datum::Null.order(&Datum::Bool(false)), Ordering::Less);
    }
}
