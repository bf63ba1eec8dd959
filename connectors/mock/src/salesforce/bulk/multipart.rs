//! `multipart/form-data` with a JSON part `job` and a CSV part `content`: a job made, uploaded and closed in one call.

/// The two parts of a one-shot job.
#[derive(Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    pub job: &'a [u8],
    pub content: &'a [u8],
}

/// The boundary a `Content-Type` header names, when it is multipart.
pub fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let mut pairs = parameters.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"))?;
    Some(value.trim().trim_matches('"')).filter(|value| !value.is_empty())
}

/// Finds both parts.
///
/// # Errors
/// What is missing, in words.
pub fn split<'a>(body: &'a [u8], boundary: &str) -> Result<Parts<'a>, String> {
    let marker = format!("--{boundary}");
    let (mut job, mut content) = (None, None);
    for piece in pieces(body, marker.as_bytes()) {
        let Some(at) = find(piece, b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(piece.get(..at).unwrap_or_default()).into_owned();
        let text = piece.get(at + 4..).unwrap_or_default();
        let text = text.strip_suffix(b"\r\n").unwrap_or(text);
        match name_of(&head).as_deref() {
            Some("job") => job = Some(text),
            Some("content") => content = Some(text),
            _ => {}
        }
    }
    match (job, content) {
        (Some(job), Some(content)) => Ok(Parts { job, content }),
        (None, _) => Err("Multipart message is missing the part 'job'".into()),
        (_, None) => Err("Multipart message is missing the part 'content'".into()),
    }
}

/// What lies between two markers.
fn pieces<'a>(body: &'a [u8], marker: &[u8]) -> Vec<&'a [u8]> {
    let mut found = Vec::new();
    let Some(first) = find(body, marker) else { return found };
    let mut rest = body.get(first + marker.len()..).unwrap_or_default();
    while let Some(next) = find(rest, marker) {
        found.push(rest.get(..next).unwrap_or_default());
        rest = rest.get(next + marker.len()..).unwrap_or_default();
    }
    found
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len().max(1)).position(|window| window == needle)
}

fn name_of(head: &str) -> Option<String> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let (_, rest) = line.split_once(" name=").or_else(|| line.split_once(";name="))?;
    let name = rest.split(';').next()?.trim().trim_matches('"');
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_come_out_whole() {
        let body = "--xyz\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name=\"job\"\r\n\r\n{\"a\":1}\r\n\
                    --xyz\r\nContent-Disposition: form-data; name=\"content\"; filename=\"content\"\r\nContent-Type: text/csv\r\n\r\n\
                    Id\n1\n\r\n--xyz--\r\n";
        let parts = split(body.as_bytes(), "xyz").unwrap();
        assert_eq!(parts, Parts { job: b"{\"a\":1}", content: b"Id\n1\n" });
        assert!(split(b"--xyz\r\n\r\n--xyz--", "xyz").unwrap_err().contains("'job'"));
    }

    #[test]
    fn the_boundary_may_be_quoted() {
        assert_eq!(boundary("multipart/form-data; boundary=\"a b\""), Some("a b"));
        assert_eq!(boundary("multipart/form-data;charset=utf-8;boundary=ab"), Some("ab"));
        assert_eq!(boundary("application/json; boundary=ab"), None);
    }
}
