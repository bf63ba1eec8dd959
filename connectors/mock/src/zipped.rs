//! Gzip on the way in and on the way out, for the vendors that speak it.

use std::io::{Read, Write};

use axum::body::Bytes;
use axum::http::HeaderMap;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::exchange::Reply;

/// Smaller bodies are not worth it.
const SMALLEST: usize = 256;

/// Whether a request's body is gzipped.
pub fn is_zipped(headers: &HeaderMap) -> bool {
    names_gzip(headers, "content-encoding")
}

/// Whether the caller takes a gzipped answer.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    names_gzip(headers, "accept-encoding")
}

fn names_gzip(headers: &HeaderMap, header: &str) -> bool {
    let values = headers.get_all(header).iter().filter_map(|value| value.to_str().ok());
    let mut codings = values.flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = quality.trim().strip_prefix("q=").is_some_and(|q| q.trim_matches(['0', '.']).is_empty());
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

/// None when the body is not gzip, is cut short, or would grow beyond `largest`.
pub fn unzip(body: &[u8], largest: usize) -> Option<Bytes> {
    let mut out = Vec::new();
    let bound = u64::try_from(largest).ok()?.saturating_add(1);
    MultiGzDecoder::new(body).take(bound).read_to_end(&mut out).ok()?;
    (out.len() <= largest).then(|| Bytes::from(out))
}

/// The reply with its body gzipped, unless its face has done so (a file cut short on purpose).
pub fn zip(reply: Reply) -> Reply {
    let done = reply.headers.iter().any(|(name, _)| *name == "content-encoding");
    if done || reply.body.len() < SMALLEST {
        return reply;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(reply.body.len() / 4), Compression::fast());
    let written = encoder.write_all(&reply.body).and_then(|()| encoder.finish());
    match written {
        Ok(body) => Reply { body, ..reply }.with("content-encoding", "gzip").with("vary", "accept-encoding"),
        Err(_) => reply,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_zipped_is_unzipped_within_bounds() {
        let text = "a row of many,".repeat(1_000);
        let zipped = zip(Reply::html(200, text.clone()));
        assert!(zipped.body.len() < text.len() / 10);
        assert_eq!(unzip(&zipped.body, text.len()).unwrap(), text.as_bytes());
        assert_eq!(zip(zipped.clone()).body, zipped.body);
        assert_eq!(unzip(&zipped.body, text.len() - 1), None);
        assert_eq!(unzip(&zipped.body[..zipped.body.len() / 2], text.len()), None);
        assert_eq!(unzip(b"plain", 100), None);
    }

    #[test]
    fn a_coding_is_wanted_unless_refused() {
        let wants = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("accept-encoding", value.parse().unwrap());
            is_wanted(&headers)
        };
        assert!(wants("deflate, GZIP;q=0.5"));
        assert!(!wants("gzip;q=0, br") && !wants("br") && !is_wanted(&HeaderMap::new()));
    }
}
