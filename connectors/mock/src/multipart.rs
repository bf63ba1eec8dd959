//! `multipart/form-data`, as far as mocks receive it: whole parts in memory, found by name.

/// One part of a form.
#[derive(Debug, PartialEq, Eq)]
pub struct Part<'a> {
    pub name: String,
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

/// The named parts of a body, in order.
pub fn parts<'a>(body: &'a [u8], boundary: &str) -> Vec<Part<'a>> {
    let marker = format!("--{boundary}");
    let mut found = Vec::new();
    for piece in pieces(body, marker.as_bytes()) {
        let Some(at) = find(piece, b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(piece.get(..at).unwrap_or_default()).into_owned();
        let content = piece.get(at + 4..).unwrap_or_default();
        let content = content.strip_suffix(b"\r\n").unwrap_or(content);
        if let Some(name) = name_of(&head) {
            found.push(Part { name, content });
        }
    }
    found
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
    fn parts_come_out_whole() {
        let body = "--xyz\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name=\"job\"\r\n\r\n{\"a\":1}\r\n\
                    --xyz\r\nContent-Disposition: form-data; name=\"content\"; filename=\"content\"\r\nContent-Type: text/csv\r\n\r\n\
                    Id\n1\n\r\n--xyz--\r\n";
        let found = parts(body.as_bytes(), "xyz");
        let expected: [(&str, &[u8]); 2] = [("job", b"{\"a\":1}"), ("content", b"Id\n1\n")];
        assert_eq!(found.iter().map(|part| (part.name.as_str(), part.content)).collect::<Vec<_>>(), expected);
        assert!(parts(b"--xyz\r\n\r\n--xyz--", "xyz").is_empty());
    }

    #[test]
    fn the_boundary_may_be_quoted() {
        assert_eq!(boundary("multipart/form-data; boundary=\"a b\""), Some("a b"));
        assert_eq!(boundary("multipart/form-data;charset=utf-8;boundary=ab"), Some("ab"));
        assert_eq!(boundary("application/json; boundary=ab"), None);
    }
}
