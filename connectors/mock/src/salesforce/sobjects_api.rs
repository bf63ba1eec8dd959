//! `sobjects/`: the list of objects, one object's basics, and single records by Id or by external id.

use serde_json::{Value, json};

use super::ask::Ask;
use super::describe_api;
use super::given::{Given, Raw};
use super::ids::Id;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::{Seen, Sight};
use super::refusal::{Detail, Refusal};
use super::render::{self, json_text};
use super::schema::FieldId;
use super::write::Written;
use crate::desk::Core;
use crate::exchange::Reply;

/// Everything under `sobjects/`; `rest` is the path after it.
pub fn route(org: &mut Org, core: &mut Core, ask: &Ask<'_>, rest: &[&str]) -> Result<Reply, Refusal> {
    let known = |name: &str| Kind::parse(name).ok_or_else(Refusal::not_found);
    let method = ask.method();
    match (method, rest) {
        ("GET" | "HEAD", []) => Ok(describe_api::list(org, ask)),
        (_, [name]) => {
            let kind = known(name)?;
            match method {
                "GET" | "HEAD" => Ok(describe_api::basics(org, ask, kind)),
                "POST" => create(org, core, ask, kind),
                _ => Err(Refusal::wrong_method(method)),
            }
        }
        ("GET" | "HEAD", [name, "describe"]) => describe_api::describe(org, ask, known(name)?),
        (_, [name, id]) => record(org, core, ask, known(name)?, id),
        (_, [name, key, value]) => by_key(org, core, ask, known(name)?, key, value),
        (_, []) => Err(Refusal::wrong_method(method)),
        _ => Err(Refusal::not_found()),
    }
}

fn create(org: &mut Org, core: &mut Core, ask: &Ask<'_>, kind: Kind) -> Result<Reply, Refusal> {
    let given = body(ask)?;
    let pen = Pen::api(core, ask.call);
    let written = org.insert(core, &pen, kind, &given)?;
    Ok(created(ask, written, None))
}

/// 201 with a `Location`; `flag` is the `created` of an upsert.
fn created(ask: &Ask<'_>, written: Written, flag: Option<bool>) -> Reply {
    let object = written.id.kind().map_or("", Kind::name);
    let mut body = json!({ "id": written.id.to_string(), "success": true, "errors": [] });
    if let Some(flag) = flag {
        body["created"] = json!(flag);
    }
    Reply::json(201, &body).with("location", format!("{}/sobjects/{object}/{}", ask.base(), written.id))
}

fn body(ask: &Ask<'_>) -> Result<Given, Refusal> {
    Given::from_json(&ask.object()?)
}

fn record(org: &mut Org, core: &mut Core, ask: &Ask<'_>, kind: Kind, text: &str) -> Result<Reply, Refusal> {
    if ask.method() == "POST" && text.eq_ignore_ascii_case("Id") {
        // An upsert by the pseudo external id `Id` without a value: an insert.
        return create(org, core, ask, kind);
    }
    match ask.method() {
        "GET" | "HEAD" => {
            let seen = readable(org, core, kind, text)?;
            let fields = fields(org, ask, kind)?;
            Ok(json_text(200, render::record(org, &ask.base(), &seen, &fields)))
        }
        "PATCH" => {
            exists(org, kind, text)?;
            let given = body(ask)?;
            if given.has("Id") {
                return Err(in_body("Id"));
            }
            let pen = Pen::api(core, ask.call);
            org.update(core, &pen, kind, text, &given)?;
            Ok(Reply::empty(204))
        }
        "DELETE" => {
            exists(org, kind, text)?;
            let pen = Pen::api(core, ask.call);
            org.delete(core, &pen, kind, text)?;
            Ok(Reply::empty(204))
        }
        other => Err(Refusal::wrong_method(other)),
    }
}

/// Where the record itself is the address, an Id nobody has is a resource that is not there.
fn exists(org: &Org, kind: Kind, text: &str) -> Result<(), Refusal> {
    match org.target(kind, text) {
        Err(refusal) if refusal.code() == "INVALID_CROSS_REFERENCE_KEY" => Err(Refusal::not_found()),
        Err(refusal) => Err(refusal),
        Ok(_) => Ok(()),
    }
}

fn readable<'a>(org: &'a Org, core: &Core, kind: Kind, text: &str) -> Result<Seen<'a>, Refusal> {
    let id = Id::parse(text).ok_or_else(|| Refusal::malformed_id(text))?;
    if id.kind() != Some(kind) {
        return Err(Refusal::not_found());
    }
    let seen = org.seen(kind, id.number, Sight::At(core.now)).ok_or_else(Refusal::not_found)?;
    if seen.is_deleted() { Err(Refusal::deleted()) } else { Ok(seen) }
}

/// The fields asked for, or all that are visible.
fn fields(org: &Org, ask: &Ask<'_>, kind: Kind) -> Result<Vec<FieldId>, Refusal> {
    let schema = org.schema(kind);
    let names = ask.call.list("fields");
    if names.is_empty() {
        return Ok(schema.visible_fields().map(|(id, _)| id).collect());
    }
    let find = |name: &String| {
        let found = schema.visible(name).map(|(id, _)| id);
        found.ok_or_else(|| Refusal::no_such_column(name, kind.name()))
    };
    names.iter().map(find).collect()
}

fn in_body(field: &str) -> Refusal {
    Refusal::new(400, "INVALID_FIELD", format!("The {field} field should not be specified in the sobject data."))
}

/// `sobjects/Contact/Ext__c/value`: reading, upserting and deleting by external id.
fn by_key(org: &mut Org, core: &mut Core, ask: &Ask<'_>, kind: Kind, key: &str, value: &str) -> Result<Reply, Refusal> {
    if key.eq_ignore_ascii_case("Id") && ask.method() != "PATCH" {
        return record(org, core, ask, kind, value);
    }
    let raw = Raw::Csv(value.to_owned());
    match ask.method() {
        "GET" | "HEAD" => {
            let number = only(org, kind, key, &raw)?;
            let seen = readable(org, core, kind, &Id::new(kind, number).to_string())?;
            let fields = fields(org, ask, kind)?;
            Ok(json_text(200, render::record(org, &ask.base(), &seen, &fields)))
        }
        "DELETE" => {
            let id = Id::new(kind, only(org, kind, key, &raw)?).to_string();
            let pen = Pen::api(core, ask.call);
            org.delete(core, &pen, kind, &id)?;
            Ok(Reply::empty(204))
        }
        "PATCH" => upsert(org, core, ask, kind, (key, &raw)),
        other => Err(Refusal::wrong_method(other)),
    }
}

fn upsert(
    org: &mut Org,
    core: &mut Core,
    ask: &Ask<'_>,
    kind: Kind,
    (key, raw): (&str, &Raw),
) -> Result<Reply, Refusal> {
    let given = body(ask)?;
    for name in [key, "Id"] {
        if given.has(name) {
            let canonical = org.schema(kind).visible(name).map_or(name, |(_, field)| &field.name);
            return Err(in_body(canonical));
        }
    }
    // A documented oddity: an address that ends like a file name is taken for one.
    let value = raw.text().unwrap_or_default().to_ascii_lowercase();
    if key.eq_ignore_ascii_case("Email") && value.ends_with(".inc") {
        return Err(Refusal::not_found());
    }
    if key.eq_ignore_ascii_case("Id") {
        exists(org, kind, &raw.text().unwrap_or_default())?;
    }
    let update_only = ask.call.flag("updateOnly");
    let pen = Pen::api(core, ask.call);
    let written = org.upsert(core, &pen, kind, (key, Some(raw)), &given, update_only)?;
    if written.created {
        return Ok(created(ask, written, Some(true)));
    }
    if ask.version < 46 {
        return Ok(Reply::empty(204));
    }
    let body: Value = json!({ "id": written.id.to_string(), "success": true, "errors": [], "created": false });
    Ok(Reply::json(200, &body))
}

/// The one record that has this key value.
fn only(org: &Org, kind: Kind, key: &str, raw: &Raw) -> Result<u64, Refusal> {
    let field = org.upsert_key(kind, key)?;
    match org.matches(kind, field, Some(raw))?.as_slice() {
        [] => Err(Refusal::not_found()),
        [one] => Ok(*one),
        several => {
            let ids = several.iter().map(|number| Id::new(kind, *number)).collect();
            let refusal = Refusal::row("DUPLICATE_EXTERNAL_ID", format!("{key}: more than one record found"), &[]);
            Err(Refusal { status: 300, detail: Detail::Several(ids), ..refusal })
        }
    }
}
