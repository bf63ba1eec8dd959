//! Values while an expression is evaluated, and how they compare. Numbers never pass through f64.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate};
use connector::{Timestamp, Value};
use rust_decimal::Decimal;

use crate::expr::Json;

/// A value an expression works with. Missing is [`Val::Null`].
#[derive(Clone, Debug)]
pub enum Val<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Dec(Decimal),
    Text(Cow<'a, str>),
    Date(NaiveDate),
    Instant(Timestamp),
    /// Microseconds.
    Span(i64),
    List(Vec<Val<'a>>),
    /// A list or an object.
    Json(&'a Json<'a>),
}

/// An evaluation that has no answer: a comparison with null, a number out of range. It makes a condition false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault;

impl<'a> Val<'a> {
    pub fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    pub(super) fn from_json(json: Option<&'a Json<'a>>) -> Self {
        match json {
            None | Some(Json::Null) => Self::Null,
            Some(Json::Bool(flag)) => Self::Bool(*flag),
            // JSON knows one kind of number, as CEL reads it: never integer division.
            Some(number @ (Json::Int(_) | Json::Digits(_) | Json::Float(_))) => {
                number.as_decimal().map_or(Self::Null, Self::Dec)
            }
            Some(Json::Text(text)) => Self::Text(Cow::Borrowed(text)),
            Some(open @ (Json::List(_) | Json::Object(_))) => Self::Json(open),
        }
    }

    /// As a trait holds it. Lists keep their texts; what no trait can hold is null.
    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Null | Self::Span(_) | Self::Json(Json::Object(_)) => Value::Null,
            Self::Bool(flag) => Value::Bool(flag),
            Self::Int(number) => Value::from(number),
            Self::Dec(number) => Value::Number(number.normalize()),
            Self::Text(text) => Value::from(text.as_ref()),
            Self::Date(date) => Value::Date(date),
            Self::Instant(at) => Value::Instant(at),
            list => {
                let items = list.items().unwrap_or_default();
                let texts = items.into_iter().filter_map(|item| match item {
                    Self::Text(text) => Some(Arc::from(text.as_ref())),
                    _ => None,
                });
                Value::List(texts.collect())
            }
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(super) fn number(&self) -> Option<Decimal> {
        match self {
            Self::Int(number) => Some(Decimal::from(*number)),
            Self::Dec(number) => Some(*number),
            _ => None,
        }
    }

    fn instant(&self) -> Option<Timestamp> {
        match self {
            Self::Instant(at) => Some(*at),
            Self::Date(date) => date.and_hms_opt(0, 0, 0).map(|at| Timestamp::from(at.and_utc())),
            _ => None,
        }
    }

    /// Items of a list of either form.
    pub(super) fn items(&self) -> Option<Vec<Val<'a>>> {
        match self {
            Self::List(items) => Some(items.clone()),
            Self::Json(Json::List(items)) => Some(items.iter().map(|item| Val::from_json(Some(item))).collect()),
            _ => None,
        }
    }

    /// Equality as CEL has it: values of different kinds are unequal, numbers compare by value. With null there is no
    /// answer: absence is tested by `== null` and `has()`.
    pub(super) fn equals(&self, other: &Val<'_>) -> Result<bool, Fault> {
        if self.is_null() || other.is_null() {
            return Err(Fault);
        }
        if let (Some(a), Some(b)) = (self.items(), other.items()) {
            if a.len() != b.len() {
                return Ok(false);
            }
            let mut all = true;
            for (x, y) in a.iter().zip(&b) {
                all &= x.equals(y)?;
            }
            return Ok(all);
        }
        Ok(match (self, other) {
            (Self::Json(a), Val::Json(b)) => a == b,
            _ => self.order(other) == Ok(Ordering::Equal),
        })
    }

    /// Order within one family of kinds; across families there is no answer.
    pub(super) fn order(&self, other: &Val<'_>) -> Result<Ordering, Fault> {
        match (self, other) {
            (Self::Text(a), Val::Text(b)) => Ok(a.as_ref().cmp(b.as_ref())),
            (Self::Bool(a), Val::Bool(b)) => Ok(a.cmp(b)),
            (Self::Int(a), Val::Int(b)) | (Self::Span(a), Val::Span(b)) => Ok(a.cmp(b)),
            (Self::Date(a), Val::Date(b)) => Ok(a.cmp(b)),
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => Ok(a.cmp(&b)),
                _ => match (self.instant(), other.instant()) {
                    (Some(a), Some(b)) => Ok(a.cmp(&b)),
                    _ => Err(Fault),
                },
            },
        }
    }
}

impl<'a> From<&'a Value> for Val<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Text(text) => Self::text(text),
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Number(number) => Self::Dec(*number),
            Value::Date(date) => Self::Date(*date),
            Value::Instant(at) => Self::Instant(*at),
            Value::List(items) => Self::List(items.iter().map(|item| Val::text(item)).collect()),
        }
    }
}

/// Microseconds of `36h`, `1.5h`, `90m`, `14d`, `2w`, `1h30m`; a leading `-` is allowed.
pub(super) fn parse_span(text: &str) -> Option<i64> {
    let (sign, mut rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    if rest.is_empty() || rest.len() > 40 {
        return None;
    }
    let mut total = Decimal::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let micros: i64 = match unit {
            "us" => 1,
            "ms" => 1_000,
            "s" => 1_000_000,
            "m" => 60_000_000,
            "h" => 3_600_000_000,
            "d" => 86_400_000_000,
            "w" => 604_800_000_000,
            _ => return None,
        };
        let part = number.parse::<Decimal>().ok()?.checked_mul(Decimal::from(micros))?;
        total = total.checked_add(part)?;
        rest = tail;
    }
    i64::try_from(total.trunc()).ok().map(|micros| sign * micros)
}

/// An instant in RFC 3339, or a date (midnight UTC).
pub(super) fn parse_instant(text: &str) -> Option<Timestamp> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(Timestamp::from(at));
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    date.and_hms_opt(0, 0, 0).map(|at| Timestamp::from(at.and_utc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read() {
        let hour = 3_600_000_000;
        let cases = [
            ("36h", Some(36 * hour)),
            ("1h30m", Some(hour + hour / 2)),
            ("1.5h", Some(hour + hour / 2)),
            ("14d", Some(14 * 24 * hour)),
            ("-2s", Some(-2_000_000)),
            ("5min", None),
            ("h", None),
            ("5", None),
            ("", None),
            ("99999999999999999w", None),
        ];
        for (text, want) in cases {
            assert_eq!(parse_span(text), want, "{text}");
        }
    }

    #[test]
    fn null_has_no_answer_and_kinds_do_not_mix() {
        assert_eq!(Val::Null.equals(&Val::Null), Err(Fault));
        assert_eq!(Val::Int(5).equals(&Val::Dec("5.00".parse().unwrap())), Ok(true));
        assert_eq!(Val::text("5").equals(&Val::Int(5)), Ok(false));
        assert_eq!(Val::text("5").order(&Val::Int(5)), Err(Fault));
    }
}
