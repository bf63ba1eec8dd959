//! From what a condition says to a value of the field's type, and from a dotted name to a path.

use rust_decimal::Decimal;
use serde_json::Value;

use super::datum::{Datum, parse_stamp};
use super::filter::{Path, Step, UserWord};
use super::ids;
use super::kind::Kind;
use super::org::Org;
use super::schema::{Field, FieldType};
use crate::clock::parse_iso;

impl Org {
    /// A field or a dotted lookup (`Account_Name.Website`, `Owner.email`), and the definition of what it ends in; none for
    /// what a user has.
    pub fn path(&self, kind: Kind, dotted: &str) -> Option<(Path, Option<&Field>)> {
        let mut names = dotted.split('.');
        let (field, mut last) = self.schema(kind).visible(names.next()?)?;
        let mut path = Path::of(field);
        while let Some(name) = names.next() {
            match last.ty {
                FieldType::User => {
                    path.then.push(Step::UserWord(UserWord::parse(name)?));
                    return names.next().is_none().then_some((path, None));
                }
                FieldType::Lookup(target) => {
                    let (next, definition) = self.schema(target).visible(name)?;
                    path.then.push(Step::Field(target, next));
                    last = definition;
                }
                _ => return None,
            }
        }
        Some((path, Some(last)))
    }
}

/// What a condition's value means for a field; none when it is of the wrong type. A user's words are texts.
pub fn literal(field: Option<&Field>, given: &Value) -> Option<Datum> {
    if given.is_null() {
        return Some(Datum::Null);
    }
    let text = match given {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => return None,
    };
    let Some(field) = field else { return Some(Datum::text(text)) };
    match field.ty {
        _ if &*field.name == "id" => ids::parse(&text).map(Datum::Ref),
        FieldType::Integer | FieldType::BigInt => text.parse().ok().map(Datum::Int),
        FieldType::Double | FieldType::Currency | FieldType::Percent => {
            let number: Option<Decimal> = text.parse().ok().or_else(|| Decimal::from_scientific(&text).ok());
            number.map(Datum::Number)
        }
        FieldType::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" => Some(Datum::Bool(true)),
            "false" => Some(Datum::Bool(false)),
            _ => None,
        },
        FieldType::Date => text.parse().ok().map(Datum::Date),
        FieldType::DateTime => parse_stamp(&text).or_else(|| fractional(&text)).map(Datum::Instant),
        FieldType::Lookup(_) | FieldType::AnyLookup | FieldType::User => ids::parse(&text).map(Datum::Ref),
        _ => given.is_string().then(|| Datum::text(text)),
    }
}

/// An instant with a fraction of a second, which conditions take where values do not.
fn fractional(text: &str) -> Option<i64> {
    parse_iso(text).filter(|_| text.contains('.') && text.contains('T'))
}
