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
pub(super) fn length_of_text(quoted: &str) -> usize {
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

/// What a text between quotes says, the last of which may be missing; as it stands where that cannot be read.
pub(super) fn unescaped(quoted: &str) -> Cow<'_, str> {
    let inside = quoted.strip_prefix('"').unwrap_or(quoted);
    let inside = inside.strip_suffix('"').unwrap_or(inside);
    if !inside.contains('\\') {
        return Cow::Borrowed(inside);
    }
    let whole = format!("\"{inside}\"");
    serde_json::from_str::<String>(&whole).map_or(Cow::Borrowed(inside), Cow::Owned)
}

/// A compact object without a member, however often it has it.
pub(super) fn without(object: &str, name: &str) -> String {
    let inside = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    let is_other = |member: &&str| {
        let key = member.get(..length_of_text(member).min(member.len())).unwrap_or_default();
        unescaped(key) != name
    };
    let others: Vec<&str> = members(inside).into_iter().filter(is_other).collect();
    format!("{{{}}}", others.join(","))
}

/// What commas part, but for those in texts, lists and objects.
fn members(inside: &str) -> Vec<&str> {
    let (mut found, mut start, mut at, mut depth) = (Vec::new(), 0, 0, 0_usize);
    while let Some(next) = inside.get(at..).and_then(|rest| rest.find(['"', '{', '}', '[', ']', ','])) {
        at += next;
        let rest = inside.get(at..).unwrap_or_default();
        match rest.as_bytes().first() {
            Some(b'"') => {
                at += length_of_text(rest);
                continue;
            }
            Some(b'{' | b'[') => depth += 1,
            Some(b'}' | b']') => depth = depth.saturating_sub(1),
            _ if depth == 0 => {
                found.extend(inside.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    found.extend(inside.get(start..));
    found
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

    #[test]
    fn a_member_is_taken_out_wherever_it_stands() {
        let cases = [
            (r#"{"k":"x","a":[1,{"k":2}],"b":"k,\"}"}"#, r#"{"a":[1,{"k":2}],"b":"k,\"}"}"#),
            (r#"{"a":1,"k":{"a":[1,"}"]},"\u006b":3,"b":2}"#, r#"{"a":1,"b":2}"#),
            (r#"{"a":1,"k":null}"#, r#"{"a":1}"#),
            (r#"{"k":1}"#, "{}"),
            ("{}", "{}"),
        ];
        for (object, want) in cases {
            assert_eq!(without(object, "k"), want, "{object}");
        }
    }
}
