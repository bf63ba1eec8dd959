//! From what was sent to what is stored: types, lengths, precision, picklists. Nothing here looks at other records.

use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use super::datum::Datum;
use super::given::Raw;
use super::ids::Id;
use super::refusal::{Refusal, RowError};
use super::schema::{Field, FieldType};
use crate::clock::{Millis, parse_iso, whole_second};

/// Checks one value against its field.
pub fn convert(field: &Field, raw: &Raw) -> Result<Datum, RowError> {
    if raw.is_null() {
        return Ok(if field.ty == FieldType::Boolean { Datum::Bool(false) } else { Datum::Null });
    }
    match field.ty {
        FieldType::Boolean => boolean(field, raw),
        FieldType::Int | FieldType::Double | FieldType::Percent | FieldType::Currency => number(field, raw),
        FieldType::Date => day(field, raw),
        FieldType::DateTime => instant(field, raw),
        FieldType::Id | FieldType::Reference => reference(field, raw),
        FieldType::Address => Err(Refusal::json(&unreadable(field, raw))),
        _ => words(field, raw),
    }
}

fn words(field: &Field, raw: &Raw) -> Result<Datum, RowError> {
    let text = match raw {
        Raw::Json(Value::Bool(flag)) => flag.to_string(),
        raw => raw.text().ok_or_else(|| Refusal::json(&unreadable(field, raw)))?,
    };
    let text = text.trim();
    if text.is_empty() {
        return Ok(Datum::Null);
    }
    if text.chars().count() > field.length as usize {
        let start: String = text.chars().take(255).collect();
        let message = format!("{}: data value too large: {start} (max length={})", field.label, field.length);
        return Err(Refusal::row("STRING_TOO_LONG", message, &[&field.name]));
    }
    match field.ty {
        FieldType::Email if !is_address(text) => {
            let message = format!("{}: invalid email address: {text}", field.label);
            Err(Refusal::row("INVALID_EMAIL_ADDRESS", message, &[&field.name]))
        }
        FieldType::Picklist => choice(field, text),
        FieldType::MultiPicklist => choices(field, text),
        _ => Ok(Datum::text(text)),
    }
}

/// The vendor's check is about form; that a domain exists is nobody's promise, but reserved ones never do.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let labels: Vec<&str> = domain.split('.').collect();
    let good_label = |label: &&str| {
        !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-') && !label.starts_with('-')
    };
    let nowhere = ["test", "invalid", "localhost"];
    let last = labels.last().map_or(String::new(), |label| label.to_ascii_lowercase());
    let good_local = !local.is_empty()
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && !local.chars().any(|c| c.is_whitespace() || c.is_control() || "@,;:<>()[]\\\"".contains(c));
    good_local && labels.len() >= 2 && labels.iter().all(good_label) && !nowhere.contains(&last.as_str())
}

fn choice(field: &Field, text: &str) -> Result<Datum, RowError> {
    let active = field.values.iter().filter(|value| value.active);
    match active.into_iter().find(|value| value.value.eq_ignore_ascii_case(text)) {
        Some(value) => Ok(Datum::text(&value.value)),
        None if field.restricted => Err(bad_choice(field, text)),
        None => Ok(Datum::text(text)),
    }
}

/// Stored in the order of the definition, unknown ones after; each once.
fn choices(field: &Field, text: &str) -> Result<Datum, RowError> {
    let mut chosen: Vec<(usize, String)> = Vec::new();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let at = field.values.iter().position(|value| value.active && value.value.eq_ignore_ascii_case(part));
        let (at, value) = match at.and_then(|at| Some((at, field.values.get(at)?))) {
            Some((at, known)) => (at, known.value.clone()),
            None if field.restricted => return Err(bad_choice(field, part)),
            None => (usize::MAX, part.to_owned()),
        };
        if !chosen.iter().any(|(_, each)| *each == value) {
            chosen.push((at, value));
        }
    }
    chosen.sort_by_key(|(at, _)| *at);
    let values: Vec<String> = chosen.into_iter().map(|(_, value)| value).collect();
    Ok(Datum::text(values.join(";")))
}

fn bad_choice(field: &Field, text: &str) -> RowError {
    let message = format!("{}: bad value for restricted picklist field: {text}", field.label);
    Refusal::row("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, &[&field.name])
}

fn boolean(field: &Field, raw: &Raw) -> Result<Datum, RowError> {
    let word = match raw {
        Raw::Json(Value::Bool(flag)) => return Ok(Datum::Bool(*flag)),
        Raw::Csv(text) => text.trim().to_ascii_lowercase(),
        Raw::Json(Value::String(text)) => text.to_ascii_lowercase(),
        raw => return Err(Refusal::json(&unreadable(field, raw))),
    };
    match (word.as_str(), raw) {
        ("true", _) | ("1" | "yes" | "y", Raw::Csv(_)) => Ok(Datum::Bool(true)),
        ("false", _) | ("0" | "no" | "n", Raw::Csv(_)) => Ok(Datum::Bool(false)),
        _ => Err(bad_value(field, raw)),
    }
}

fn number(field: &Field, raw: &Raw) -> Result<Datum, RowError> {
    let text = raw.text().ok_or_else(|| Refusal::json(&unreadable(field, raw)))?;
    let text = text.trim();
    let parsed = Decimal::from_str(text).or_else(|_| Decimal::from_scientific(text));
    let Ok(parsed) = parsed else {
        let numeric = text.parse::<f64>().is_ok_and(f64::is_finite) && !text.is_empty();
        return Err(if numeric { out_of_range(field, text) } else { bad_value(field, raw) });
    };
    if field.ty == FieldType::Int {
        if !parsed.fract().is_zero() {
            return Err(bad_value(field, raw));
        }
        let number = i64::try_from(parsed.trunc().mantissa() / 10i128.pow(parsed.trunc().scale()));
        return match number {
            Ok(number) if number.unsigned_abs() < 10u64.pow(field.precision.min(18)) => Ok(Datum::Int(number)),
            _ => Err(out_of_range(field, text)),
        };
    }
    let rounded = parsed.round_dp_with_strategy(field.scale, RoundingStrategy::MidpointAwayFromZero);
    let whole_digits = field.precision.saturating_sub(field.scale);
    let bound = Decimal::from_i128_with_scale(10i128.pow(whole_digits.min(27)), 0);
    if rounded.abs() >= bound {
        return Err(out_of_range(field, text));
    }
    Ok(Datum::Number(rounded.normalize()))
}

fn out_of_range(field: &Field, text: &str) -> RowError {
    let message = format!("{}: value outside of valid range on numeric field: {text}", field.label);
    Refusal::row("NUMBER_OUTSIDE_VALID_RANGE", message, &[&field.name])
}

fn in_range(year: i32) -> bool {
    (1700..=4000).contains(&year)
}

fn day(field: &Field, raw: &Raw) -> Result<Datum, RowError> {
    let Some(text) = raw.text() else { return Err(Refusal::json(&unreadable(field, raw))) };
    // An instant is taken for its day; its zone is dropped with its time.
    let head = text.trim().split(['T', ' ']).next().unwrap_or_default();
    match NaiveDate::parse_from_str(head, "%Y-%m-%d") {
        Ok(date) if in_range(date.year()) && head.len() == 10 => Ok(Datum::Date(date)),
        _ => Err(bad_value(field, raw)),
    }
}

fn instant(field: &Field, raw: &Raw) -> Result<Datum, RowError> {
    let Some(text) = raw.text() else { return Err(Refusal::json(&unreadable(field, raw))) };
    match parse_instant(text.trim()) {
        Some(at) if in_range(chrono::DateTime::from_timestamp_millis(at).map_or(0, |at| at.year())) => {
            Ok(Datum::Instant(whole_second(at)))
        }
        _ => Err(bad_value(field, raw)),
    }
}

/// RFC 3339, the API's own `+0000`, or a plain date (its midnight UTC).
pub fn parse_instant(text: &str) -> Option<Millis> {
    parse_iso(text).or_else(|| {
        chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").ok().map(|at| at.timestamp_millis())
    })
}

fn reference(field: &Field, raw: &Raw) -> Result<Datum, RowError> {
    let text = raw.text().ok_or_else(|| Refusal::json(&unreadable(field, raw)))?;
    if text.is_empty() {
        return Ok(Datum::Null);
    }
    match Id::parse(text.trim()) {
        Some(id) => Ok(Datum::Id(id)),
        None => {
            let message = format!("{}: id value of incorrect type: {text}", field.label);
            Err(Refusal::row("MALFORMED_ID", message, &[&field.name]))
        }
    }
}

/// A value of the wrong type: the JSON reader fails, or the CSV row does.
fn bad_value(field: &Field, raw: &Raw) -> RowError {
    match raw {
        Raw::Csv(text) => {
            let message = format!("'{text}' is not a valid value for the type {}", field.ty.soap_name());
            Refusal::row("INVALID_TYPE_ON_FIELD_IN_RECORD", message, &[&field.name])
        }
        raw => Refusal::json(&unreadable(field, raw)),
    }
}

fn unreadable(field: &Field, raw: &Raw) -> String {
    let (what, text) = match raw {
        Raw::Json(Value::String(text)) => ("VALUE_STRING", text.clone()),
        Raw::Json(Value::Bool(flag)) => ("VALUE_BOOLEAN", flag.to_string()),
        Raw::Json(other) => ("VALUE_NUMBER", other.to_string()),
        Raw::Csv(text) => ("VALUE_STRING", text.clone()),
        Raw::Parent { .. } => ("START_OBJECT", String::new()),
    };
    format!(
        "Cannot deserialize instance of {} from {what} value {text} or request may be missing a required field",
        field.ty.name()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::build;
    use super::*;

    fn code(field: &Field, value: Value) -> &'static str {
        convert(field, &Raw::Json(value)).map_or_else(|refusal| refusal.code(), |_| "taken")
    }

    #[test]
    fn numbers_keep_their_precision_and_round_their_decimals() {
        let score = build::number("Score", "Score", FieldType::Double, 5, 2);
        let stored = |value| convert(&score, &Raw::Json(value)).unwrap().csv();
        assert_eq!(stored(json!(87.456)), "87.46");
        assert_eq!(stored(json!("12")), "12.0");
        assert_eq!(code(&score, json!(1000)), "NUMBER_OUTSIDE_VALID_RANGE");
        assert_eq!(code(&score, json!(999.999)), "NUMBER_OUTSIDE_VALID_RANGE");
        assert_eq!(code(&score, json!(1e300)), "NUMBER_OUTSIDE_VALID_RANGE");
        assert_eq!(code(&score, json!("")), "JSON_PARSER_ERROR");
        assert_eq!(code(&build::int("N", "N", 8), json!(1.5)), "JSON_PARSER_ERROR");
        assert_eq!(code(&build::int("N", "N", 8), json!(123_456_789)), "NUMBER_OUTSIDE_VALID_RANGE");
    }

    #[test]
    fn text_has_lengths_and_addresses_have_form() {
        let title = build::text("Title", "Title", 5);
        assert_eq!(code(&title, json!("sixsix")), "STRING_TOO_LONG");
        assert_eq!(convert(&title, &Raw::Json(json!(""))).unwrap(), Datum::Null);
        let email = build::field("Email", "Email", FieldType::Email);
        assert_eq!(code(&email, json!("a.b+c@firm.example")), "taken");
        for bad in ["plain", "a@b", "a b@firm.example", "a@firm.test", "@firm.example", "a@@firm.example"] {
            assert_eq!(code(&email, json!(bad)), "INVALID_EMAIL_ADDRESS", "{bad}");
        }
    }

    #[test]
    fn picklists_are_held_to_their_values_where_restricted() {
        let stage = build::pick("Stage", "Stage", true, None, &["hot", "cold"]);
        assert_eq!(code(&stage, json!("warm")), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
        assert_eq!(code(&stage, json!(null)), "taken");
        let tags = Field { ty: FieldType::MultiPicklist, length: 4_099, ..stage };
        assert_eq!(convert(&tags, &Raw::Json(json!("cold;hot;cold"))).unwrap(), Datum::text("hot;cold"));
    }

    #[test]
    fn dates_are_days_and_instants_whole_seconds() {
        let date = build::field("D", "D", FieldType::Date);
        assert_eq!(convert(&date, &Raw::Json(json!("2026-03-04"))).unwrap().csv(), "2026-03-04");
        for bad in ["04.03.2026", "2026-13-01", "0999-01-01", ""] {
            assert_eq!(code(&date, json!(bad)), "JSON_PARSER_ERROR", "{bad}");
        }
        let at = build::field("T", "T", FieldType::DateTime);
        let stored = |text: &str| convert(&at, &Raw::Csv(text.into())).unwrap().csv();
        assert_eq!(stored("2026-03-04T05:06:07.900+0000"), "2026-03-04T05:06:07.000Z");
        assert_eq!(stored("2026-03-04T05:06:07+01:00"), "2026-03-04T04:06:07.000Z");
        assert_eq!(convert(&at, &Raw::Csv("soon".into())).unwrap_err().code(), "INVALID_TYPE_ON_FIELD_IN_RECORD");
    }

    #[test]
    fn a_checkbox_is_never_null_and_csv_has_more_words_for_it() {
        let opted = build::flag("Opted", "Opted");
        assert_eq!(convert(&opted, &Raw::Json(json!(null))).unwrap(), Datum::Bool(false));
        assert_eq!(convert(&opted, &Raw::Csv("yes".into())).unwrap(), Datum::Bool(true));
        assert_eq!(code(&opted, json!(1)), "JSON_PARSER_ERROR");
    }
}
