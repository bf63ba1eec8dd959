//! A query as text again, in one line and one spelling.

use std::fmt::{self, Display, Formatter};

use super::ast::{Call, Comparand, Condition, FieldSet, Item, Literal, LiteralValue, Operand, Order, Path, Query};
use super::pattern::write_escaped;
use crate::clock::iso;

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("SELECT ")?;
        list(f, &self.select)?;
        write!(f, " FROM {}", self.from)?;
        if let Some(alias) = &self.alias {
            write!(f, " AS {alias}")?;
        }
        if let Some(filter) = &self.filter {
            write!(f, " WHERE {filter}")?;
        }
        if !self.group.is_empty() {
            f.write_str(" GROUP BY ")?;
            list(f, &self.group)?;
        }
        if let Some(having) = &self.having {
            write!(f, " HAVING {having}")?;
        }
        if !self.order.is_empty() {
            f.write_str(" ORDER BY ")?;
            list(f, &self.order)?;
        }
        if let Some(limit) = self.limit {
            write!(f, " LIMIT {limit}")?;
        }
        if let Some((_, offset)) = self.offset {
            write!(f, " OFFSET {offset}")?;
        }
        if self.all_rows { f.write_str(" ALL ROWS") } else { Ok(()) }
    }
}

fn list<T: Display>(f: &mut Formatter<'_>, items: &[T]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts.join("."))
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.function.name(), self.path)
    }
}

impl Display for Item {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let alias = match self {
            Self::Field { path, alias } => {
                write!(f, "{path}")?;
                alias
            }
            Self::Aggregate { call, alias } => {
                write!(f, "{call}")?;
                alias
            }
            Self::Count(_) => return f.write_str("COUNT()"),
            Self::Fields(_, FieldSet::All) => return f.write_str("FIELDS(ALL)"),
            Self::Fields(_, FieldSet::Standard) => return f.write_str("FIELDS(STANDARD)"),
            Self::Fields(_, FieldSet::Custom) => return f.write_str("FIELDS(CUSTOM)"),
            Self::Children(query) => return write!(f, "({query})"),
        };
        match alias {
            Some(alias) => write!(f, " {alias}"),
            None => Ok(()),
        }
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) => chain(f, parts, " AND "),
            Self::Any(parts) => chain(f, parts, " OR "),
            Self::Not(inner) => {
                f.write_str("NOT ")?;
                bracketed(f, inner)
            }
            Self::Test { left, operator, right } => write!(f, "{left} {} {right}", operator.text()),
        }
    }
}

fn chain(f: &mut Formatter<'_>, parts: &[Condition], connective: &str) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(connective)?;
        }
        bracketed(f, part)?;
    }
    Ok(())
}

fn bracketed(f: &mut Formatter<'_>, condition: &Condition) -> fmt::Result {
    match condition {
        Condition::Test { .. } => write!(f, "{condition}"),
        _ => write!(f, "({condition})"),
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(path) => write!(f, "{path}"),
            Self::Aggregate(call) => write!(f, "{call}"),
        }
    }
}

impl Display for Comparand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(literal) => write!(f, "{literal}"),
            Self::List(literals) => {
                f.write_str("(")?;
                list(f, literals)?;
                f.write_str(")")
            }
            Self::Chosen(_, query) => write!(f, "({query})"),
        }
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.value {
            LiteralValue::Null => f.write_str("NULL"),
            LiteralValue::Bool(true) => f.write_str("TRUE"),
            LiteralValue::Bool(false) => f.write_str("FALSE"),
            LiteralValue::Text(text) => {
                f.write_str("'")?;
                text.chars().try_for_each(|character| write_escaped(f, character))?;
                f.write_str("'")
            }
            LiteralValue::Pattern(pattern) => write!(f, "{pattern}"),
            LiteralValue::Number(number) => write!(f, "{number}"),
            LiteralValue::Date(day) => write!(f, "{day}"),
            LiteralValue::Instant(at) => f.write_str(&iso(*at)),
            LiteralValue::Word(word) => write!(f, "{word}"),
        }
    }
}

impl Display for Order {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.by, if self.descending { " DESC" } else { "" })?;
        match self.nulls_last {
            Some(true) => f.write_str(" NULLS LAST"),
            Some(false) => f.write_str(" NULLS FIRST"),
            None => Ok(()),
        }
    }
}
