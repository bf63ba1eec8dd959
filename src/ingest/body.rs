//! The message as received, without the spaces: digits, key order and unknown fields stay as they came.

/// Valid JSON without white space outside of texts.
pub(super) fn compact(text: &str) -> std::borrow::Cow<'_, str> {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    let mut inside = false;
    let mut escaped = false;
    // Most SDKs send no spaces at all, and then the text is taken as it is.
    let mut out: Option<Vec<u8>> = None;
    for (place, byte) in text.bytes().enumerate() {
        let blank = !inside && matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        if inside {
            let closes = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            inside = !closes;
        } else {
            inside = byte == b'"';
        }
        match &mut out {
            None if blank => out = Some(text.as_bytes().get(..place).unwrap_or_default().to_vec()),
            Some(out) if !blank => out.push(byte),
            _ => {}
        }
    }
    match out.map(String::from_utf8) {
        Some(Ok(out)) => out.into(),
        // Dropping ASCII bytes leaves UTF-8; the text as it is serves as well.
        Some(Err(_)) | None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_go_and_all_else_stays() {
        let text = "\t{ \"b\" : [ 1.50 , 12345678901234567890 ],\n \"a b\" : \"x \\\" y\\\\\" , \"ü\" : null }\r\n";
        assert_eq!(compact(text), r#"{"b":[1.50,12345678901234567890],"a b":"x \" y\\","ü":null}"#);
        let tight = r#"{"a":"b c"}"#;
        assert!(matches!(compact(tight), std::borrow::Cow::Borrowed(same) if same == tight));
    }
}
