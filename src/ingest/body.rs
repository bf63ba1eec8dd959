//! The message as received, without the spaces: digits, key order and unknown fields stay as they came.

use std::borrow::Cow;

/// Valid JSON without white space outside of texts.
pub(super) fn compact(text: &str) -> Cow<'_, str> {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    // Most SDKs send no spaces at all, and then the text is taken as it is.
    let mut out: Option<String> = None;
    let mut rest = text;
    // Up to the text after the next: what is between texts byte by byte, each text at once.
    while !rest.is_empty() {
        let quote = rest.find('"').unwrap_or(rest.len());
        let (between, from_quote) = rest.split_at(quote);
        let (inside, after) = from_quote.split_at(length_of_text(from_quote));
        let is_blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
        if out.is_none() && between.contains(is_blank) {
            let so_far = text.len() - rest.len();
            let mut begun = String::with_capacity(text.len());
            begun.push_str(text.get(..so_far).unwrap_or_default());
            out = Some(begun);
        }
        if let Some(out) = &mut out {
            out.extend(between.split(is_blank));
            out.push_str(inside);
        }
        rest = after;
    }
    out.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Bytes of the text that begins with a quote, both quotes among them; all there is where it does not end.
fn length_of_text(quoted: &str) -> usize {
    let mut at = 1;
    while let Some(next) = quoted.get(at..).and_then(|rest| rest.find('"')) {
        let end = at + next;
        let inside = quoted.get(1..end).unwrap_or_default();
        let backslashes = inside.bytes().rev().take_while(|byte| *byte == b'\\').count();
        if backslashes % 2 == 0 {
            return end + 1;
        }
        at = end + 1;
    }
    quoted.len()
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
