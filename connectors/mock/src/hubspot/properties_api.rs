//! `/crm/properties/{type}`: reading and changing an object's fields and their groups.

use serde_json::{Map, Value, json};

use super::input;
use super::kind::Kind;
use super::portal::Portal;
use super::refusal::Refusal;
use super::schema::{Choice, Group, Property, Type};
use crate::desk::Core;
use crate::exchange::{Call, Reply};
use crate::ledger::Change;

/// Unique-value properties an object may have.
const MAX_UNIQUE: usize = 10;
const MAX_INPUTS: usize = 100;

impl Portal {
    pub fn properties_route(
        &mut self,
        core: &mut Core,
        call: &Call,
        kind: Kind,
        rest: &[&str],
    ) -> Result<Reply, Refusal> {
        match (call.method.as_str(), rest) {
            ("GET", []) => {
                let archived = call.flag("archived");
                let all = self.schema(kind).properties.values().filter(|property| property.archived == archived);
                let sensitive = call.parameter("dataSensitivity").is_some_and(|level| level != "non_sensitive");
                let all: Vec<Value> = all.filter(|_| !sensitive).map(Property::json).collect();
                Ok(Reply::json(200, &json!({ "results": all })))
            }
            ("POST", []) => {
                let made = self.add_property(core, kind, &input::object(call)?)?;
                Ok(Reply::json(201, &made))
            }
            ("GET", ["groups"]) => {
                let all: Vec<Value> = self.schema(kind).groups.iter().map(Group::json).collect();
                Ok(Reply::json(200, &json!({ "results": all })))
            }
            ("POST", ["groups"]) => self.add_group(core, kind, &input::object(call)?),
            ("GET", ["groups", name]) => {
                let group = self.schema(kind).group(name).ok_or_else(Refusal::not_found)?;
                Ok(Reply::json(200, &group.json()))
            }
            ("PATCH", ["groups", name]) => self.rename_group(kind, name, &input::object(call)?),
            ("DELETE", ["groups", name]) => {
                // A group that still holds fields stays; the vendor answers 204 either way.
                let used = self.schema(kind).properties.values().any(|p| !p.archived && p.group == *name);
                self.schema_mut(kind).groups.retain(|group| used || group.name != *name);
                Ok(Reply::empty(204))
            }
            ("POST", ["batch", what]) => self.properties_batch(core, call, kind, what),
            ("GET", [name]) => {
                let archived = call.flag("archived");
                let property = self.schema(kind).properties.get(*name).filter(|p| p.archived == archived);
                property.map(|property| Reply::json(200, &property.json())).ok_or_else(|| no_property(name))
            }
            ("PATCH", [name]) => self.change_property(core, kind, name, &input::object(call)?),
            ("DELETE", [name]) => {
                self.drop_property(core, kind, name)?;
                Ok(Reply::empty(204))
            }
            _ => Err(Refusal::wrong_method()),
        }
    }

    fn properties_batch(&mut self, core: &mut Core, call: &Call, kind: Kind, what: &str) -> Result<Reply, Refusal> {
        let inputs = input::inputs(&input::object(call)?, MAX_INPUTS)?;
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for row in &inputs {
            let name = input::text(row, "name").unwrap_or("");
            match what {
                "create" => match self.add_property(core, kind, row) {
                    Ok(made) => results.push(made),
                    Err(refusal) => errors.push(refusal.row(json!({ "name": [name] }))),
                },
                "read" => match self.schema(kind).get(name) {
                    Some(property) => results.push(property.json()),
                    None => errors.push(no_property(name).row(json!({ "name": [name] }))),
                },
                "archive" => {
                    // Archiving what is not there is no error.
                    let _ = self.drop_property(core, kind, name);
                }
                _ => return Err(Refusal::unknown_route(&call.path)),
            }
        }
        if what == "archive" {
            return Ok(Reply::empty(204));
        }
        let mut body = json!({ "status": "COMPLETE", "results": results });
        let ok = if what == "create" { 201 } else { 200 };
        if errors.is_empty() {
            return Ok(Reply::json(ok, &body));
        }
        body["numErrors"] = json!(errors.len());
        body["errors"] = Value::Array(errors);
        Ok(Reply::json(207, &body))
    }

    pub fn add_property(&mut self, core: &mut Core, kind: Kind, body: &Map<String, Value>) -> Result<Value, Refusal> {
        let field = |key: &str| input::text(body, key).unwrap_or("").trim();
        let needed = ["name", "label", "type", "fieldType", "groupName"];
        let missing: Vec<&str> = needed.into_iter().filter(|key| field(key).is_empty()).collect();
        if !missing.is_empty() {
            let list = missing.join(", ");
            return Err(Refusal::validation(format!("Some required fields were not set: [{list}]")));
        }
        let name = field("name").to_ascii_lowercase();
        let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !plain || name.starts_with("hs_") || name.len() > 100 {
            return Err(Refusal::validation(format!(
                "Property name {name} is invalid: it must start with a letter, hold only a-z, 0-9 and _, and not begin with hs_"
            )));
        }
        let (given, field_type) = (field("type"), field("fieldType"));
        let value_type = Type::parse(given)
            .filter(|value_type| value_type.field_types().contains(&field_type))
            .ok_or_else(|| Refusal::validation(format!("fieldType {field_type} is not valid for type {given}")))?;
        let schema = self.schema(kind);
        if schema.get(&name).is_some() {
            return Err(Refusal::new(409, "CONFLICT", format!("A property named '{name}' already exists.")));
        }
        let group = field("groupName");
        if schema.group(group).is_none() {
            return Err(Refusal::validation(format!("Property group {group} does not exist")));
        }
        if schema.custom_count() >= self.knobs.custom_property_limit {
            let limit = self.knobs.custom_property_limit;
            return Err(Refusal::validation(format!(
                "You have reached the limit of {limit} custom properties for {}",
                kind.plural()
            ))
            .with("subCategory", json!("PropertyError.LIMIT_REACHED")));
        }
        let unique = body.get("hasUniqueValue").and_then(Value::as_bool).unwrap_or(false);
        if unique && schema.unique_count() >= MAX_UNIQUE {
            return Err(Refusal::validation(format!("at most {MAX_UNIQUE} unique properties per object")));
        }
        let mut property = Property {
            field_type: field_type.to_owned(),
            unique,
            standard: false,
            created: core.now,
            updated: core.now,
            ..Property::new(&name, field("label"), value_type, group)
        };
        edit(&mut property, body)?;
        if value_type == Type::Enumeration && property.choices.is_empty() && !property.external_options {
            return Err(Refusal::validation(format!("options are required for enumeration property {name}")));
        }
        let made = property.json();
        self.schema_mut(kind).add(property);
        self.log_property(core, kind, "create", &name, Value::Null, made.clone());
        Ok(made)
    }

    fn change_property(
        &mut self,
        core: &mut Core,
        kind: Kind,
        name: &str,
        body: &Map<String, Value>,
    ) -> Result<Reply, Refusal> {
        let mut property = self.schema(kind).get(name).cloned().ok_or_else(|| no_property(name))?;
        if property.standard {
            return Err(Refusal::validation(format!("{name} is defined by HubSpot and cannot be changed")));
        }
        if let Some(group) = input::text(body, "groupName") {
            if self.schema(kind).group(group).is_none() {
                return Err(Refusal::validation(format!("Property group {group} does not exist")));
            }
            property.group = group.to_owned();
        }
        let before = property.json();
        edit(&mut property, body)?;
        property.updated = core.now;
        let after = property.json();
        self.schema_mut(kind).add(property);
        self.log_property(core, kind, "update", name, before, after.clone());
        Ok(Reply::json(200, &after))
    }

    pub fn drop_property(&mut self, core: &mut Core, kind: Kind, name: &str) -> Result<(), Refusal> {
        let property = self.schema(kind).get(name).cloned().ok_or_else(|| no_property(name))?;
        if property.standard && core.request.is_some() {
            return Err(Refusal::validation(format!("{name} is defined by HubSpot and cannot be archived")));
        }
        let before = property.json();
        self.schema_mut(kind).add(Property { archived: true, updated: core.now, ..property });
        self.log_property(core, kind, "delete", name, before, Value::Null);
        Ok(())
    }

    fn add_group(&mut self, core: &mut Core, kind: Kind, body: &Map<String, Value>) -> Result<Reply, Refusal> {
        let field = |key: &str| input::text(body, key).unwrap_or("").trim().to_owned();
        let (name, label) = (field("name"), field("label"));
        if name.is_empty() || label.is_empty() {
            return Err(Refusal::validation("Some required fields were not set: [name, label]"));
        }
        if self.schema(kind).group(&name).is_some() {
            return Err(Refusal::new(409, "CONFLICT", format!("A property group named '{name}' already exists.")));
        }
        let display_order = body.get("displayOrder").and_then(Value::as_i64).unwrap_or(-1);
        let group = Group { name, label, display_order };
        let made = group.json();
        self.log_property(core, kind, "create", &format!("groups/{}", group.name), Value::Null, made.clone());
        self.schema_mut(kind).groups.push(group);
        Ok(Reply::json(201, &made))
    }

    fn rename_group(&mut self, kind: Kind, name: &str, body: &Map<String, Value>) -> Result<Reply, Refusal> {
        let group = self.schema_mut(kind).groups.iter_mut().find(|group| group.name == name);
        let group = group.ok_or_else(Refusal::not_found)?;
        if let Some(label) = input::text(body, "label") {
            group.label = label.to_owned();
        }
        group.display_order = body.get("displayOrder").and_then(Value::as_i64).unwrap_or(group.display_order);
        Ok(Reply::json(200, &group.json()))
    }

    pub fn log_property(
        &mut self,
        core: &mut Core,
        kind: Kind,
        op: &'static str,
        name: &str,
        before: Value,
        after: Value,
    ) {
        let record = format!("{}/{name}", kind.plural());
        let by = core.by();
        self.searches.clear();
        core.log(Change { op, object: "properties", record: &record, before, after, by });
    }
}

fn no_property(name: &str) -> Refusal {
    Refusal::new(404, "OBJECT_NOT_FOUND", format!("Property {name} does not exist"))
}

/// The parts of a definition that can change later.
fn edit(property: &mut Property, body: &Map<String, Value>) -> Result<(), Refusal> {
    let flag = |key: &str| body.get(key).and_then(Value::as_bool);
    if let Some(label) = input::text(body, "label") {
        property.label = label.to_owned();
    }
    if let Some(description) = input::text(body, "description") {
        property.description = description.to_owned();
    }
    if let Some(order) = body.get("displayOrder").and_then(Value::as_i64) {
        property.display_order = order;
    }
    property.hidden = flag("hidden").unwrap_or(property.hidden);
    property.form_field = flag("formField").unwrap_or(property.form_field);
    property.external_options = flag("externalOptions").unwrap_or(property.external_options);
    // The complete list each time: what is not in it is gone.
    if let Some(Value::Array(options)) = body.get("options") {
        let mut choices: Vec<Choice> = Vec::new();
        for option in options {
            let text = |key: &str| option.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
            let (value, label) = (text("value"), text("label"));
            if value.is_empty() || label.is_empty() || choices.iter().any(|choice| choice.value == value) {
                return Err(Refusal::validation(format!(
                    "options must have distinct values and a label each: {option}"
                )));
            }
            let hidden = option.get("hidden").and_then(Value::as_bool).unwrap_or(false);
            choices.push(Choice { value, label, hidden, description: text("description") });
        }
        property.choices = choices;
    }
    Ok(())
}
