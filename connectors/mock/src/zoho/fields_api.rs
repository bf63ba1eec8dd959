//! `GET /settings/fields`, and making, changing and deleting custom fields. API names are the org's to give.

use serde_json::{Map, Value, json};

use super::catalogue::field as plain_field;
use super::fields_json::{field_id, field_json};
use super::ids;
use super::kind::Kind;
use super::org::Org;
use super::refusal::Refusal;
use super::schema::{Access, Choice, Field, FieldId, FieldType};
use super::write_api::object;
use crate::exchange::{Call, Reply};

const MOST_AT_ONCE: usize = 5;
const LONGEST_LABEL: usize = 25;
/// What later changes may make of a label.
const LONGEST_NEW_LABEL: usize = 255;
/// A small text area; large ones hold sixteen times as much.
const SMALL_AREA: u32 = 2_000;

impl Org {
    pub fn list_fields(&self, call: &Call) -> Result<Reply, Refusal> {
        let kind = self.module_param(call)?;
        if call.parameter("type").is_some_and(|kind| kind == "unused") {
            return Ok(Reply::empty(204));
        }
        // What the profile does not see is not described.
        let visible = self.schema(kind).all().filter(|(_, field)| field.is_visible());
        let fields: Vec<Value> = visible.map(|field| field_json(self, kind, field)).collect();
        Ok(Reply::json(200, &json!({ "fields": fields })))
    }

    pub fn read_field(&self, call: &Call, id: &str) -> Result<Reply, Refusal> {
        let kind = self.module_param(call)?;
        Ok(match self.field_by_id(kind, id)? {
            Some(field) => Reply::json(200, &json!({ "fields": [field_json(self, kind, field)] })),
            None => Reply::empty(204),
        })
    }

    fn field_by_id(&self, kind: Kind, text: &str) -> Result<Option<(FieldId, &Field)>, Refusal> {
        let wanted = ids::parse(text).ok_or_else(Refusal::no_such_url)?;
        Ok(self.schema(kind).all().find(|(id, _)| field_id(kind, *id) == wanted))
    }

    /// `POST /settings/fields?module=`.
    pub fn create_fields(&mut self, call: &Call) -> Result<Reply, Refusal> {
        let kind = self.module_param(call)?;
        let body = object(call)?;
        let rows = match body.get("fields") {
            Some(Value::Array(rows)) if !rows.is_empty() => rows,
            _ => return Err(Refusal::missing_key("fields")),
        };
        if rows.len() > MOST_AT_ONCE {
            return Err(Refusal::new(400, "LIMIT_EXCEEDED", "too many fields").with("limit", MOST_AT_ONCE));
        }
        let mut results = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            let path = format!("$.fields[{at}]");
            let made = row
                .as_object()
                .ok_or_else(|| Refusal::invalid("invalid data").with("expected_data_type", "jsonobject"))
                .and_then(|row| self.create_field(kind, row, &path));
            results.push(made.map(|id| (id, "field created")));
        }
        Ok(answer(results, 201))
    }

    fn create_field(&mut self, kind: Kind, row: &Map<String, Value>, path: &str) -> Result<u64, Refusal> {
        let at =
            |refusal: Refusal, name: &str| refusal.with("api_name", name).with("json_path", format!("{path}.{name}"));
        let mandatory = |name: &str| at(Refusal::new(400, "MANDATORY_NOT_FOUND", "required field not found"), name);
        let word = |name: &str| row.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let label = word("field_label").ok_or_else(|| mandatory("field_label"))?;
        if label.chars().count() > LONGEST_LABEL {
            return Err(at(Refusal::invalid("invalid data").with("maximum_length", LONGEST_LABEL), "field_label"));
        }
        let data_type = word("data_type").ok_or_else(|| mandatory("data_type"))?;
        let mut field = defined(data_type, row).map_err(|(refusal, name)| at(refusal, name))?;
        let schema = self.schema(kind);
        if schema.all().any(|(_, each)| each.label.eq_ignore_ascii_case(label)) {
            return Err(at(Refusal::new(400, "DUPLICATE_DATA", "duplicate data"), "field_label"));
        }
        let custom = || schema.all().filter(|(_, each)| each.custom);
        if custom().count() >= self.knobs.custom_field_limit {
            let limit = self.knobs.custom_field_limit;
            return Err(Refusal::new(400, "LIMIT_EXCEEDED", "custom field limit exceeded").with("limit", limit));
        }
        field.unique = row.get("unique").and_then(Value::as_object).is_some_and(|unique| !unique.is_empty());
        field.external = row.get("external").and_then(Value::as_object).is_some_and(|external| !external.is_empty());
        if field.unique && custom().filter(|(_, each)| each.unique).count() >= self.knobs.unique_field_limit {
            let limit = self.knobs.unique_field_limit;
            return Err(at(
                Refusal::new(400, "LIMIT_EXCEEDED", "unique field limit exceeded").with("limit", limit),
                "unique",
            ));
        }
        field.name = self.api_name(kind, label).into();
        field.label = label.to_owned();
        field.access = self.access_given(row);
        field.tooltip = row.get("tooltip").and_then(|tip| tip["value"].as_str()).map(str::to_owned);
        let id = self.schema_mut(kind).add(field);
        Ok(field_id(kind, id))
    }

    /// What the integration's profile gets of a new field: what the row says, or what the org's habit is.
    fn access_given(&self, row: &Map<String, Value>) -> Access {
        let permission = row.get("profiles").and_then(|profiles| profiles[0]["permission_type"].as_str());
        match permission {
            Some("read_only") => Access::Read,
            Some("hidden") => Access::None,
            Some(_) => Access::Edit,
            None if self.knobs.hide_new_fields => Access::None,
            None => Access::Edit,
        }
    }

    /// A label's words joined by underscores, what is no letter or digit left out, numbered while it is taken. Names of
    /// deleted fields are not given again.
    pub fn api_name(&self, kind: Kind, label: &str) -> String {
        let spaced: String =
            label.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { ' ' }).collect();
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let mut base = words.join("_");
        if base.is_empty() || base.starts_with(|c: char| c.is_ascii_digit()) {
            base = format!("field{base}");
        }
        let schema = self.schema(kind);
        let taken = |name: &str| schema.id_of(name).is_some();
        let mut name = base.clone();
        let mut number = 1;
        while taken(&name) {
            name = format!("{base}{number}");
            number += 1;
        }
        name
    }

    /// `PATCH /settings/fields?module=` and `PATCH /settings/fields/{id}?module=`.
    pub fn change_fields(&mut self, call: &Call, only: Option<&str>) -> Result<Reply, Refusal> {
        let kind = self.module_param(call)?;
        let body = object(call)?;
        let Some(Value::Array(rows)) = body.get("fields") else { return Err(Refusal::missing_key("fields")) };
        let mut results = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            let id = only.map(str::to_owned).or_else(|| row["id"].as_str().map(str::to_owned)).unwrap_or_default();
            let path = format!("$.fields[{at}]");
            results.push(self.change_field(kind, &id, row, &path).map(|id| (id, "field updated")));
        }
        Ok(answer(results, 200))
    }

    fn change_field(&mut self, kind: Kind, id: &str, row: &Value, path: &str) -> Result<u64, Refusal> {
        let unknown = || Refusal::invalid("the id given seems to be invalid").with("json_path", format!("{path}.id"));
        let (field, _) = self.field_by_id(kind, id).ok().flatten().ok_or_else(unknown)?;
        let label = row["field_label"].as_str();
        if label.is_some_and(|label| label.chars().count() > LONGEST_NEW_LABEL) {
            return Err(Refusal::invalid("invalid data").with("maximum_length", LONGEST_NEW_LABEL));
        }
        let choices = row["pick_list_values"].as_array().map(|values| choices_of(values));
        let Some(definition) = self.schema_mut(kind).field_mut(field) else { return Err(unknown()) };
        if let Some(label) = label {
            label.clone_into(&mut definition.label);
        }
        for choice in choices.unwrap_or_default() {
            if !definition.choices.iter().any(|each| each.actual == choice.actual) {
                definition.choices.push(choice);
            }
        }
        Ok(field_id(kind, field))
    }

    /// `DELETE /settings/fields/{id}?module=`.
    pub fn delete_field(&mut self, call: &Call, id: &str) -> Result<Reply, Refusal> {
        let kind = self.module_param(call)?;
        let unknown = || Refusal::invalid("the id given seems to be invalid").with("resource_path_index", 2);
        let (field, custom) = match self.field_by_id(kind, id)? {
            Some((field, definition)) => (field, definition.custom),
            None => return Err(unknown()),
        };
        let name = self.schema(kind).field(field).map_or_else(String::new, |field| field.name.to_string());
        if !custom || self.is_automated(kind, &name) {
            return Err(Refusal::new(400, "NOT_ALLOWED", "the field is in use and cannot be deleted").with("id", id));
        }
        if let Some(definition) = self.schema_mut(kind).field_mut(field) {
            definition.removed = true;
        }
        Ok(answer(vec![Ok((field_id(kind, field), "field deleted"))], 200))
    }
}

type Outcome = Result<(u64, &'static str), Refusal>;

fn answer(results: Vec<Outcome>, all_well: u16) -> Reply {
    let failed = results.iter().filter(|result| result.is_err()).count();
    let status = match failed {
        0 => all_well,
        _ if failed < results.len() => 207,
        _ => 400,
    };
    let rows: Vec<Value> = results
        .into_iter()
        .map(|result| match result {
            Err(refusal) => refusal.json(),
            Ok((id, message)) => json!({
                "code": "SUCCESS", "details": { "id": id.to_string() }, "message": message, "status": "success",
            }),
        })
        .collect();
    Reply::json(status, &json!({ "fields": rows }))
}

pub fn choices_of(values: &[Value]) -> Vec<Choice> {
    let one = |value: &Value| {
        let text =
            value.as_str().or_else(|| value["actual_value"].as_str()).or_else(|| value["display_value"].as_str())?;
        let display = value["display_value"].as_str().unwrap_or(text);
        Some(Choice { actual: text.to_owned(), display: display.to_owned(), used: true })
    };
    values.iter().filter_map(one).collect()
}

/// A field of the type named, as long as the row says. The error names the key at fault.
pub fn defined(data_type: &str, row: &Map<String, Value>) -> Result<Field, (Refusal, &'static str)> {
    let ty = match data_type {
        "text" => FieldType::Text,
        "textarea" => FieldType::TextArea,
        "email" => FieldType::Email,
        "phone" => FieldType::Phone,
        "website" => FieldType::Website,
        "integer" => FieldType::Integer,
        "bigint" => FieldType::BigInt,
        "double" => FieldType::Double,
        "currency" => FieldType::Currency,
        "percent" => FieldType::Percent,
        "boolean" => FieldType::Boolean,
        "date" => FieldType::Date,
        "datetime" => FieldType::DateTime,
        "picklist" => FieldType::Picklist,
        "multiselectpicklist" => FieldType::MultiPicklist,
        other => {
            let refusal = Refusal::invalid("invalid data").with("given", other);
            return Err((refusal, "data_type"));
        }
    };
    let mut field = Field { custom: true, ..plain_field("", "", ty) };
    let most = field.length;
    if let Some(length) = row.get("length") {
        let length =
            length.as_u64().and_then(|length| u32::try_from(length).ok()).filter(|each| (1..=most).contains(each));
        let wrong = || (Refusal::invalid("invalid data").with("maximum_length", most), "length");
        field.length = length.ok_or_else(wrong)?;
    }
    if let Some(places) = row.get("decimal_place").and_then(Value::as_u64) {
        field.decimals = u32::try_from(places).unwrap_or(9).min(9);
    }
    if ty == FieldType::TextArea {
        let size = row.get("textarea").and_then(|area| area["type"].as_str()).unwrap_or("small");
        field.length = if size == "small" { SMALL_AREA } else { most };
    }
    if matches!(ty, FieldType::Picklist | FieldType::MultiPicklist) {
        let values = row.get("pick_list_values").and_then(Value::as_array).map(|values| choices_of(values));
        field.choices = values.unwrap_or_default();
        if field.choices.is_empty() {
            let refusal = Refusal::new(400, "MANDATORY_NOT_FOUND", "required field not found");
            return Err((refusal, "pick_list_values"));
        }
    }
    Ok(field)
}
