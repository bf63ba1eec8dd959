//! `/jobs/query`: making a job, looking, aborting, deleting. Its rows are in `query_results`.

use serde_json::Value;

use super::super::ask::{Ask, json_object};
use super::super::ids::SYNC_USER;
use super::super::org::Org;
use super::super::refusal::Refusal;
use super::super::soql::{Mistake, Sheet};
use super::ingest_api::dialect;
use super::life::{Life, State};
use super::query_job::QueryJob;
use super::shelf::{id_of, number_of};
use super::wrong_state;
use crate::desk::Core;
use crate::exchange::{Call, Reply};

impl Org {
    /// Everything below `/jobs/query`.
    pub fn query_job_route(&mut self, core: &mut Core, ask: &Ask<'_>, rest: &[&str]) -> Result<Reply, Refusal> {
        let (call, version) = (ask.call, ask.version);
        let method = ask.method();
        self.bulk.expire(core.now);
        let (id, more) = match (method, rest) {
            ("POST", []) => return self.make_query(core, call, version),
            ("GET", []) => return Ok(self.list_queries(call, version)),
            (_, []) => return Err(Refusal::wrong_method(method)),
            (_, [id, more @ ..]) => (*id, more),
        };
        let number = number_of(id).filter(|number| self.bulk.queries.contains_key(number));
        let number = number.ok_or_else(Refusal::not_found)?;
        match (method, more) {
            ("GET", []) => {
                self.work_query(core, number);
                Ok(Reply::json(200, &Value::Object(self.query_job(number)?.full_info())))
            }
            ("PATCH", []) => self.abort_query(core, call, number),
            ("DELETE", []) => {
                let job = self.query_job(number)?;
                if !job.life.state.is_terminal() {
                    return Err(wrong_state(&job.life, "deleted"));
                }
                self.bulk.queries.remove(&number);
                Ok(Reply::empty(204))
            }
            ("GET", ["results"]) => self.query_results(core, call, version, number),
            ("GET", ["resultPages"]) => self.query_result_pages(call, version, number),
            (_, [] | ["results"] | ["resultPages"]) => Err(Refusal::wrong_method(method)),
            _ => Err(Refusal::not_found()),
        }
    }

    pub(super) fn query_job(&self, number: u64) -> Result<&QueryJob, Refusal> {
        self.bulk.queries.get(&number).ok_or_else(Refusal::not_found)
    }

    fn make_query(&mut self, core: &mut Core, call: &Call, version: u32) -> Result<Reply, Refusal> {
        let body = json_object(call)?;
        let text = |key: &str| body.get(key).and_then(Value::as_str);
        let invalid = |why: &str| Refusal::new(400, "INVALIDJOB", why);
        let (operation, all) = match text("operation") {
            Some("query") => ("query", false),
            Some("queryAll") => ("queryAll", true),
            _ => return Err(invalid("InvalidJob : operation must be query or queryAll")),
        };
        if text("contentType").is_some_and(|given| given != "CSV") {
            return Err(invalid("InvalidJob : Only CSV is supported as contentType"));
        }
        let soql = text("query").ok_or_else(|| invalid("InvalidJob : query is required"))?;
        let dialect = dialect(&body)?;
        let now = core.now;
        let limit = self.knobs.bulk.daily_query_jobs;
        if self.bulk.query_jobs.total(now) >= limit {
            let text = format!("Max bulk v2 query jobs ({limit}) per 24 hrs has been reached");
            return Err(Refusal::new(400, "LIMIT_EXCEEDED", text));
        }
        let kind = Sheet::check(self, core, soql, all).map_err(refused)?;
        if self.knobs.bulk.refuses(kind.name()) {
            return Err(unsupported(kind.name()));
        }
        self.bulk.query_jobs.add(now, 1);
        let number = self.bulk.fresh();
        let fault = self.knobs.bulk.draw("query", kind.name());
        let life = Life {
            id: id_of(number),
            object: kind.name().to_owned(),
            operation,
            version,
            dialect,
            created_by: SYNC_USER.to_string(),
            created_at: now,
            stamp: now,
            state: State::UploadComplete,
            ready_at: now,
            ended_at: None,
            polls: 0,
            worked_at: now,
            retries: fault.as_ref().map_or(0, |fault| fault.retries),
            error: None,
            fault,
        };
        let info = life.info();
        self.bulk.queries.insert(number, QueryJob { life, soql: soql.to_owned(), all, sheet: None });
        Ok(Reply::json(200, &Value::Object(info)))
    }

    /// Lets a job do what is due: find its rows, and end.
    fn work_query(&mut self, core: &mut Core, number: u64) {
        let now = core.now;
        let Some(mut job) = self.bulk.queries.remove(&number) else { return };
        if job.life.may_work(now, true, &self.knobs.bulk) {
            job.life.polls = job.life.polls.saturating_add(1);
            job.life.worked_at = now;
            if job.life.state == State::UploadComplete {
                job.life.move_to(State::InProgress, now);
                match Sheet::of(self, core, &job.soql, job.all) {
                    Ok(sheet) => job.sheet = Some(sheet),
                    Err(mistake) => job.life.error = Some(format!("{} : {}", mistake.code, mistake.message)),
                }
            }
            if job.life.may_end(now, &self.knobs.bulk) {
                let planned = job.life.fault.as_ref().and_then(|fault| fault.message.clone());
                match planned.or_else(|| job.life.error.clone()) {
                    Some(why) => job.life.fail(why, now),
                    None => job.life.move_to(State::JobComplete, now),
                }
            }
        }
        self.bulk.queries.insert(number, job);
    }

    fn abort_query(&mut self, core: &mut Core, call: &Call, number: u64) -> Result<Reply, Refusal> {
        let body = json_object(call)?;
        let now = core.now;
        let job = self.bulk.queries.get_mut(&number).ok_or_else(Refusal::not_found)?;
        if body.get("state").and_then(Value::as_str) != Some("Aborted") {
            return Err(Refusal::new(400, "INVALIDJOB", "InvalidJob : state must be Aborted"));
        }
        if job.life.state.is_terminal() {
            return Err(wrong_state(&job.life, "aborted"));
        }
        job.life.move_to(State::Aborted, now);
        Ok(Reply::json(200, &Value::Object(job.life.info())))
    }
}

fn refused(mistake: Mistake) -> Refusal {
    Refusal::new(400, mistake.code, mistake.message)
}

/// An object no bulk job may be made for.
pub fn unsupported(object: &str) -> Refusal {
    let text = format!("InvalidEntity : Entity '{object}' is not supported by the Bulk API.");
    Refusal::new(400, "INVALIDENTITY", text)
}
