//! From what a body says to a value: every type's own rules, and what is told about a value that breaks them.

use std::sync::Arc;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::datum::{Datum, parse_stamp};
use super::ids;
use super::org::Org;
use super::records::Sight;
use super::refusal::Refusal;
use super::schema::{Field, FieldType};

/// Tags a record may carry, and characters of one.
pub const MOST_TAGS: usize = 10;
pub const LONGEST_TAG: usize = 25;
/// Top-level names that no address may end in.
const DEAD_ENDS: [&str; 3] = ["test", "invalid", "localhost"];

/// # Errors
/// `INVALID_DATA`, naming the field and what was expected; the caller adds where it stood.
pub fn convert(org: &Org, field: &Field, given: &Value) -> Result<Datum, Refusal> {
    if given.is_null() {
        return Ok(Datum::Null);
    }
    match field.ty {
        FieldType::Text | FieldType::TextArea => text(field, given).map(Datum::text),
        FieldType::Email => text(field, given).and_then(|text| shaped(field, text, is_email)),
        FieldType::Phone => text(field, given).and_then(|text| shaped(field, text, is_phone)),
        FieldType::Website => text(field, given).and_then(|text| shaped(field, text, is_website)),
        FieldType::Integer => whole_number(field, given),
        FieldType::BigInt => whole_number(field, given),
        FieldType::Double | FieldType::Currency | FieldType::Percent => number(field, given),
        FieldType::Boolean => given.as_bool().map(Datum::Bool).ok_or_else(|| wrong_type(field)),
        FieldType::Date => {
            let day = given.as_str().and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok());
            let exact = day.filter(|_| given.as_str().is_some_and(|text| text.len() == 10));
            exact.map(Datum::Date).ok_or_else(|| wrong_type(field))
        }
        FieldType::DateTime => {
            given.as_str().and_then(parse_stamp).map(Datum::Instant).ok_or_else(|| wrong_type(field))
        }
        FieldType::Picklist => choice(org, field, given),
        FieldType::MultiPicklist => choices(org, field, given),
        FieldType::Lookup(_) | FieldType::AnyLookup | FieldType::User => reference(org, field, given),
        FieldType::Tags => tags(field, given),
    }
}

/// What a field of another type than the one given is told.
pub fn wrong_type(field: &Field) -> Refusal {
    Refusal::invalid("invalid data").with("expected_data_type", field.ty.name()).with("api_name", &*field.name)
}

fn too_long(field: &Field) -> Refusal {
    Refusal::invalid("invalid data").with("maximum_length", field.length).with("api_name", &*field.name)
}

fn text<'a>(field: &Field, given: &'a Value) -> Result<&'a str, Refusal> {
    let text = given.as_str().ok_or_else(|| wrong_type(field))?;
    if text.chars().count() > field.length as usize { Err(too_long(field)) } else { Ok(text) }
}

fn shaped(field: &Field, text: &str, is_right: fn(&str) -> bool) -> Result<Datum, Refusal> {
    if text.is_empty() || is_right(text) { Ok(Datum::text(text)) } else { Err(wrong_type(field)) }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = |text: &str| !text.chars().any(|c| c.is_whitespace() || matches!(c, '@' | ',' | ';' | '<' | '>' | '"'));
    let Some((name, end)) = domain.rsplit_once('.') else { return false };
    let labels = domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    !local.is_empty()
        && local.len() <= 64
        && plain(local)
        && plain(domain)
        && labels
        && !name.is_empty()
        && end.len() >= 2
        && !DEAD_ENDS.iter().any(|dead| dead.eq_ignore_ascii_case(end))
}

fn is_phone(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_digit())
        && text.chars().all(|c| {
            c.is_ascii_alphanumeric() || matches!(c, ' ' | '+' | '-' | '(' | ')' | '.' | '/' | '#' | ',' | ';' | ':')
        })
}

fn is_website(text: &str) -> bool {
    text.contains('.') && !text.chars().any(char::is_whitespace) && !text.starts_with('.') && !text.ends_with('.')
}

fn whole_number(field: &Field, given: &Value) -> Result<Datum, Refusal> {
    let number = match given {
        Value::Number(number) => number.as_i64(),
        // Clients without 64-bit numbers send the big ones as text.
        Value::String(text) if field.ty == FieldType::BigInt => text.parse().ok(),
        _ => None,
    };
    let number = number.ok_or_else(|| wrong_type(field))?;
    let digits = number.unsigned_abs().to_string().len();
    if digits > field.length as usize { Err(too_long(field)) } else { Ok(Datum::Int(number)) }
}

fn number(field: &Field, given: &Value) -> Result<Datum, Refusal> {
    let Value::Number(number) = given else { return Err(wrong_type(field)) };
    let text = number.to_string();
    let number: Decimal = text.parse().or_else(|_| Decimal::from_scientific(&text)).map_err(|_| wrong_type(field))?;
    let whole = number.trunc().abs().to_string();
    if whole.len() > field.length as usize {
        return Err(too_long(field));
    }
    // More decimals than the field keeps are rounded away, and nobody is told.
    Ok(Datum::Number(number.round_dp(field.decimals).normalize()))
}

fn choice(org: &Org, field: &Field, given: &Value) -> Result<Datum, Refusal> {
    match text(field, given)? {
        "" | "-None-" => Ok(Datum::Null),
        text if allows(org, field, text) => Ok(Datum::text(text)),
        _ => Err(outside(field)),
    }
}

fn choices(org: &Org, field: &Field, given: &Value) -> Result<Datum, Refusal> {
    let Value::Array(given) = given else {
        return Err(wrong_type(field).with("expected_data_type", "jsonarray"));
    };
    let mut values: Vec<Arc<str>> = Vec::new();
    for each in given {
        let text = each.as_str().ok_or_else(|| wrong_type(field))?;
        if !allows(org, field, text) {
            return Err(outside(field));
        }
        if !values.iter().any(|value| &**value == text) {
            values.push(text.into());
        }
    }
    Ok(Datum::list(values))
}

fn allows(org: &Org, field: &Field, text: &str) -> bool {
    org.knobs.open_picklists || field.choices.iter().any(|choice| choice.used && choice.actual == text)
}

fn outside(field: &Field) -> Refusal {
    let supported: Vec<&str> =
        field.choices.iter().filter(|choice| choice.used).map(|choice| choice.actual.as_str()).collect();
    Refusal::invalid("invalid data").with("supported_values", json!(supported)).with("api_name", &*field.name)
}

fn reference(org: &Org, field: &Field, given: &Value) -> Result<Datum, Refusal> {
    let id = match given {
        Value::Object(object) => object.get("id").and_then(ids::from_json),
        other => ids::from_json(other),
    };
    let id = id.ok_or_else(|| wrong_type(field))?;
    let fits = match field.ty {
        FieldType::User => org.user(id).is_some_and(|user| user.active),
        FieldType::Lookup(kind) => org.live(kind, id, Sight::Latest).is_some(),
        _ => ids::kind_of(id).is_some_and(|kind| org.live(kind, id, Sight::Latest).is_some()),
    };
    let unknown = || Refusal::invalid("the id given seems to be invalid").with("api_name", &*field.name);
    fits.then_some(Datum::Ref(id)).ok_or_else(unknown)
}

fn tags(field: &Field, given: &Value) -> Result<Datum, Refusal> {
    let Value::Array(given) = given else {
        return Err(wrong_type(field).with("expected_data_type", "jsonarray"));
    };
    let mut names: Vec<Arc<str>> = Vec::new();
    for each in given {
        let name = each["name"].as_str().ok_or_else(|| wrong_type(field).with("expected_data_type", "jsonobject"))?;
        add_tag(&mut names, name).map_err(|refusal| refusal.with("api_name", &*field.name))?;
    }
    Ok(Datum::list(names))
}

/// Adds a tag to those of a record.
///
/// # Errors
/// When its name is too long, or there are too many.
pub fn add_tag(names: &mut Vec<Arc<str>>, name: &str) -> Result<(), Refusal> {
    if name.is_empty() || name.chars().count() > LONGEST_TAG {
        return Err(Refusal::invalid("invalid data").with("maximum_length", LONGEST_TAG));
    }
    if names.iter().any(|each| each.eq_ignore_ascii_case(name)) {
        return Ok(());
    }
    if names.len() >= MOST_TAGS {
        return Err(Refusal::new(400, "LIMIT_EXCEEDED", "tags limit exceeded").with("limit", MOST_TAGS));
    }
    names.push(name.into());
    Ok(())
}

/// A value as text (a CSV cell, a person's edit) in the shape a body would have it.
pub fn from_text(field: &Field, text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    match field.ty {
        FieldType::Integer | FieldType::BigInt | FieldType::Double | FieldType::Currency | FieldType::Percent => {
            serde_json::from_str::<serde_json::Number>(text).map_or_else(|_| json!(text), Value::Number)
        }
        FieldType::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" => json!(true),
            "false" => json!(false),
            _ => json!(text),
        },
        FieldType::MultiPicklist => json!(text.split(';').map(str::trim).collect::<Vec<_>>()),
        FieldType::Tags => json!(text.split(',').map(|name| json!({ "name": name.trim() })).collect::<Vec<_>>()),
        _ => json!(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_numbers_are_looked_at() {
        for good in ["ana@x.example", "a.b+c@x-y.co"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["ana", "ana@x", "ana@x.test", "a b@x.example", "@x.example", "ana@.example", "a@b@x.example,"] {
            assert!(!is_email(bad), "{bad}");
        }
        assert!(is_phone("+351 (21) 555-01 02 ext 7") && !is_phone("none") && !is_phone("12 <b>"));
        assert!(is_website("x.example") && !is_website("x example") && !is_website("nowhere"));
    }

    #[test]
    fn tags_are_few_and_short() {
        let mut names = Vec::new();
        assert!(add_tag(&mut names, "vip").is_ok() && add_tag(&mut names, "VIP").is_ok());
        assert_eq!(names.len(), 1);
        assert!(add_tag(&mut names, &"x".repeat(26)).is_err());
        (1..10).for_each(|at| add_tag(&mut names, &format!("t{at}")).unwrap());
        assert_eq!(add_tag(&mut names, "more").map_err(|refusal| refusal.code), Err("LIMIT_EXCEEDED"));
    }
}
