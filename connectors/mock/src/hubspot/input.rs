//! Request bodies: read leniently where the vendor is lenient (ids as numbers, unknown keys, missing lists) and strictly
//! where it is strict.

use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::exchange::Call;

/// The body as a JSON object.
pub fn object(call: &Call) -> Result<Map<String, Value>, Refusal> {
    let json = call.headers.get("content-type").and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("json"));
    if !json {
        return Err(Refusal::new(415, "VALIDATION_ERROR", "HTTP 415 Unsupported Media Type"));
    }
    match serde_json::from_slice(&call.body) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Err(Refusal::validation(
            "Invalid input JSON on line 1, column 1: Cannot deserialize value from Array value",
        )),
        Err(why) => Err(Refusal::bad_json(&why)),
    }
}

/// `properties` of a write.
pub fn properties(body: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    match body.get("properties") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(properties)) => Ok(properties.clone()),
        Some(_) => Err(Refusal::validation("Invalid input JSON on line 1, column 1: properties must be an object")),
    }
}

/// A list of strings; absent is empty.
pub fn strings(body: &Map<String, Value>, key: &str) -> Vec<String> {
    let list = body.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// An id given as text or as a number.
pub fn id_text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `inputs` of a batch, each an object, at most `limit`.
pub fn inputs(body: &Map<String, Value>, limit: usize) -> Result<Vec<Map<String, Value>>, Refusal> {
    let Some(Value::Array(list)) = body.get("inputs") else {
        return Err(Refusal::validation("Some required fields were not set: [inputs]"));
    };
    if list.len() > limit {
        return Err(Refusal::validation(format!(
            "The maximum number of inputs supported in a batch request is {limit}. Please reduce the number of items and \
             try again"
        )));
    }
    let mut rows = Vec::with_capacity(list.len());
    for row in list {
        let Value::Object(row) = row else {
            return Err(Refusal::validation("Invalid input JSON on line 1, column 1: inputs must be objects"));
        };
        rows.push(row.clone());
    }
    Ok(rows)
}

/// A text field of a row, if it is one.
pub fn text<'a>(row: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    row.get(key).and_then(Value::as_str)
}
