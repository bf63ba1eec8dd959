//! `$batch` on the wire: independent requests in one body, and their answers in one. Pure.
//!
//! Every request is a part of its own and in no change set: a change set stands and falls as one.

use connector_http::Answer;
use http::StatusCode;

/// One request of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub method: &'static str,
    /// Rooted, with its query.
    pub target: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// One answer of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub status: u16,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Part {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }
}

/// The body of a batch. Lines end with CR LF, and each part's body is followed by one: a server that misses it cannot read
/// the part.
pub(crate) fn written(boundary: &str, requests: &[Request]) -> Vec<u8> {
    let mut out = Vec::with_capacity(requests.len() * 512);
    for (nth, request) in requests.iter().enumerate() {
        let head = format!(
            "--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {}\r\n\r\n{} {} HTTP/1.1\r\n",
            nth + 1,
            request.method,
            request.target
        );
        out.extend_from_slice(head.as_bytes());
        for (name, value) in &request.headers {
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&request.body);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    out
}

/// The answers of a batch in their order; the error says why they cannot be read.
pub(crate) fn read(answer: &Answer) -> Result<Vec<Part>, String> {
    let kind = answer.headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let boundary = boundary(kind).ok_or("the answer to a batch names no boundary")?;
    parts(&answer.body, &boundary)
}

/// `multipart/mixed; boundary="batchresponse_1"`, quoted or not.
fn boundary(kind: &str) -> Option<String> {
    let (media, rest) = kind.split_once(';')?;
    if !media.trim().eq_ignore_ascii_case("multipart/mixed") {
        return None;
    }
    let named = rest.split(';').find_map(|option| {
        let (name, value) = option.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    });
    named.filter(|boundary| !boundary.is_empty() && boundary.len() <= 200)
}

fn parts(body: &[u8], boundary: &str) -> Result<Vec<Part>, String> {
    let (open, close) = (format!("--{boundary}"), format!("--{boundary}--"));
    let mut parts = Vec::new();
    let mut begun: Option<usize> = None;
    let mut at = 0;
    while at < body.len() {
        let end = body[at..].iter().position(|byte| *byte == b'\n').map_or(body.len(), |found| at + found + 1);
        let line = trimmed(&body[at..end]);
        let is_close = line == close.as_bytes();
        if is_close || line == open.as_bytes() {
            if let Some(from) = begun {
                parts.push(part(&body[from..at])?);
            }
            if is_close {
                return Ok(parts);
            }
            begun = Some(end);
        }
        at = end;
    }
    Err("the answer to a batch ends before its last part".to_owned())
}

fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    line.trim_ascii_end()
}

/// A part: its own headers, an empty line, and an answer as HTTP writes it.
fn part(bytes: &[u8]) -> Result<Part, String> {
    let broken = || "a part of the answer to a batch cannot be read".to_owned();
    let (_, inner) = head(bytes).ok_or_else(broken)?;
    let inner = inner.trim_ascii_start();
    let (mut lines, body) = head(inner).unwrap_or_else(|| (lines_of(inner), &[]));
    if lines.is_empty() {
        return Err(broken());
    }
    let status = lines.remove(0);
    let mut words = status.split_ascii_whitespace();
    let is_http = words.next().is_some_and(|word| word.starts_with("HTTP/"));
    let status = words.next().and_then(|code| code.parse::<u16>().ok()).filter(|_| is_http);
    let status = status.filter(|code| StatusCode::from_u16(*code).is_ok()).ok_or_else(broken)?;
    let headers = lines
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Ok(Part { status, headers, body: body.trim_ascii().to_vec() })
}

/// The lines up to the first empty one, and what follows it.
fn head(bytes: &[u8]) -> Option<(Vec<String>, &[u8])> {
    let mut at = 0;
    let mut lines = Vec::new();
    while at < bytes.len() {
        let end = bytes[at..].iter().position(|byte| *byte == b'\n').map(|found| at + found + 1)?;
        let line = trimmed(&bytes[at..end]);
        if line.is_empty() {
            return Some((lines, &bytes[end..]));
        }
        lines.push(String::from_utf8_lossy(line).into_owned());
        at = end;
    }
    None
}

fn lines_of(bytes: &[u8]) -> Vec<String> {
    let lines = bytes.split(|byte| *byte == b'\n').map(trimmed).filter(|line| !line.is_empty());
    lines.map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_written_as_the_reference_shows() {
        let request = Request {
            method: "PATCH",
            target: "/api/data/v9.2/contacts(1)".into(),
            headers: vec![("Content-Type", "application/json".into()), ("If-Match", "*".into())],
            body: b"{\"a\":1}".to_vec(),
        };
        assert_eq!(
            String::from_utf8(written("batch_7d1", &[request])).unwrap(),
            "--batch_7d1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\n\
             PATCH /api/data/v9.2/contacts(1) HTTP/1.1\r\nContent-Type: application/json\r\nIf-Match: *\r\n\r\n\
             {\"a\":1}\r\n--batch_7d1--\r\n"
        );
    }

    const ANSWER: &str = "--batchresponse_0f\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
        HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\nOData-EntityId: x/contacts(1)\r\n\r\n\r\n\
        --batchresponse_0f\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 404 Not Found\r\nREQ_ID: 5\r\n\r\n\
        {\"error\":{\"code\":\"0x80040217\"}}\r\n--batchresponse_0f--\r\n";

    #[test]
    fn answers_come_in_their_order() {
        let read = parts(ANSWER.as_bytes(), "batchresponse_0f").unwrap();
        assert_eq!(read.iter().map(|part| part.status).collect::<Vec<_>>(), [204, 404]);
        assert_eq!(read[0].header("odata-entityid"), Some("x/contacts(1)"));
        assert!(read[0].body.is_empty());
        assert_eq!(read[1].body, b"{\"error\":{\"code\":\"0x80040217\"}}");
        // Bare line feeds and a preamble are taken as well.
        let loose = format!("\r\npreamble\n{}", ANSWER.replace("\r\n", "\n"));
        assert_eq!(parts(loose.as_bytes(), "batchresponse_0f").unwrap().len(), 2);
    }

    #[test]
    fn a_broken_answer_is_no_answer() {
        let cut = &ANSWER[..ANSWER.len() - 25];
        assert!(parts(cut.as_bytes(), "batchresponse_0f").is_err());
        for bad in ["", "--b\r\n--b--", "--b\r\n\r\nnonsense\r\n--b--", "--b\r\n\r\nHTTP/1.1 99999 X\r\n\r\n--b--"] {
            assert!(parts(bad.as_bytes(), "b").is_err(), "{bad:?}");
        }
        assert_eq!(parts(b"--b--\r\n", "b"), Ok(vec![]));
    }

    #[test]
    fn the_boundary_is_quoted_or_not() {
        assert_eq!(boundary("multipart/mixed; boundary=batchresponse_1").as_deref(), Some("batchresponse_1"));
        assert_eq!(boundary("Multipart/Mixed; charset=x; Boundary=\"b 2\"").as_deref(), Some("b 2"));
        for none in ["application/json", "multipart/mixed", "multipart/mixed; boundary=", "text/html; boundary=b"] {
            assert_eq!(boundary(none), None, "{none}");
        }
    }
}
