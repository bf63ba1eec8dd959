//! One value of one field, as the org holds it.

use std::cmp::Ordering;
use std::sync::Arc;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Number, Value};

use super::ids::Id;
use crate::clock::{Millis, iso};

/// A typed value. Text is never empty: an empty text is [`Datum::Null`].
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Datum {
    #[default]
    Null,
    Text(Arc<str>),
    Number(Decimal),
    /// A whole number (`int` fields), shown without a decimal point.
    Int(i64),
    Bool(bool),
    Date(NaiveDate),
    /// To the second, as every stamp is.
    Instant(Millis),
    Id(Id),
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

    pub fn as_id(&self) -> Option<Id> {
        match self {
            Self::Id(id) => Some(*id),
            _ => None,
        }
    }

    pub fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    /// What an index files it under; none for null. Ids are case-sensitive, text only where its field is.
    pub fn key(&self, case_sensitive: bool) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Text(text) if case_sensitive => Some(text.to_string()),
            Self::Text(text) => Some(text.to_lowercase()),
            Self::Id(id) => Some(id.short()),
            other => Some(other.csv()),
        }
    }

    /// As in a JSON body.
    pub fn json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Text(text) => Value::String(text.to_string()),
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Int(number) => Value::from(*number),
            Self::Number(number) => {
                number_text(*number).parse::<f64>().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number)
            }
            Self::Date(date) => Value::String(date.format("%Y-%m-%d").to_string()),
            Self::Instant(at) => Value::String(json_instant(*at)),
            Self::Id(id) => Value::String(id.to_string()),
        }
    }

    /// As in a bulk CSV: null is nothing, instants end in `Z`. Not quoted.
    pub fn csv(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) => text.to_string(),
            Self::Bool(flag) => flag.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Number(number) => number_text(*number),
            Self::Date(date) => date.format("%Y-%m-%d").to_string(),
            Self::Instant(at) => iso(*at),
            Self::Id(id) => id.to_string(),
        }
    }

    /// Order within one type; null before everything, other types by no rule but a stable one.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.to_lowercase().cmp(&b.to_lowercase()).then_with(|| a.cmp(b)),
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Int(a), Self::Number(b)) => Decimal::from(*a).cmp(b),
            (Self::Number(a), Self::Int(b)) => a.cmp(&Decimal::from(*b)),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::Instant(a), Self::Instant(b)) => a.cmp(b),
            (Self::Id(a), Self::Id(b)) => a.cmp(b),
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
            Self::Id(_) => 5,
            Self::Text(_) => 6,
        }
    }
}

/// `87.5`, `50.0`: a double always shows a point.
pub fn number_text(number: Decimal) -> String {
    let text = number.normalize().to_string();
    if text.contains('.') { text } else { format!("{text}.0") }
}

/// `2026-03-04T05:06:07.000+0000`.
pub fn json_instant(at: Millis) -> String {
    let text = iso(at);
    format!("{}+0000", text.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::parse_iso;

    #[test]
    fn stamps_have_two_spellings() {
        let at = Datum::Instant(parse_iso("2026-03-04T05:06:07Z").unwrap());
        assert_eq!(at.json(), "2026-03-04T05:06:07.000+0000");
        assert_eq!(at.csv(), "2026-03-04T05:06:07.000Z");
    }

    #[test]
    fn doubles_show_a_point_and_whole_numbers_do_not() {
        assert_eq!(Datum::Number(Decimal::from(50)).json().to_string(), "50.0");
        assert_eq!(Datum::Number(Decimal::new(8750, 2)).csv(), "87.5");
        assert_eq!(Datum::Int(50).json().to_string(), "50");
        assert_eq!(Datum::text(""), Datum::Null);
    }
}
