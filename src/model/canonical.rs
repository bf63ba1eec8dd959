//! Values as plain JSON, the form in plans, `--json` output and history: numbers as JSON numbers with their exact digits,
//! dates and instants as ISO text, lists as arrays.

use connector::Value;

/// The canonical JSON of a value. Exact: a decimal keeps all its digits, without trailing zeros.
pub fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Text(text) => serde_json::Value::String(text.to_string()),
        Value::Bool(flag) => serde_json::Value::Bool(*flag),
        Value::Number(number) => {
            let number = number.normalize();
            match i64::try_from(number) {
                Ok(whole) if number.scale() == 0 => serde_json::Value::from(whole),
                // Decimals stay text where JSON readers would bend them through f64.
                _ => number
                    .to_string()
                    .parse::<f64>()
                    .ok()
                    .filter(|float| float.to_string() == number.to_string())
                    .and_then(serde_json::Number::from_f64)
                    .map_or_else(|| serde_json::Value::String(number.to_string()), serde_json::Value::Number),
            }
        }
        Value::Date(date) => serde_json::Value::String(date.to_string()),
        Value::Instant(at) => serde_json::Value::String(at.to_rfc3339()),
        Value::List(items) => items.iter().map(|item| serde_json::Value::String(item.to_string())).collect(),
    }
}

/// [`to_json`] as text.
pub fn to_json_text(value: &Value) -> String {
    to_json(value).to_string()
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        let cases = [
            ("3", "3"),
            ("3.00", "3"),
            ("12.5", "12.5"),
            ("9007199254740993", "9007199254740993"),
            ("1234567890.1234567890123", "\"1234567890.1234567890123\""),
        ];
        for (number, want) in cases {
            let value = Value::Number(number.parse::<Decimal>().unwrap());
            assert_eq!(to_json_text(&value), want, "{number}");
        }
        assert_eq!(to_json_text(&Value::Null), "null");
        assert_eq!(to_json_text(&Value::List(vec!["a".into(), "b".into()])), r#"["a","b"]"#);
    }
}
