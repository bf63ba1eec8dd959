//! From a row of a body to the cells it would set, or to all that is wrong with it. Decides; changes nothing.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::catalogue::OWNER;
use super::datum::Datum;
use super::ids::{self, SYNC_USER};
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::{Seen, Sight};
use super::refusal::{Refusal, together};
use super::schema::{Access, Field, FieldId, FieldType};
use super::stages;
use super::values;
use crate::clock::whole_second;

pub type Cells = Vec<(FieldId, Datum)>;

impl Org {
    /// The cells a row sets, on a new record (`current` is none) or on one there is. `path` is where the row stands, as
    /// in `$.data[1]`.
    ///
    /// # Errors
    /// What is wrong with it, all of it together.
    pub fn check(
        &self,
        pen: &Pen,
        kind: Kind,
        given: &Map<String, Value>,
        path: &str,
        current: Option<&Seen<'_>>,
    ) -> Result<Cells, Refusal> {
        let mut problems = Vec::new();
        let mut cells = Cells::new();
        let at = |refusal: Refusal, name: &str| refusal.with("json_path", format!("{path}.{name}"));
        for (name, value) in given.iter().filter(|(name, _)| !name.starts_with('$') && *name != "id") {
            let Some((id, field)) = self.schema(kind).get(name) else {
                if self.knobs.refuse_unknown_fields {
                    problems.push(at(Refusal::invalid("invalid field").with("api_name", name.as_str()), name));
                }
                continue;
            };
            if field.read_only || (field.access == Access::None && !pen.is_system()) {
                continue;
            }
            if field.access == Access::Read && !pen.is_system() {
                let refusal = Refusal::new(400, "AUTHORIZATION_FAILED", "no permission to update the field");
                problems.push(at(refusal.with("api_name", name.as_str()), name));
                continue;
            }
            match values::convert(self, field, value) {
                Ok(datum) if datum.is_null() && field.mandatory => problems.push(at(mandatory(field), name)),
                Ok(datum) => cells.push((id, self.appended(given, field, id, datum, current))),
                Err(refusal) => problems.push(at(refusal, name)),
            }
        }
        if current.is_none() {
            self.check_mandatory(pen, kind, given, path, &mut problems);
        }
        self.check_shape(pen, kind, given, path, &mut problems);
        if problems.is_empty() {
            self.check_keys(kind, &cells, path, current.map(|seen| seen.id), &mut problems);
        }
        match together(problems) {
            Some(refusal) => Err(refusal),
            None => {
                self.fill(pen, kind, &mut cells, current);
                Ok(cells)
            }
        }
    }

    fn check_mandatory(
        &self,
        pen: &Pen,
        kind: Kind,
        given: &Map<String, Value>,
        path: &str,
        problems: &mut Vec<Refusal>,
    ) {
        for (_, field) in self.schema(kind).all().filter(|(_, field)| field.mandatory) {
            if !given.contains_key(&*field.name) {
                problems.push(mandatory(field).with("json_path", format!("{path}.{}", field.name)));
            }
        }
        if kind == Kind::Deals && self.knobs.pipeline_required && !pen.is_system() && !given.contains_key("Pipeline") {
            let refusal =
                Refusal::new(400, "MANDATORY_NOT_FOUND", "required field not found").with("api_name", "Pipeline");
            problems.push(refusal.with("json_path", format!("{path}.Pipeline")));
        }
    }

    /// Rules that hold between fields of one row.
    fn check_shape(&self, pen: &Pen, kind: Kind, given: &Map<String, Value>, path: &str, problems: &mut Vec<Refusal>) {
        let word = |name: &str| given.get(name).and_then(Value::as_str);
        let at =
            |refusal: Refusal, name: &str| refusal.with("api_name", name).with("json_path", format!("{path}.{name}"));
        if kind == Kind::Deals
            && let (Some(stage), Some(pipeline)) = (word("Stage"), word("Pipeline"))
            && let Some(known) = self.pipelines.iter().find(|each| each.name == pipeline)
            && stages::find(&self.pipelines, stage).is_some()
            && !known.stages.iter().any(|each| each.actual == stage)
        {
            problems.push(at(Refusal::new(400, "DEPENDENT_MISMATCH", "the stage is not one of the pipeline"), "Stage"));
        }
        let related = given.get("What_Id").filter(|value| !value.is_null());
        if kind.is_activity() && related.is_some() && !pen.is_system() {
            let target = related.and_then(|value| ids::from_json(value.get("id").unwrap_or(value)));
            match (word("$se_module"), target.and_then(ids::kind_of)) {
                (None, _) => {
                    problems.push(at(
                        Refusal::new(400, "DEPENDENT_FIELD_MISSING", "required field not found"),
                        "$se_module",
                    ));
                }
                (Some(module), Some(kind)) if module != kind.name() => {
                    problems.push(at(
                        Refusal::new(400, "DEPENDENT_MISMATCH", "the id is not one of the module"),
                        "What_Id",
                    ));
                }
                _ => {}
            }
        }
        if kind == Kind::Calls && word("Call_Type").is_some_and(|call| call != "Missed") {
            let duration = word("Call_Duration").unwrap_or_default();
            if !duration.is_empty() && !duration.chars().any(|c| c.is_ascii_digit() && c != '0') {
                problems.push(at(Refusal::invalid("the duration must not be zero"), "Call_Duration"));
            }
        }
    }

    /// No two records share the value of a key.
    fn check_keys(&self, kind: Kind, cells: &Cells, path: &str, own: Option<u64>, problems: &mut Vec<Refusal>) {
        for (id, datum) in cells {
            let Some(field) = self.schema(kind).field(*id).filter(|field| field.unique || field.external) else {
                continue;
            };
            let Some(key) = datum.key() else { continue };
            if let Some(other) = self.find(kind, *id, &key).into_iter().find(|other| Some(*other) != own) {
                problems.push(self.duplicate(kind, field, other, path));
            }
        }
    }

    /// `DUPLICATE_DATA`, naming the record that has the value.
    pub fn duplicate(&self, kind: Kind, field: &Field, other: u64, path: &str) -> Refusal {
        let owner = self.seen(kind, other, Sight::Latest).and_then(|seen| seen.get(OWNER).as_ref_id());
        let record = json!({
            "id": other.to_string(),
            "module": { "api_name": kind.name(), "id": super::render::module_id(kind).to_string() },
            "Owner": owner.map(|owner| super::render::user(self, owner)),
        });
        Refusal::new(400, "DUPLICATE_DATA", "duplicate data")
            .with("api_name", &*field.name)
            .with("json_path", format!("{path}.{}", field.name))
            .with("id", other.to_string())
            .with("duplicate_record", record)
    }

    /// With `"$append_values": {"Field": true}` the values given come on top of those there are.
    fn appended(
        &self,
        given: &Map<String, Value>,
        field: &Field,
        id: FieldId,
        datum: Datum,
        current: Option<&Seen<'_>>,
    ) -> Datum {
        let asked = given.get("$append_values").is_some_and(|names| names[&*field.name] == true);
        let Some(current) = current.filter(|_| asked && field.ty == FieldType::MultiPicklist) else { return datum };
        match (current.get(id), datum) {
            (Datum::List(old), Datum::List(new)) => {
                let mut all: Vec<Arc<str>> = old.to_vec();
                all.extend(new.iter().filter(|value| !old.contains(value)).cloned());
                Datum::list(all)
            }
            (Datum::Null, new) => new,
            (old, _) => old,
        }
    }

    /// What the CRM adds by itself.
    fn fill(&self, pen: &Pen, kind: Kind, cells: &mut Cells, current: Option<&Seen<'_>>) {
        let id_of = |name: &str| self.schema(kind).get(name).map(|(id, _)| id);
        let has = |cells: &Cells, name: &str| id_of(name).is_some_and(|id| cells.iter().any(|(each, _)| *each == id));
        let add = |cells: &mut Cells, name: &str, datum: Datum| {
            if let Some(id) = id_of(name).filter(|id| !cells.iter().any(|(each, _)| each == id)) {
                cells.push((id, datum));
            }
        };
        if current.is_none() {
            add(cells, "Owner", Datum::Ref(if pen.user == 0 { SYNC_USER } else { pen.user }));
        }
        match kind {
            Kind::Deals if has(cells, "Stage") => {
                let stage =
                    id_of("Stage").and_then(|id| cells.iter().find(|(each, _)| *each == id)).map(|(_, d)| d.clone());
                let moved = current.is_none_or(|seen| Some(seen.named("Stage")) != stage);
                let known = stage.as_ref().and_then(Datum::as_str).and_then(|name| stages::find(&self.pipelines, name));
                if let Some(known) = known.filter(|_| moved) {
                    add(cells, "Probability", Datum::Int(known.probability));
                    add(cells, "Stage_Modified_Time", Datum::Instant(whole_second(pen.at)));
                }
                if current.is_none() {
                    let pipeline = self.pipelines.first().map_or("", |pipeline| &pipeline.name);
                    add(cells, "Pipeline", Datum::text(pipeline));
                }
            }
            Kind::Tasks => {
                if current.is_none() {
                    add(cells, "Status", Datum::text("Not Started"));
                    add(cells, "Priority", Datum::text("Normal"));
                }
                let done = id_of("Status").is_some_and(|id| cells.contains(&(id, Datum::text("Completed"))));
                if done {
                    add(cells, "Closed_Time", Datum::Instant(whole_second(pen.at)));
                }
            }
            _ => {}
        }
    }
}

fn mandatory(field: &Field) -> Refusal {
    Refusal::new(400, "MANDATORY_NOT_FOUND", "required field not found").with("api_name", &*field.name)
}
