//! Which web pages may send. Browsers ask first, because the SDKs add headers of their own.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

/// Headers that SDKs are known to add.
const HEADERS: &str = "authorization, content-type, content-encoding, x-retry-count, anonymousid";
/// Bytes of further names that a browser may ask for.
const MOST_ASKED: usize = 1_000;

/// Those, and whatever else the browser asks for: a page that may send may say more about what it sends, and SDKs add headers with
/// every version (RudderStack's browser SDK: `rsa-since-last-attempt`). None of them decides anything here.
fn headers_for(asked: &HeaderMap) -> HeaderValue {
    let known = HeaderValue::from_static(HEADERS);
    let wanted = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS).and_then(|names| names.to_str().ok());
    let names = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b',' | b' ');
    match wanted.filter(|names_asked| names_asked.len() <= MOST_ASKED && names_asked.bytes().all(names)) {
        Some(more) => HeaderValue::from_str(&format!("{HEADERS}, {more}")).unwrap_or(known),
        None => known,
    }
}

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
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, headers_for(asked));
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
        }
        self.allow(asked, response)
    }
}
