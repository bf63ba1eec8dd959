//! Queries, built from parts and written once, here. Names are checked because they can be quoted nowhere; values are
//! escaped because they can hold anything (`salesforce.md` §2.2).

use std::fmt::Write as _;

use chrono::NaiveDate;
use connector::{Error, ErrorKind, Timestamp};
use rust_decimal::Decimal;

use crate::paths::is_name;

/// Salesforce takes no text longer than this inside a condition.
pub(crate) const LONGEST_TEXT: usize = 4_000;
/// And no query longer than this.
pub(crate) const LONGEST_QUERY: usize = 100_000;
/// Parents of parents a path may go up to.
const DEEPEST: usize = 6;

/// A field's name, or the path to a parent's field (`Account.Name`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field(String);

impl Field {
    pub fn new(name: &str) -> Result<Self, Error> {
        let parts = name.split('.').count();
        if parts <= DEEPEST && name.split('.').all(is_name) {
            return Ok(Self(name.to_owned()));
        }
        Err(Error::new(ErrorKind::Config, "write a query", "a field's name has only letters, digits, `_` and `.`")
            .with_fix("use the field's API name from Salesforce's setup, e.g. CDP_Score__c"))
    }

    /// A name that stands in this source text.
    fn known(name: &'static str) -> Self {
        Self(name.to_owned())
    }

    pub fn is(self, comparison: Comparison, literal: Literal) -> Condition {
        Condition::Compare(self, comparison, literal)
    }

    pub fn one_of(self, literals: Vec<Literal>) -> Condition {
        Condition::OneOf(self, literals)
    }
}

impl From<&'static str> for Field {
    fn from(name: &'static str) -> Self {
        Self::known(name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Less,
    Greater,
    AtLeast,
}

impl Comparison {
    fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Less => "<",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        }
    }
}

/// A value as it stands in a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Text(String),
    Number(Decimal),
    Bool(bool),
    Instant(Timestamp),
    Date(NaiveDate),
}

impl Literal {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn write(&self, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Text(text) => {
                quote(text, out);
                Ok(())
            }
            Self::Number(number) => write!(out, "{}", number.normalize()),
            Self::Bool(true) => write!(out, "TRUE"),
            Self::Bool(false) => write!(out, "FALSE"),
            Self::Instant(at) => write!(out, "{}", at.to_rfc3339_millis()),
            Self::Date(date) => write!(out, "{}", date.format("%Y-%m-%d")),
        };
    }
}

/// A text between quotes, with every character that means something inside them written as an escape.
fn quote(text: &str, out: &mut String) {
    out.push('\'');
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c.is_control() => {
                let mut units = [0u16; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04X}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('\'');
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Compare(Field, Comparison, Literal),
    OneOf(Field, Vec<Literal>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

impl Condition {
    fn write(&self, out: &mut String) {
        match self {
            Self::Compare(field, comparison, literal) => {
                let _ = write!(out, "{} {} ", field.0, comparison.sign());
                literal.write(out);
            }
            Self::OneOf(field, literals) => {
                let _ = write!(out, "{} IN (", field.0);
                for (nth, literal) in literals.iter().enumerate() {
                    if nth > 0 {
                        out.push(',');
                    }
                    literal.write(out);
                }
                out.push(')');
            }
            Self::All(parts) => join(parts, " AND ", out),
            Self::Any(parts) => join(parts, " OR ", out),
        }
    }
}

/// Each part in parentheses where it is itself of several: SOQL mixes AND and OR no other way.
fn join(parts: &[Condition], word: &str, out: &mut String) {
    for (nth, part) in parts.iter().enumerate() {
        if nth > 0 {
            out.push_str(word);
        }
        let nested = matches!(part, Condition::All(_) | Condition::Any(_));
        if nested {
            out.push('(');
        }
        part.write(out);
        if nested {
            out.push(')');
        }
    }
}

/// One query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    /// None of them: the number of rows.
    fields: Vec<Field>,
    from: String,
    condition: Option<Condition>,
    order: Vec<Field>,
    limit: Option<usize>,
}

impl Query {
    /// The fields of an object's records; `from` has passed [`crate::paths::sobject_of`] or stands in the source.
    pub fn select(fields: Vec<Field>, from: &str) -> Result<Self, Error> {
        if fields.is_empty() {
            return Err(Error::new(ErrorKind::Protocol, "write a query", "it names no field"));
        }
        Ok(Self { fields, ..Self::count(from)? })
    }

    /// The number of an object's records.
    pub fn count(from: &str) -> Result<Self, Error> {
        if !is_name(from) {
            return Err(Error::new(ErrorKind::Config, "write a query", "the object's name is not one of Salesforce's"));
        }
        Ok(Self { fields: Vec::new(), from: from.to_owned(), condition: None, order: Vec::new(), limit: None })
    }

    #[must_use]
    pub fn filter(mut self, condition: Condition) -> Self {
        self.condition = Some(condition);
        self
    }

    /// Ascending, by each in turn.
    #[must_use]
    pub fn order_by(mut self, fields: Vec<Field>) -> Self {
        self.order = fields;
        self
    }

    #[must_use]
    pub fn limit(mut self, rows: usize) -> Self {
        self.limit = Some(rows);
        self
    }

    /// The query as it is sent.
    pub fn text(&self) -> String {
        let mut out = String::from("SELECT ");
        if self.fields.is_empty() {
            out.push_str("COUNT()");
        }
        names(&self.fields, &mut out);
        out.push_str(" FROM ");
        out.push_str(&self.from);
        if let Some(condition) = &self.condition {
            out.push_str(" WHERE ");
            condition.write(&mut out);
        }
        if !self.order.is_empty() {
            out.push_str(" ORDER BY ");
            names(&self.order, &mut out);
        }
        if let Some(limit) = self.limit {
            let _ = write!(out, " LIMIT {limit}");
        }
        out
    }
}

fn names(fields: &[Field], out: &mut String) {
    for (nth, field) in fields.iter().enumerate() {
        if nth > 0 {
            out.push_str(", ");
        }
        out.push_str(&field.0);
    }
}

/// Splits values into lists that fit into one query beside `others` characters of the rest of it.
pub(crate) fn chunks(literals: Vec<Literal>, others: usize, most: usize) -> Vec<Vec<Literal>> {
    let room = LONGEST_QUERY.saturating_sub(others).saturating_sub(200);
    let mut chunks: Vec<Vec<Literal>> = Vec::new();
    let mut used = usize::MAX;
    for literal in literals {
        let mut text = String::new();
        literal.write(&mut text);
        let length = text.chars().count() + 1;
        match chunks.last_mut() {
            Some(chunk) if used.saturating_add(length) <= room && chunk.len() < most => {
                used += length;
                chunk.push(literal);
            }
            _ => {
                used = length;
                chunks.push(vec![literal]);
            }
        }
    }
    chunks
}

#[cfg(test)]
#[path = "soql_tests.rs"]
mod tests;
