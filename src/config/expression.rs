//! Conditions in the file: compiled against the names of one place, with the caret inside the string.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use crate::config::diagnostic::{Diagnostic, Place};
use crate::config::mask;
use crate::config::reader::Bad;
use crate::config::tree::Node;
use crate::config::value;
use crate::expr::{Expr, ExprError, Scope};

/// A condition.
pub fn condition(scope: &Scope) -> impl Fn(&Node) -> Result<Expr, Bad> {
    move |node| compiled(node, |text| Expr::compile(text, scope))
}

/// A formula.
pub fn formula(scope: &Scope) -> impl Fn(&Node) -> Result<Expr, Bad> {
    move |node| compiled(node, |text| Expr::compile_value(text, scope))
}

/// The names that a formula reads.
pub fn names(scope: &Scope) -> impl Fn(&Node) -> Result<BTreeSet<Arc<str>>, Bad> {
    move |node| compiled(node, |text| Expr::names_in(text, scope))
}

fn compiled<T>(node: &Node, read: impl FnOnce(&str) -> Result<T, ExprError>) -> Result<T, Bad> {
    let text = value::text(node).map_err(|_| Bad::Shape("an expression in quotes"))?;
    read(&text).map_err(|error| {
        let place = inside(&node.place, &text, &error.span);
        let message = format!("expression: {}", mask::message(&error.message));
        let problem = Diagnostic::new(error.code.as_str(), message).at(&place);
        Bad::Value(match error.help {
            Some(help) => problem.help(help),
            None => problem,
        })
    })
}

/// The place in the file of a span of a string's value. Where escapes cannot be followed it is the whole string.
pub fn inside(string: &Place, value: &str, span: &Range<usize>) -> Place {
    let raw = string.text.slice(&string.span);
    let offsets = offsets(raw, value);
    let at = |byte: usize| offsets.as_ref().and_then(|offsets| offsets.get(byte).copied());
    match (at(span.start), at(span.end)) {
        (Some(start), Some(end)) => {
            Place::new(&string.text, string.span.start + start..string.span.start + end.max(start + 1))
        }
        _ => string.clone(),
    }
}

/// For each byte of the value, and for its end, the byte of the literal it stands at.
fn offsets(raw: &str, value: &str) -> Option<Vec<usize>> {
    let quote = raw.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let three: String = std::iter::repeat_n(quote, 3).collect();
    let mut at = match raw.strip_prefix(&three) {
        Some(rest) => 3 + rest.strip_prefix("\r\n").map_or(usize::from(rest.starts_with('\n')), |_| 2),
        None => 1,
    };
    let mut offsets = Vec::with_capacity(value.len() + 1);
    for c in value.chars() {
        offsets.extend(std::iter::repeat_n(at, c.len_utf8()));
        let rest = raw.get(at..)?;
        if quote == '"' && rest.starts_with('\\') {
            at += match rest.chars().nth(1)? {
                'u' => 6,
                'U' => 10,
                'x' => 4,
                // A line joined by a backslash: the place within it is not worth the trouble.
                '\n' | '\r' | ' ' | '\t' => return None,
                _ => 2,
            };
        } else if rest.starts_with(c) {
            at += c.len_utf8();
        } else {
            return None;
        }
    }
    offsets.push(at);
    Some(offsets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::text::SourceText;

    #[test]
    fn carets_point_inside_the_string() {
        let cases = [
            (r#"'a == "ü" && x'"#, r#"a == "ü" && x"#),
            (r#""a == \"\u00fc\" && x""#, r#"a == "ü" && x"#),
            ("'''\na && x'''", "a && x"),
            ("\"\"\"a\n && x\"\"\"", "a\n && x"),
        ];
        for (raw, value) in cases {
            let place = Place::new(&Arc::new(SourceText::new("t", raw)), 0..raw.len());
            let from = value.find('x').unwrap();
            let found = inside(&place, value, &(from..from + 1));
            assert_eq!(found.text.slice(&found.span), "x", "{raw}");
        }
        let joined = "\"\"\"a \\\n  && x\"\"\"";
        let place = Place::new(&Arc::new(SourceText::new("t", joined)), 0..joined.len());
        assert_eq!(inside(&place, "a && x", &(5..6)), place);
    }
}
