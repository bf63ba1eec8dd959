//! `/jobs/ingest`: making a job, uploading once, closing, aborting, looking, deleting, and the result files.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::super::ask::{Ask, json_object};
use super::super::ids::SYNC_USER;
use super::super::kind::Kind;
use super::super::org::Org;
use super::super::refusal::Refusal;
use super::dialect::{Delimiter, Dialect, LineEnding};
use super::ingest_job::{Content, IngestJob, Operation};
use super::life::{Life, State};
use super::outcome::{self, Part};
use super::query_api::unsupported;
use super::shelf::{id_of, number_of};
use super::wrong_state;
use crate::desk::Core;
use crate::exchange::{Call, Reply};
use crate::multipart;

/// Bytes an upload may have.
const MAX_UPLOAD: usize = 100 * 1024 * 1024;
/// Characters the content of a one-shot job may have.
const MAX_ONE_SHOT: usize = 100_000;

impl Org {
    /// Everything below `/jobs/ingest`.
    pub fn ingest_route(&mut self, core: &mut Core, ask: &Ask<'_>, rest: &[&str]) -> Result<Reply, Refusal> {
        let (call, version) = (ask.call, ask.version);
        let method = ask.method();
        self.bulk.expire(core.now);
        match (method, rest) {
            ("POST", []) => self.make_ingest(core, call, version),
            ("GET", []) => Ok(self.list_ingests(call, version)),
            (_, []) => Err(Refusal::wrong_method(method)),
            (_, [id, more @ ..]) => {
                let number = number_of(id).filter(|number| self.bulk.ingests.contains_key(number));
                let number = number.ok_or_else(Refusal::not_found)?;
                self.ingest_call(core, call, version, number, more)
            }
        }
    }

    fn ingest_call(
        &mut self,
        core: &mut Core,
        call: &Call,
        version: u32,
        number: u64,
        rest: &[&str],
    ) -> Result<Reply, Refusal> {
        let now = core.now;
        match (call.method.as_str(), rest) {
            ("GET", []) => {
                self.work_ingest(core, number, true);
                let info = self.ingest(number)?.full_info();
                Ok(Reply::json(200, &Value::Object(info)))
            }
            ("PATCH", []) => self.change_ingest(core, call, number),
            ("DELETE", []) => {
                let job = self.ingest(number)?;
                if !job.life.state.is_terminal() {
                    return Err(wrong_state(&job.life, "deleted"));
                }
                self.bulk.ingests.remove(&number);
                Ok(Reply::empty(204))
            }
            ("PUT", ["batches"]) => {
                let job = self.bulk.ingests.get_mut(&number).ok_or_else(Refusal::not_found)?;
                upload(job, call, version, now)
            }
            ("GET", [file]) => {
                let part = Part::parse(file).ok_or_else(Refusal::not_found)?;
                let job = self.ingest(number)?;
                job.life.same_version(version)?;
                if !job.life.state.is_terminal() {
                    return Err(wrong_state(&job.life, "asked for its results"));
                }
                let text = outcome::file(part, job.upload(), &job.outcomes, job.life.dialect);
                Ok(self.csv_reply(text))
            }
            (method, [] | [_]) => Err(Refusal::wrong_method(method)),
            _ => Err(Refusal::not_found()),
        }
    }

    fn ingest(&self, number: u64) -> Result<&IngestJob, Refusal> {
        self.bulk.ingests.get(&number).ok_or_else(Refusal::not_found)
    }

    /// `POST jobs/ingest`, as JSON or as the one-shot multipart.
    fn make_ingest(&mut self, core: &mut Core, call: &Call, version: u32) -> Result<Reply, Refusal> {
        let content_type = call.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("");
        let Some(boundary) = multipart::boundary(content_type) else {
            let mut job = self.new_ingest(core, &json_object(call)?, version)?;
            let number = self.number_ingest(&mut job);
            let info = job.info();
            self.bulk.ingests.insert(number, job);
            return Ok(Reply::json(200, &Value::Object(info)));
        };
        let parts = multipart::parts(&call.body, boundary);
        let part = |name: &str| {
            let found = parts.iter().find(|part| part.name == name).map(|part| part.content);
            let missing = || Refusal::new(400, "INVALIDJOB", format!("Multipart message is missing the part '{name}'"));
            found.ok_or_else(missing)
        };
        let (definition, content) = (part("job")?, part("content")?);
        let mut job = self.new_ingest(core, &parts_job(definition)?, version)?;
        if String::from_utf8_lossy(content).chars().count() > MAX_ONE_SHOT {
            return Err(Refusal::new(
                400,
                "INVALIDJOB",
                format!("The content of a multipart request is longer than {MAX_ONE_SHOT} characters"),
            ));
        }
        job.content = Content::Raw(Bytes::copy_from_slice(content));
        let number = self.number_ingest(&mut job);
        job.close(core.now);
        let info = job.info();
        self.bulk.ingests.insert(number, job);
        Ok(Reply::json(200, &Value::Object(info)))
    }

    fn number_ingest(&mut self, job: &mut IngestJob) -> u64 {
        let number = self.bulk.fresh();
        job.life.id = id_of(number);
        job.life.fault = self.knobs.bulk.draw("ingest", &job.life.object);
        job.life.retries = job.life.fault.as_ref().map_or(0, |fault| fault.retries);
        number
    }

    /// Checks what was asked for; the job has no Id yet.
    fn new_ingest(&self, core: &Core, body: &Map<String, Value>, version: u32) -> Result<IngestJob, Refusal> {
        if self.bulk.batches.total(core.now) >= self.knobs.bulk.daily_batches {
            return Err(Refusal::new(400, "LIMIT_EXCEEDED", "Max bulk batches per 24 hrs has been reached"));
        }
        let invalid = |why: String| Refusal::new(400, "INVALIDJOB", why);
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        let object = text("object").ok_or_else(|| invalid("InvalidJob : Must provide valid object".into()))?;
        let kind = Kind::parse(object).filter(|kind| kind.is_writable() && !self.knobs.bulk.refuses(kind.name()));
        let kind = kind.ok_or_else(|| unsupported(object))?;
        let named = text("operation").unwrap_or_default();
        let operation = Operation::parse(named)
            .ok_or_else(|| invalid(format!("InvalidJob : Invalid value for operation: {named}")))?;
        if text("contentType").is_some_and(|given| given != "CSV") {
            return Err(invalid("InvalidJob : Only CSV is supported as contentType".into()));
        }
        let key = match (operation, text("externalIdFieldName")) {
            (Operation::Upsert, None) => {
                return Err(invalid("InvalidJob : External ID field name is required for upsert".into()));
            }
            (Operation::Upsert, Some(name)) => Some(self.bulk_key(kind, name).map_err(invalid)?),
            (_, _) => None,
        };
        Ok(IngestJob {
            life: Life {
                id: String::new(),
                object: kind.name().to_owned(),
                operation: operation.name(),
                version,
                dialect: dialect(body)?,
                created_by: SYNC_USER.to_string(),
                created_at: core.now,
                stamp: core.now,
                state: State::Open,
                ready_at: core.now,
                ended_at: None,
                polls: 0,
                worked_at: core.now,
                retries: 0,
                error: None,
                fault: None,
            },
            operation,
            key,
            assignment_rule: text("assignmentRuleId").map(str::to_owned),
            content: Content::Nothing,
            outcomes: Vec::new(),
            failed: 0,
            doom: None,
        })
    }

    /// The canonical name of an upsert key: `Id`, an external id or a lookup field.
    fn bulk_key(&self, kind: Kind, name: &str) -> Result<String, String> {
        let field = self.schema(kind).visible(name).map(|(_, field)| field);
        match field.filter(|field| field.is_upsert_key()) {
            Some(field) => Ok(field.name.to_string()),
            None => Err(format!(
                "InvalidJob : Field name provided, {name} does not match an External ID, Salesforce Id, or indexed field for {}",
                kind.name()
            )),
        }
    }

    /// `PATCH`: close or abort.
    fn change_ingest(&mut self, core: &mut Core, call: &Call, number: u64) -> Result<Reply, Refusal> {
        let body = json_object(call)?;
        let now = core.now;
        let job = self.bulk.ingests.get_mut(&number).ok_or_else(Refusal::not_found)?;
        match body.get("state").and_then(Value::as_str) {
            Some("UploadComplete") if job.life.state == State::Open => job.close(now),
            Some("Aborted") if !job.life.state.is_terminal() => job.life.move_to(State::Aborted, now),
            Some("UploadComplete") => return Err(wrong_state(&job.life, "closed")),
            Some("Aborted") => return Err(wrong_state(&job.life, "aborted")),
            _ => return Err(Refusal::new(400, "INVALIDJOB", "InvalidJob : state must be UploadComplete or Aborted")),
        }
        Ok(Reply::json(200, &Value::Object(job.info())))
    }
}

/// `PUT …/batches`.
fn upload(job: &mut IngestJob, call: &Call, version: u32, now: i64) -> Result<Reply, Refusal> {
    job.life.same_version(version)?;
    if job.life.state != State::Open {
        return Err(wrong_state(&job.life, "uploaded to"));
    }
    let kind = call.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("");
    if !kind.to_ascii_lowercase().starts_with("text/csv") {
        return Err(Refusal::new(415, "UNSUPPORTED_MEDIA_TYPE", "The upload must be sent as text/csv"));
    }
    if !matches!(job.content, Content::Nothing) {
        return Err(Refusal::new(
            400,
            "INVALIDJOBSTATE",
            format!("Found multiple contents for job: <{}>: upload to a job only once", job.life.id),
        ));
    }
    if call.body.len() > MAX_UPLOAD {
        return Err(Refusal::new(413, "REQUEST_TOO_LARGE", format!("The upload exceeds {MAX_UPLOAD} bytes")));
    }
    job.content = Content::Raw(call.body.clone());
    job.life.stamp = now;
    Ok(Reply::empty(201))
}

/// The JSON part of a one-shot job.
fn parts_job(text: &[u8]) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_slice(text).map_err(|why| Refusal::json(&format!("Unexpected content in the part 'job': {why}")))
}

/// `lineEnding` and `columnDelimiter` of a new job.
pub fn dialect(body: &Map<String, Value>) -> Result<Dialect, Refusal> {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let invalid = |key: &str, value: &str| {
        Refusal::new(400, "INVALIDJOB", format!("InvalidJob : Invalid value for {key}: {value}"))
    };
    let delimiter = text("columnDelimiter").unwrap_or("COMMA");
    let ending = text("lineEnding").unwrap_or("LF");
    Ok(Dialect {
        delimiter: Delimiter::parse(delimiter).ok_or_else(|| invalid("columnDelimiter", delimiter))?,
        ending: LineEnding::parse(ending).ok_or_else(|| invalid("lineEnding", ending))?,
    })
}
