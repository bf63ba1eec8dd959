//! Constants in a query and in a key, and what they are for a column of some type.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::clock::{Millis, parse_iso};
use crate::dynamics::datum::Datum;
use crate::dynamics::guid::Guid;
use crate::dynamics::schema::{Column, Ty};

#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Null,
    Bool(bool),
    Number(Decimal),
    Text(String),
    Guid(Guid),
    Day(NaiveDate),
    Instant(Millis),
}

impl Literal {
    /// A constant without quotes; none for anything else.
    pub fn bare(word: &str) -> Option<Self> {
        match word {
            "null" => return Some(Self::Null),
            "true" => return Some(Self::Bool(true)),
            "false" => return Some(Self::Bool(false)),
            _ => {}
        }
        if let Some(id) = Guid::parse(word) {
            return Some(Self::Guid(id));
        }
        if let Ok(day) = NaiveDate::parse_from_str(word, "%Y-%m-%d") {
            return Some(Self::Day(day));
        }
        let number = word.trim_end_matches(['M', 'm', 'L', 'l', 'D', 'd', 'F', 'f']);
        if word.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            && let Ok(number) = number.parse()
        {
            return Some(Self::Number(number));
        }
        word.contains('T').then(|| parse_iso(word).map(Self::Instant)).flatten()
    }

    /// The type the service says it has.
    fn edm(&self) -> &'static str {
        match self {
            Self::Null => "Edm.Null",
            Self::Bool(_) => "Edm.Boolean",
            Self::Number(number) if number.scale() > 0 => "Edm.Decimal",
            Self::Number(_) => "Edm.Int32",
            Self::Text(_) => "Edm.String",
            Self::Guid(_) => "Edm.Guid",
            Self::Day(_) => "Edm.Date",
            Self::Instant(_) => "Edm.DateTimeOffset",
        }
    }

    /// The constant as a value of the column.
    ///
    /// # Errors
    /// The sentence about types that do not go together.
    pub fn of(&self, column: &Column) -> Result<Datum, String> {
        let midnight = |day: &NaiveDate| day.and_hms_opt(0, 0, 0).map_or(0, |at| at.and_utc().timestamp_millis());
        Ok(match (self, column.ty) {
            (Self::Null, _) => Datum::Null,
            (Self::Guid(id), ty) if ty == Ty::Guid || ty.is_lookup() => Datum::Guid(*id),
            // The service takes an id in quotes, too.
            (Self::Text(text), ty) if ty == Ty::Guid || ty.is_lookup() => match Guid::parse(text) {
                Some(id) => Datum::Guid(id),
                None => return Err(self.misfit(column)),
            },
            (Self::Text(text), Ty::Text | Ty::Memo | Ty::MultiChoice | Ty::EntityName) => Datum::text(text),
            (Self::Number(number), Ty::Int | Ty::BigInt | Ty::Decimal | Ty::Double | Ty::Money) => {
                Datum::Number(*number)
            }
            (Self::Number(number), ty) if ty.is_choice() => Datum::Number(*number),
            (Self::Bool(flag), Ty::Bool) => Datum::Bool(*flag),
            (Self::Day(day), Ty::Day) => Datum::Date(*day),
            (Self::Day(day), Ty::Instant) => Datum::Instant(midnight(day)),
            (Self::Instant(at), Ty::Instant) => Datum::Instant(*at),
            (Self::Instant(at), Ty::Day) => {
                chrono::DateTime::from_timestamp_millis(*at).map_or(Datum::Null, |at| Datum::Date(at.date_naive()))
            }
            _ => return Err(self.misfit(column)),
        })
    }

    fn misfit(&self, column: &Column) -> String {
        format!(
            "A binary operator with incompatible types was detected. Found operand types '{}' and '{}' for operator kind \
             'Equal'.",
            column.ty.edm(),
            self.edm()
        )
    }
}
