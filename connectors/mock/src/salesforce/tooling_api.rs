//! `/tooling`: making custom fields, looking at them, removing them.
//!
//! A field made here is seen by nobody, its maker included, until a permission set that is assigned to the user grants
//! it (knob `field_permissions`).

use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::ids::Id;
use super::kind::Kind;
use super::org::Org;
use super::refusal::Refusal;
use super::schema::{Access, Field, FieldId};
use super::tooling_fields;
use crate::desk::Core;
use crate::exchange::Reply;

/// Custom fields an object may have, and external ids among them.
const MAX_CUSTOM: usize = 500;
const MAX_EXTERNAL: usize = 25;
/// What custom fields' Ids begin with.
const PREFIX: [u8; 3] = *b"00N";
/// Fields an object may have: where the numbers of the next object's begin.
const STRIDE: u64 = 65_536;

/// Everything below `/tooling`.
pub fn route(org: &mut Org, core: &mut Core, ask: &Ask<'_>, rest: &[&str]) -> Result<Reply, Refusal> {
    let method = ask.method();
    match (method, rest) {
        ("GET", ["query"]) => super::tooling_query::answer(org, ask).map(|body| Reply::json(200, &body)),
        ("POST", ["sobjects", object]) if is_custom_field(object) => create(org, core, ask),
        ("GET", ["sobjects", object, id]) if is_custom_field(object) => {
            let (kind, field) = find(org, id)?;
            let shown = org.schema(kind).field(field).map(|definition| row(kind, field, definition));
            let mut shown = shown.ok_or_else(Refusal::not_found)?;
            shown.insert("attributes".into(), attributes(&ask.base(), id));
            Ok(Reply::json(200, &Value::Object(shown)))
        }
        ("DELETE", ["sobjects", object, id]) if is_custom_field(object) => {
            let (kind, field) = find(org, id)?;
            if let Some(definition) = org.schema_mut(kind).field_mut(field) {
                definition.removed = true;
            }
            org.schema_mut(kind).changed_at = core.now;
            Ok(Reply::empty(204))
        }
        (_, ["query"]) => Err(Refusal::wrong_method(method)),
        (_, ["sobjects", object] | ["sobjects", object, _]) if is_custom_field(object) => {
            Err(Refusal::wrong_method(method))
        }
        _ => Err(Refusal::not_found()),
    }
}

fn is_custom_field(object: &str) -> bool {
    object.eq_ignore_ascii_case("CustomField")
}

fn create(org: &mut Org, core: &mut Core, ask: &Ask<'_>) -> Result<Reply, Refusal> {
    let body = ask.object()?;
    let full = body.get("FullName").and_then(Value::as_str).unwrap_or_default();
    let (object, name) = full.split_once('.').unwrap_or(("", full));
    let kind = Kind::parse(object).ok_or_else(|| {
        Refusal::row("INVALID_CROSS_REFERENCE_KEY", format!("Entity {object} is not known"), &["FullName"])
    })?;
    let developer_name = name.strip_suffix("__c").filter(|name| is_developer_name(name)).ok_or_else(|| {
        let text = format!("The field name {name} must begin with a letter, use only letters, digits and single underscores, and end with __c");
        Refusal::row("INVALID_FIELD", text, &["DeveloperName"])
    })?;
    let empty = Map::new();
    let metadata = body.get("Metadata").and_then(Value::as_object).unwrap_or(&empty);
    let schema = org.schema(kind);
    if schema.any(name).is_some() {
        let text = format!("There is already a field named {developer_name} on {}.", kind.name());
        return Err(Refusal::row("DUPLICATE_DEVELOPER_NAME", text, &["DeveloperName"]));
    }
    let made = tooling_fields::from_metadata(name, metadata)?;
    let custom = schema.all_fields().filter(|(_, field)| field.custom).count();
    let external = schema.all_fields().filter(|(_, field)| field.external_id).count();
    if custom >= MAX_CUSTOM || (made.external_id && external >= MAX_EXTERNAL) {
        let text = format!("The object {} has all the custom fields or external IDs it may have", kind.name());
        return Err(Refusal::new(400, "LIMIT_EXCEEDED", text));
    }
    let open = made.is_required() || !org.knobs.field_permissions;
    let made =
        Field { access: if open { Access::Edit } else { Access::None }, needs_permission: !made.is_required(), ..made };
    let field = org.add_field(core.now, kind, made);
    let body =
        json!({ "id": id_of(kind, field).to_string(), "success": true, "errors": [], "warnings": [], "infos": [] });
    Ok(Reply::json(201, &body))
}

fn is_developer_name(name: &str) -> bool {
    let legal = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    legal
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && !name.contains("__")
        && !name.ends_with('_')
        && name.len() <= 40
}

fn id_of(kind: Kind, field: FieldId) -> Id {
    Id::of_prefix(PREFIX, (kind as u64 + 1) * STRIDE + u64::from(field))
}

fn find(org: &Org, text: &str) -> Result<(Kind, FieldId), Refusal> {
    let id = Id::parse(text).ok_or_else(|| Refusal::malformed_id(text))?;
    let at = usize::try_from(id.number / STRIDE).unwrap_or(usize::MAX).wrapping_sub(1);
    let kind = Kind::ALL.get(at).copied().filter(|_| id.prefix == PREFIX).ok_or_else(Refusal::not_found)?;
    let field = FieldId::try_from(id.number % STRIDE).map_err(|_| Refusal::not_found())?;
    let custom = org.schema(kind).field(field).is_some_and(|field| field.custom && !field.removed);
    if custom { Ok((kind, field)) } else { Err(Refusal::not_found()) }
}

/// `attributes` of a record.
pub fn attributes(base: &str, id: &str) -> Value {
    json!({ "type": "CustomField", "url": format!("{base}/tooling/sobjects/CustomField/{id}") })
}

/// All custom fields, seen by anybody or not, as rows of `CustomField`.
pub fn rows(org: &Org) -> Vec<Map<String, Value>> {
    let of = |kind: Kind| {
        let custom = org.schema(kind).all_fields().filter(|(_, field)| field.custom);
        custom.map(|(id, field)| row(kind, id, field)).collect::<Vec<_>>()
    };
    Kind::ALL.into_iter().flat_map(of).collect()
}

fn row(kind: Kind, field: FieldId, definition: &Field) -> Map<String, Value> {
    let developer_name = definition.name.strip_suffix("__c").unwrap_or(&definition.name);
    let shown = json!({
        "Id": id_of(kind, field).to_string(),
        "DeveloperName": developer_name,
        "TableEnumOrId": kind.name(),
        "EntityDefinitionId": kind.name(),
        "NamespacePrefix": null,
        "ManageableState": "unmanaged",
        "Length": definition.length,
        "InlineHelpText": definition.help,
        "FullName": format!("{}.{}", kind.name(), definition.name),
        "Metadata": tooling_fields::to_metadata(definition),
    });
    match shown {
        Value::Object(shown) => shown,
        _ => Map::new(),
    }
}
