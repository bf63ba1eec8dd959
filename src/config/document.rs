//! TOML text → [`Table`]. Syntax errors (E001) and keys defined twice (E002) are found here, all of them at once.

use std::panic::catch_unwind;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::diagnostic::{Diagnostic, Place, Problems};
use crate::config::text::{SourceText, Span};
use crate::config::tree::{Entry, Node, Table, Value};

/// Deepest nesting; the format itself needs six levels.
const MAX_DEPTH: usize = 12;

/// The tree of a text. `None` if the text is no TOML; the problems then say why. With keys defined twice there is a tree
/// (of the first definitions), so that everything else can be checked as well.
pub fn parse(text: &Arc<SourceText>, problems: &Problems) -> Option<Table> {
    // The parser is not ours and the text is hostile: a panic in it is a syntax error, not the end of the program.
    let parsed = catch_unwind(|| DeTable::parse_recoverable(text.text()));
    let Ok((table, errors)) = parsed else {
        problems.add(Diagnostic::new("E001", format!("TOML syntax: {} cannot be read", text.name())));
        return None;
    };
    let mut usable = true;
    let tree = convert_table(table.get_ref(), text, 0, problems, &mut usable);
    let mut last_line = 0;
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        if error.message().starts_with("duplicate key") {
            problems.add(defined_twice(text, &tree, span));
            continue;
        }
        usable = false;
        let place = Place::new(text, span);
        // One slip makes the parser stumble several times on its line.
        let line = place.position().line;
        if line != last_line {
            problems.add(syntax(&place, error.message()));
        }
        last_line = line;
    }
    usable.then_some(tree)
}

fn syntax(place: &Place, message: &str) -> Diagnostic {
    let (line, _) = place.text.line(place.position().line);
    let value = line.split_once('=').map(|(_, value)| value.trim_start());
    let bare = value.is_some_and(|value| value.starts_with(|c: char| c.is_alphabetic()));
    let problem = Diagnostic::new("E001", format!("TOML syntax: {message}")).at(place);
    if bare { problem.help("strings need quotes: key = \"value\"") } else { problem }
}

fn defined_twice(text: &Arc<SourceText>, tree: &Table, span: Span) -> Diagnostic {
    let place = Place::new(text, span.clone());
    let position = place.position();
    let (line, _) = text.line(position.line);
    let header = line.trim_start().starts_with('[').then(|| header_of(line));
    let (name, first) = match header {
        Some(header) => {
            let first = (1..position.line).find(|before| header_of(text.line(*before).0) == header);
            (header, first)
        }
        None => {
            let key = unquoted(text.slice(&span));
            match last_before(tree, &key, span.start) {
                Some((section, first)) if section.is_empty() => (key, Some(first.position().line)),
                Some((section, first)) => (format!("[{section}] {key}"), Some(first.position().line)),
                None => (key, None),
            }
        }
    };
    let first = first.map_or_else(String::new, |line| format!(" (first at {}:{line})", text.name()));
    Diagnostic::new("E002", format!("`{name}` is defined twice{first}")).at(&place).help("remove one")
}

/// `[store]` of a header line, without comment and spaces around.
fn header_of(line: &str) -> String {
    line.split('#').next().unwrap_or("").trim().to_owned()
}

fn unquoted(key: &str) -> String {
    key.trim_matches(['"', '\'']).to_owned()
}

/// The definition of a key that stands last before an offset, and the section it is in: a key defined twice follows its
/// first definition with nothing of that name between.
fn last_before<'t>(table: &'t Table, key: &str, before: usize) -> Option<(String, &'t Place)> {
    let mut found: Option<(String, &Place)> = None;
    let mut look = |section: String, place: &'t Place| {
        if place.span.start < before && found.as_ref().is_none_or(|(_, have)| have.span.start < place.span.start) {
            found = Some((section, place));
        }
    };
    for entry in &table.entries {
        if entry.key == key {
            look(String::new(), &entry.key_place);
        }
        let inner: Vec<&Table> = match &entry.node.value {
            Value::Table(inner) => vec![inner],
            Value::Array(items) => items
                .iter()
                .filter_map(|item| match &item.value {
                    Value::Table(inner) => Some(inner),
                    _ => None,
                })
                .collect(),
            _ => continue,
        };
        for (section, place) in inner.into_iter().filter_map(|inner| last_before(inner, key, before)) {
            let section = if section.is_empty() { entry.key.clone() } else { format!("{}.{section}", entry.key) };
            look(section, place);
        }
    }
    found
}

fn convert_table(
    table: &DeTable<'_>,
    text: &Arc<SourceText>,
    depth: usize,
    problems: &Problems,
    usable: &mut bool,
) -> Table {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_place: Place::new(text, key.span()),
            node: convert(value, text, depth + 1, problems, usable),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_place.span.start);
    Table { entries }
}

fn convert(
    value: &Spanned<DeValue<'_>>,
    text: &Arc<SourceText>,
    depth: usize,
    problems: &Problems,
    usable: &mut bool,
) -> Node {
    let place = Place::new(text, value.span());
    let mut refuse = |message: String| {
        problems.add(Diagnostic::new("E001", format!("TOML syntax: {message}")).at(&place));
        *usable = false;
        Value::Bool(false)
    };
    if depth > MAX_DEPTH {
        let value = refuse(format!("nested more than {MAX_DEPTH} levels deep"));
        return Node { value, place };
    }
    let value = match value.get_ref() {
        DeValue::String(string) => Value::Text(string.to_string()),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) => Value::Integer(number),
            // What the parser recovers from broken syntax; it has reported that itself.
            Err(_) if integer.as_str().is_empty() => Value::Integer(0),
            Err(_) => refuse("an integer of more than 64 bits".into()),
        },
        DeValue::Float(float) => Value::Float(float.as_str().to_owned()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(at) => Value::Datetime(at.to_string()),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| convert(item, text, depth + 1, problems, usable)).collect())
        }
        DeValue::Table(table) => Value::Table(convert_table(table, text, depth, problems, usable)),
    };
    Node { value, place }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems_of(text: &str) -> (Option<Table>, Vec<String>) {
        let problems = Problems::default();
        let tree = parse(&Arc::new(SourceText::new("sync.toml", text)), &problems);
        (tree, problems.into_sorted().0.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_tree_knows_its_places() {
        let (tree, problems) = problems_of("a = 1\n[b]\nc = [\"x\", 2.50]\n[[d]]\ne.f = 2026-09-01\n");
        assert_eq!(problems, Vec::<String>::new());
        let tree = tree.unwrap();
        assert_eq!(tree.entries.iter().map(|entry| entry.key.as_str()).collect::<Vec<_>>(), ["a", "b", "d"]);
        let Value::Table(b) = &tree.get("b").unwrap().node.value else { panic!("b") };
        let Value::Array(c) = &b.get("c").unwrap().node.value else { panic!("c") };
        assert_eq!(c[1].value, Value::Float("2.50".into()));
        assert_eq!(c[1].place.position().column, 11);
    }

    #[test]
    fn syntax_errors_have_a_place_and_a_hint() {
        let (tree, problems) = problems_of("preset = \"b2b\"\ntimezone = Europe\n\n[store\npath = \"x\"\n");
        assert!(tree.is_none());
        assert!(problems[0].contains("error[E001]: TOML syntax: "), "{problems:?}");
        assert!(problems[0].contains("sync.toml:2:12") && problems[0].contains("strings need quotes"), "{problems:?}");
        assert!(problems[1].contains("sync.toml:4:"), "{problems:?}");
    }

    #[test]
    fn keys_defined_twice_name_the_first() {
        let text = "preset = \"b2b\"\n[schedule]\npull = \"5m\"\n[store]\npath = \"a\"\n[schedule.x]\npull = \"1\"\npull = \"2\"\n[store] # again\n";
        let (tree, problems) = problems_of(text);
        assert!(tree.is_some());
        assert_eq!(problems.len(), 2);
        assert!(problems[0].starts_with("error[E002]: `[schedule.x] pull` is defined twice (first at sync.toml:7)\n"));
        assert!(problems[1].starts_with("error[E002]: `[store]` is defined twice (first at sync.toml:4)\n"));
    }

    #[test]
    fn nesting_and_numbers_have_limits() {
        let (tree, problems) = problems_of(&format!("a = {}{}", "[".repeat(40), "]".repeat(40)));
        assert!(tree.is_none() && problems[0].contains("12 levels"), "{problems:?}");
        let (tree, problems) = problems_of("a = 99999999999999999999");
        assert!(tree.is_none() && problems[0].contains("64 bits"), "{problems:?}");
        let (tree, problems) = problems_of(&format!("a = {}", "[".repeat(100_000)));
        assert!(tree.is_none() && !problems.is_empty());
    }
}
