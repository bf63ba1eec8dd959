//! Records as JSON, written as text: the fields asked for in the order asked, then the id.

use serde_json::Value;

use super::catalogue::ID;
use super::datum::{Datum, stamp};
use super::ids;
use super::kind::Kind;
use super::org::Org;
use super::records::Seen;
use super::schema::{Field, FieldId, FieldType};
use crate::exchange::{JSON, Reply};

/// A reply whose body is already JSON text.
pub fn json_text(status: u16, body: String) -> Reply {
    Reply { status, content_type: JSON, headers: Vec::new(), body: body.into_bytes() }
}

pub fn string(out: &mut String, text: &str) {
    if text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
        out.push_str(&Value::from(text).to_string());
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

fn key(out: &mut String, name: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    string(out, name);
    out.push(':');
}

/// The fields named, of a list: `{"First_Name":…,"id":"…"}`.
pub fn listed(out: &mut String, org: &Org, seen: &Seen<'_>, fields: &[FieldId]) {
    out.push('{');
    write_fields(out, org, seen, fields);
    key(out, "id");
    string(out, &seen.id.to_string());
    out.push('}');
}

/// A single record with everything there is, system data under `$` keys included.
pub fn whole(org: &Org, seen: &Seen<'_>) -> String {
    let mut out = String::from("{");
    let visible: Vec<FieldId> =
        org.schema(seen.kind).all().filter(|(_, field)| field.is_visible()).map(|(id, _)| id).collect();
    write_fields(&mut out, org, seen, &visible);
    key(&mut out, "id");
    string(&mut out, &seen.id.to_string());
    for (name, text) in [
        ("$approval_state", "\"approved\""),
        ("$editable", "true"),
        ("$currency_symbol", "\"$\""),
        ("$state", "\"save\""),
        ("$approved", "true"),
        ("$review", "null"),
        ("$in_merge", "false"),
        ("$locked_for_me", "false"),
        ("$has_more", "{}"),
    ] {
        key(&mut out, name);
        out.push_str(text);
    }
    if seen.kind == Kind::Leads {
        key(&mut out, "$converted");
        out.push_str(if seen.named("Converted__s").is_true() { "true" } else { "false" });
    }
    out.push('}');
    out
}

fn write_fields(out: &mut String, org: &Org, seen: &Seen<'_>, fields: &[FieldId]) {
    for id in fields.iter().filter(|id| **id != ID) {
        let Some(field) = org.schema(seen.kind).field(*id) else { continue };
        let datum = seen.get(*id);
        key(out, &field.name);
        value(out, org, field, &datum);
        if &*field.name == "What_Id"
            && let Some(module) = about(seen, &datum)
        {
            key(out, "$se_module");
            string(out, module.name());
        }
    }
}

/// The module an activity belongs to: of the record it is about, or of the lead it is with.
fn about(seen: &Seen<'_>, what: &Datum) -> Option<Kind> {
    let of_lead = || seen.named("Who_Id").as_ref_id().and_then(ids::kind_of).filter(|kind| *kind == Kind::Leads);
    what.as_ref_id().and_then(ids::kind_of).or_else(of_lead)
}

pub fn value(out: &mut String, org: &Org, field: &Field, datum: &Datum) {
    match datum {
        Datum::Null if field.ty == FieldType::Tags => out.push_str("[]"),
        Datum::Null => out.push_str("null"),
        Datum::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Datum::Text(text) => string(out, text),
        Datum::Int(number) if field.ty == FieldType::BigInt => string(out, &number.to_string()),
        Datum::Int(number) => out.push_str(&number.to_string()),
        Datum::Number(_) | Datum::Date(_) if !field.ty.is_number() => string(out, &datum.plain(0)),
        Datum::Number(_) => out.push_str(&datum.plain(0)),
        Datum::Date(_) => string(out, &datum.plain(0)),
        Datum::Instant(at) => string(out, &stamp(*at, org.knobs.offset_min)),
        Datum::Ref(id) => reference(out, org, field, *id),
        Datum::List(values) if field.ty == FieldType::Tags => tags(out, values),
        Datum::List(values) => {
            out.push('[');
            for (at, each) in values.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                string(out, each);
            }
            out.push(']');
        }
    }
}

/// `{"name":…,"id":…}`; with an address for a user, with its module for the parent of a note.
fn reference(out: &mut String, org: &Org, field: &Field, id: u64) {
    let Some(name) = org.title_of(id) else { return out.push_str("null") };
    out.push('{');
    if &*field.name == "Parent_Id"
        && let Some(kind) = ids::kind_of(id)
    {
        key(out, "module");
        out.push_str("{\"api_name\":");
        string(out, kind.name());
        out.push_str(",\"id\":");
        string(out, &module_id(kind).to_string());
        out.push('}');
    }
    key(out, "name");
    string(out, &name);
    key(out, "id");
    string(out, &id.to_string());
    if let Some(user) = org.user(id) {
        key(out, "email");
        string(out, &user.email);
    }
    out.push('}');
}

pub fn module_id(kind: Kind) -> u64 {
    ids::setting(1, kind as u64 + 1)
}

fn tags(out: &mut String, names: &[std::sync::Arc<str>]) {
    out.push('[');
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str("{\"name\":");
        string(out, name);
        out.push_str(",\"id\":");
        string(out, &tag_id(name).to_string());
        out.push_str(",\"color_code\":null}");
    }
    out.push(']');
}

/// A tag's id follows from its name.
pub fn tag_id(name: &str) -> u64 {
    let sum = name.bytes().fold(7u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    ids::setting(9, sum % 9_999)
}

/// `{"name":…,"id":…}` of a user, for results and deletions.
pub fn user(org: &Org, id: u64) -> Value {
    serde_json::json!({ "name": org.title_of(id).unwrap_or_default(), "id": id.to_string() })
}
