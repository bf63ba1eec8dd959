//! What an admin does to columns and keys through the control plane.

use serde_json::{Map, Value, json};

use super::build;
use super::guid::Guid;
use super::kind::Kind;
use super::metadata;
use super::org::Org;
use super::rep_request::{Body, flag, object, say, word};
use super::schema::{Choice, Column, Ty};
use crate::desk::Core;

impl Org {
    /// `{object, name, read_only?, remove?, restore?, options?}` or `{object, create: {name, label?, type?, …}}`.
    pub fn change_column(&mut self, _: &Core, body: &Body) -> Result<Value, String> {
        let kind = object(body, "object")?;
        if let Some(Value::Object(create)) = body.get("create") {
            let column = made(create)?;
            let name = column.logical.to_string();
            if self.schema(kind).column(&name).is_some() {
                return Err(format!("{} has a column {name} already", kind.logical()));
            }
            self.add_column(kind, column);
            return Ok(json!({ "name": name }));
        }
        let name = word(body, "name").ok_or("name is required")?.to_lowercase();
        let version = self.version;
        let absent = format!("{} has no column {name}", kind.logical());
        let column = self.schema_mut(kind).column_mut(&name).ok_or(absent)?;
        if let Some(read_only) = body.get("read_only").and_then(Value::as_bool) {
            column.secured = read_only;
            (column.create, column.update) = (!read_only, !read_only);
        }
        if let Some(Value::Array(options)) = body.get("options") {
            column.choices =
                options.iter().zip(1..).map(|(option, at)| choice(option, at)).collect::<Result<_, _>>()?;
        }
        if flag(body, "restore") {
            column.removed = false;
        }
        if flag(body, "remove") {
            column.removed = true;
            // The table is not what it was: deletions before now can no longer be told.
            self.table_mut(kind).forgotten = version;
        }
        Ok(json!({ "name": name }))
    }

    /// `{object, columns, name?}`: an alternate key, active at once.
    pub fn add_key(&mut self, core: &Core, body: &Body) -> Result<Value, String> {
        let kind = object(body, "object")?;
        let columns: Vec<&str> = match body.get("columns") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => return Err("columns is required, a list of logical names".into()),
        };
        let default = format!("new_{}", columns.join("_"));
        let name = word(body, "name").unwrap_or(&default);
        let at = metadata::make_key(self, core, kind, name, name, &columns).map_err(|refusal| say(&refusal))?;
        if let Some(key) = self.schema_mut(kind).keys.get_mut(at) {
            key.active_at = 0;
        }
        Ok(json!({ "name": name }))
    }
}

fn made(create: &Map<String, Value>) -> Result<Column, String> {
    let text = |key: &str| create.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let schema = text("name").ok_or("create.name is required, e.g. new_cdp_score")?;
    let number = |key: &str| create.get(key).and_then(Value::as_u64);
    let ty = match text("type").unwrap_or("string").to_ascii_lowercase().as_str() {
        "string" | "text" => Ty::Text,
        "memo" | "textarea" => Ty::Memo,
        "int" | "integer" => Ty::Int,
        "bigint" => Ty::BigInt,
        "decimal" | "number" => Ty::Decimal,
        "double" => Ty::Double,
        "money" | "currency" => Ty::Money,
        "bool" | "boolean" => Ty::Bool,
        "date" => Ty::Day,
        "datetime" => Ty::Instant,
        "picklist" | "choice" | "enumeration" => Ty::Choice,
        "multipicklist" | "multichoice" => Ty::MultiChoice,
        other => return Err(format!("create.type: `{other}` is no type a column is made of")),
    };
    let label = text("label").unwrap_or(schema);
    let mut column = build::column(&schema.to_lowercase(), schema, label, ty);
    column.custom = true;
    if let Some(length) = number("length") {
        column.max_length = usize::try_from(length).unwrap_or(usize::MAX);
    }
    if let Some(precision) = number("precision").or(number("scale")) {
        column.precision = u32::try_from(precision.min(10)).unwrap_or(0);
    }
    match (ty, create.get("options")) {
        (Ty::Choice | Ty::MultiChoice, Some(Value::Array(options))) => {
            column.choices =
                options.iter().zip(100_000_000..).map(|(option, at)| choice(option, at)).collect::<Result<_, _>>()?;
        }
        (Ty::Bool, _) => {
            let side = |value, label: &str| Choice { value, label: label.to_owned(), state: 0 };
            column.choices = vec![side(0, "No"), side(1, "Yes")];
        }
        (Ty::Instant, _) => column.format = "DateAndTime".into(),
        (Ty::Day, _) => column.format = "DateOnly".into(),
        _ => {}
    }
    Ok(column)
}

/// `"Label"`, or `{"value": 5, "label": "Label"}`.
fn choice(option: &Value, at: i64) -> Result<Choice, String> {
    match option {
        Value::String(label) => Ok(Choice { value: at, label: label.clone(), state: 0 }),
        Value::Object(option) => {
            let label = option.get("label").and_then(Value::as_str).ok_or("options: a label is missing")?;
            let value = option.get("value").and_then(Value::as_i64).unwrap_or(at);
            Ok(Choice { value, label: label.to_owned(), state: 0 })
        }
        other => Err(format!("options: {other} is no choice")),
    }
}

impl Org {
    /// The table a row is of, for whoever has only its id.
    pub fn kind_of_row(&self, id: Guid) -> Option<Kind> {
        let mut kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::ActivityPointer);
        kinds.find(|kind| self.whatever(*kind, id, crate::versions::Sight::Latest).is_some())
    }
}
