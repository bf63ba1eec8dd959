//! A multipart body as calls. Line ends are CRLF; what stands before the first boundary is skipped.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::dynamics::refusal::Refusal;
use crate::exchange::Call;

#[derive(Debug)]
pub struct Part {
    pub content_id: Option<String>,
    pub call: Call,
}

#[derive(Debug)]
pub enum Entry {
    Alone(Part),
    ChangeSet(Vec<Part>),
}

/// The boundary of a multipart content type, quoted or not.
pub fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    let mut parameters = parameters.split(';').filter_map(|each| each.split_once('='));
    let value = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary")).map(|(_, value)| value)?;
    let value = value.trim().trim_matches('"');
    (!value.is_empty()).then(|| value.to_owned())
}

/// # Errors
/// 400 for a body that is no batch.
pub fn entries(body: &[u8], boundary: &str) -> Result<Vec<Entry>, Refusal> {
    let mut entries = Vec::new();
    for part in sections(body, boundary)? {
        let (headers, rest) = headers(part)?;
        let content_type = value(&headers, "content-type");
        match self::boundary(content_type) {
            Some(inner) => {
                let mut set = Vec::new();
                for part in sections(rest, &inner)? {
                    let (headers, rest) = self::headers(part)?;
                    set.push(request(&headers, rest)?);
                }
                entries.push(Entry::ChangeSet(set));
            }
            None => entries.push(Entry::Alone(request(&headers, rest)?)),
        }
    }
    Ok(entries)
}

fn malformed(why: &str) -> Refusal {
    Refusal::query(format!("Invalid batch request: {why}"))
}

fn value<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// What lies between the boundaries, without the line end that belongs to the next one.
fn sections<'a>(body: &'a [u8], boundary: &str) -> Result<Vec<&'a [u8]>, Refusal> {
    let mark = format!("--{boundary}");
    let mut starts = Vec::new();
    let mut at = 0;
    // A boundary stands at the start of a line.
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii_end();
        if text == mark.as_bytes() {
            starts.push((at, at + line.len(), false));
        } else if text.strip_suffix(b"--") == Some(mark.as_bytes()) {
            starts.push((at, at + line.len(), true));
        }
        at += line.len();
    }
    if starts.is_empty() {
        return Err(malformed("The boundary of the Content-Type header does not occur in the body."));
    }
    if !starts.iter().any(|(.., last)| *last) {
        return Err(malformed("Unexpected end of stream: the closing boundary is missing."));
    }
    let pairs = starts.windows(2).filter(|pair| matches!(pair, [(_, _, false), _]));
    Ok(pairs
        .filter_map(|pair| match pair {
            [(_, start, _), (end, ..)] => {
                let part = body.get(*start..*end)?;
                Some(part.strip_suffix(b"\r\n").or_else(|| part.strip_suffix(b"\n")).unwrap_or(part))
            }
            _ => None,
        })
        .collect())
}

/// Header lines up to a blank one, and what follows.
fn headers(part: &[u8]) -> Result<(HeaderMap, &[u8]), Refusal> {
    let mut headers = HeaderMap::new();
    let mut rest = part;
    loop {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (line, after) = match end {
            Some(end) => (rest.get(..end).unwrap_or_default(), rest.get(end + 1..).unwrap_or_default()),
            None => (rest, &[][..]),
        };
        if line.trim_ascii().is_empty() {
            return Ok((headers, after));
        }
        if end.is_some() && !line.ends_with(b"\r") {
            return Err(malformed("Line ends must be CRLF."));
        }
        let text = std::str::from_utf8(line).map_err(|_| malformed("A header is not text."))?;
        let (name, value) = text.split_once(':').ok_or_else(|| malformed("A header has no colon."))?;
        let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| malformed("A header has no name."))?;
        let value = HeaderValue::from_str(value.trim()).map_err(|_| malformed("A header has no value."))?;
        headers.append(name, value);
        rest = after;
    }
}

/// An `application/http` part.
fn request(outer: &HeaderMap, content: &[u8]) -> Result<Part, Refusal> {
    if !value(outer, "content-type").to_ascii_lowercase().starts_with("application/http") {
        return Err(malformed("The content type of a part must be application/http."));
    }
    if !value(outer, "content-transfer-encoding").eq_ignore_ascii_case("binary") {
        return Err(malformed("The Content-Transfer-Encoding of a part must be binary."));
    }
    let end = content.iter().position(|byte| *byte == b'\n').ok_or_else(|| malformed("A part has no request line."))?;
    let line = std::str::from_utf8(content.get(..end).unwrap_or_default()).unwrap_or("").trim();
    // The vendor's own client leaves the spaces of a query as they are: the version ends the line.
    let words = line.split_once(' ').and_then(|(method, rest)| Some((method, rest.strip_suffix(" HTTP/1.1")?.trim())));
    let Some((method, target)) = words.filter(|(_, target)| !target.is_empty()) else {
        return Err(malformed(&format!("The request line '{line}' is not valid.")));
    };
    let method = method.parse().map_err(|_| malformed("The method of a part is not valid."))?;
    let (headers, body) = headers(content.get(end + 1..).unwrap_or_default())?;
    let has_body = !body.trim_ascii().is_empty();
    let target = match target.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or_else(|| "/".to_owned(), |(_, path)| format!("/{path}")),
        None => target.to_owned(),
    };
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let content_id = match value(outer, "content-id") {
        "" => value(&headers, "content-id"),
        id => id,
    };
    Ok(Part {
        content_id: (!content_id.is_empty()).then(|| content_id.to_owned()),
        call: Call {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: if has_body { Bytes::copy_from_slice(body.trim_ascii()) } else { Bytes::new() },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_cut_into_calls_and_change_sets() {
        let body = "\r\n--batch_1\r\nContent-Type: application/http\r\ncontent-transfer-encoding: binary\r\n\r\n\
            GET https://org.example/api/data/v9.2/contacts?$top=1 HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n\
            --batch_1\r\nContent-Type: multipart/mixed; boundary=\"cs\"\r\n\r\n--cs\r\nContent-Type: application/http\r\n\
            Content-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\nPOST /api/data/v9.2/accounts HTTP/1.1\r\n\
            Content-Type: application/json\r\n\r\n{\"name\":\"x\"}\r\n--cs--\r\n\r\n--batch_1--";
        let entries = entries(body.as_bytes(), "batch_1").unwrap();
        let [Entry::Alone(get), Entry::ChangeSet(set)] = entries.as_slice() else { panic!("{entries:?}") };
        assert_eq!((get.call.path.as_str(), get.call.query.as_str()), ("/api/data/v9.2/contacts", "$top=1"));
        assert_eq!(set[0].content_id.as_deref(), Some("1"));
        assert_eq!(&set[0].call.body[..], b"{\"name\":\"x\"}");
    }

    #[test]
    fn what_is_no_batch_is_refused() {
        assert_eq!(boundary("multipart/mixed; boundary=\"b_1\"").as_deref(), Some("b_1"));
        assert_eq!(boundary("application/json"), None);
        assert!(entries(b"nothing", "b").is_err());
        assert!(entries(b"--b\r\nContent-Type: application/http\r\n", "b").is_err());
        assert!(entries(b"--b\nContent-Type: application/http\n\nGET / HTTP/1.1\n\n--b--", "b").is_err());
    }
}
