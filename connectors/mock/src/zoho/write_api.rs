//! Insert, update, upsert and delete: up to a hundred rows a call, each with its own result in the place of its input.

use serde_json::{Map, Value, json};

use super::catalogue::{CREATED_BY, MODIFIED_BY};
use super::datum::stamp;
use super::ids;
use super::kind::Kind;
use super::list_api::header_instant;
use super::org::Org;
use super::pen::Pen;
use super::records::{Seen, Sight};
use super::refusal::Refusal;
use super::render;
use super::schema::FieldId;
use crate::clock::Millis;
use crate::desk::Core;
use crate::exchange::{Call, Reply};
use crate::fault::Fault;

pub const MOST_ROWS: usize = 100;

/// What became of a row: the members of its result beside `status`.
pub type Outcome = Result<Done, Refusal>;

pub struct Done {
    pub message: &'static str,
    pub details: Value,
    /// Members beside `details`: what an upsert did, and by which field.
    pub beside: Vec<(&'static str, Value)>,
}

impl Org {
    /// `POST /{module}`.
    pub fn insert_rows(&mut self, core: &mut Core, call: &Call, kind: Kind) -> Result<Reply, Refusal> {
        let body = object(call)?;
        let (rows, pen) = (rows(&body)?, Pen::of_body(core, &body)?);
        let rule = self.named_rule(kind, &body)?;
        let results = self.each_row(core, rows, |org, core, row, path| {
            let row = org.assigned(rule, row);
            let id = org.insert(core, &pen, kind, &row, path)?;
            Ok(org.done(kind, id, "record added"))
        });
        Ok(self.answer(core, 201, results))
    }

    /// `PUT /{module}` and `PUT /{module}/{id}`.
    pub fn update_rows(
        &mut self,
        core: &mut Core,
        call: &Call,
        kind: Kind,
        only: Option<&str>,
    ) -> Result<Reply, Refusal> {
        let body = object(call)?;
        let (rows, pen) = (rows(&body)?, Pen::of_body(core, &body)?);
        let unless = header_instant(call, "if-unmodified-since")?;
        let external = self.external_field(call, kind)?;
        if only.is_some() && rows.len() != 1 {
            return Err(Refusal::invalid("invalid data").with("api_name", "data").with("maximum_length", 1));
        }
        let named = match only {
            None => None,
            Some(text) => {
                let id = self.named_record(call, kind, text)?;
                Some(id.ok_or_else(|| Refusal::unknown_id(&json!(text), "$.data[0].id"))?)
            }
        };
        let results = self.each_row(core, rows, |org, core, row, path| {
            let id = match (named, external) {
                (Some(id), _) => id,
                (None, Some(field)) => org.by_external(kind, field, row, path)?,
                (None, None) => row_id(row, path)?,
            };
            org.update_row(core, &pen, (kind, id), row, path, unless)
        });
        Ok(self.answer(core, 200, results))
    }

    /// One update, unless the record changed after `unless`.
    fn update_row(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        (kind, id): (Kind, u64),
        row: &Map<String, Value>,
        path: &str,
        unless: Option<Millis>,
    ) -> Outcome {
        let known = self.live(kind, id, Sight::Latest);
        if let (Some(seen), Some(unless)) = (&known, unless)
            && seen.modified() > unless
        {
            let message = "the record has been modified after the given time";
            let mut refusal = Refusal::new(412, "ALREADY_MODIFIED", message);
            if let Value::Object(details) = self.details(seen) {
                refusal.details = details;
            }
            return Err(refusal);
        }
        self.update(core, pen, (kind, id), row, path)?;
        Ok(self.done(kind, id, "record updated"))
    }

    /// `POST /{module}/upsert`.
    pub fn upsert_rows(&mut self, core: &mut Core, call: &Call, kind: Kind) -> Result<Reply, Refusal> {
        let body = object(call)?;
        let (rows, pen) = (rows(&body)?, Pen::of_body(core, &body)?);
        let checks = self.check_fields(kind, &body)?;
        let unless = header_instant(call, "if-unmodified-since")?;
        let rule = self.named_rule(kind, &body)?;
        let results = self.each_row(core, rows, |org, core, row, path| {
            let row = &org.assigned(rule, row);
            let (id, by) = match row.get("id").filter(|id| !id.is_null()) {
                Some(_) => (Some(row_id(row, path)?), Value::Null),
                None => org.matched(kind, &checks, row),
            };
            let mut done = match id {
                Some(id) => {
                    let mut done = org.update_row(core, &pen, (kind, id), row, path, unless)?;
                    done.beside.push(("action", json!("update")));
                    done
                }
                None => {
                    let id = org.insert(core, &pen, kind, row, path)?;
                    let mut done = org.done(kind, id, "record added");
                    done.beside.push(("action", json!("insert")));
                    done
                }
            };
            done.beside.push(("duplicate_field", by));
            Ok(done)
        });
        Ok(self.answer(core, 200, results))
    }

    /// The fields an upsert tells duplicates by, in order: those named, then every unique one not named. None named: the
    /// vendor's own first.
    fn check_fields(&self, kind: Kind, body: &Map<String, Value>) -> Result<Vec<FieldId>, Refusal> {
        let own = kind.duplicate_field().and_then(|name| self.schema(kind).visible(name)).map(|(id, _)| id);
        let unique: Vec<FieldId> =
            self.schema(kind).all().filter(|(_, field)| field.unique && field.is_visible()).map(|(id, _)| id).collect();
        let wrong = |at: usize| {
            Refusal::invalid("invalid data")
                .with("api_name", "duplicate_check_fields")
                .with("json_path", format!("$.duplicate_check_fields[{at}]"))
        };
        let mut checks = Vec::new();
        match body.get("duplicate_check_fields") {
            None | Some(Value::Null) => checks.extend(own),
            Some(Value::Array(names)) => {
                for (at, name) in names.iter().enumerate() {
                    let id = name.as_str().and_then(|name| self.schema(kind).visible(name)).map(|(id, _)| id);
                    let id = id.filter(|id| Some(*id) == own || unique.contains(id)).ok_or_else(|| wrong(at))?;
                    checks.push(id);
                }
                if names.is_empty() {
                    checks.extend(own);
                }
            }
            Some(_) => return Err(wrong(0)),
        }
        checks.extend(unique.into_iter().filter(|id| !checks.contains(id)).collect::<Vec<_>>());
        Ok(checks)
    }

    /// The record a row stands for, and the field that told: the first field that finds any, the oldest record it finds.
    fn matched(&self, kind: Kind, checks: &[FieldId], row: &Map<String, Value>) -> (Option<u64>, Value) {
        for check in checks {
            let Some(field) = self.schema(kind).field(*check) else { continue };
            let Some(value) = row.get(&*field.name) else { continue };
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if value.is_null() || text.is_empty() {
                continue;
            }
            if let Some(id) = self.find(kind, *check, &text.to_lowercase()).first() {
                return (Some(*id), json!(&*field.name));
            }
        }
        (None, Value::Null)
    }

    fn by_external(&self, kind: Kind, field: FieldId, row: &Map<String, Value>, path: &str) -> Result<u64, Refusal> {
        let name = self.schema(kind).field(field).map_or_else(String::new, |field| field.name.to_string());
        let value = row.get(&name).and_then(Value::as_str).unwrap_or_default();
        let missing = || {
            Refusal::invalid("the value given seems to be invalid")
                .with("api_name", name.as_str())
                .with("json_path", format!("{path}.{name}"))
        };
        self.find(kind, field, &value.to_lowercase()).first().copied().ok_or_else(missing)
    }

    /// `DELETE /{module}?ids=…` and `DELETE /{module}/{id}`.
    pub fn delete_rows(
        &mut self,
        core: &mut Core,
        call: &Call,
        kind: Kind,
        only: Option<&str>,
    ) -> Result<Reply, Refusal> {
        let ids = match only {
            None => call.list("ids"),
            Some(text) => match self.named_record(call, kind, text)? {
                Some(id) => vec![id.to_string()],
                None => return Err(Refusal::unknown_id(&json!(text), "$.ids[0]")),
            },
        };
        if ids.is_empty() {
            return Err(Refusal::missing_param("ids"));
        }
        if ids.len() > MOST_ROWS {
            return Err(Refusal::limit("ids", MOST_ROWS as u64));
        }
        let triggers = call.parameter("wf_trigger").is_none_or(|flag| flag != "false");
        let pen = Pen { triggers, ..Pen::api(core) };
        let rows: Vec<Value> = ids.iter().map(|id| json!({ "id": id })).collect();
        let results = self.each_row(core, &rows, |org, core, row, _| {
            let text = row.get("id").cloned().unwrap_or_default();
            let id = ids::from_json(&text).filter(|id| ids::kind_of(*id) == Some(kind));
            let live = id.filter(|id| org.live(kind, *id, Sight::Latest).is_some());
            let unknown = || Refusal::invalid("the id given seems to be invalid").with("id", text.clone());
            let id = live.ok_or_else(unknown)?;
            org.recycle(core, &pen, kind, id, true);
            Ok(Done { message: "record deleted", details: json!({ "id": id.to_string() }), beside: Vec::new() })
        });
        Ok(self.answer(core, 200, results))
    }

    /// Runs `one` for each row, acting out the faults of batches.
    pub fn each_row(
        &mut self,
        core: &mut Core,
        rows: &[Value],
        mut one: impl FnMut(&mut Self, &mut Core, &Map<String, Value>, &str) -> Outcome,
    ) -> Vec<Outcome> {
        let failing = (core.batch_fault == Some(Fault::Partial)).then_some(rows.len() / 2);
        let mut results = Vec::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            let path = format!("$.data[{at}]");
            let Value::Object(row) = row else {
                let refusal = Refusal::invalid("invalid data").with("expected_data_type", "jsonobject");
                results.push(Err(refusal.with("json_path", path)));
                continue;
            };
            if failing == Some(at) {
                results.push(Err(Refusal::new(500, "INTERNAL_ERROR", "Internal Server Error")));
                continue;
            }
            results.push(one(self, core, row, &path));
        }
        if core.batch_fault == Some(Fault::OmitRow) && results.len() > 1 {
            drop(results.remove(results.len() / 2));
        }
        results
    }

    /// `{"data": […]}` under the status the rows make together.
    pub fn answer(&self, core: &Core, all_well: u16, results: Vec<Outcome>) -> Reply {
        let _ = core;
        let failed = results.iter().filter(|result| result.is_err()).count();
        let stale = results.iter().all(|result| result.as_ref().is_err_and(|refusal| refusal.status == 412));
        let status = match failed {
            0 => all_well,
            _ if failed < results.len() && self.knobs.mixed_under_200 => 200,
            _ if failed < results.len() => 207,
            _ if stale => 412,
            _ => 400,
        };
        let rows: Vec<Value> = results.into_iter().map(result_json).collect();
        Reply::json(status, &json!({ "data": rows }))
    }

    pub fn done(&self, kind: Kind, id: u64, message: &'static str) -> Done {
        let details = self.live(kind, id, Sight::Latest).map_or(Value::Null, |seen| self.details(&seen));
        Done { message, details, beside: Vec::new() }
    }

    /// What a result says of the record it is about.
    fn details(&self, seen: &Seen<'_>) -> Value {
        let by = |field| seen.get(field).as_ref_id().map(|id| render::user(self, id));
        json!({
            "id": seen.id.to_string(),
            "Created_Time": stamp(seen.created(), self.knobs.offset_min),
            "Modified_Time": stamp(seen.modified(), self.knobs.offset_min),
            "Created_By": by(CREATED_BY),
            "Modified_By": by(MODIFIED_BY),
            "$approval_state": "approved",
        })
    }
}

fn result_json(result: Outcome) -> Value {
    match result {
        Err(refusal) => refusal.json(),
        Ok(done) => {
            let mut body = json!({
                "code": "SUCCESS", "details": done.details, "message": done.message, "status": "success",
            });
            for (key, value) in done.beside {
                body[key] = value;
            }
            body
        }
    }
}

fn row_id(row: &Map<String, Value>, path: &str) -> Result<u64, Refusal> {
    let at = format!("{path}.id");
    match row.get("id") {
        None | Some(Value::Null) => {
            let refusal = Refusal::new(400, "MANDATORY_NOT_FOUND", "required field not found");
            Err(refusal.with("api_name", "id").with("json_path", at))
        }
        Some(value) => ids::from_json(value).ok_or_else(|| {
            let refusal = Refusal::invalid("invalid data").with("expected_data_type", "bigint");
            refusal.with("api_name", "id").with("json_path", at)
        }),
    }
}

/// The body as a JSON object, whatever its content type says.
pub fn object(call: &Call) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(&call.body) {
        Ok(Value::Object(body)) => Ok(body),
        _ => Err(Refusal::unreadable()),
    }
}

/// The rows of a body: one to a hundred.
pub fn rows(body: &Map<String, Value>) -> Result<&[Value], Refusal> {
    let at = |refusal: Refusal| refusal.with("api_name", "data").with("json_path", "$.data");
    match body.get("data") {
        None | Some(Value::Null) => Err(Refusal::missing_key("data")),
        Some(Value::Array(rows)) if rows.is_empty() => {
            Err(at(Refusal::invalid("invalid data")).with("minimum_length", 1))
        }
        Some(Value::Array(rows)) if rows.len() > MOST_ROWS => {
            Err(at(Refusal::invalid("invalid data")).with("maximum_length", MOST_ROWS))
        }
        Some(Value::Array(rows)) => Ok(rows),
        Some(_) => Err(at(Refusal::invalid("invalid data")).with("expected_data_type", "jsonarray")),
    }
}
