//! Comparing values by what they mean: a CRM that answers only text says the same as one that answers exact values.

use chrono::NaiveDate;
use connector::{FieldKind, Timestamp, Value};
use rust_decimal::Decimal;

/// The value's one text for a field of this kind; `None` for no value. A value that does not read as the kind keeps
/// its text, so that it differs from every good one.
pub fn canonical(kind: &FieldKind, value: &Value) -> Option<String> {
    let text = value.to_string();
    if text.is_empty() {
        return None;
    }
    let by_kind = match kind {
        FieldKind::Integer | FieldKind::Decimal { .. } => number(value, &text).map(|number| number.to_string()),
        FieldKind::Bool => match text.to_lowercase().as_str() {
            "true" | "1" | "yes" => Some("true".to_owned()),
            "false" | "0" | "no" => Some("false".to_owned()),
            _ => None,
        },
        FieldKind::Date => date(&text).map(|date| date.to_string()),
        FieldKind::Instant => instant(&text).map(Timestamp::to_rfc3339),
        FieldKind::MultiChoice { .. } => {
            let mut items: Vec<&str> = text.split(';').map(str::trim).filter(|item| !item.is_empty()).collect();
            items.sort_unstable();
            Some(items.join(";"))
        }
        FieldKind::Text | FieldKind::Choice { .. } | FieldKind::Reference | FieldKind::Other(_) => None,
    };
    Some(by_kind.unwrap_or(text))
}

/// Whether two values mean the same in a field of this kind.
pub fn same(kind: &FieldKind, left: &Value, right: &Value) -> bool {
    canonical(kind, left) == canonical(kind, right)
}

fn number(value: &Value, text: &str) -> Option<Decimal> {
    match value {
        Value::Number(number) => Some(number.normalize()),
        _ => text.parse().or_else(|_| Decimal::from_scientific(text)).ok().map(|number| number.normalize()),
    }
}

/// `2026-10-31`, or an instant at midnight UTC.
fn date(text: &str) -> Option<NaiveDate> {
    text.parse().ok().or_else(|| instant(text).map(|at| at.to_utc().date_naive()))
}

/// RFC 3339 or milliseconds since 1970.
fn instant(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text).or_else(|| text.parse().ok().map(Timestamp::from_millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_exact_values_mean_the_same() {
        let number = FieldKind::Decimal { scale: None };
        assert!(same(&number, &Value::from("12.50"), &Value::Number("12.5".parse().unwrap())));
        assert!(!same(&number, &Value::from("12.51"), &Value::Number("12.5".parse().unwrap())));
        let at = Timestamp::from_secs(1_790_000_000);
        for text in ["2026-09-21T14:13:20Z", "2026-09-21T14:13:20.000Z", "1790000000000", "2026-09-21T16:13:20+02:00"] {
            assert!(same(&FieldKind::Instant, &Value::from(text), &Value::Instant(at)), "{text}");
        }
        assert!(same(&FieldKind::Bool, &Value::from("true"), &Value::Bool(true)));
        let list = FieldKind::MultiChoice { options: Vec::new() };
        assert!(same(&list, &Value::from("b;a"), &Value::List(vec!["a".into(), "b".into()])));
        assert!(same(&FieldKind::Text, &Value::from(""), &Value::Null));
        assert!(!same(&FieldKind::Text, &Value::from("A"), &Value::from("a")));
    }
}
