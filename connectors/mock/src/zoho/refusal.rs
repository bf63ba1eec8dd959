//! The vendor's error bodies: one object for a whole call, the same shape within `data[]` for a row.

use serde_json::{Map, Value, json};

use crate::exchange::Reply;

/// What a call or a row is refused with.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// For a whole call; rows decide the status together.
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    pub details: Map<String, Value>,
}

impl Refusal {
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: Map::new() }
    }

    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    pub fn json(&self) -> Value {
        json!({ "code": self.code, "details": self.details, "message": self.message, "status": "error" })
    }

    pub fn reply(&self) -> Reply {
        Reply::json(self.status, &self.json())
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_DATA", message)
    }

    pub fn missing_param(name: &str) -> Self {
        Self::new(400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing").with("param_name", name)
    }

    pub fn invalid_param(name: &str) -> Self {
        Self::invalid("invalid data").with("param_name", name)
    }

    pub fn limit(name: &str, limit: u64) -> Self {
        Self::new(400, "LIMIT_EXCEEDED", format!("only {limit} are allowed"))
            .with("param_name", name)
            .with("limit", limit)
    }

    pub fn invalid_module(index: u64) -> Self {
        Self::new(400, "INVALID_MODULE", "the module name given seems to be invalid").with("resource_path_index", index)
    }

    pub fn token_mismatch() -> Self {
        let message = "The page_token given seems to be invalid or input param is added or altered or deleted";
        Self::new(400, "TOKEN_BOUND_DATA_MISMATCH", message).with("param_name", "page_token")
    }

    pub fn no_such_url() -> Self {
        Self::new(404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one")
    }

    pub fn wrong_method() -> Self {
        Self::new(405, "METHOD_NOT_ALLOWED", "The request method is not supported for this URL")
    }

    pub fn not_supported(what: &str) -> Self {
        Self::new(400, "NOT_SUPPORTED", format!("{what} is not supported"))
    }

    pub fn unreadable() -> Self {
        Self::invalid("body")
    }

    pub fn missing_key(key: &str) -> Self {
        Self::new(400, "MANDATORY_NOT_FOUND", "required field not found")
            .with("api_name", key)
            .with("json_path", format!("$.{key}"))
    }

    pub fn scope_mismatch() -> Self {
        Self::new(401, "OAUTH_SCOPE_MISMATCH", "Unauthorized")
    }

    pub fn no_permission(permission: &str) -> Self {
        Self::new(403, "NO_PERMISSION", "permission denied").with("permissions", json!([permission]))
    }

    pub fn unknown_id(id: &Value, path: &str) -> Self {
        Self::invalid("the id given seems to be invalid")
            .with("id", id.clone())
            .with("api_name", "id")
            .with("json_path", path)
    }

    pub fn too_many_requests() -> Self {
        Self::new(429, "TOO_MANY_REQUESTS", "You have made too many requests. Please try again after some time.")
    }

    /// The body of a fault that stands in for an answer.
    pub fn of_status(status: u16) -> Self {
        let (code, message) = match status {
            400 => ("INVALID_DATA", "invalid data"),
            401 => ("INVALID_TOKEN", "invalid oauth token"),
            403 => ("NO_PERMISSION", "permission denied"),
            404 => return Self::no_such_url(),
            405 => return Self::wrong_method(),
            412 => ("ALREADY_MODIFIED", "the record has been modified since"),
            413 => ("REQUEST_ENTITY_TOO_LARGE", "The request entity is too large"),
            415 => ("UNSUPPORTED_MEDIA_TYPE", "The media type is not supported"),
            429 => return Self::too_many_requests(),
            502 => ("BAD_GATEWAY", "Bad gateway"),
            503 => ("SERVICE_UNAVAILABLE", "The service is unavailable"),
            _ => ("INTERNAL_ERROR", "Internal Server Error"),
        };
        Self::new(status, code, message)
    }
}

/// What is wrong with a row, one refusal or several in one.
pub fn together(mut problems: Vec<Refusal>) -> Option<Refusal> {
    if problems.len() <= 1 {
        return problems.pop();
    }
    let errors: Vec<Value> = problems.iter().map(Refusal::json).collect();
    Some(Refusal::new(400, "MULTIPLE_OR_MULTI_ERRORS", "more than one error in the record").with("errors", errors))
}
