//! Every way the org says no, in its three spellings: `errorCode` at the top of an answer, `statusCode` in a row of a
//! collection, `CODE:text:fields --` in a bulk result.

use serde_json::{Value, json};

use super::ids::Id;
use crate::exchange::Reply;

/// One thing wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub code: &'static str,
    pub message: String,
    /// `fields`; `None` leaves the key out of a top-level answer.
    pub fields: Option<Vec<String>>,
}

/// What else an answer carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Detail {
    None,
    /// 300: the records that an upsert key matches. As a row: `DUPLICATE_EXTERNAL_ID`.
    Several(Vec<Id>),
    /// The match result of a duplicate rule under its key (`duplicateResut`); only in single-record answers.
    Duplicates(&'static str, Value),
}

/// A refusal of a whole request or of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// HTTP status when it is the whole answer.
    pub status: u16,
    pub problems: Vec<Problem>,
    pub detail: Detail,
}

/// The same, where it is the outcome of one row.
pub type RowError = Refusal;

impl Refusal {
    /// No `fields` key at the top level.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, problems: vec![Problem { code, message: message.into(), fields: None }], detail: Detail::None }
    }

    /// A refusal of a row, 400 when it stands alone.
    pub fn row(code: &'static str, message: impl Into<String>, fields: &[&str]) -> Self {
        let mut refusal = Self::new(400, code, message);
        if let Some(problem) = refusal.problems.first_mut() {
            problem.fields = Some(fields.iter().map(|field| (*field).to_owned()).collect());
        }
        refusal
    }

    pub fn not_found() -> Self {
        Self::new(404, "NOT_FOUND", "The requested resource does not exist")
    }

    pub fn wrong_method(method: &str) -> Self {
        Self::new(405, "METHOD_NOT_ALLOWED", format!("HTTP Method '{method}' not allowed."))
    }

    pub fn json(message: &str) -> Self {
        Self::new(400, "JSON_PARSER_ERROR", message)
    }

    pub fn deleted() -> Self {
        Self { status: 404, ..Self::row("ENTITY_IS_DELETED", "entity is deleted", &[]) }
    }

    pub fn malformed_id(text: &str) -> Self {
        Self::row("MALFORMED_ID", format!("id value of incorrect type: {text}"), &["Id"])
    }

    pub fn no_such_column(field: &str, object: &str) -> Self {
        Self::new(400, "INVALID_FIELD", format!("No such column '{field}' on sobject of type {object}"))
    }

    pub fn code(&self) -> &'static str {
        self.problems.first().map_or("UNKNOWN_EXCEPTION", |problem| problem.code)
    }

    /// The body of an answer of its own: an array with `errorCode`.
    pub fn body(&self, base: &str) -> Value {
        if let Detail::Several(ids) = &self.detail {
            let url = |id: &Id| {
                let object = id.kind().map_or("", |kind| kind.name());
                Value::String(format!("{base}/sobjects/{object}/{id}"))
            };
            return ids.iter().map(url).collect();
        }
        let mut list = Vec::new();
        for problem in &self.problems {
            let mut body = json!({ "message": problem.message, "errorCode": problem.code });
            if let Some(fields) = &problem.fields {
                body["fields"] = json!(fields);
            }
            if let Detail::Duplicates(key, result) = &self.detail {
                body[*key] = result.clone();
            }
            list.push(body);
        }
        Value::Array(list)
    }

    /// `base` is the version's root path, `/services/data/v67.0`.
    pub fn reply(&self, base: &str) -> Reply {
        Reply::json(self.status, &self.body(base))
    }

    fn as_row(&self) -> Vec<(&'static str, &str, Vec<String>)> {
        if let Detail::Several(_) = self.detail {
            let message = self.problems.first().map_or("", |problem| problem.message.as_str());
            return vec![("DUPLICATE_EXTERNAL_ID", message, Vec::new())];
        }
        let row = |problem: &'_ Problem| problem.fields.clone().unwrap_or_default();
        self.problems.iter().map(|problem| (problem.code, problem.message.as_str(), row(problem))).collect()
    }

    /// The `errors` of a row in a collection: `statusCode`, and `fields` always.
    pub fn row_errors(&self) -> Value {
        let errors = self.as_row().into_iter();
        errors
            .map(|(code, message, fields)| json!({ "statusCode": code, "message": message, "fields": fields }))
            .collect()
    }

    /// `sf__Error` of a bulk result.
    pub fn csv(&self) -> String {
        let errors = self.as_row().into_iter();
        let text = errors.map(|(code, message, fields)| format!("{code}:{message}:{} --", fields.join(", ")));
        text.collect::<Vec<_>>().join(";")
    }
}
