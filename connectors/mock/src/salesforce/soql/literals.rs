//! Literals against the fields they are compared with: the kind must fit, or the vendor says which would.

use chrono::{NaiveDate, NaiveTime};

use super::ast::{Literal, LiteralValue};
use super::mistake::Mistake;
use super::names::Scope;
use super::plan::Way;
use crate::clock::Millis;
use crate::salesforce::datum::Datum;
use crate::salesforce::ids::Id;
use crate::salesforce::schema::FieldType;

/// A literal that fits its field.
pub enum Fitted {
    Null,
    Value(Datum),
    /// From the first day to the first day after.
    Days(NaiveDate, NaiveDate),
    Instants(Millis, Millis),
}

impl Scope<'_> {
    /// # Errors
    /// `INVALID_FIELD` where the kind does not fit, `INVALID_QUERY_FILTER_OPERATOR` for an Id that is none.
    pub fn fit(&self, way: &Way, literal: &Literal) -> Result<Fitted, Mistake> {
        use FieldType as Ty;
        use LiteralValue as Value;
        let fitted = match (&literal.value, way.ty) {
            (Value::Null, _) => Fitted::Null,
            (Value::Text(text), Ty::Id | Ty::Reference) => {
                if text.is_empty() {
                    return Ok(Fitted::Null);
                }
                let reason = format!("invalid ID field: {text}");
                let id = Id::parse(text);
                Fitted::Value(Datum::Id(
                    id.ok_or_else(|| self.mistake("INVALID_QUERY_FILTER_OPERATOR", way.at, &reason))?,
                ))
            }
            (Value::Text(text), ty) if is_text(ty) => match text.as_str() {
                "" => Fitted::Null,
                text if way.case_sensitive => Fitted::Value(Datum::text(text)),
                text => Fitted::Value(Datum::text(text.to_lowercase())),
            },
            (Value::Number(number), ty) if ty.is_number() || ty == Ty::Int => Fitted::Value(Datum::Number(*number)),
            (Value::Bool(flag), Ty::Boolean) => Fitted::Value(Datum::Bool(*flag)),
            (Value::Date(day), Ty::Date) => Fitted::Value(Datum::Date(*day)),
            (Value::Instant(at), Ty::DateTime) => Fitted::Value(Datum::Instant(*at)),
            (Value::Word(word), ty @ (Ty::Date | Ty::DateTime)) => {
                let Some((from, to)) = word.span(self.view.today()) else {
                    return Err(self.mistake("INVALID_FIELD", literal.at.0, &format!("{word} is out of range")));
                };
                match ty {
                    Ty::Date => Fitted::Days(from, to),
                    _ => Fitted::Instants(midnight(from), midnight(to)),
                }
            }
            _ => return Err(self.wrong_kind(way)),
        };
        Ok(fitted)
    }

    pub fn wrong_kind(&self, way: &Way) -> Mistake {
        let (kind, quotes) = match way.ty {
            FieldType::Date => ("date", "should not"),
            FieldType::DateTime => ("dateTime", "should not"),
            FieldType::Boolean => ("boolean", "should not"),
            FieldType::Int => ("int", "should not"),
            ty if ty.is_number() => ("double", "should not"),
            _ => ("string", "should"),
        };
        let reason = format!(
            "value of filter criterion for field '{}' must be of type {kind} and {quotes} be enclosed in quotes",
            way.name
        );
        self.mistake("INVALID_FIELD", way.at, &reason)
    }
}

pub fn is_text(ty: FieldType) -> bool {
    matches!(
        ty,
        FieldType::Text
            | FieldType::TextArea
            | FieldType::Email
            | FieldType::Phone
            | FieldType::Url
            | FieldType::Picklist
            | FieldType::MultiPicklist
    )
}

fn midnight(day: NaiveDate) -> Millis {
    day.and_time(NaiveTime::MIN).and_utc().timestamp_millis()
}
