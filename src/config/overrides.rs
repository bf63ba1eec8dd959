//! Environment variables `FERRY__SECTION__KEY` that override the file. They are put into the tree before it is read, so
//! they are checked like the file itself.

use std::sync::Arc;

use crate::config::diagnostic::{Diagnostic, Place, Problems};
use crate::config::document;
use crate::config::text::SourceText;
use crate::config::tree::{Entry, Node, Table, Value};

const PREFIX: &str = "FERRY__";

/// Longest value of a variable that is read.
const MAX_VALUE: usize = 64 * 1024;

/// The variables to apply. Off unless asked for.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Overrides(Vec<(String, String)>);

/// Names only: a value may be anything.
impl std::fmt::Debug for Overrides {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Overrides {
    pub fn none() -> Self {
        Self::default()
    }

    /// Those of `variables` whose names begin with `FERRY__`, in the order of their names.
    pub fn from_variables(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut kept: Vec<(String, String)> =
            variables.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
        kept.sort();
        Self(kept)
    }

    /// Sets each variable's key in the tree. `FERRY__STORE__PATH` is `[store] path`; `FERRY__CRM__MY_HUB__MODE` is `mode`
    /// of the connection called `my-hub` or `my_hub`. A value is TOML where it reads as such, and text otherwise.
    pub fn apply(&self, table: &mut Table, problems: &Problems) {
        for (name, value) in &self.0 {
            let line = format!("{name}={value}");
            let text = Arc::new(SourceText::new("environment", line));
            let name_place = Place::new(&text, 0..name.len());
            let path: Vec<String> = name.trim_start_matches(PREFIX).split("__").map(str::to_ascii_lowercase).collect();
            if value.len() > MAX_VALUE || path.iter().any(String::is_empty) || path.len() > 6 {
                problems.add(
                    Diagnostic::new("E003", "a variable that names no setting")
                        .at(&name_place)
                        .help("the form is FERRY__SECTION__KEY=value"),
                );
                continue;
            }
            let node = Node::new(read(value), &text, name.len() + 1..name.len() + 1 + value.len());
            if let Err(part) = set(table, &path, node, &name_place) {
                problems.add(
                    Diagnostic::new("E003", format!("the file has no entry called `{part}` to override"))
                        .at(&name_place)
                        .help("an override can set keys of entries that are in the file, not add entries"),
                );
            }
        }
    }
}

/// The value as TOML, or as text.
fn read(value: &str) -> Value {
    let silent = Problems::default();
    let line = Arc::new(SourceText::new("environment", format!("value = {value}")));
    let parsed = document::parse(&line, &silent).filter(|_| !silent.has_errors());
    match parsed.as_ref().map(|table| table.entries.as_slice()) {
        Some([only]) => only.node.value.clone(),
        _ => Value::Text(value.to_owned()),
    }
}

/// Sets the value at a path; fails with the part of the path where the file has something else than a table.
fn set(table: &mut Table, path: &[String], node: Node, name: &Place) -> Result<(), String> {
    let Some((key, rest)) = path.split_first() else { return Ok(()) };
    let at = table.entries.iter().position(|entry| entry.key == *key);
    if rest.is_empty() {
        let entry = Entry { key: key.clone(), key_place: name.clone(), node };
        match at.and_then(|at| table.entries.get_mut(at)) {
            Some(existing) => *existing = entry,
            None => table.entries.push(entry),
        }
        return Ok(());
    }
    let index = at.unwrap_or_else(|| {
        let empty = Node { value: Value::Table(Table { entries: Vec::new() }), place: name.clone() };
        table.entries.push(Entry { key: key.clone(), key_place: name.clone(), node: empty });
        table.entries.len() - 1
    });
    match table.entries.get_mut(index).map(|entry| &mut entry.node.value) {
        Some(Value::Table(inner)) => set(inner, rest, node, name),
        Some(Value::Array(items)) => {
            let (wanted, rest) = rest.split_first().ok_or_else(|| key.clone())?;
            let named = items.iter_mut().find_map(|item| match &mut item.value {
                Value::Table(inner) if is_called(inner, wanted) => Some(inner),
                _ => None,
            });
            match named {
                Some(inner) if !rest.is_empty() => set(inner, rest, node, name),
                _ => Err(wanted.clone()),
            }
        }
        _ => Err(key.clone()),
    }
}

/// Environment variables cannot hold `-`.
fn is_called(table: &Table, wanted: &str) -> bool {
    match table.get("name").map(|entry| &entry.node.value) {
        Some(Value::Text(name)) => name.replace('-', "_") == wanted,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::origin::toml_text;

    fn applied(file: &str, variables: &[(&str, &str)]) -> (String, Vec<String>) {
        let problems = Problems::default();
        let mut table = document::parse(&Arc::new(SourceText::new("sync.toml", file)), &problems).unwrap();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Overrides::from_variables(variables).apply(&mut table, &problems);
        let node = Node::new(Value::Table(table), &Arc::new(SourceText::new("", "")), 0..0);
        (toml_text(&node), problems.into_sorted().0.iter().map(|p| p.message.clone()).collect())
    }

    #[test]
    fn variables_set_keys() {
        let file = "preset = \"b2b\"\n[[crm]]\nname = \"my-hub\"\n";
        let variables = [
            ("FERRY__PRESET", "none"),
            ("FERRY__STORE__PATH", "/var/ferry.db"),
            ("FERRY__SAFETY__MAX_CREATES_PER_RUN", "7"),
            ("FERRY__CRM__MY_HUB__MODE", "dry_run"),
            ("PATH", "/bin"),
        ];
        let (text, problems) = applied(file, &variables);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(
            text,
            r#"{ preset = "none", crm = [{ name = "my-hub", mode = "dry_run" }], safety = { max_creates_per_run = 7 }, store = { path = "/var/ferry.db" } }"#
        );
    }

    #[test]
    fn what_names_no_setting_is_reported() {
        let variables = [("FERRY__CRM__OTHER__MODE", "x"), ("FERRY__", "x"), ("FERRY__PRESET__X", "1")];
        let (_, problems) = applied("preset = \"b2b\"\n[[crm]]\nname = \"hub\"\n", &variables);
        assert_eq!(
            problems,
            [
                "a variable that names no setting",
                "the file has no entry called `other` to override",
                "the file has no entry called `preset` to override"
            ]
        );
    }
}
