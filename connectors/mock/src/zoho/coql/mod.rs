//! COQL, the query language: `POST /coql` with `{"select_query": "select … from … where …"}`.

mod bind;
mod lexer;
mod parser;
mod run;

use serde_json::{Value, json};

use super::org::Org;
use super::refusal::Refusal;
use super::render::json_text;
use super::write_api::object;
use crate::desk::Core;
use crate::exchange::{Call, Reply};

/// Rows of one answer, and rows that offsets reach.
const MOST_ROWS: u64 = 2_000;
const REACH: u64 = 100_000;
const DEFAULT_LIMIT: u64 = 200;

impl Org {
    pub fn coql(&self, core: &Core, call: &Call) -> Result<Reply, Refusal> {
        let body = object(call)?;
        let text = body.get("select_query").and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let text = text.ok_or_else(|| Refusal::missing_key("select_query"))?;
        let query = bind::bind(self, &parser::parse(text)?)?;
        let answer = run::run(self, core, &query);
        if answer.count == 0 {
            return Ok(Reply::empty(204));
        }
        let wants_fields =
            body.get("include_meta").and_then(Value::as_array).is_some_and(|meta| meta.contains(&json!("fields")));
        let meta = if wants_fields { format!(",\"fields\":{}", run::meta(self, &query)) } else { String::new() };
        let info = json!({ "count": answer.count, "more_records": answer.more });
        Ok(json_text(200, format!("{{\"data\":[{}],\"info\":{info}{meta}}}", answer.rows)))
    }
}

/// What a query costs, by its limit, before it is known to be sound.
pub fn credits(call: &Call) -> u64 {
    let text = String::from_utf8_lossy(&call.body).to_ascii_lowercase();
    let limit = text.rsplit_once("limit").and_then(|(_, rest)| {
        let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u64>().ok()
    });
    match limit.unwrap_or(DEFAULT_LIMIT) {
        0..=200 => 1,
        201..=1_000 => 2,
        _ => 3,
    }
}
