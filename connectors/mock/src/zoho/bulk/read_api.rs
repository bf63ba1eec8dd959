//! `POST /crm/bulk/v8/read`, the state of a job, and its result.

use serde_json::{Map, Value, json};

use super::super::catalogue::ID;
use super::super::datum::{Datum, stamp};
use super::super::filter::{Filter, Op};
use super::super::kind::Kind;
use super::super::literals::literal;
use super::super::org::Org;
use super::super::refusal::Refusal;
use super::super::render;
use super::super::schema::FieldId;
use super::super::write_api::object;
use super::super::{deliver, ids};
use super::read_job::{NextPage, ReadJob, Rows, State};
use super::{no_such_job, zip_reply};
use crate::chance;
use crate::desk::Core;
use crate::exchange::{Call, Reply};

/// Groups within groups, and tests in all.
const DEEPEST: usize = 6;
const MOST_TESTS: usize = 25;

impl Org {
    pub fn make_read(&mut self, core: &mut Core, call: &Call) -> Result<Reply, Refusal> {
        let body = object(call)?;
        let query = body.get("query").and_then(Value::as_object).ok_or_else(|| Refusal::missing_key("query"))?;
        let module = query.get("module").ok_or_else(|| Refusal::missing_key("query.module"))?;
        let name = module["api_name"].as_str().or_else(|| module.as_str()).unwrap_or("");
        let kind = Kind::parse(name).ok_or_else(|| Refusal::invalid_module(0))?;
        if body.get("file_type").and_then(Value::as_str).is_some_and(|kind| kind != "csv") {
            return Err(Refusal::not_supported("the file type").with("api_name", "file_type"));
        }
        let fields = self.columns(kind, query)?;
        let filter = match query.get("criteria").filter(|criteria| !criteria.is_null()) {
            None => Filter::All(Vec::new()),
            Some(criteria) => self.criteria(kind, criteria, 0)?,
        };
        if filter.tests() > MOST_TESTS {
            return Err(Refusal::new(400, "LIMIT_EXCEEDED", "too many criteria").with("limit", MOST_TESTS));
        }
        let bound = bound(kind, query);
        let page = query.get("page").and_then(Value::as_u64).unwrap_or(1).max(1);
        let after = match query.get("page_token").and_then(Value::as_str) {
            None => None,
            Some(token) => {
                let page = self.bulk.pages.get(token).filter(|page| page.bound == bound && page.ends > core.now);
                Some(page.ok_or_else(Refusal::token_mismatch)?.after)
            }
        };
        let callback = body.get("callback").and_then(|callback| callback["url"].as_str()).map(str::to_owned);
        let id = self.bulk.fresh();
        let job = ReadJob {
            id,
            kind,
            fields,
            filter,
            query: Value::Object(query.clone()),
            bound,
            page,
            after,
            made: core.now,
            state: State::Added,
            polls: 0,
            result: None,
            callback,
        };
        self.bulk.reads.insert(id, job);
        let details = json!({
            "id": id.to_string(), "operation": "read", "state": "ADDED",
            "created_by": render::user(self, ids::SYNC_USER),
            "created_time": stamp(core.now, self.knobs.offset_min),
        });
        let row = json!({ "status": "success", "code": "ADDED_SUCCESSFULLY", "message": "Added successfully.",
                          "details": details });
        Ok(Reply::json(201, &json!({ "data": [row], "info": {} })))
    }

    /// The fields asked for; all when none are.
    fn columns(&self, kind: Kind, query: &Map<String, Value>) -> Result<Vec<FieldId>, Refusal> {
        let schema = self.schema(kind);
        let names: Vec<&str> =
            query.get("fields").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        if names.is_empty() {
            return Ok(schema.all().filter(|(id, field)| *id != ID && field.is_visible()).map(|(id, _)| id).collect());
        }
        let mut fields = Vec::new();
        for name in names.into_iter().filter(|name| !name.eq_ignore_ascii_case("id")) {
            let unknown = || Refusal::invalid("the field given seems to be invalid").with("api_name", name);
            fields.push(schema.visible(name).map(|(id, _)| id).ok_or_else(unknown)?);
        }
        Ok(fields)
    }

    /// `{"group_operator", "group": […]}` or `{"field", "comparator", "value"}`.
    fn criteria(&self, kind: Kind, given: &Value, depth: usize) -> Result<Filter, Refusal> {
        let wrong =
            |key: &str| Refusal::invalid("invalid data").with("api_name", key).with("json_path", "$.query.criteria");
        if depth > DEEPEST {
            return Err(wrong("group"));
        }
        if let Some(group) = given.get("group").and_then(Value::as_array) {
            let parts: Result<Vec<Filter>, Refusal> =
                group.iter().map(|each| self.criteria(kind, each, depth + 1)).collect();
            return match given["group_operator"].as_str().map(str::to_ascii_lowercase).as_deref() {
                Some("and") => parts.map(Filter::All),
                Some("or") => parts.map(Filter::Any),
                _ => Err(wrong("group_operator")),
            };
        }
        let name = given["field"]["api_name"].as_str().or_else(|| given["api_name"].as_str()).unwrap_or("");
        let (path, field) = self.path(kind, name).ok_or_else(|| wrong("field"))?;
        let op = comparator(given["comparator"].as_str().unwrap_or("")).ok_or_else(|| wrong("comparator"))?;
        let values: Vec<&Value> = match &given["value"] {
            Value::Array(values) => values.iter().collect(),
            value => vec![value],
        };
        let typed = values.into_iter().map(|value| match value.as_str() {
            Some("${EMPTY}") => Some(Datum::Null),
            _ => literal(field, value),
        });
        let values: Vec<Datum> = typed.collect::<Option<_>>().ok_or_else(|| wrong("value"))?;
        if matches!(op, Op::Between | Op::NotBetween) && values.len() != 2 {
            return Err(wrong("value"));
        }
        Ok(Filter::Test { path, op, values })
    }

    pub fn show_read(&mut self, core: &mut Core, text: &str) -> Result<Reply, Refusal> {
        let id = ids::parse(text).filter(|id| self.bulk.reads.contains_key(id)).ok_or_else(|| no_such_job(text))?;
        let may_end = match self.bulk.reads.get_mut(&id) {
            Some(job) => job.look(&self.knobs),
            None => false,
        };
        if may_end {
            self.work_read(core, id);
        }
        let job = self.bulk.reads.get(&id).ok_or_else(|| no_such_job(text))?;
        Ok(Reply::json(200, &json!({ "data": [job.json(self)] })))
    }

    /// Does the work of a job.
    pub fn work_read(&mut self, core: &mut Core, id: u64) {
        let Some(mut job) = self.bulk.reads.remove(&id) else { return };
        if self.knobs.failing_jobs > 0 {
            self.knobs.failing_jobs -= 1;
            job.state = State::Failure;
        } else {
            let (csv, count, last) = self.read_rows(core, &job);
            let next = last.map(|after| {
                let half = |topic| format!("{:016x}", chance::bits(core.seed, topic, id));
                let token = format!("b{}{}", half(0xb01), half(0xb02));
                let ends = core.now.saturating_add(86_400_000);
                self.bulk.pages.insert(token.clone(), NextPage { bound: job.bound.clone(), after, ends });
                token
            });
            job.result = Some(Rows { csv, count, next });
            job.state = State::Completed;
        }
        if let Some(url) = &job.callback {
            deliver::post(url, &json!({ "job_id": id.to_string(), "operation": "read", "state": job.state.name() }));
        }
        self.bulk.reads.insert(id, job);
    }

    pub fn read_result(&mut self, core: &Core, text: &str) -> Result<Reply, Refusal> {
        self.download(core)?;
        let job = ids::parse(text).and_then(|id| self.bulk.reads.get(&id)).ok_or_else(|| no_such_job(text))?;
        let rows = job.result.as_ref().ok_or_else(|| no_such_job(text))?;
        Ok(zip_reply(&format!("{}.csv", job.id), &rows.csv))
    }
}

/// The query without its page: what a page token is bound to.
fn bound(kind: Kind, query: &Map<String, Value>) -> String {
    let part = |key: &str| query.get(key).map(Value::to_string).unwrap_or_default();
    format!("{}|{}|{}", kind.name(), part("fields"), part("criteria"))
}

fn comparator(word: &str) -> Option<Op> {
    Some(match word {
        "equal" => Op::Equal,
        "not_equal" => Op::NotEqual,
        "in" => Op::In,
        "not_in" => Op::NotIn,
        "less_than" => Op::Less,
        "less_equal" => Op::LessEqual,
        "greater_than" => Op::Greater,
        "greater_equal" => Op::GreaterEqual,
        "between" => Op::Between,
        "not_between" => Op::NotBetween,
        "contains" => Op::Contains,
        "not_contains" => Op::NotContains,
        "starts_with" => Op::StartsWith,
        "ends_with" => Op::EndsWith,
        _ => return None,
    })
}
