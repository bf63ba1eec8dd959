//! Which web pages may send. Browsers ask first, because the SDKs add headers of their own.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

/// Origins that may send; an empty list means any.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins(pub Vec<String>);

impl Origins {
    fn allowed<'h>(&self, headers: &'h HeaderMap) -> Option<&'h HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        let listed = |origin: &str| self.0.iter().any(|one| one == "*" || one.eq_ignore_ascii_case(origin));
        (self.0.is_empty() || origin.to_str().is_ok_and(listed)).then_some(origin)
    }

    /// Adds what the browser wants to read on the answer.
    pub fn allow(&self, asked: &HeaderMap, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = self.allowed(asked) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        response
    }

    /// The answer to a browser that asks before it sends.
    pub fn preflight(&self, asked: &HeaderMap) -> Response {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        if self.allowed(asked).is_some() {
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS"));
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                HeaderValue::from_static("authorization, content-type, content-encoding, x-retry-count, anonymousid"),
            );
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
        }
        self.allow(asked, response)
    }
}
