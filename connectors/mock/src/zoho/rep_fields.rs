//! What an admin does to fields, stages and users.

use serde_json::{Value, json};

use super::fields_api::{choices_of, defined};
use super::ids;
use super::kind::Kind;
use super::org::Org;
use super::rep::{Body, flag, object, say, word};
use super::schema::Access;
use super::stages::{Forecast, Stage};
use super::users::User;
use crate::clock::whole_second;
use crate::desk::Core;

impl Org {
    /// `{object, name, read_only?, hidden?, remove?, restore?, unique?, external?, options?}` or
    /// `{object, create: {label, type?, …}}`.
    pub fn change_property(&mut self, body: &Body) -> Result<Value, String> {
        let kind = object(body, "object")?;
        if let Some(Value::Object(definition)) = body.get("create") {
            return self.create_property(kind, definition);
        }
        let name = word(body, "name").ok_or("name is required")?;
        let schema = self.schema_mut(kind);
        let id = schema.id_of(name).ok_or_else(|| format!("{} has no field {name}", kind.name()))?;
        let field = schema.field_mut(id).ok_or("no such field")?;
        if flag(body, "remove") {
            field.removed = true;
        }
        if flag(body, "restore") {
            field.removed = false;
        }
        if let Some(read_only) = body.get("read_only").and_then(Value::as_bool) {
            field.access = if read_only { Access::Read } else { Access::Edit };
        }
        if let Some(hidden) = body.get("hidden").and_then(Value::as_bool) {
            field.access = if hidden { Access::None } else { Access::Edit };
        }
        if let Some(unique) = body.get("unique").and_then(Value::as_bool) {
            field.unique = unique;
        }
        if let Some(external) = body.get("external").and_then(Value::as_bool) {
            field.external = external;
        }
        if let Some(mandatory) = body.get("mandatory").and_then(Value::as_bool) {
            field.mandatory = mandatory;
        }
        if let Some(Value::Array(options)) = body.get("options") {
            field.choices = choices_of(options);
        }
        self.reindex(kind);
        Ok(json!({ "name": name }))
    }

    fn create_property(&mut self, kind: Kind, definition: &Body) -> Result<Value, String> {
        let label = word(definition, "label").or(word(definition, "name")).ok_or("create.label is required")?;
        let data_type = match word(definition, "type").unwrap_or("text") {
            "string" => "text",
            "number" => "double",
            "checkbox" => "boolean",
            "multipicklist" => "multiselectpicklist",
            other => other,
        };
        let mut row = definition.clone();
        if let Some(options) = definition.get("options") {
            row.insert("pick_list_values".into(), options.clone());
        }
        let mut field =
            defined(data_type, &row).map_err(|(refusal, key)| format!("create.{key}: {}", say(&refusal)))?;
        // Whoever runs the mock may fix the name, as an org that was set up before; the API never may.
        field.name = match word(definition, "name") {
            Some(name) if self.schema(kind).id_of(name).is_none() => name.into(),
            _ => self.api_name(kind, label).into(),
        };
        field.label = label.to_owned();
        field.unique = flag(definition, "unique");
        field.external = flag(definition, "external") || flag(definition, "external_id");
        let name = field.name.clone();
        self.schema_mut(kind).add(field);
        self.reindex(kind);
        Ok(json!({ "name": &*name }))
    }

    /// `{name, rename?, forecast?, probability?}`: makes a stage of the first pipeline, or changes what one is called or
    /// means. A renamed stage keeps the value deals hold.
    pub fn change_stage(&mut self, body: &Body) -> Result<Value, String> {
        let name = word(body, "name").ok_or("name is required")?;
        let forecast = match word(body, "forecast") {
            None => None,
            Some(text) => Some(Forecast::parse(text).ok_or("forecast is Open, Closed Won or Closed Lost")?),
        };
        let probability = body.get("probability").and_then(Value::as_i64);
        let known = self.pipelines.iter_mut().flat_map(|each| &mut each.stages).find(|stage| stage.actual == name);
        match known {
            Some(stage) => {
                if let Some(display) = word(body, "rename") {
                    display.clone_into(&mut stage.display);
                }
                stage.forecast = forecast.unwrap_or(stage.forecast);
                stage.probability = probability.unwrap_or(stage.probability);
            }
            None => {
                let stage = Stage {
                    actual: name.to_owned(),
                    display: word(body, "rename").unwrap_or(name).to_owned(),
                    probability: probability.unwrap_or(50),
                    forecast: forecast.unwrap_or(Forecast::Open),
                };
                self.pipelines.first_mut().ok_or("there is no pipeline")?.stages.push(stage);
            }
        }
        let choice = super::schema::Choice::plain(name);
        let schema = self.schema_mut(Kind::Deals);
        let id = schema.id_of("Stage").ok_or("no such field")?;
        let field = schema.field_mut(id).ok_or("no such field")?;
        match field.choices.iter_mut().find(|each| each.actual == name) {
            Some(each) => word(body, "rename").unwrap_or(&each.display.clone()).clone_into(&mut each.display),
            None => field.choices.push(choice),
        }
        Ok(json!({ "name": name }))
    }

    /// `{email, first_name?, last_name?, archived?}`, or `{id, archived}` for one there is.
    pub fn change_user(&mut self, core: &Core, body: &Body) -> Result<Value, String> {
        let active = !flag(body, "archived");
        let modified = whole_second(core.now);
        if let Some(id) = body.get("id") {
            let id = ids::from_json(id).ok_or("id is no id")?;
            let user = self.users.iter_mut().find(|user| user.id == id).ok_or("there is no such user")?;
            user.active = active;
            user.modified = modified;
            if let Some(email) = word(body, "email") {
                email.clone_into(&mut user.email);
            }
            return Ok(json!({ "id": id.to_string() }));
        }
        let email = word(body, "email").ok_or("email is required")?;
        let (first, last) = (word(body, "first_name").unwrap_or(""), word(body, "last_name").unwrap_or("Unnamed"));
        let at = self.users.iter().map(|user| user.id - ids::SYNC_USER + 1).max().unwrap_or(1);
        let user = User { email: email.to_owned(), active, modified, ..User::new(at, first, last, "Sales") };
        let id = user.id;
        self.users.push(user);
        Ok(json!({ "id": id.to_string() }))
    }
}
