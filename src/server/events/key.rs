//! The write key: which source is sending. A public word that names a source, compared by its hash all the same.

use std::collections::HashMap;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

/// Sources by the hash of their key: how long a look takes says nothing about a key.
#[derive(Debug, Default)]
pub(super) struct Keys(HashMap<[u8; 32], usize>);

impl Keys {
    pub fn add(&mut self, key: &str, source: usize) {
        self.0.insert(hash(key), source);
    }

    pub fn source(&self, key: &str) -> Option<usize> {
        self.0.get(&hash(key)).copied()
    }
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

/// The key in `Authorization`: `Basic base64(key:)`, with or without the colon, or `Bearer key`.
pub(super) fn in_headers(headers: &HeaderMap) -> Option<String> {
    let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, value) = given.split_once(' ')?;
    let value = value.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(value.to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(value).or_else(|_| STANDARD_NO_PAD.decode(value)).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    Some(text.split_once(':').map_or(text.as_str(), |(key, _)| key).to_owned())
}

/// A parameter of the query, decoded.
pub(super) fn in_query(query: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_three_spellings() {
        let header = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            in_headers(&headers)
        };
        assert_eq!(header("Basic azE6").as_deref(), Some("k1"));
        assert_eq!(header("basic azE").as_deref(), Some("k1"));
        assert_eq!(header("Bearer k1").as_deref(), Some("k1"));
        assert_eq!(header("Basic !!"), None);
        assert_eq!(header("Digest k1"), None);
        assert_eq!(in_query("a=1&writeKey=k%2F1", "writeKey").as_deref(), Some("k/1"));
        let mut keys = Keys::default();
        keys.add("k1", 3);
        assert_eq!((keys.source("k1"), keys.source("K1")), (Some(3), None));
    }
}
