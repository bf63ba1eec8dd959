//! `POST /crm/bulk/v8/write`, the state of a job, and its result.

use serde_json::{Map, Value, json};

use super::super::kind::Kind;
use super::super::org::Org;
use super::super::refusal::Refusal;
use super::super::write_api::object;
use super::super::{deliver, ids, render};
use super::write_job::{Counts, Mapping, Operation, State, WriteJob};
use super::{no_such_job, zip_reply};
use crate::desk::Core;
use crate::exchange::{Call, Reply};

const MOST_ROWS: usize = 25_000;
const MOST_COLUMNS: usize = 200;

impl Org {
    pub fn make_write(&mut self, core: &mut Core, call: &Call) -> Result<Reply, Refusal> {
        let body = object(call)?;
        let operation =
            body.get("operation").and_then(Value::as_str).ok_or_else(|| Refusal::missing_key("operation"))?;
        let unknown =
            || Refusal::invalid("invalid data").with("api_name", "operation").with("json_path", "$.operation");
        let operation = Operation::parse(operation).ok_or_else(unknown)?;
        let resource = match body.get("resource") {
            Some(Value::Array(all)) if all.len() == 1 => all.first().and_then(Value::as_object),
            _ => None,
        };
        let resource = resource.ok_or_else(|| Refusal::missing_key("resource"))?;
        let name = resource.get("module").map_or("", |module| module["api_name"].as_str().unwrap_or(""));
        let kind = Kind::parse(name).ok_or_else(|| Refusal::invalid_module(0))?;
        let file_id = resource.get("file_id").and_then(Value::as_str).unwrap_or("").to_owned();
        let file =
            self.bulk.files.get(&file_id).ok_or_else(|| at("file_id", "the file id given seems to be invalid"))?;
        if file.rows.len() > MOST_ROWS {
            return Err(Refusal::new(400, "LIMIT_EXCEEDED", "the file has too many rows").with("limit", MOST_ROWS));
        }
        let (file_name, total, header) = (file.name.clone(), file.rows.len(), file.header.clone());
        let mappings = self.mappings(kind, resource, &header)?;
        let find_by = resource.get("find_by").and_then(Value::as_str).unwrap_or("id").to_owned();
        if operation != Operation::Insert {
            let known = self.is_key(kind, &find_by) && mappings.iter().any(|each| each.api_name == find_by);
            if !known {
                return Err(at("find_by", "the field cannot be used to find records, or is not mapped"));
            }
        }
        let callback = body.get("callback").and_then(|callback| callback["url"].as_str()).map(str::to_owned);
        let id = self.bulk.fresh();
        let job = WriteJob {
            id,
            operation,
            kind,
            file_id,
            file_name,
            ignore_empty: resource.get("ignore_empty").and_then(Value::as_bool).unwrap_or(false),
            find_by,
            mappings,
            made: core.now,
            state: State::Added,
            polls: 0,
            counts: Counts { total, ..Counts::default() },
            result: None,
            callback,
        };
        self.bulk.writes.insert(id, job);
        let details = json!({ "id": id.to_string(), "created_by": render::user(self, ids::SYNC_USER) });
        let answer = json!({ "status": "success", "code": "SUCCESS", "message": "success", "details": details });
        Ok(Reply::json(201, &answer))
    }

    /// Whether records can be found by a field.
    fn is_key(&self, kind: Kind, name: &str) -> bool {
        let key = self.schema(kind).visible(name).is_some_and(|(_, field)| field.unique || field.external);
        name == "id" || key || kind.duplicate_field() == Some(name)
    }

    /// Which column fills which field; by the header's names when nothing is said.
    fn mappings(&self, kind: Kind, resource: &Map<String, Value>, header: &[String]) -> Result<Vec<Mapping>, Refusal> {
        let given = match resource.get("field_mappings") {
            Some(Value::Array(given)) if !given.is_empty() => given.clone(),
            _ => header.iter().enumerate().map(|(at, name)| json!({ "api_name": name, "index": at })).collect(),
        };
        if given.len() > MOST_COLUMNS {
            return Err(Refusal::new(400, "LIMIT_EXCEEDED", "too many columns").with("limit", MOST_COLUMNS));
        }
        let mut mappings = Vec::new();
        for each in &given {
            let name = each["api_name"].as_str().unwrap_or("");
            let known = name == "id" || self.schema(kind).visible(name).is_some();
            if !known {
                return Err(at("field_mappings", "the field given seems to be invalid").with("given", name));
            }
            let index =
                match each.get("index").filter(|index| !index.is_null()) {
                    None => None,
                    Some(index) => {
                        let index = index.as_u64().and_then(|index| usize::try_from(index).ok());
                        let known = index.filter(|index| *index < header.len());
                        Some(known.ok_or_else(|| {
                            at("field_mappings", "the index is beyond the columns").with("given", name)
                        })?)
                    }
                };
            let default = each["default_value"]["value"].as_str().map(str::to_owned);
            mappings.push(Mapping { api_name: name.to_owned(), index, default });
        }
        Ok(mappings)
    }

    pub fn show_write(&mut self, core: &mut Core, text: &str) -> Result<Reply, Refusal> {
        let id = ids::parse(text).filter(|id| self.bulk.writes.contains_key(id)).ok_or_else(|| no_such_job(text))?;
        let may_end = match self.bulk.writes.get_mut(&id) {
            Some(job) => job.look(&self.knobs),
            None => false,
        };
        if may_end {
            self.work_write(core, id);
        }
        let job = self.bulk.writes.get(&id).ok_or_else(|| no_such_job(text))?;
        Ok(Reply::json(200, &job.json(self, &core.base_url)))
    }

    /// Does the work of a job.
    pub fn work_write(&mut self, core: &mut Core, id: u64) {
        let Some(mut job) = self.bulk.writes.remove(&id) else { return };
        if self.knobs.failing_jobs > 0 {
            self.knobs.failing_jobs -= 1;
            job.state = State::Failed;
        } else {
            self.apply_file(core, &mut job);
            job.state = State::Completed;
        }
        if let Some(url) = &job.callback {
            deliver::post(url, &job.json(self, &core.base_url));
        }
        self.bulk.writes.insert(id, job);
    }

    /// `/v2/crm/{org}/bulk-write/{id}/{id}.zip`.
    pub fn write_result(&mut self, core: &Core, text: &str) -> Result<Reply, Refusal> {
        self.download(core)?;
        let job = ids::parse(text).and_then(|id| self.bulk.writes.get(&id)).ok_or_else(|| no_such_job(text))?;
        let csv = job.result.as_ref().ok_or_else(|| no_such_job(text))?;
        Ok(zip_reply(&format!("{}.csv", job.id), csv))
    }
}

fn at(key: &str, message: &str) -> Refusal {
    Refusal::invalid(message).with("api_name", key).with("json_path", format!("$.resource[0].{key}"))
}
