//! Whom a text may name that could not be read as a message. Looks too closely rather than not closely enough: whatever stands in
//! it could be an id.

use std::collections::BTreeSet;

use super::body::{length_of_text, unescaped};
use crate::model::{Identifier, IdentityRules, Region};

/// Longest identifier that is looked for, in bytes.
const LONGEST: usize = 320;

/// Every identifier of a person that the text could hold, cut short or not, JSON or not.
pub(super) fn identifiers_in(text: &str, rules: &IdentityRules) -> Vec<Identifier> {
    let pieces = pieces(text);
    let region = |piece: &String| if piece.len() == 2 { Region::of_code(piece) } else { None };
    let mut regions: Vec<Option<Region>> = match rules.default_region {
        Some(region) => vec![Some(region)],
        None => pieces.iter().filter_map(region).map(Some).collect(),
    };
    regions.push(None);
    let mut found = Vec::new();
    for piece in &pieces {
        found.extend(Identifier::user_id(piece));
        found.extend(rules.custom.keys().filter_map(|name| Identifier::custom(name, piece)));
        if piece.contains('@') {
            found.extend(Identifier::email(piece));
        }
        found.extend(Identifier::email_sha256(piece));
        if piece.len() <= 40 && piece.bytes().filter(u8::is_ascii_digit).count() >= 7 {
            found.extend(regions.iter().filter_map(|region| Identifier::phone(piece, *region)));
        }
    }
    found
}

fn pieces(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (between, from_quote) = rest.split_at(rest.find('"').unwrap_or(rest.len()));
        let (quoted, after) = from_quote.split_at(length_of_text(from_quote).min(from_quote.len()));
        add(&mut found, between);
        add(&mut found, &unescaped(quoted));
        rest = after;
    }
    found
}

/// The text itself, its cells and its words, and what colons part in them.
fn add(found: &mut BTreeSet<String>, text: &str) {
    let mut one = |piece: &str| {
        let piece = piece.trim();
        if !piece.is_empty() && piece.len() <= LONGEST && !found.contains(piece) {
            found.insert(piece.to_owned());
        }
    };
    one(text);
    let is_end =
        |c: char| matches!(c, ',' | ';' | '|' | '{' | '}' | '[' | ']' | '<' | '>' | '(' | ')') || c.is_control();
    for cell in text.split(is_end) {
        one(cell);
        for word in cell.split(|c: char| c.is_whitespace() || matches!(c, '\'' | '=' | '&' | '?')) {
            one(word);
            word.split(':').for_each(&mut one);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_stands_in_a_text_is_found() {
        let rules = IdentityRules::default();
        let cases = [
            (r#"{"userId":"u 1:a","x"#, "user_id:u 1:a"),
            (r#"{"userId":12345678901234567891}"#, "user_id:12345678901234567891"),
            (r#"{"type":"page","userId":42,"#, "user_id:42"),
            (r#"{"a":{"Email":"Ada\u0040Northwind.Example"#, "email:ada@northwind.example"),
            (r#"{"note":"call <ada@northwind.example>, soon"}"#, "email:ada@northwind.example"),
            ("2026-03-02;ADA@northwind.example;30", "email:ada@northwind.example"),
            ("a,\"L-1\",\"no end", "loyalty_id:L-1"),
            (r#"{"phone":"030 123456","country":"DE"}"#, "phone:+4930123456"),
            ("1,+49 30 123456,x", "phone:+4930123456"),
        ];
        for (text, want) in cases {
            let found: Vec<String> = identifiers_in(text, &rules).iter().map(ToString::to_string).collect();
            assert!(found.iter().any(|id| id == want), "{text}: {found:?}");
        }
    }
}
