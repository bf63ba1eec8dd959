//! Field values as they cross the contract, and sets of them.

use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{FieldName, Timestamp};

/// One value. A connector delivers the most exact form it knows; a CRM that answers only text delivers `Text`, and the
/// mapping coerces by the trait's declared kind. Numbers are decimals, never f64.
///
/// The serde form is tagged by one letter per kind and is for storage; what people and plans see is plain JSON
/// (`model::canonical`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Value {
    /// Present and empty. Absence is a field that is not in [`Fields`] at all; the two are never the same.
    #[serde(rename = "n")]
    Null,
    #[serde(rename = "t")]
    Text(Arc<str>),
    #[serde(rename = "b")]
    Bool(bool),
    #[serde(rename = "d")]
    Number(Decimal),
    /// A calendar date without a time zone.
    #[serde(rename = "y")]
    Date(NaiveDate),
    #[serde(rename = "i")]
    Instant(Timestamp),
    /// Several values of a multi-select or list, in the CRM's order.
    #[serde(rename = "l")]
    List(Vec<Arc<str>>),
}

impl Value {
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text without a copy, for who keeps it.
    pub fn as_shared_text(&self) -> Option<&Arc<str>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_instant(&self) -> Option<Timestamp> {
        match self {
            Self::Instant(at) => Some(*at),
            _ => None,
        }
    }

    pub fn as_number(&self) -> Option<Decimal> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A number as CRMs write one, plain or with an exponent, without trailing zeros.
    pub fn parse_number(text: &str) -> Option<Self> {
        let number: Decimal = text.parse().ok().or_else(|| Decimal::from_scientific(text).ok())?;
        Some(Self::Number(number.normalize()))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Decimal::from(number))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

/// As a person reads it: the empty string for null, lists joined by `;`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Text(text) => f.write_str(text),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{}", number.normalize()),
            Self::Date(date) => write!(f, "{date}"),
            Self::Instant(at) => write!(f, "{at}"),
            Self::List(items) => f.write_str(&items.join(";")),
        }
    }
}

/// Field values of one record by field name, sorted by name, each name once. A name that is not in here was not read
/// (or is not to be written); a name with [`Value::Null`] was read and is empty (or is to be cleared).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(Vec<(FieldName, Value)>);

impl Fields {
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Sets a field; an earlier value of the same name is replaced.
    pub fn set(&mut self, name: impl Into<FieldName>, value: impl Into<Value>) {
        let name = name.into();
        // Connectors deliver in sorted order, so that the common case is a push at the end.
        if self.0.last().is_none_or(|(last, _)| *last < name) {
            self.0.push((name, value.into()));
            return;
        }
        match self.0.binary_search_by(|(have, _)| have.cmp(&name)) {
            Ok(at) => self.0[at].1 = value.into(),
            Err(at) => self.0.insert(at, (name, value.into())),
        }
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.binary_search_by(|(have, _)| (**have).cmp(name)).ok().map(|at| &self.0[at].1)
    }

    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.0.binary_search_by(|(have, _)| (**have).cmp(name)).ok()?;
        Some(self.0.remove(at).1)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&FieldName, &Value)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    pub fn names(&self) -> impl ExactSizeIterator<Item = &FieldName> {
        self.0.iter().map(|(name, _)| name)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<FieldName>, V: Into<Value>> FromIterator<(N, V)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut fields = Self::new();
        for (name, value) in pairs {
            fields.set(name, value);
        }
        fields
    }
}

impl<N: Into<FieldName>, V: Into<Value>, const LEN: usize> From<[(N, V); LEN]> for Fields {
    fn from(pairs: [(N, V); LEN]) -> Self {
        pairs.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_plain_or_with_an_exponent() {
        let text = |text: &str| Value::parse_number(text).map(|number| number.to_string());
        assert_eq!(text("12345678901234567.890").as_deref(), Some("12345678901234567.89"));
        assert_eq!(text("1.2E7").as_deref(), Some("12000000"));
        assert_eq!((text(""), text("many")), (None, None));
    }

    #[test]
    fn fields_stay_sorted_and_unique() {
        let mut fields = Fields::from([("b", "1"), ("a", "2"), ("b", "3")]);
        fields.set("c", Value::Null);
        assert_eq!(fields.names().map(|n| &**n).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(fields.get("b"), Some(&Value::from("3")));
        assert_eq!(fields.get("c"), Some(&Value::Null));
        assert_eq!(fields.get("d"), None);
        assert_eq!(fields.remove("a"), Some(Value::from("2")));
        assert_eq!(fields.len(), 2);
    }
}
