//! Values as Zoho takes them: JSON for calls, cells for bulk jobs.

use std::borrow::Cow;

use connector::{FieldKind, Fields, Value};
use rust_decimal::Decimal;
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::value::RawValue;

use crate::instant;
use crate::schema::Described;
use crate::wire::is_id;

/// One value as JSON for a field of this kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonValue<'a> {
    pub kind: &'a FieldKind,
    pub value: &'a Value,
}

#[derive(serde::Serialize)]
struct Reference<'a> {
    id: &'a str,
}

impl Serialize for JsonValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.kind, self.value) {
            (_, Value::Null) => serializer.serialize_none(),
            (FieldKind::Reference, Value::Text(id)) if is_id(id) => Reference { id }.serialize(serializer),
            (FieldKind::MultiChoice { .. }, Value::Text(text)) => {
                list(serializer, text.split(';').map(str::trim).filter(|item| !item.is_empty()))
            }
            (FieldKind::MultiChoice { .. }, Value::List(items)) => list(serializer, items.iter().map(|item| &**item)),
            (FieldKind::Text, value @ (Value::Number(_) | Value::List(_) | Value::Bool(_))) => {
                serializer.serialize_str(&text(value))
            }
            (_, Value::Bool(flag)) => serializer.serialize_bool(*flag),
            // Through an f64 a price would change in its last digits.
            (_, Value::Number(number)) => {
                RawValue::from_string(plain(*number)).map_err(S::Error::custom)?.serialize(serializer)
            }
            (FieldKind::Date, Value::Instant(at)) => serializer.collect_str(&at.to_utc().date_naive()),
            (_, value) => serializer.serialize_str(&text(value)),
        }
    }
}

/// Several options; none of them is a field that is cleared.
fn list<'a, S: Serializer>(serializer: S, items: impl Iterator<Item = &'a str>) -> Result<S::Ok, S::Error> {
    let items: Vec<&str> = items.collect();
    if items.is_empty() {
        return serializer.serialize_none();
    }
    let mut list = serializer.serialize_seq(Some(items.len()))?;
    for item in items {
        list.serialize_element(item)?;
    }
    list.end()
}

/// A value as one text.
pub(crate) fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Text(text) => Cow::Borrowed(text),
        Value::Number(number) => Cow::Owned(plain(*number)),
        Value::Date(day) => Cow::Owned(day.format("%Y-%m-%d").to_string()),
        Value::Instant(at) => Cow::Owned(instant::text(*at)),
        other => Cow::Owned(other.to_string()),
    }
}

/// The value as a key is written; `None` where there is nothing to say.
pub(crate) fn key_text(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::List(_) => None,
        value => Some(text(value).trim().to_owned()).filter(|text| !text.is_empty()),
    }
}

/// Without exponent, trailing zeros or a negative zero.
fn plain(number: Decimal) -> String {
    number.normalize().to_string()
}

/// A record of a request body, by Zoho's names of its fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonRecord<'a> {
    /// The `id`, or the key of an upsert, that says which record it is.
    pub named: Option<(&'a str, &'a str)>,
    pub fields: &'a Fields,
    pub described: &'a Described,
}

impl Serialize for JsonRecord<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some((name, value)) = self.named {
            map.serialize_entry(name, value)?;
        }
        for (name, value) in self.fields.iter() {
            if name.starts_with('$') {
                // Beside the fields: which module the record belongs to that an activity is about.
                map.serialize_entry(&**name, &text(value))?;
                continue;
            }
            let Some(field) = self.described.field(name) else { continue };
            // The name said once already; twice in one object is not JSON that anybody reads the same way.
            if self.named.is_none_or(|(named, _)| *named != *field.spec.name) {
                map.serialize_entry(&*field.spec.name, &JsonValue { kind: &field.spec.kind, value })?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::{CONTACTS, described_from};
    use connector::Timestamp;

    fn json(kind: FieldKind, value: Value) -> String {
        serde_json::to_string(&JsonValue { kind: &kind, value: &value }).unwrap()
    }

    #[test]
    fn every_value_has_its_json() {
        assert_eq!(json(FieldKind::Text, Value::Null), "null");
        assert_eq!(json(FieldKind::Text, Value::from(17)), r#""17""#);
        assert_eq!(json(FieldKind::Integer, Value::from(17)), "17");
        assert_eq!(json(FieldKind::Decimal { scale: Some(2) }, Value::Number("0.10".parse().unwrap())), "0.1");
        assert_eq!(json(FieldKind::Reference, Value::from("554")), r#"{"id":"554"}"#);
        let at = Value::Instant(Timestamp::parse_rfc3339("2026-01-05T10:00:00.5Z").unwrap());
        assert_eq!(json(FieldKind::Instant, at.clone()), r#""2026-01-05T10:00:00+00:00""#);
        assert_eq!(json(FieldKind::Date, at), r#""2026-01-05""#);
        let several = FieldKind::MultiChoice { options: vec![] };
        assert_eq!(json(several.clone(), Value::List(vec!["a".into(), "b".into()])), r#"["a","b"]"#);
        assert_eq!(json(several.clone(), Value::from("a;b")), r#"["a","b"]"#);
        assert_eq!(json(several, Value::List(vec![])), "null");
        assert_eq!(json(FieldKind::Text, Value::List(vec!["a".into(), "b".into()])), r#""a;b""#);
    }

    #[test]
    fn a_record_is_written_by_zohos_own_names() {
        let described = described_from("Contacts", CONTACTS);
        let fields: Fields = [("last_name", Value::from("Ruiz")), ("cdp_score", Value::from(3))].into_iter().collect();
        let record = JsonRecord { named: Some(("id", "554")), fields: &fields, described: &described };
        assert_eq!(serde_json::to_string(&record).unwrap(), r#"{"id":"554","CDP_Score1":3,"Last_Name":"Ruiz"}"#);
    }
}
