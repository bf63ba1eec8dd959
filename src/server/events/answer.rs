//! What senders are told.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::ingest::{DecodeError, Taken};

/// Why a request is turned away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
    /// Seconds until it makes sense to come back.
    pub retry_after: Option<u64>,
}

impl Refusal {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    pub fn invalid_json(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_json", message)
    }

    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    pub fn unknown_key() -> Self {
        let message = "this write key belongs to no [[source]]; send it as Basic authorization or `writeKey`";
        Self::new(StatusCode::UNAUTHORIZED, "invalid_write_key", message)
    }

    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { retry_after: Some(5), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message) }
    }

    pub fn rate_limited(seconds: u64) -> Self {
        let message = "this source sends faster than its rate_limit";
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message) }
    }

    /// A single message that cannot be taken.
    pub fn of_message(error: &DecodeError) -> Self {
        let status =
            if error.code == "message_too_large" { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
        Self::new(status, error.code, format!("{}; {}", error.cause, error.fix))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "success": false, "code": self.code, "message": self.message });
        let mut response = as_json(self.status, body.to_string());
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// `{"success":true}`, with counts and rejected items for those who ask with `?verbose=1`.
pub(super) fn taken(taken: &Taken, verbose: bool) -> Response {
    if !verbose {
        return as_json(StatusCode::OK, r#"{"success":true}"#.to_owned());
    }
    let rejected: Vec<_> = taken
        .rejected
        .iter()
        .map(|(index, error)| json!({ "index": index, "code": error.code, "message": format!("{}; {}", error.cause, error.fix) }))
        .collect();
    let body = json!({
        "success": true, "accepted": taken.accepted, "duplicate": taken.duplicate, "rejected": rejected,
    });
    as_json(StatusCode::OK, body.to_string())
}

pub(super) fn as_json(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
