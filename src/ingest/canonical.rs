//! JSON in one spelling: what says the same is the same text.

use std::fmt::Write as _;

use crate::expr::Json;

/// JSON with sorted keys, without spaces, of repeated keys the last.
pub(super) fn canonical(value: &Json<'_>, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        // Writing to a text cannot fail.
        Json::Int(number) => drop(write!(out, "{number}")),
        Json::Float(number) => drop(write!(out, "{number}")),
        Json::Digits(digits) => out.push_str(digits),
        Json::Text(text) => quote(text, out),
        Json::List(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            let mut last: Vec<(&str, &Json<'_>)> = Vec::with_capacity(members.len());
            let mut sorted: Vec<&(_, _)> = members.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            for (key, value) in sorted {
                match last.last_mut() {
                    Some(before) if before.0 == key => before.1 = value,
                    _ => last.push((key, value)),
                }
            }
            out.push('{');
            for (place, (key, value)) in last.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                quote(key, out);
                out.push(':');
                canonical(value, out);
            }
            out.push('}');
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}
