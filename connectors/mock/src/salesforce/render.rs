//! Records as JSON: `attributes` first, then the fields asked for in the order asked, nulls included. Written as text,
//! because a JSON object of ours sorts its keys.

use serde_json::Value;

use super::datum::{Datum, json_instant};
use super::ids::Id;
use super::kind::Kind;
use super::org::Org;
use super::records::Seen;
use super::schema::{Field, FieldId, FieldType};
use crate::exchange::{JSON, Reply};

/// A 200 whose body is already JSON text.
pub fn json_text(status: u16, body: String) -> Reply {
    Reply { status, content_type: JSON, headers: Vec::new(), body: body.into_bytes() }
}

/// `{"attributes":{"type":"Contact","url":"…/sobjects/Contact/003…"}`: the caller adds fields and closes the brace.
/// `base` is the version's root path, `/services/data/v67.0`.
pub fn open_envelope(out: &mut String, base: &str, id: Id) {
    let object = id.kind().map_or("", Kind::name);
    out.push_str("{\"attributes\":{\"type\":\"");
    out.push_str(object);
    out.push_str("\",\"url\":\"");
    out.push_str(base);
    out.push_str("/sobjects/");
    out.push_str(object);
    out.push('/');
    out.push_str(&id.to_string());
    out.push_str("\"}");
}

/// `,"Name":` — every key comes after the envelope, so always with a comma.
pub fn key(out: &mut String, name: &str) {
    out.push(',');
    string(out, name);
    out.push(':');
}

pub fn string(out: &mut String, text: &str) {
    if text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
        return out.push_str(&Value::from(text).to_string());
    }
    plain(out, text);
}

/// What needs no escapes, which is nearly everything: pages are made of it.
fn plain(out: &mut String, text: &str) {
    out.push('"');
    out.push_str(text);
    out.push('"');
}

pub fn datum(out: &mut String, datum: &Datum) {
    match datum {
        Datum::Null => out.push_str("null"),
        Datum::Bool(true) => out.push_str("true"),
        Datum::Bool(false) => out.push_str("false"),
        Datum::Text(text) => string(out, text),
        Datum::Int(_) | Datum::Number(_) => out.push_str(&datum.csv()),
        Datum::Id(id) => plain(out, &id.to_string()),
        Datum::Instant(at) => plain(out, &json_instant(*at)),
        Datum::Date(_) => plain(out, &datum.csv()),
    }
}

/// One field's value, a compound address put together from its parts.
pub fn value(out: &mut String, org: &Org, seen: &Seen<'_>, id: FieldId, field: &Field) {
    if field.ty == FieldType::Address {
        out.push_str(&address(org, seen, field).to_string());
    } else {
        datum(out, &seen.get(id));
    }
}

/// The compound of `MailingStreet`, `MailingCity`, …; null when all of them are.
pub fn address(org: &Org, seen: &Seen<'_>, field: &Field) -> Value {
    let stem = field.name.strip_suffix("Address").unwrap_or(&field.name);
    let schema = org.schema(seen.kind);
    let part = |part: &str| schema.visible(&format!("{stem}{part}")).map_or(Value::Null, |(id, _)| seen.get(id).json());
    let parts = ["City", "Country", "PostalCode", "State", "Street"].map(|name| (name, part(name)));
    if parts.iter().all(|(_, value)| value.is_null()) {
        return Value::Null;
    }
    let mut out = serde_json::Map::new();
    out.extend(parts.into_iter().map(|(name, value)| (name.to_lowercase().replace("postalcode", "postalCode"), value)));
    for unknown in ["geocodeAccuracy", "latitude", "longitude"] {
        out.insert(unknown.into(), Value::Null);
    }
    Value::Object(out)
}

/// A whole record with the fields named by id.
pub fn record(org: &Org, base: &str, seen: &Seen<'_>, fields: &[FieldId]) -> String {
    let mut out = String::with_capacity(64 + fields.len() * 24);
    open_envelope(&mut out, base, seen.id());
    for id in fields {
        let Some(field) = org.schema(seen.kind).field(*id) else { continue };
        key(&mut out, &field.name);
        value(&mut out, org, seen, *id, field);
    }
    out.push('}');
    out
}
