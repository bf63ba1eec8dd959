//! A field as metadata describes it: most of the vendor's sixty keys, in its words.

use serde_json::{Map, Value, json};

use super::catalogue::{CREATED_TIME, ID, LAST_ACTIVITY_TIME};
use super::ids;
use super::kind::Kind;
use super::org::Org;
use super::render::module_id;
use super::schema::{Access, Field, FieldId, FieldType};

pub fn field_id(kind: Kind, field: FieldId) -> u64 {
    ids::setting(20 + kind as u64, u64::from(field) + 1)
}

pub fn field_json(org: &Org, kind: Kind, (id, field): (FieldId, &Field)) -> Value {
    let _ = org;
    let mut out = Map::new();
    for part in [what(kind, id, field), use_of(kind, field), kinds(kind, id, field)] {
        if let Value::Object(part) = part {
            out.extend(part);
        }
    }
    // The keys of a field differ from org to org: system fields come without some of them.
    if id != ID && (CREATED_TIME..=LAST_ACTIVITY_TIME).contains(&id) {
        for key in ["external", "history_tracking", "textarea", "static_field", "default_value"] {
            out.remove(key);
        }
    }
    Value::Object(out)
}

/// What it is, and who may do what with it.
fn what(kind: Kind, id: FieldId, field: &Field) -> Value {
    let by_profile = field.access == Access::Edit;
    let writable = !field.read_only;
    let both = writable && by_profile;
    json!({
        "id": field_id(kind, id).to_string(),
        "api_name": &*field.name,
        "field_label": field.label,
        "display_label": field.label,
        "data_type": field.ty.name(),
        "json_type": field.ty.json_name(),
        "length": field.length,
        "decimal_place": decimals(field),
        "custom_field": field.custom,
        "read_only": field.read_only,
        "field_read_only": !both,
        "system_mandatory": field.mandatory,
        "visible": field.is_visible(),
        "view_type": { "view": true, "edit": writable, "create": writable, "quick_create": field.mandatory },
        "operation_type": { "api_create": both, "api_update": both, "web_create": both, "web_update": both },
        "unique": if field.unique { json!({ "casesensitive": false, "case_sensitive": false }) } else { json!({}) },
        "external": if field.external { json!({ "type": "org", "show": true }) } else { Value::Null },
        "profiles": [{
            "permission_type": match field.access {
                Access::None => "hidden",
                Access::Read => "read_only",
                Access::Edit => "read_write",
            },
            "name": "Administrator", "id": ids::setting(8, 2).to_string(),
        }],
        "tooltip": field.tooltip.as_ref().map(|text| json!({ "name": "static_text", "value": text })),
    })
}

/// Where else in the CRM it may be used.
fn use_of(kind: Kind, field: &Field) -> Value {
    let writable = !field.read_only;
    let plain = !matches!(field.ty, FieldType::TextArea);
    json!({
        "webhook": true,
        "sortable": plain,
        "filterable": plain,
        "searchable": plain,
        "mass_update": writable && field.access == Access::Edit,
        "businesscard_supported": true,
        "available_in_user_layout": true,
        "enable_colour_code": false,
        "virtual_field": false,
        "ui_type": ui_type(field.ty),
        "type": "used",
        "created_source": if field.custom { "crm" } else { "default" },
        "display_type": -1,
        "display_field": &*field.name == kind.display_field(),
        "quick_sequence_number": null,
        "column_name": null,
        "history_tracking_enabled": false,
        "history_tracking": null,
        "email_parser": { "fields_update_supported": writable, "record_operations_supported": writable },
        "static_field": false,
        "default_value": null,
    })
}

/// What only some data types have.
fn kinds(kind: Kind, id: FieldId, field: &Field) -> Value {
    json!({
        "pick_list_values": choices(kind, id, field),
        "pick_list_values_sorted_lexically": false,
        "lookup": lookup(field),
        "multiselectlookup": {},
        "multiuserlookup": {},
        "subform": null,
        "formula": {},
        "currency": currency(field),
        "crypt": null,
        "private": null,
        "auto_number": {},
        "association_details": null,
        "textarea": textarea(field),
    })
}

fn decimals(field: &Field) -> Value {
    match field.ty {
        FieldType::Double | FieldType::Currency | FieldType::Percent => json!(field.decimals),
        _ => Value::Null,
    }
}

fn choices(kind: Kind, id: FieldId, field: &Field) -> Vec<Value> {
    let one = |(at, choice): (usize, &super::schema::Choice)| {
        json!({
            "display_value": choice.display,
            "actual_value": choice.actual,
            "reference_value": choice.actual,
            "sequence_number": at + 1,
            "id": ids::setting(100 + kind as u64 * 1_000 + u64::from(id), at as u64).to_string(),
            "type": if choice.used { "used" } else { "unused" },
        })
    };
    field.choices.iter().enumerate().map(one).collect()
}

fn lookup(field: &Field) -> Value {
    match field.ty {
        FieldType::Lookup(kind) => json!({
            "api_name": &*field.name,
            "display_label": kind.name(),
            "module": { "api_name": kind.name(), "id": module_id(kind).to_string() },
            "id": null,
            "query_details": {},
        }),
        _ => json!({}),
    }
}

fn currency(field: &Field) -> Value {
    match field.ty {
        FieldType::Currency => json!({ "rounding_option": "round_off", "precision": field.decimals }),
        _ => json!({}),
    }
}

fn textarea(field: &Field) -> Value {
    match field.ty {
        FieldType::TextArea => json!({ "type": if field.length > 2_000 { "large" } else { "small" } }),
        _ => Value::Null,
    }
}

fn ui_type(ty: FieldType) -> u32 {
    match ty {
        FieldType::Text | FieldType::Tags => 1,
        FieldType::Picklist => 2,
        FieldType::TextArea => 3,
        FieldType::Lookup(_) | FieldType::AnyLookup => 4,
        FieldType::User => 8,
        FieldType::Website => 21,
        FieldType::Date => 24,
        FieldType::Email => 25,
        FieldType::Integer => 32,
        FieldType::Phone => 33,
        FieldType::Currency => 36,
        FieldType::Double => 38,
        FieldType::Percent => 34,
        FieldType::MultiPicklist => 100,
        FieldType::DateTime => 333,
        FieldType::Boolean => 301,
        FieldType::BigInt => 111,
    }
}
