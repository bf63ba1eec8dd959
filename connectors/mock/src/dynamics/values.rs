//! From a JSON value to what a column holds: type, length, range, set.

use chrono::{DateTime, NaiveDate};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;

use super::datum::Datum;
use super::guid::Guid;
use super::refusal::Refusal;
use super::schema::{Column, Required, Ty};
use crate::clock::whole_second;

/// # Errors
/// The sentence about a value the model refuses before it looks at the row.
pub fn convert(column: &Column, value: &Value) -> Result<Datum, String> {
    if value.is_null() {
        return Ok(Datum::Null);
    }
    let wrong = || format!("Cannot convert the literal '{}' to the expected type '{}'.", plain(value), column.ty.edm());
    match column.ty {
        Ty::Text | Ty::Memo | Ty::EntityName | Ty::Virtual => Ok(Datum::text(value.as_str().ok_or_else(wrong)?)),
        Ty::Bool => value.as_bool().map(Datum::Bool).ok_or_else(wrong),
        Ty::Guid | Ty::Lookup | Ty::Customer | Ty::Owner => {
            value.as_str().and_then(Guid::parse).map(Datum::Guid).ok_or_else(wrong)
        }
        Ty::Int | Ty::BigInt | Ty::Choice | Ty::State | Ty::Status => {
            let number =
                value.as_i64().or_else(|| value.as_f64().filter(|n| n.fract() == 0.0).and_then(|n| n.to_i64()));
            let number = number.ok_or_else(wrong)?;
            if column.ty != Ty::BigInt && i32::try_from(number).is_err() {
                return Err(wrong());
            }
            Ok(Datum::Int(number))
        }
        Ty::Decimal | Ty::Double | Ty::Money => {
            let number = value.as_number().and_then(|number| decimal(&number.to_string())).ok_or_else(wrong)?;
            Ok(Datum::Number(number.round_dp(column.precision)))
        }
        Ty::Day => {
            let day = value.as_str().and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok());
            day.map(Datum::Date).ok_or_else(wrong)
        }
        Ty::Instant => {
            let at = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
            at.map(|at| Datum::Instant(whole_second(at.timestamp_millis()))).ok_or_else(wrong)
        }
        Ty::MultiChoice => {
            let text = value.as_str().ok_or_else(wrong)?;
            let numbers = text.split(',').map(|each| each.trim().parse::<i64>());
            let mut numbers: Vec<i64> = numbers.collect::<Result<_, _>>().map_err(|_| wrong())?;
            numbers.sort_unstable();
            numbers.dedup();
            Ok(Datum::text(numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(",")))
        }
    }
}

/// Whether the column may hold the value.
///
/// # Errors
/// 400 of the row.
pub fn check(column: &Column, datum: &Datum, logical: &str) -> Result<(), Refusal> {
    let name = &column.logical;
    match (datum, column.ty) {
        (Datum::Null, _) if column.required == Required::System => {
            Err(Refusal::new(400, "0x80040203", format!("Attribute: {name} cannot be set to NULL.")))
        }
        (Datum::Text(text), Ty::Text | Ty::Memo) if text.chars().count() > column.max_length => {
            let message = format!(
                "A validation error occurred.  The length of the '{name}' attribute of the '{logical}' entity exceeded the \
                 maximum allowed length of '{}'.",
                column.max_length
            );
            Err(Refusal::new(400, "0x80044331", message))
        }
        (Datum::Int(value), Ty::Choice | Ty::State | Ty::Status) if column.choice(*value).is_none() => {
            Err(out_of_set(column, logical, &value.to_string()))
        }
        (Datum::Text(values), Ty::MultiChoice) => {
            let unknown = values.split(',').find(|value| value.parse().ok().and_then(|v| column.choice(v)).is_none());
            unknown.map_or(Ok(()), |value| Err(out_of_set(column, logical, value)))
        }
        (Datum::Int(_) | Datum::Number(_), Ty::Int | Ty::BigInt | Ty::Decimal | Ty::Double | Ty::Money) => {
            let number = datum.as_decimal().unwrap_or_default();
            if (column.min..=column.max).contains(&number) {
                return Ok(());
            }
            let message = format!(
                "A validation error occurred.  The value {number} of '{name}' on record of type '{logical}' is outside the \
                 valid range of {} to {}.",
                column.min, column.max
            );
            Err(Refusal::new(400, "0x80044330", message))
        }
        (Datum::Instant(_) | Datum::Date(_), _) => {
            let day = match datum {
                Datum::Date(day) => *day,
                Datum::Instant(at) => DateTime::from_timestamp_millis(*at).unwrap_or_default().date_naive(),
                _ => return Ok(()),
            };
            let first = NaiveDate::from_ymd_opt(1753, 1, 1).unwrap_or_default();
            if day >= first {
                return Ok(());
            }
            let message = "DateTime is less than minumum value supported by CrmDateTime. Actual value: ".to_owned();
            Err(Refusal::new(
                400,
                "0x80040239",
                format!("{message}{day}, Minimum value supported: 01/01/1753 00:00:00"),
            ))
        }
        _ => Ok(()),
    }
}

fn out_of_set(column: &Column, logical: &str, value: &str) -> Refusal {
    let accepted: Vec<String> = column.choices.iter().map(|choice| choice.value.to_string()).collect();
    let message = format!(
        "The value {value} of '{}' on record of type '{logical}' is outside the valid range. Accepted Values: {}",
        column.logical,
        accepted.join(",")
    );
    Refusal::new(400, "0x8004431A", message)
}

/// A JSON number as it was written, exponent or not.
fn decimal(text: &str) -> Option<Decimal> {
    text.parse().ok().or_else(|| Decimal::from_scientific(text).ok())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether mail could ever arrive there. Documentation domains do not count as real, `.example` does.
pub fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let labels: Vec<&str> = domain.split('.').collect();
    let last = labels.last().copied().unwrap_or("").to_ascii_lowercase();
    !local.is_empty()
        && !local.contains(char::is_whitespace)
        && labels.len() > 1
        && labels.iter().all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-'))
        && !["test", "invalid", "localhost"].contains(&last.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_cannot_be_are_told_apart() {
        for address in ["ana@firm.example", "o'hara+x@a-b.co.uk"] {
            assert!(is_address(address), "{address}");
        }
        for address in ["ana", "ana@firm", "@firm.example", "a b@firm.example", "ana@firm.test", "ana@x..example"] {
            assert!(!is_address(address), "{address}");
        }
    }
}
