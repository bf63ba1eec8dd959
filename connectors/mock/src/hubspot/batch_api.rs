//! `/crm/objects/{type}/batch/…`: up to a hundred records in one call, and the many ways some of them fail.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::input;
use super::kind::Kind;
use super::knobs::TracePartial;
use super::objects_api::non_unique;
use super::portal::Portal;
use super::refusal::Refusal;
use super::render::Wanted;
use super::write::Pen;
use crate::clock::iso;
use crate::desk::Core;
use crate::exchange::{Call, Reply};
use crate::fault::Fault;

const MAX_INPUTS: usize = 100;
const MAX_INPUTS_WITH_HISTORY: usize = 50;

type Row = Map<String, Value>;

/// What a batch came to.
#[derive(Default)]
struct Outcome {
    results: Vec<Value>,
    errors: Vec<Value>,
    missing: Vec<String>,
    missing_traces: Vec<String>,
}

impl Outcome {
    fn missing(&mut self, id: &str, row: &Row) {
        self.missing.push(id.to_owned());
        self.missing_traces.extend(input::text(row, "objectWriteTraceId").map(str::to_owned));
    }

    fn reply(mut self, core: &Core, kind: Kind, ok: u16, partial: u16) -> Reply {
        if !self.missing.is_empty() {
            // One entry names every missing id.
            let object = kind.singular().to_ascii_uppercase();
            let text = format!(
                "Could not get some {object} objects, they may be deleted or not exist. Check that ids are valid."
            );
            let mut context = json!({ "ids": self.missing });
            if !self.missing_traces.is_empty() {
                context["objectWriteTraceId"] = json!(self.missing_traces);
            }
            self.errors.push(Refusal::new(404, "OBJECT_NOT_FOUND", text).row(context));
        }
        if core.batch_fault == Some(Fault::OmitRow) {
            self.results.pop();
        }
        let now = iso(core.now);
        let mut body = json!({ "status": "COMPLETE", "results": self.results, "requestedAt": now, "startedAt": now,
                               "completedAt": now });
        if self.errors.is_empty() {
            return Reply::json(ok, &body);
        }
        body["numErrors"] = json!(self.errors.len());
        body["errors"] = Value::Array(self.errors);
        Reply::json(partial, &body)
    }
}

impl Portal {
    pub fn batch(&mut self, core: &mut Core, call: &Call, kind: Kind, what: &str) -> Result<Reply, Refusal> {
        let body = input::object(call)?;
        match what {
            "read" => self.batch_read(core, call, kind, &body),
            "create" => self.batch_create(core, kind, &body),
            "update" => self.batch_update(core, kind, &body),
            "upsert" => self.batch_upsert(core, kind, &body),
            "archive" => {
                for row in input::inputs(&body, MAX_INPUTS)? {
                    if let Some(id) = input::id_text(row.get("id")).and_then(|id| id.parse().ok()) {
                        self.archive(core, kind, id, Pen::api(core), false);
                    }
                }
                Ok(Reply::empty(204))
            }
            _ => Err(Refusal::unknown_route(&call.path)),
        }
    }

    /// The status of a batch some of whose rows failed.
    fn partial_status(&self, ok: u16) -> u16 {
        if self.knobs.errors_under_200 { ok } else { 207 }
    }

    fn batch_read(&self, core: &Core, call: &Call, kind: Kind, body: &Row) -> Result<Reply, Refusal> {
        let wanted = Wanted {
            properties: input::strings(body, "properties"),
            history: input::strings(body, "propertiesWithHistory"),
            associations: Vec::new(),
        };
        let inputs = input::inputs(body, MAX_INPUTS)?;
        if !wanted.history.is_empty() && inputs.len() > MAX_INPUTS_WITH_HISTORY {
            return Err(Refusal::validation(
                "The maximum number of inputs supported in a batch request for property histories is 50. Please reduce \
                 the number of items and try again",
            ));
        }
        let id_property = input::text(body, "idProperty").filter(|name| *name != "hs_object_id");
        if let Some(name) = id_property.filter(|name| !self.schema(kind).get(name).is_some_and(|p| p.unique)) {
            return Err(non_unique(kind, name));
        }
        let (mut outcome, mut shown) = (Outcome::default(), HashSet::new());
        for row in &inputs {
            let id = required_id(row)?;
            let found = match id_property {
                // Merged-away ids do not resolve in batches.
                None => id.parse().ok(),
                Some(_) => self.find(kind, &id, id_property).ok(),
            };
            let archived = call.flag("archived");
            let seen = found.and_then(|id| self.seen(kind, id)).filter(|seen| {
                let erased = seen.view().is_some_and(|view| view.erased || view.merged_into.is_some());
                !erased && seen.archived().is_some() == archived
            });
            match seen {
                Some(seen) if shown.insert(seen.id) => outcome.results.push(self.render(core, seen, &wanted)),
                Some(_) => {}
                None => outcome.missing(&id, row),
            }
        }
        // The vendor promises no order; an answer in the order asked would be relied upon.
        outcome.results.reverse();
        Ok(outcome.reply(core, kind, 200, self.partial_status(200)))
    }

    fn batch_create(&mut self, core: &mut Core, kind: Kind, body: &Row) -> Result<Reply, Refusal> {
        let inputs = input::inputs(body, MAX_INPUTS)?;
        let partial = self.knobs.trace_partial != TracePartial::None && all_traced(&inputs)?;
        if !partial {
            self.rehearse_creates(kind, &inputs)?;
        }
        let mut outcome = Outcome::default();
        for (at, row) in inputs.iter().enumerate() {
            let attempt = self.create_row(core, kind, row, strike(core, at, &inputs));
            match attempt {
                Ok(result) => outcome.results.push(result),
                Err(refusal) => outcome.errors.push(refusal.row(trace_context(row))),
            }
        }
        outcome.results.reverse();
        Ok(outcome.reply(core, kind, 201, self.partial_status(201)))
    }

    fn create_row(&mut self, core: &mut Core, kind: Kind, row: &Row, struck: bool) -> Result<Value, Refusal> {
        if struck {
            return Err(Refusal::validation("Row refused by a fault"));
        }
        let properties = input::properties(row)?;
        let links = self.new_links(kind, row)?;
        let id = self.create(core, kind, &properties, Pen::api(core))?;
        self.link_new(core, kind, id, &links);
        self.written(core, kind, id, &properties)
    }

    /// Without trace ids the whole call stands or falls: the first bad row refuses it before anything is applied.
    fn rehearse_creates(&self, kind: Kind, inputs: &[Row]) -> Result<(), Refusal> {
        let mut claimed = HashSet::new();
        for row in inputs {
            let properties = input::properties(row)?;
            let values = self.check(kind, None, &properties, Pen::SOURCE_API)?;
            self.check_required(kind, &values)?;
            self.check_unique(kind, None, &values)?;
            self.new_links(kind, row)?;
            for (name, value) in &values {
                let unique = self.schema(kind).get(name).is_some_and(|property| property.unique);
                if unique && !value.is_empty() && !claimed.insert((name.clone(), value.to_lowercase())) {
                    return Err(Refusal::validation(format!(
                        "Duplicate value {value} for unique property {name} in batch"
                    )));
                }
            }
        }
        Ok(())
    }

    fn batch_update(&mut self, core: &mut Core, kind: Kind, body: &Row) -> Result<Reply, Refusal> {
        let inputs = input::inputs(body, MAX_INPUTS)?;
        let id_property = common_id_property(&inputs)?;
        if let Some(name) = &id_property {
            let custom = self.schema(kind).get(name).is_some_and(|property| property.unique && !property.standard);
            if !custom {
                return Err(non_unique(kind, name));
            }
        }
        let mut targets = Vec::with_capacity(inputs.len());
        let mut seen = HashSet::new();
        for row in &inputs {
            let key = required_id(row)?;
            let id = match &id_property {
                None => key.parse::<u64>().ok(),
                Some(name) => self.table(kind).holder(&self.people, name, &key),
            };
            if id.is_some_and(|id| !seen.insert(id)) {
                return Err(duplicate_inputs(&key));
            }
            targets.push((key, id));
        }
        let partial = self.knobs.trace_partial == TracePartial::All && all_traced(&inputs)?;
        if !partial {
            for (row, (_, id)) in inputs.iter().zip(&targets) {
                let Some(seen) = id.and_then(|id| self.live(kind, id)) else { continue };
                let values = self.check(kind, Some(seen), &input::properties(row)?, Pen::SOURCE_API)?;
                self.check_unique(kind, Some(seen.id), &values)?;
            }
        }
        let mut outcome = Outcome::default();
        for (at, (row, (key, id))) in inputs.iter().zip(&targets).enumerate() {
            // A merged-away id is dropped without a word: neither result nor error.
            if id.is_some_and(|id| self.table(kind).survivor(id) != id) {
                continue;
            }
            let Some(id) = id.filter(|id| self.live(kind, *id).is_some()) else {
                outcome.missing(key, row);
                continue;
            };
            match self.update_row(core, kind, id, row, strike(core, at, &inputs)) {
                Ok(result) => outcome.results.push(result),
                Err(refusal) => outcome.errors.push(refusal.row(trace_context(row))),
            }
        }
        outcome.results.reverse();
        Ok(outcome.reply(core, kind, 200, self.partial_status(200)))
    }

    fn update_row(&mut self, core: &mut Core, kind: Kind, id: u64, row: &Row, struck: bool) -> Result<Value, Refusal> {
        if struck {
            return Err(Refusal::validation("Row refused by a fault"));
        }
        let properties = input::properties(row)?;
        self.update(core, kind, id, &properties, Pen::api(core))?;
        let mut result = self.written(core, kind, id, &properties)?;
        if let Some(trace) = input::text(row, "objectWriteTraceId") {
            result["objectWriteTraceId"] = json!(trace);
        }
        Ok(result)
    }

    fn batch_upsert(&mut self, core: &mut Core, kind: Kind, body: &Row) -> Result<Reply, Refusal> {
        let inputs = input::inputs(body, MAX_INPUTS)?;
        let Some(name) = common_id_property(&inputs)? else {
            return Err(Refusal::validation("idProperty is required for upsert"));
        };
        if !self.schema(kind).get(&name).is_some_and(|property| property.unique) {
            return Err(non_unique(kind, &name));
        }
        let (mut seen, mut plan) = (HashSet::new(), Vec::with_capacity(inputs.len()));
        for row in &inputs {
            let key = required_id(row)?;
            let found = self.table(kind).holder(&self.people, &name, &key);
            let identity = found.map_or_else(|| key.trim().to_lowercase(), |id| format!("#{id}"));
            if !seen.insert(identity) {
                return Err(duplicate_inputs(&key));
            }
            let mut properties = input::properties(row)?;
            if found.is_none() {
                properties.insert(name.clone(), json!(key));
            }
            plan.push((properties, found));
        }
        let partial = self.knobs.trace_partial == TracePartial::All && all_traced(&inputs)?;
        if !partial {
            for (properties, found) in &plan {
                let current = found.and_then(|id| self.live(kind, id));
                let values = self.check(kind, current, properties, Pen::SOURCE_API)?;
                self.check_unique(kind, *found, &values)?;
                if found.is_none() {
                    self.check_required(kind, &values)?;
                }
            }
        }
        let mut outcome = Outcome::default();
        for (at, (row, (properties, found))) in inputs.iter().zip(&plan).enumerate() {
            let struck = strike(core, at, &inputs);
            let attempt = self.upsert_row(core, kind, row, (properties, *found), struck);
            match attempt {
                Ok(result) => outcome.results.push(result),
                Err(refusal) => outcome.errors.push(refusal.row(trace_context(row))),
            }
        }
        outcome.results.reverse();
        Ok(outcome.reply(core, kind, 200, self.partial_status(200)))
    }

    fn upsert_row(
        &mut self,
        core: &mut Core,
        kind: Kind,
        row: &Row,
        (properties, found): (&Row, Option<u64>),
        struck: bool,
    ) -> Result<Value, Refusal> {
        if struck {
            return Err(Refusal::validation("Row refused by a fault"));
        }
        let id = match found {
            Some(id) => {
                self.update(core, kind, id, properties, Pen::api(core))?;
                id
            }
            None => self.create(core, kind, properties, Pen::api(core))?,
        };
        let mut result = self.written(core, kind, id, properties)?;
        result["new"] = json!(found.is_none());
        if let Some(trace) = input::text(row, "objectWriteTraceId") {
            result["objectWriteTraceId"] = json!(trace);
        }
        Ok(result)
    }
}

/// Whether the `partial` fault hits this row: the last of the batch, so that a lone row is hit too.
fn strike(core: &Core, at: usize, inputs: &[Row]) -> bool {
    core.batch_fault == Some(Fault::Partial) && at + 1 == inputs.len()
}

fn required_id(row: &Row) -> Result<String, Refusal> {
    input::id_text(row.get("id")).ok_or_else(|| Refusal::validation("Some required fields were not set: [id]"))
}

fn duplicate_inputs(key: &str) -> Refusal {
    Refusal::validation(format!("Duplicate IDs found in batch input: [{key}]. IDs must be unique"))
}

/// Trace ids must be unique where they are given; partial success needs one on every row.
fn all_traced(inputs: &[Row]) -> Result<bool, Refusal> {
    let traces: Vec<&str> = inputs.iter().filter_map(|row| input::text(row, "objectWriteTraceId")).collect();
    let distinct: HashSet<&str> = traces.iter().copied().collect();
    if distinct.len() < traces.len() {
        return Err(Refusal::validation("objectWriteTraceId must be unique within a batch"));
    }
    Ok(!inputs.is_empty() && traces.len() == inputs.len())
}

/// `idProperty` is given per row and must be the same on all.
fn common_id_property(inputs: &[Row]) -> Result<Option<String>, Refusal> {
    let mut names: Vec<Option<&str>> = inputs.iter().map(|row| input::text(row, "idProperty")).collect();
    names.dedup();
    match names.as_slice() {
        [] => Ok(None),
        [name] => Ok(name.map(str::to_owned)),
        _ => Err(Refusal::validation("All inputs of a batch must use the same idProperty")),
    }
}

fn trace_context(row: &Row) -> Value {
    match input::text(row, "objectWriteTraceId") {
        Some(trace) => json!({ "objectWriteTraceId": [trace] }),
        None => json!({ "ids": input::id_text(row.get("id")).into_iter().collect::<Vec<_>>() }),
    }
}
