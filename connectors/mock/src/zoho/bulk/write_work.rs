//! Row by row through an uploaded file: found or made, and a line in the result file for each.

use serde_json::{Map, Value, json};

use super::super::ids;
use super::super::org::Org;
use super::super::pen::Pen;
use super::super::records::Sight;
use super::super::refusal::Refusal;
use super::super::values;
use super::write_job::{Operation, WriteJob};
use crate::desk::Core;

/// Mapped columns that the result file repeats.
const ECHOED: usize = 3;

enum Became {
    Added(u64),
    Updated(u64),
}

impl Org {
    pub fn apply_file(&mut self, core: &mut Core, job: &mut WriteJob) {
        let Some(file) = self.bulk.files.remove(&job.file_id) else { return };
        let mut out = csv::Writer::from_writer(Vec::new());
        let echoed: Vec<&str> = job.mappings.iter().take(ECHOED).map(|each| each.api_name.as_str()).collect();
        // Writing to memory does not fail.
        let _ = out.write_record(echoed.iter().copied().chain(["STATUS", "RECORD_ID", "ERRORS"]));
        // Jobs run after the fact: automation does not look on.
        let pen = Pen { triggers: false, ..Pen::api(core) };
        for row in &file.rows {
            let cell = |index: Option<usize>| index.and_then(|at| row.get(at)).map_or("", String::as_str);
            let result = self.apply_row(core, &pen, job, &|at| cell(at).to_owned());
            let (status, id, errors) = match result {
                Ok(Became::Added(id)) => {
                    job.counts.added += 1;
                    ("added", id.to_string(), String::new())
                }
                Ok(Became::Updated(id)) => {
                    job.counts.updated += 1;
                    ("updated", id.to_string(), String::new())
                }
                Err(refusal) => {
                    job.counts.skipped += 1;
                    ("skipped", String::new(), errors(&refusal))
                }
            };
            let shown = job.mappings.iter().take(ECHOED).map(|each| cell(each.index));
            let _ = out.write_record(shown.chain([status, id.as_str(), errors.as_str()]));
        }
        job.result = Some(out.into_inner().unwrap_or_default());
        self.bulk.files.insert(job.file_id.clone(), file);
    }

    fn apply_row(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        job: &WriteJob,
        cell: &dyn Fn(Option<usize>) -> String,
    ) -> Result<Became, Refusal> {
        let mut given = Map::new();
        let mut key = String::new();
        for mapping in &job.mappings {
            let mut text = cell(mapping.index);
            if text.is_empty() {
                text = mapping.default.clone().unwrap_or_default();
            }
            if mapping.api_name == job.find_by {
                key.clone_from(&text);
            }
            if mapping.api_name == "id" || (text.is_empty() && job.ignore_empty) {
                continue;
            }
            let Some((_, field)) = self.schema(job.kind).get(&mapping.api_name) else { continue };
            given.insert(mapping.api_name.clone(), values::from_text(field, &text));
        }
        let found = match job.operation {
            Operation::Insert => None,
            _ => self.found(job, &key),
        };
        let missing = || {
            let refusal = Refusal::invalid("the record was not found").with("api_name", job.find_by.as_str());
            refusal.with("id", key.as_str())
        };
        match (job.operation, found) {
            (Operation::Update, None) => Err(missing()),
            (Operation::Update | Operation::Upsert, Some(id)) => {
                self.update(core, pen, (job.kind, id), &given, "$").map(|()| Became::Updated(id))
            }
            // An id that is nobody's cannot be given to a new record.
            (Operation::Upsert, None) if job.find_by == "id" && !key.is_empty() => Err(missing()),
            _ => self.insert(core, pen, job.kind, &given, "$").map(Became::Added),
        }
    }

    fn found(&self, job: &WriteJob, key: &str) -> Option<u64> {
        if key.is_empty() {
            return None;
        }
        if job.find_by == "id" {
            return ids::from_json(&json!(key)).filter(|id| self.live(job.kind, *id, Sight::Latest).is_some());
        }
        let (field, _) = self.schema(job.kind).visible(&job.find_by)?;
        self.find(job.kind, field, &key.to_lowercase()).first().copied()
    }
}

/// `MANDATORY_NOT_FOUND-Company:DUPLICATE_DATA-Email`.
fn errors(refusal: &Refusal) -> String {
    let one = |code: &str, details: &Value| format!("{code}-{}", details["api_name"].as_str().unwrap_or("id"));
    match refusal.details.get("errors") {
        Some(Value::Array(errors)) => {
            let all: Vec<String> =
                errors.iter().map(|error| one(error["code"].as_str().unwrap_or(""), &error["details"])).collect();
            all.join(":")
        }
        _ => one(refusal.code, &Value::Object(refusal.details.clone())),
    }
}
