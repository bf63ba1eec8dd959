//! Values as HubSpot takes them. Everything is a string; the empty string clears.

use std::borrow::Cow;

use connector::{Fields, Value};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A value in HubSpot's canonical form: numbers plain, booleans as words, dates as `YYYY-MM-DD`, instants as ISO 8601
/// with milliseconds, several options joined by `;`.
pub(crate) fn wire(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::Text(text) => Cow::Borrowed(text),
        Value::Bool(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
        Value::Number(number) => Cow::Owned(number.normalize().to_string()),
        Value::Date(date) => Cow::Owned(date.format("%Y-%m-%d").to_string()),
        Value::Instant(at) => Cow::Owned(at.to_rfc3339_millis()),
        // A leading `;` would append to what is there instead of replacing it.
        Value::List(items) => {
            let items: Vec<&str> = items.iter().map(|item| &**item).filter(|item| !item.is_empty()).collect();
            Cow::Owned(items.join(";"))
        }
    }
}

pub(crate) fn wire_text(value: &Value) -> String {
    wire(value).into_owned()
}

/// The `properties` object of a write, written without a tree in between.
pub(crate) struct Properties<'a>(pub &'a Fields);

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0.iter() {
            map.serialize_entry(&**name, &*wire(value))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector::Timestamp;

    #[test]
    fn every_kind_has_one_form() {
        let check = |value: Value, expected: &str| assert_eq!(wire(&value), expected);
        check(Value::Null, "");
        check(Value::from("Zoë"), "Zoë");
        check(Value::from(true), "true");
        check(Value::Number("87.50".parse().unwrap()), "87.5");
        check(Value::Number("-0.0".parse().unwrap()), "0");
        check(Value::Number("1000000".parse().unwrap()), "1000000");
        check(Value::Date(chrono::NaiveDate::from_ymd_opt(2026, 11, 20).unwrap()), "2026-11-20");
        check(Value::Instant(Timestamp::from_millis(1_790_000_000_123)), "2026-09-21T14:13:20.123Z");
        check(Value::List(vec!["a".into(), "".into(), "b".into()]), "a;b");
        check(Value::List(vec![]), "");
    }

    #[test]
    fn properties_are_written_in_order() {
        let fields = Fields::from([("b", Value::Null), ("a", Value::from("x\"y"))]);
        assert_eq!(serde_json::to_string(&Properties(&fields)).unwrap(), r#"{"a":"x\"y","b":""}"#);
    }
}
