//! One HTTP exchange as the faces see it: a call with its body read, and the reply to send.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use serde_json::Value;

/// A request, its body already in memory.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    /// The path as sent, still percent-encoded.
    pub path: String,
    /// The query string as sent, without its `?`.
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Call {
    /// Path segments, percent-decoded; a trailing slash adds none.
    pub fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|part| !part.is_empty()).map(decode).collect()
    }

    /// Query parameters in order, decoded.
    pub fn parameters(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.query.as_bytes()).into_owned().collect()
    }

    /// The last value given for a query parameter.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.parameters().into_iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// A list parameter, given comma-separated, repeated, or both.
    pub fn list(&self, name: &str) -> Vec<String> {
        let given = self.parameters().into_iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        given.flat_map(|value| split_list(&value)).collect()
    }

    /// A boolean parameter in any capitalisation (Python clients send `False`).
    pub fn flag(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Those of the headers named that were sent.
    pub fn noted(&self, names: &[&'static str]) -> Vec<(&'static str, Box<str>)> {
        let sent = |name: &&'static str| Some((*name, self.headers.get(*name)?.to_str().ok()?.into()));
        names.iter().filter_map(sent).collect()
    }

    /// The `Bearer` token, if one was sent.
    pub fn bearer(&self) -> Option<&str> {
        let header = self.headers.get("authorization")?.to_str().ok()?;
        let (scheme, token) = header.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }
}

fn split_list(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn decode(segment: &str) -> String {
    // A form parser decodes `%XX`, and `+` as a space, which in a path is a plus: protect it first.
    let guarded = segment.replace('+', "%2B").replace('=', "%3D").replace('&', "%26");
    url::form_urlencoded::parse(guarded.as_bytes()).map(|(key, _)| key.into_owned()).next().unwrap_or_default()
}

/// A response, not yet sent.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

pub const JSON: &str = "application/json;charset=utf-8";
pub const HTML: &str = "text/html; charset=utf-8";

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, content_type: JSON, headers: Vec::new(), body: body.to_string().into_bytes() }
    }

    pub fn html(status: u16, page: String) -> Self {
        Self { status, content_type: HTML, headers: Vec::new(), body: page.into_bytes() }
    }

    pub fn lines(lines: Vec<u8>) -> Self {
        Self { status: 200, content_type: "application/jsonl; charset=utf-8", headers: Vec::new(), body: lines }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, content_type: JSON, headers: Vec::new(), body: Vec::new() }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(path: &str, query: &str) -> Call {
        Call {
            method: Method::GET,
            path: path.into(),
            query: query.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    #[test]
    fn lists_come_with_commas_or_repeated() {
        let call = call("/x", "properties=a,b&properties=c&archived=True");
        assert_eq!(call.list("properties"), ["a", "b", "c"]);
        assert!(call.flag("archived"));
        assert!(!call.flag("absent"));
    }

    #[test]
    fn segments_are_decoded_and_a_plus_stays_a_plus() {
        assert_eq!(call("/a/b%40c+d%20e/", "").segments(), ["a", "b@c+d e"]);
    }
}
