//! One value of one field, as the org holds it, and instants as the vendor writes them.

use std::cmp::Ordering;
use std::sync::Arc;

use chrono::{DateTime, FixedOffset, NaiveDate, SecondsFormat};
use rust_decimal::Decimal;

use crate::clock::Millis;

/// A typed value. Text is never empty: an empty text is [`Datum::Null`], and so is an empty list.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Datum {
    #[default]
    Null,
    Text(Arc<str>),
    /// `integer` and `bigint`.
    Int(i64),
    /// `double`, `currency`, `percent`.
    Number(Decimal),
    Bool(bool),
    Date(NaiveDate),
    /// In whole seconds.
    Instant(Millis),
    /// A record's or a user's id.
    Ref(u64),
    /// `multiselectpicklist` and tags.
    List(Arc<[Arc<str>]>),
}

impl Datum {
    pub fn text(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        if text.is_empty() { Self::Null } else { Self::Text(text.into()) }
    }

    pub fn list(values: Vec<Arc<str>>) -> Self {
        if values.is_empty() { Self::Null } else { Self::List(values.into()) }
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

    pub fn as_ref_id(&self) -> Option<u64> {
        match self {
            Self::Ref(id) => Some(*id),
            _ => None,
        }
    }

    pub fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    /// What an index files it under; none for null. Texts are told apart without regard to case.
    pub fn key(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Text(text) => Some(text.to_lowercase()),
            other => Some(other.plain(0)),
        }
    }

    /// As a CSV cell has it, instants in the org's offset (minutes east of Greenwich). Null is nothing.
    pub fn plain(&self, offset_min: i32) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) => text.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Number(number) => number.normalize().to_string(),
            Self::Bool(flag) => flag.to_string(),
            Self::Date(day) => day.format("%Y-%m-%d").to_string(),
            Self::Instant(at) => stamp(*at, offset_min),
            Self::Ref(id) => id.to_string(),
            Self::List(values) => values.iter().map(|value| &**value).collect::<Vec<_>>().join(";"),
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
            (Self::Ref(a), Self::Ref(b)) => a.cmp(b),
            (Self::List(a), Self::List(b)) => a.cmp(b),
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
            Self::Ref(_) => 5,
            Self::Text(_) => 6,
            Self::List(_) => 7,
        }
    }
}

/// `2026-01-05T11:00:04+01:00`: to the second, in the org's offset.
pub fn stamp(at: Millis, offset_min: i32) -> String {
    let utc = DateTime::from_timestamp_millis(at).unwrap_or_default();
    match FixedOffset::east_opt(offset_min.saturating_mul(60)) {
        Some(offset) => utc.with_timezone(&offset).to_rfc3339_opts(SecondsFormat::Secs, false),
        None => utc.to_rfc3339_opts(SecondsFormat::Secs, false),
    }
}

/// Reads an instant as the vendor takes it: ISO 8601 with an offset and without fractions of a second.
pub fn parse_stamp(text: &str) -> Option<Millis> {
    let whole = !text.contains('.') && text.as_bytes().get(10) == Some(&b'T');
    let at = DateTime::parse_from_rfc3339(text).ok().filter(|_| whole)?;
    Some(at.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_carry_the_orgs_offset_and_no_fraction() {
        let at = parse_stamp("2026-01-05T10:00:04+00:00").unwrap();
        assert_eq!(stamp(at, 60), "2026-01-05T11:00:04+01:00");
        assert_eq!(stamp(at, 330), "2026-01-05T15:30:04+05:30");
        assert_eq!(stamp(at, 0), "2026-01-05T10:00:04+00:00");
        assert_eq!(parse_stamp("2026-01-05T11:00:04+01:00"), Some(at));
        assert_eq!(parse_stamp("2026-01-05T10:00:04Z"), Some(at));
        for bad in ["2026-01-05T10:00:04.000+00:00", "2026-01-05T10:00:04", "2026-01-05 10:00:04+00:00", "2026-01-05"] {
            assert_eq!(parse_stamp(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_have_no_needless_zeroes() {
        assert_eq!(Datum::Number(Decimal::new(12_500, 1)).plain(0), "1250");
        assert_eq!(Datum::text(""), Datum::Null);
        assert_eq!(Datum::text("Ana@X.example").key().as_deref(), Some("ana@x.example"));
    }
}
