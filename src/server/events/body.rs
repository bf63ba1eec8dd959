//! A request's body: whatever its type says, and never more than allowed, packed or unpacked.

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use flate2::read::MultiGzDecoder;
use futures::StreamExt;

use super::answer::Refusal;
use crate::ingest::Claim;

/// How long a sender may take to send a body, and to go on with it.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(5);
/// Set aside for any request before its body is read: more only as it comes.
const AT_FIRST: usize = 64 * 1024;
/// Bytes held for a byte of the body: it is read once and held once more as text.
const HELD_FOR_EACH: usize = 2;

/// Bytes to set aside for a request before its body is read.
pub(super) fn at_first(headers: &HeaderMap, most: usize) -> usize {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    length.unwrap_or(most).min(most).saturating_mul(HELD_FOR_EACH).min(AT_FIRST)
}

pub(super) fn no_room() -> Refusal {
    Refusal::unavailable("more events are waiting to be stored than there is room for")
}

/// Reads and unpacks the body, up to `most` bytes of text, claiming room for what has come.
pub(super) async fn read(headers: &HeaderMap, body: Body, most: usize, room: &mut Claim) -> Result<String, Refusal> {
    let slow = |_| Refusal::new(axum::http::StatusCode::REQUEST_TIMEOUT, "timeout", "the body took too long");
    let reading = async {
        let mut bytes = Vec::new();
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = tokio::time::timeout(PAUSE, chunks.next()).await.map_err(slow)? {
            let chunk = chunk.map_err(|_| Refusal::invalid_json("the request ended before its body did"))?;
            let come = bytes.len() + chunk.len();
            if come > most {
                return Err(too_large(most));
            }
            let held = come.saturating_mul(HELD_FOR_EACH);
            // In leaps, so that a long body asks a few times only.
            if held > room.bytes()
                && !room.grow_to(held.saturating_mul(2).min(most.saturating_mul(HELD_FOR_EACH))).await
            {
                return Err(no_room());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    let bytes = tokio::time::timeout(PATIENCE, reading).await.map_err(slow)??;
    let is_packed = is_packed(headers) || looks_packed(&bytes);
    // However little it is packed, it may grow to the limit.
    if is_packed && !room.grow_to(bytes.len() + most).await {
        return Err(no_room());
    }
    let text = text(bytes, is_packed, most)?;
    room.shrink_to(text.len().saturating_mul(HELD_FOR_EACH));
    Ok(text)
}

fn looks_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// The body as text. What begins as gzip does is unpacked, whatever its headers say.
pub(super) fn text(bytes: Vec<u8>, is_packed: bool, most: usize) -> Result<String, Refusal> {
    let bytes =
        if is_packed || looks_packed(&bytes) { unpack(&bytes, most)?.ok_or_else(|| too_large(most))? } else { bytes };
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
    use crate::ingest::Room;

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
    fn little_is_set_aside_for_what_is_only_said() {
        let mut headers = HeaderMap::new();
        assert_eq!(at_first(&headers, 100), 200);
        headers.insert(header::CONTENT_LENGTH, "30".parse().unwrap());
        assert_eq!(at_first(&headers, 100), 60);
        headers.insert(header::CONTENT_LENGTH, "4718592".parse().unwrap());
        assert_eq!(at_first(&headers, 5 << 20), AT_FIRST);
        headers.insert(header::CONTENT_LENGTH, "99999999999999999999".parse().unwrap());
        assert_eq!(at_first(&headers, 100), 200);
    }

    #[tokio::test]
    async fn room_is_claimed_for_what_has_come_and_given_back() {
        let room = Room::new(1 << 20).with_patience(Duration::ZERO);
        let body = |bytes: usize| Body::from(vec![b' '; bytes]);
        let headers = HeaderMap::new();
        let mut claim = room.claim(1024).await.unwrap();
        assert_eq!(read(&headers, body(200_000), 1 << 20, &mut claim).await.unwrap().len(), 200_000);
        assert_eq!(claim.bytes(), 391 * 1024, "twice the text, in KiB");
        let all = room.claim((1 << 20) - claim.bytes()).await.unwrap();
        let mut other = claim;
        let refused = read(&headers, body(400_000), 1 << 20, &mut other).await.unwrap_err();
        assert_eq!(refused.code, "unavailable");
        drop(all);
        let mut packed_one = room.claim(1024).await.unwrap();
        let text = read(&headers, Body::from(packed(&[b' '; 3_000])), 100_000, &mut packed_one).await.unwrap();
        assert_eq!((text.len(), packed_one.bytes()), (3_000, 6 * 1024));
    }
}
