//! A custom field as the Tooling API describes it, both ways.

use serde_json::{Map, Value, json};

use super::build::field;
use super::refusal::Refusal;
use super::schema::{Field, FieldType, PickValue};

/// What a Metadata type name stands for.
fn type_of(name: &str) -> Option<FieldType> {
    Some(match name {
        "Text" => FieldType::Text,
        "TextArea" | "LongTextArea" => FieldType::TextArea,
        "Number" => FieldType::Double,
        "Currency" => FieldType::Currency,
        "Percent" => FieldType::Percent,
        "Checkbox" => FieldType::Boolean,
        "Date" => FieldType::Date,
        "DateTime" => FieldType::DateTime,
        "Email" => FieldType::Email,
        "Phone" => FieldType::Phone,
        "Url" => FieldType::Url,
        "Picklist" => FieldType::Picklist,
        "MultiselectPicklist" => FieldType::MultiPicklist,
        _ => return None,
    })
}

/// The Metadata type name of a field.
pub fn type_name(field: &Field) -> &'static str {
    match field.ty {
        FieldType::Text | FieldType::Id | FieldType::Address => "Text",
        FieldType::TextArea if field.length > 255 => "LongTextArea",
        FieldType::TextArea => "TextArea",
        FieldType::Double | FieldType::Int => "Number",
        FieldType::Currency => "Currency",
        FieldType::Percent => "Percent",
        FieldType::Boolean => "Checkbox",
        FieldType::Date => "Date",
        FieldType::DateTime => "DateTime",
        FieldType::Email => "Email",
        FieldType::Phone => "Phone",
        FieldType::Url => "Url",
        FieldType::Picklist => "Picklist",
        FieldType::MultiPicklist => "MultiselectPicklist",
        FieldType::Reference => "Lookup",
    }
}

/// Makes the field a `Metadata` object describes.
///
/// # Errors
/// What is missing or out of range.
pub fn from_metadata(name: &str, metadata: &Map<String, Value>) -> Result<Field, Refusal> {
    let text = |key: &str| metadata.get(key).and_then(Value::as_str);
    let flag = |key: &str| metadata.get(key).and_then(Value::as_bool).unwrap_or(false);
    let kind = text("type").ok_or_else(|| wrong("Must specify a type for the field", "Metadata"))?;
    let ty =
        type_of(kind).ok_or_else(|| wrong(&format!("The type {kind} is not supported for a field"), "Metadata"))?;
    let label = text("label").filter(|label| !label.trim().is_empty());
    let label = label.ok_or_else(|| wrong("Must specify a label for the field", "Metadata"))?;
    if label.chars().count() > 40 {
        return Err(wrong(&format!("Label: {label}: data value too large (max length=40)"), "Metadata"));
    }
    let mut made = Field {
        custom: true,
        nillable: ty != FieldType::Boolean && !flag("required"),
        unique: flag("unique"),
        external_id: flag("externalId"),
        case_sensitive: flag("caseSensitive"),
        help: text("inlineHelpText").map(str::to_owned),
        ..field(name, label, ty)
    };
    match kind {
        "Text" => made.length = number(metadata, "length", 1, 255)?,
        "LongTextArea" => {
            made.length = number(metadata, "length", 256, 131_072)?;
            number(metadata, "visibleLines", 2, 50)?;
        }
        "Number" | "Currency" | "Percent" => {
            made.precision = number(metadata, "precision", 1, 18)?;
            made.scale = number(metadata, "scale", 0, made.precision)?;
        }
        "Checkbox" if metadata.get("defaultValue").is_none() => {
            return Err(wrong("Must specify a default value for the field", "Metadata"));
        }
        "Picklist" | "MultiselectPicklist" => {
            if kind == "MultiselectPicklist" {
                number(metadata, "visibleLines", 3, 10)?;
            }
            (made.restricted, made.values) = values(metadata)?;
        }
        _ => {}
    }
    if (made.external_id || made.unique) && !matches!(ty, FieldType::Text | FieldType::Double | FieldType::Email) {
        return Err(wrong(&format!("A field of type {kind} can be neither unique nor an external ID"), "Metadata"));
    }
    Ok(made)
}

/// The `Metadata` of a field.
pub fn to_metadata(field: &Field) -> Value {
    let mut out = json!({
        "type": type_name(field),
        "label": field.label,
        "required": field.is_required(),
        "unique": field.unique,
        "externalId": field.external_id,
        "caseSensitive": field.case_sensitive,
        "inlineHelpText": field.help,
    });
    if field.length > 0 && matches!(field.ty, FieldType::Text | FieldType::TextArea) {
        out["length"] = json!(field.length);
    }
    if field.ty.is_number() {
        out["precision"] = json!(field.precision);
        out["scale"] = json!(field.scale);
    }
    if matches!(field.ty, FieldType::Picklist | FieldType::MultiPicklist) {
        let value =
            |value: &PickValue| json!({ "fullName": value.value, "default": value.default, "label": value.label });
        let values: Vec<Value> = field.values.iter().map(value).collect();
        let definition = json!({ "sorted": false, "value": values });
        out["valueSet"] = json!({ "restricted": field.restricted, "valueSetDefinition": definition });
    }
    out
}

fn number(metadata: &Map<String, Value>, key: &str, least: u32, most: u32) -> Result<u32, Refusal> {
    let given = metadata.get(key).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
    match given {
        Some(number) if (least..=most).contains(&number) => Ok(number),
        Some(number) => Err(wrong(&format!("{key} must be between {least} and {most}, not {number}"), "Metadata")),
        None => Err(wrong(&format!("Must specify {key} for the field"), "Metadata")),
    }
}

fn values(metadata: &Map<String, Value>) -> Result<(bool, Vec<PickValue>), Refusal> {
    let set = metadata.get("valueSet");
    let list = set.and_then(|set| set.get("valueSetDefinition")?.get("value")?.as_array());
    let list = list.ok_or_else(|| wrong("Must specify a value set for the picklist", "Metadata"))?;
    let restricted = set.and_then(|set| set.get("restricted")?.as_bool()).unwrap_or(false);
    let mut out = Vec::with_capacity(list.len());
    for each in list {
        let name = each.get("fullName").and_then(Value::as_str);
        let name = name.ok_or_else(|| wrong("Must specify the fullName of every value", "Metadata"))?;
        out.push(PickValue {
            value: name.to_owned(),
            label: each.get("label").and_then(Value::as_str).unwrap_or(name).to_owned(),
            active: true,
            default: each.get("default").and_then(Value::as_bool).unwrap_or(false),
        });
    }
    Ok((restricted, out))
}

fn wrong(message: &str, field: &str) -> Refusal {
    Refusal::row("FIELD_INTEGRITY_EXCEPTION", message, &[field])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(metadata: Value) -> Result<Field, Refusal> {
        from_metadata("Cdp_X__c", metadata.as_object().unwrap())
    }

    #[test]
    fn metadata_goes_in_and_comes_out() {
        for metadata in [
            json!({ "type": "Number", "label": "X", "precision": 5, "scale": 2 }),
            json!({ "type": "Text", "label": "X", "length": 64, "externalId": true, "unique": true, "caseSensitive": true }),
            json!({ "type": "Checkbox", "label": "X", "defaultValue": "false" }),
            json!({ "type": "LongTextArea", "label": "X", "length": 32768, "visibleLines": 5 }),
            json!({ "type": "Picklist", "label": "X", "valueSet": { "restricted": true, "valueSetDefinition":
                    { "sorted": false, "value": [{ "fullName": "hot", "default": false, "label": "Hot" }] } } }),
        ] {
            let shown = to_metadata(&made(metadata.clone()).unwrap());
            for (key, value) in metadata.as_object().unwrap() {
                assert!(
                    shown[key] == *value || matches!(key.as_str(), "defaultValue" | "visibleLines"),
                    "{key}: {shown}"
                );
            }
        }
    }

    #[test]
    fn what_is_missing_or_out_of_range_is_named() {
        for (metadata, word) in [
            (json!({ "label": "X" }), "type"),
            (json!({ "type": "Date" }), "label"),
            (json!({ "type": "Text", "label": "X", "length": 256 }), "length"),
            (json!({ "type": "Number", "label": "X", "precision": 5 }), "scale"),
            (json!({ "type": "Checkbox", "label": "X" }), "default"),
            (json!({ "type": "Picklist", "label": "X" }), "value set"),
            (json!({ "type": "Date", "label": "X", "unique": true }), "unique"),
            (json!({ "type": "Hologram", "label": "X" }), "Hologram"),
        ] {
            let refusal = made(metadata).unwrap_err();
            assert!(refusal.problems[0].message.contains(word), "{refusal:?}");
        }
    }
}
