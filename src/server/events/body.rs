//! A request's body: whatever its type says, and never more than allowed, packed or unpacked.

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use flate2::read::MultiGzDecoder;
use futures::StreamExt;

use super::answer::Refusal;

/// How long a sender may take to send a body.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes to set aside for a request before its body is read: what it says it is, or as much as it may be.
pub(super) fn claimed(headers: &HeaderMap, most: usize) -> usize {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    match length {
        // Read once and held once more as text; a packed one may grow to the limit.
        Some(length) if !is_packed(headers) => length.min(most).saturating_mul(2),
        _ => most,
    }
}

/// Reads and unpacks the body, up to `most` bytes of text.
pub(super) async fn read(headers: &HeaderMap, body: Body, most: usize) -> Result<String, Refusal> {
    let reading = async {
        let mut bytes = Vec::new();
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Refusal::invalid_json("the request ended before its body did"))?;
            if bytes.len() + chunk.len() > most {
                return Err(too_large(most));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    let slow = |_| Refusal::new(axum::http::StatusCode::REQUEST_TIMEOUT, "timeout", "the body took too long");
    let bytes = tokio::time::timeout(PATIENCE, reading).await.map_err(slow)??;
    text(bytes, is_packed(headers), most)
}

/// The body as text. What begins as gzip does is unpacked, whatever its headers say.
pub(super) fn text(bytes: Vec<u8>, is_packed: bool, most: usize) -> Result<String, Refusal> {
    let bytes = if is_packed || bytes.starts_with(&[0x1f, 0x8b]) {
        unpack(&bytes, most)?.ok_or_else(|| too_large(most))?
    } else {
        bytes
    };
    String::from_utf8(bytes).map_err(|_| Refusal::invalid_json("the body is not UTF-8"))
}

fn too_large(most: usize) -> Refusal {
    Refusal::too_large(format!("the request has more than {most} bytes"))
}

fn is_packed(headers: &HeaderMap) -> bool {
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|encoding| encoding.to_str().ok());
    encoding.is_some_and(|encoding| encoding.to_ascii_lowercase().contains("gzip"))
}

/// Unpacks gzip; `None` once it is more than `most` bytes, however little the packed body was.
fn unpack(packed: &[u8], most: usize) -> Result<Option<Vec<u8>>, Refusal> {
    let mut text = Vec::new();
    let limit = most as u64 + 1;
    MultiGzDecoder::new(packed)
        .take(limit)
        .read_to_end(&mut text)
        .map_err(|_| Refusal::invalid_json("the body says it is gzip and cannot be unpacked"))?;
    Ok((text.len() <= most).then_some(text))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn scenario_68_a_small_packed_body_may_not_become_a_large_one() {
        let bomb = packed(&vec![b' '; 1_000_000]);
        assert!(bomb.len() < 2_000);
        assert_eq!(unpack(&bomb, 10_000).unwrap(), None);
        assert_eq!(unpack(&packed(b"{}"), 10).unwrap().as_deref(), Some(&b"{}"[..]));
        assert!(unpack(&bomb[..20], 10_000).is_err(), "cut short");
    }

    #[test]
    fn what_is_set_aside_is_never_more_than_the_limit_twice() {
        let mut headers = HeaderMap::new();
        assert_eq!(claimed(&headers, 100), 100);
        headers.insert(header::CONTENT_LENGTH, "30".parse().unwrap());
        assert_eq!(claimed(&headers, 100), 60);
        headers.insert(header::CONTENT_LENGTH, "99999999999999999999".parse().unwrap());
        assert_eq!(claimed(&headers, 100), 100);
    }
}
