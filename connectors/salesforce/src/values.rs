//! Values as Salesforce takes them: JSON for one record or a Collections call, cells for a Bulk job.
//!
//! JSON has `null` for "cleared" and absence for "untouched". A cell has `#N/A` for "cleared" and emptiness for
//! "untouched", so that a text of exactly `#N/A`, or of nothing, cannot be said in a cell at all.

use std::borrow::Cow;

use connector::{Fields, Value};
use rust_decimal::Decimal;
use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

/// What a cell holds for a field that is cleared.
pub(crate) const CLEARED: &str = "#N/A";
/// Longest cell that every version of the Bulk API takes, in characters.
pub(crate) const LONGEST_CELL: usize = 32_000;

/// One value as JSON: numbers exact and plain, dates `YYYY-MM-DD`, instants ISO 8601 with milliseconds and `Z`, several
/// options joined by `;` without spaces, none of them as `null`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonValue<'a>(pub &'a Value);

impl Serialize for JsonValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_none(),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Bool(flag) => serializer.serialize_bool(*flag),
            // Through an f64 a price would change in its last digits.
            Value::Number(number) => {
                RawValue::from_string(plain(*number)).map_err(S::Error::custom)?.serialize(serializer)
            }
            Value::Date(date) => serializer.collect_str(&date.format("%Y-%m-%d")),
            Value::Instant(at) => serializer.serialize_str(&at.to_rfc3339_millis()),
            Value::List(items) => match joined(items) {
                Some(text) => serializer.serialize_str(&text),
                None => serializer.serialize_none(),
            },
        }
    }
}

/// A value as a cell of a Bulk job; `None` where no cell can say it, so that the row goes another way.
pub(crate) fn cell(value: &Value) -> Option<Cow<'_, str>> {
    let cell = match value {
        Value::Null => Cow::Borrowed(CLEARED),
        Value::Text(text) => Cow::Borrowed(&**text),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        Value::Number(number) => Cow::Owned(plain(*number)),
        Value::Date(date) => Cow::Owned(date.format("%Y-%m-%d").to_string()),
        Value::Instant(at) => Cow::Owned(at.to_rfc3339_millis()),
        Value::List(items) => match joined(items) {
            Some(text) => Cow::Owned(text),
            None => return Some(Cow::Borrowed(CLEARED)),
        },
    };
    // The server trims a cell before it looks for `#N/A` and for nothing.
    let trimmed = cell.trim();
    let sayable = value.is_null() || !(trimmed.is_empty() || trimmed.eq_ignore_ascii_case(CLEARED));
    let short = cell.len() <= LONGEST_CELL || cell.chars().count() <= LONGEST_CELL;
    (sayable && short && !cell.contains('\0')).then_some(cell)
}

/// The value as an external id is written: in a path, in a record, in a cell. `None` where there is nothing to say.
pub(crate) fn key_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null | Value::List(_) => return None,
        Value::Text(text) => text.trim().to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => plain(*number),
        Value::Date(date) => date.format("%Y-%m-%d").to_string(),
        Value::Instant(at) => at.to_rfc3339_millis(),
    };
    (!text.is_empty()).then_some(text)
}

/// Without exponent, trailing zeros or a negative zero.
fn plain(number: Decimal) -> String {
    number.normalize().to_string()
}

fn joined(items: &[std::sync::Arc<str>]) -> Option<String> {
    let items: Vec<&str> = items.iter().map(|item| &**item).filter(|item| !item.is_empty()).collect();
    (!items.is_empty()).then(|| items.join(";"))
}

/// A record of a request body. `kind` names the object where a call may mix them; `named` is the `id` or the external key
/// that says which record it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonRecord<'a> {
    pub kind: Option<&'a str>,
    pub named: Option<(&'a str, &'a str)>,
    pub fields: &'a Fields,
}

#[derive(serde::Serialize)]
struct Attributes<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
}

impl Serialize for JsonRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(kind) = self.kind {
            map.serialize_entry("attributes", &Attributes { kind })?;
        }
        if let Some((name, value)) = self.named {
            map.serialize_entry(name, value)?;
        }
        for (name, value) in self.fields.iter() {
            // The name said once already; twice in one object is not JSON that anybody reads the same way.
            if self.named.is_none_or(|(named, _)| !named.eq_ignore_ascii_case(name)) {
                map.serialize_entry(&**name, &JsonValue(value))?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector::Timestamp;

    fn number(text: &str) -> Value {
        Value::Number(text.parse().unwrap())
    }

    #[test]
    fn every_kind_has_one_json_form_and_one_cell() {
        let check = |value: Value, json: &str, cell_text: Option<&str>| {
            assert_eq!(serde_json::to_string(&JsonValue(&value)).unwrap(), json);
            assert_eq!(cell(&value).as_deref(), cell_text, "{value:?}");
        };
        check(Value::Null, "null", Some("#N/A"));
        check(Value::from("Zoë \"Red\""), r#""Zoë \"Red\"""#, Some("Zoë \"Red\""));
        check(Value::from(true), "true", Some("true"));
        check(Value::from(false), "false", Some("false"));
        check(number("87.50"), "87.5", Some("87.5"));
        check(number("-0.0"), "0", Some("0"));
        check(number("1000000"), "1000000", Some("1000000"));
        check(number("123456789012345678.12"), "123456789012345678.12", Some("123456789012345678.12"));
        check(
            Value::Date(chrono::NaiveDate::from_ymd_opt(2026, 11, 20).unwrap()),
            r#""2026-11-20""#,
            Some("2026-11-20"),
        );
        let at = Value::Instant(Timestamp::from_millis(1_790_000_000_123));
        check(at, r#""2026-09-21T14:13:20.123Z""#, Some("2026-09-21T14:13:20.123Z"));
        check(Value::List(vec!["a".into(), "".into(), "b".into()]), r#""a;b""#, Some("a;b"));
        check(Value::List(vec![]), "null", Some("#N/A"));
    }

    #[test]
    fn what_no_cell_can_say_is_not_said() {
        for text in ["", " ", "#N/A", " #N/A ", "#n/a", "a\0b"] {
            assert_eq!(cell(&Value::from(text)), None, "{text:?}");
        }
        assert_eq!(cell(&Value::List(vec!["#N/A".into()])), None);
        assert!(cell(&Value::text("é".repeat(LONGEST_CELL))).is_some());
        assert!(cell(&Value::text("é".repeat(LONGEST_CELL + 1))).is_none());
        assert_eq!(cell(&Value::from("see #N/A")).as_deref(), Some("see #N/A"));
    }

    #[test]
    fn a_key_is_a_text_or_nothing() {
        assert_eq!(key_text(&Value::from(" p/77 ")).as_deref(), Some("p/77"));
        assert_eq!(key_text(&number("7.0")).as_deref(), Some("7"));
        for none in [Value::Null, Value::from(" "), Value::List(vec!["a".into()])] {
            assert_eq!(key_text(&none), None);
        }
    }

    #[test]
    fn a_record_names_itself_once() {
        let fields = Fields::from([("Cdp__c", Value::from("ours")), ("Title", Value::Null)]);
        let record = JsonRecord { kind: Some("Contact"), named: Some(("CDP__c", "p-1")), fields: &fields };
        assert_eq!(
            serde_json::to_string(&record).unwrap(),
            r#"{"attributes":{"type":"Contact"},"CDP__c":"p-1","Title":null}"#
        );
        let bare = JsonRecord { kind: None, named: None, fields: &fields };
        assert_eq!(serde_json::to_string(&bare).unwrap(), r#"{"Cdp__c":"ours","Title":null}"#);
    }
}
