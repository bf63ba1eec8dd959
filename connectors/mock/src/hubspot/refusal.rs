//! The vendor's error bodies, word for word where the words are known. Clients key on `category`, `policyName` and, for
//! want of anything better, on a few message texts.

use serde_json::{Map, Value, json};

use crate::desk::Core;
use crate::exchange::Reply;

/// The portal all mock data lives in.
pub const PORTAL_ID: u64 = 4_242_001;

/// An error answer before its correlation id is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub status: u16,
    pub category: &'static str,
    pub message: String,
    /// `errors[]`, when the answer lists problems one by one.
    pub errors: Vec<Value>,
    /// Further top-level keys.
    pub extra: Map<String, Value>,
}

impl Refusal {
    pub fn new(status: u16, category: &'static str, message: impl Into<String>) -> Self {
        Self { status, category, message: message.into(), errors: Vec::new(), extra: Map::new() }
    }

    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "VALIDATION_ERROR", message)
    }

    pub fn not_found() -> Self {
        Self::new(404, "OBJECT_NOT_FOUND", "resource not found")
    }

    pub fn unknown_route(path: &str) -> Self {
        Self::new(404, "OBJECT_NOT_FOUND", format!("No handler for {path}"))
    }

    pub fn wrong_method() -> Self {
        Self::new(405, "VALIDATION_ERROR", "HTTP 405 Method Not Allowed")
    }

    pub fn bad_json(why: &serde_json::Error) -> Self {
        let text = why.to_string();
        let detail = text.split(" at line ").next().unwrap_or("unreadable").to_owned();
        Self::new(
            400,
            "VALIDATION_ERROR",
            format!("Invalid input JSON on line {}, column {}: {detail}", why.line(), why.column()),
        )
    }

    pub fn contact_exists(id: u64) -> Self {
        Self::new(409, "CONFLICT", format!("Contact already exists. Existing ID: {id}"))
    }

    /// A value another record already holds. The owner is the last id in the sentence.
    pub fn value_taken(object: &str, name: &str, value: &str, on: u64, owner: u64) -> Self {
        Self::validation(format!(
            "Cannot set PropertyValueCoordinates{{portalId={PORTAL_ID}, \
             objectTypeId=ObjectTypeId{{legacyObjectType={}}}, propertyName={name}, value={value}}} on {on}. \
             {owner} already has that value.",
            object.to_ascii_uppercase()
        ))
    }

    /// All the problems of one record's values.
    pub fn invalid_values(problems: &[Problem]) -> Self {
        let list: Vec<Value> = problems
            .iter()
            .map(|p| {
                json!({ "isValid": false, "message": p.message, "error": p.code, "name": p.property,
                        "localizedErrorMessage": p.message, "portalId": PORTAL_ID })
            })
            .collect();
        let mut refusal = Self::validation(format!("Property values were not valid: {}", Value::Array(list)));
        refusal.errors = problems
            .iter()
            .map(|p| json!({ "message": p.message, "code": p.code, "context": { "propertyName": [p.property] } }))
            .collect();
        refusal
    }

    pub fn with(mut self, key: &str, value: Value) -> Self {
        self.extra.insert(key.to_owned(), value);
        self
    }

    /// As a row of a batch's `errors`: no correlation id, and a context that names the row.
    pub fn row(&self, context: Value) -> Value {
        let mut row = json!({ "status": "error", "category": self.category, "message": self.message });
        if let Value::Object(row) = &mut row {
            row.insert("context".into(), context);
            if !self.errors.is_empty() {
                row.insert("errors".into(), Value::Array(self.errors.clone()));
            }
        }
        row
    }

    pub fn reply(&self, core: &Core) -> Reply {
        let mut body = Map::new();
        body.insert("status".into(), json!("error"));
        body.insert("message".into(), json!(self.message));
        body.insert("correlationId".into(), json!(core.correlation_id()));
        if !self.category.is_empty() {
            body.insert("category".into(), json!(self.category));
        }
        if !self.errors.is_empty() {
            body.insert("errors".into(), Value::Array(self.errors.clone()));
        }
        body.extend(self.extra.clone());
        let reply = Reply::json(self.status, &Value::Object(body));
        if self.status == 401 { reply.with("x-hubspot-auth-failure", "401 Unauthorized") } else { reply }
    }
}

/// One thing wrong with one value.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub property: String,
    pub code: &'static str,
    pub message: String,
}

impl Problem {
    pub fn new(property: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self { property: property.to_owned(), code, message: message.into() }
    }
}
