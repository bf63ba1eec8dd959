//! What is kept of a message that cannot be taken: no more of an address than is kept elsewhere, and no write key. It may be cut
//! short or no JSON at all, so its texts are looked at one by one.

use std::net::IpAddr;

use super::body::{length_of_text, unescaped};
use crate::consent::{Policy, StoreIp};

/// Members that hold a sender's address, as accepted messages have them cut.
const ADDRESSES: [&str; 4] = ["ip", "request_ip", "ipAddress", "ip_address"];

/// The text as a sample, at most so many bytes of it.
pub(super) fn kept(text: &str, policy: &Policy, most: usize) -> String {
    let is_json = text.trim_start().starts_with(['{', '[']);
    let mut kept = if is_json { json(text, policy) } else { cells(text, policy) };
    kept.truncate(kept.floor_char_boundary(most));
    kept
}

/// What the text before a colon says that the one behind it is.
#[derive(Clone, Copy)]
enum Names {
    Address,
    WriteKey,
}

fn json(text: &str, policy: &Policy) -> String {
    let mut kept = String::with_capacity(text.len());
    let cuts = policy.store_ip != StoreIp::Full;
    let (mut rest, mut names) = (text, None);
    while !rest.is_empty() {
        let (between, from_quote) = rest.split_at(rest.find('"').unwrap_or(rest.len()));
        let (quoted, after) = from_quote.split_at(length_of_text(from_quote).min(from_quote.len()));
        kept.push_str(between);
        let said = unescaped(quoted);
        match names.filter(|_| between.trim() == ":") {
            Some(Names::WriteKey) => kept.push_str("null"),
            Some(Names::Address) => match address(&said, policy) {
                Some(address) => kept.push_str(&format!("\"{address}\"")),
                None => kept.push_str("null"),
            },
            None => kept.push_str(quoted),
        }
        names = match &*said {
            "writeKey" => Some(Names::WriteKey),
            name if cuts && ADDRESSES.contains(&name) => Some(Names::Address),
            _ => None,
        };
        rest = after;
    }
    kept
}

/// A row of other files does not say which of its cells is an address: each that is one counts as such.
fn cells(text: &str, policy: &Policy) -> String {
    let is_end = |c: char| matches!(c, ',' | ';' | '\t' | '|' | '\n' | '\r' | '"');
    let one = |cell: &str| match cell.trim().parse::<IpAddr>() {
        Ok(_) => address(cell, policy).unwrap_or_default(),
        Err(_) => cell.to_owned(),
    };
    let mut kept = String::with_capacity(text.len());
    for cell in text.split_inclusive(is_end) {
        match cell.char_indices().next_back().filter(|(_, last)| is_end(*last)) {
            Some((at, _)) => {
                let (cell, end) = cell.split_at(at);
                kept.push_str(&one(cell));
                kept.push_str(end);
            }
            None => kept.push_str(&one(cell)),
        }
    }
    kept
}

fn address(text: &str, policy: &Policy) -> Option<String> {
    policy.kept_of(text.trim().parse().ok()?).map(|address| address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_cut_and_write_keys_are_not_kept() {
        let cases = [
            (
                r#"{"writeKey":"k1","context":{"ip":"203.0.113.77"},"#,
                r#"{"writeKey":null,"context":{"ip":"203.0.113.0"},"#,
            ),
            (r#"{"writeK\u0065y" : "k1", "ip": "no address"}"#, r#"{"writeK\u0065y" : null, "ip": null}"#),
            (
                r#"{"a":"ip","b":"203.0.113.77","version":"1.2.3.4"}"#,
                r#"{"a":"ip","b":"203.0.113.77","version":"1.2.3.4"}"#,
            ),
            (r#"{"writeKey":"k1 and no e"#, r#"{"writeKey":null"#),
            ("a;203.0.113.77 ;\"2001:db8:1:2::3\";x y", "a;203.0.113.0;\"2001:db8:1::\";x y"),
        ];
        for (text, want) in cases {
            assert_eq!(kept(text, &Policy::default(), 1_000), want);
        }
        let with = |store_ip| kept(r#"{"ip":"203.0.113.77"}"#, &Policy { store_ip, ..Policy::default() }, 1_000);
        assert_eq!(
            (with(StoreIp::None), with(StoreIp::Full)),
            (r#"{"ip":null}"#.into(), r#"{"ip":"203.0.113.77"}"#.into())
        );
        assert_eq!(kept("{\"ü\"", &Policy::default(), 3), "{\"");
    }
}
