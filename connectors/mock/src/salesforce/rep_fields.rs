//! What an admin does to fields: makes them, takes them away, changes their values, and decides who sees them.

use serde_json::{Value, json};

use super::build;
use super::org::Org;
use super::rep_request::{Body, flag, object, word};
use super::schema::{Access, Field, FieldType, PickValue};
use crate::desk::Core;

impl Org {
    /// `{object, name, read_only?, remove?, restore?, options?}`, or `{object, create: {name, label?, type?, length?,
    /// precision?, scale?, unique?, external_id?, options?}}`: a field everybody sees at once.
    pub fn change_field(&mut self, core: &Core, body: &Body) -> Result<Value, String> {
        let kind = object(body, "object")?;
        if let Some(Value::Object(definition)) = body.get("create") {
            let field = defined(definition)?;
            let name = field.name.clone();
            if self.schema(kind).any(&name).is_some() {
                return Err(format!("{} has a field {name} already", kind.name()));
            }
            self.schema_mut(kind).add(field);
            self.schema_mut(kind).changed_at = core.now;
            self.reindex(kind);
            return Ok(json!({ "name": name }));
        }
        let name = word(body, "name").ok_or("name is required")?;
        let schema = self.schema_mut(kind);
        let found = schema.id_of(name).or_else(|| schema.id_of(&format!("{name}__c")));
        let id = found.ok_or_else(|| format!("{} has no field {name}", kind.name()))?;
        let field = schema.field_mut(id).ok_or("no such field")?;
        if flag(body, "remove") {
            field.removed = true;
        }
        if flag(body, "restore") {
            field.removed = false;
        }
        if let Some(read_only) = body.get("read_only").and_then(Value::as_bool) {
            field.access = if read_only { Access::Read } else { Access::Edit };
            field.needs_permission = false;
        }
        if let Some(Value::Array(options)) = body.get("options") {
            field.values = choices(options);
        }
        let answer = json!({ "name": field.name, "removed": field.removed, "access": words(field.access) });
        schema.changed_at = core.now;
        Ok(answer)
    }

    /// `{object, field, access: "none" | "read" | "edit"}`: what the integration user may do with a field from now on.
    pub fn change_access(&mut self, core: &Core, body: &Body) -> Result<Value, String> {
        let kind = object(body, "object")?;
        let name = word(body, "field").ok_or("field is required")?;
        let access = match word(body, "access") {
            Some("none") => Access::None,
            Some("read") => Access::Read,
            Some("edit") => Access::Edit,
            _ => return Err("access is none, read or edit".into()),
        };
        let schema = self.schema_mut(kind);
        let id = schema.any(name).map(|(id, _)| id).ok_or_else(|| format!("{} has no field {name}", kind.name()))?;
        let field = schema.field_mut(id).ok_or("no such field")?;
        field.access = access;
        field.needs_permission = false;
        let answer = json!({ "name": field.name, "access": words(access) });
        schema.changed_at = core.now;
        Ok(answer)
    }
}

fn words(access: Access) -> &'static str {
    match access {
        Access::None => "none",
        Access::Read => "read",
        Access::Edit => "edit",
    }
}

fn choices(options: &[Value]) -> Vec<PickValue> {
    let value = |text: &str| PickValue { value: text.to_owned(), label: text.to_owned(), active: true, default: false };
    options.iter().filter_map(Value::as_str).map(value).collect()
}

fn defined(body: &Body) -> Result<Field, String> {
    let name = word(body, "name").ok_or("create.name is required")?;
    // A field of the vendor's own that an org has or has not, such as a currency on each record.
    let whole = flag(body, "standard") || name.to_ascii_lowercase().ends_with("__c");
    let name = if whole { name.to_owned() } else { format!("{name}__c") };
    let label = word(body, "label").unwrap_or(&name).to_owned();
    let number = |key: &str, other: u32| {
        body.get(key).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok()).unwrap_or(other)
    };
    let options = body.get("options").and_then(Value::as_array).map(|options| choices(options)).unwrap_or_default();
    let field = match word(body, "type").unwrap_or("text").to_ascii_lowercase().as_str() {
        "text" | "string" => build::text(&name, &label, number("length", 255)),
        "textarea" | "longtextarea" => build::area(&name, &label, number("length", 32_768)),
        "number" | "double" => {
            build::number(&name, &label, FieldType::Double, number("precision", 18), number("scale", 2))
        }
        "checkbox" | "boolean" => build::flag(&name, &label),
        "date" => build::field(&name, &label, FieldType::Date),
        "datetime" => build::field(&name, &label, FieldType::DateTime),
        "email" => build::field(&name, &label, FieldType::Email),
        "picklist" => build::field(&name, &label, FieldType::Picklist),
        "multiselectpicklist" | "multipicklist" => build::field(&name, &label, FieldType::MultiPicklist),
        other => return Err(format!("create.type: `{other}` is no field type")),
    };
    Ok(Field {
        custom: true,
        unique: flag(body, "unique"),
        external_id: flag(body, "external_id"),
        restricted: flag(body, "restricted"),
        values: options,
        ..field
    })
}
