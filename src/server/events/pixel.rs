//! A message in the query of an image's address, for places where no script runs. Dotted names are nested members.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde_json::{Map, Value};

/// Members a query may carry, and how deep a dotted name may nest.
const MOST_MEMBERS: usize = 300;
const DEEPEST: usize = 8;

/// The message that a query means.
pub(super) fn message(query: &str, kind: &str) -> String {
    let mut message = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()).take(MOST_MEMBERS) {
        if name != "writeKey" {
            put(&mut message, &name.split('.').take(DEEPEST).collect::<Vec<_>>(), value.into_owned());
        }
    }
    message.insert("type".into(), kind.into());
    message.entry("channel").or_insert_with(|| "browser".into());
    Value::Object(message).to_string()
}

fn put(object: &mut Map<String, Value>, path: &[&str], value: String) {
    match path {
        [] => {}
        [name] => drop(object.insert((*name).to_owned(), value.into())),
        [name, rest @ ..] => {
            let inner = object.entry(*name).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// One transparent dot, never kept by a cache.
pub(super) fn image() -> Response {
    const DOT: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";
    let mut response = Response::new(Body::from(DOT));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("image/gif"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_names_nest() {
        let text = message(
            "writeKey=k&anonymousId=a-1&event=Opened&properties.n=1&context.page.url=https%3A%2F%2Fx.example%2F",
            "track",
        );
        let message: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(message["context"]["page"]["url"], "https://x.example/");
        assert_eq!((&message["type"], &message["properties"]["n"]), (&"track".into(), &"1".into()));
        assert!(message.get("writeKey").is_none());
    }
}
