//! What an object is: the list, the basics, and the full describe, of visible fields only.

use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::kind::Kind;
use super::org::Org;
use super::refusal::Refusal;
use super::replication_api::is_replicateable;
use super::schema::{Access, Field, FieldType};
use crate::clock::{Millis, http_date};
use crate::exchange::Reply;

/// `GET sobjects/`.
pub fn list(org: &Org, ask: &Ask<'_>) -> Reply {
    let base = ask.base();
    let all: Vec<Value> = Kind::ALL.iter().map(|kind| Value::Object(traits(org, &base, *kind))).collect();
    Reply::json(200, &json!({ "encoding": "UTF-8", "maxBatchSize": 200, "sobjects": all }))
}

/// `GET sobjects/Contact`.
pub fn basics(org: &Org, ask: &Ask<'_>, kind: Kind) -> Reply {
    Reply::json(200, &json!({ "objectDescribe": traits(org, &ask.base(), kind), "recentItems": [] }))
}

/// `GET sobjects/Contact/describe`; 304 when nothing changed since the caller looked.
pub fn describe(org: &Org, ask: &Ask<'_>, kind: Kind) -> Result<Reply, Refusal> {
    let changed_at = org.schema(kind).changed_at;
    let since =
        ask.call.headers.get("if-modified-since").and_then(|value| value.to_str().ok()).and_then(read_http_date);
    if since.is_some_and(|since| changed_at <= since) {
        return Ok(Reply::empty(304));
    }
    let mut body = traits(org, &ask.base(), kind);
    let fields: Vec<Value> = org.schema(kind).visible_fields().map(|(_, field)| one(field)).collect();
    body.insert("fields".into(), Value::Array(fields));
    body.insert("childRelationships".into(), children(org, kind));
    for empty in ["recordTypeInfos", "namedLayoutInfos", "supportedScopes", "actionOverrides"] {
        body.insert(empty.into(), json!([]));
    }
    Ok(Reply::json(200, &Value::Object(body)).with("last-modified", http_date(changed_at)))
}

fn read_http_date(text: &str) -> Option<Millis> {
    Some(chrono::DateTime::parse_from_rfc2822(text.trim()).ok()?.timestamp_millis())
}

fn traits(org: &Org, base: &str, kind: Kind) -> Map<String, Value> {
    let name = kind.name();
    let writable = kind.is_writable();
    let setup = org.schema(kind).any("IsDeleted").is_none();
    let deletable = writable && !matches!(kind, Kind::User | Kind::Organization);
    let root = format!("{base}/sobjects/{name}");
    let body = json!({
        "name": name, "label": name, "labelPlural": kind.plural_label(), "keyPrefix": kind.prefix(), "custom": false,
        "customSetting": false, "activateable": false, "deprecatedAndHidden": false, "layoutable": !setup,
        "createable": writable && kind != Kind::Organization, "updateable": writable, "deletable": deletable, "queryable": true,
        "replicateable": is_replicateable(kind), "retrieveable": true, "undeletable": deletable && !setup, "mergeable": kind.is_mergeable(),
        "searchable": !setup, "triggerable": !setup, "feedEnabled": !setup, "mruEnabled": !setup,
        "urls": { "sobject": root, "describe": format!("{root}/describe"), "rowTemplate": format!("{root}/{{ID}}") },
    });
    match body {
        Value::Object(body) => body,
        _ => Map::new(),
    }
}

fn children(org: &Org, parent: Kind) -> Value {
    let mut out = Vec::new();
    for kind in Kind::ALL {
        for (_, field) in org.schema(kind).visible_fields().filter(|(_, f)| f.reference_to.contains(&parent)) {
            out.push(json!({
                "cascadeDelete": false, "restrictedDelete": false, "deprecatedAndHidden": false, "childSObject": kind.name(), "field": field.name,
                "relationshipName": field.child_relationship, "junctionIdListNames": [], "junctionReferenceTo": [],
            }));
        }
    }
    Value::Array(out)
}

fn one(field: &Field) -> Value {
    let text = matches!(
        field.ty,
        FieldType::Text
            | FieldType::TextArea
            | FieldType::Email
            | FieldType::Phone
            | FieldType::Url
            | FieldType::Picklist
            | FieldType::MultiPicklist
    );
    let long = field.ty == FieldType::TextArea && field.length > 255;
    let compound = field.ty == FieldType::Address;
    let int = field.ty == FieldType::Int;
    let values: Vec<Value> = field
        .values
        .iter()
        .map(|v| json!({ "active": v.active, "defaultValue": v.default, "label": v.label, "validFor": null, "value": v.value }))
        .collect();
    let default = field.values.iter().find(|value| value.default).map(|value| json!(value.value));
    let mut body = rights(field);
    let shape = json!({
        "name": field.name, "label": field.label, "type": field.ty.name(), "soapType": field.ty.soap_name(),
        "length": field.length, "byteLength": if text { field.length.saturating_mul(3) } else { field.length },
        "precision": if int { 0 } else { field.precision }, "scale": field.scale,
        "digits": if int { field.precision } else { 0 },
        "filterable": !long && !compound, "sortable": !long && !compound, "groupable": !long && !compound,
        "aggregatable": !long && !compound, "restrictedPicklist": field.restricted, "dependentPicklist": false,
        "defaultValue": default.unwrap_or(if field.ty == FieldType::Boolean { json!(false) } else { Value::Null }),
        "picklistValues": values, "relationshipName": field.relationship, "inlineHelpText": field.help,
        "referenceTo": field.reference_to.iter().map(|kind| kind.name()).collect::<Vec<_>>(),
        "polymorphicForeignKey": field.reference_to.len() > 1, "namePointing": field.reference_to.len() > 1,
        "nameField": &*field.name == "Name",
    });
    if let (Value::Object(body), Value::Object(shape)) = (&mut body, shape) {
        body.extend(shape);
    }
    body
}

/// What may be done with a field, and what it never is here.
fn rights(field: &Field) -> Value {
    let writable = field.access == Access::Edit;
    let is_id = matches!(field.ty, FieldType::Reference | FieldType::Id);
    json!({
        "nillable": field.nillable, "defaultedOnCreate": field.defaulted, "createable": field.createable && writable,
        "updateable": field.updateable && writable, "calculated": field.calculated && field.custom,
        "unique": field.unique, "externalId": field.external_id, "idLookup": field.is_upsert_key(),
        "caseSensitive": field.case_sensitive && !is_id, "custom": field.custom, "permissionable": field.nillable,
        "autoNumber": false, "encrypted": false, "htmlFormatted": false, "deprecatedAndHidden": false,
        "queryByDistance": false, "cascadeDelete": false, "restrictedDelete": false,
        "writeRequiresMasterRead": false, "controllerName": null, "compoundFieldName": null,
        "extraTypeInfo": null, "mask": null, "maskType": null,
    })
}
