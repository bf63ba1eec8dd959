//! Reads one table key by key, knowing which keys are valid there, and reports what is wrong with each. A getter that
//! returns `None` has either found nothing or has reported why.

use std::sync::Arc;

use crate::config::diagnostic::{Diagnostic, Place, Problems};
use crate::config::keys::Keys;
use crate::config::origin::{Origin, Resolution, toml_text};
use crate::config::text::SourceText;
use crate::config::tree::{Entry, Node, Table, Value};
use crate::expr::nearest;

/// What reading a file collects.
#[derive(Debug, Default)]
pub struct Notes {
    pub problems: Problems,
    pub resolution: Resolution,
}

/// Why a value is refused.
#[derive(Debug)]
pub enum Bad {
    /// The wrong type (E006): what it must be, with its article ("a string").
    Shape(&'static str),
    /// The right type and a wrong value. Without a place it is put on the value.
    Value(Diagnostic),
}

impl Bad {
    pub fn value(code: &'static str, message: impl Into<String>) -> Self {
        Self::Value(Diagnostic::new(code, message))
    }

    /// The same on a part of the value: `key` inside it, which stands at `node`.
    pub fn inside(self, key: &str, node: &Node) -> Self {
        Self::Value(match self {
            Self::Shape(want) => {
                Diagnostic::new("E006", format!("`{key}` must be {want}, found {}", node.found())).at(&node.place)
            }
            Self::Value(problem) if problem.place.is_none() => problem.at(&node.place),
            Self::Value(problem) => problem,
        })
    }

    pub fn help(self, help: impl Into<String>) -> Self {
        match self {
            Self::Value(problem) => Self::Value(problem.help(help)),
            shape => shape,
        }
    }
}

/// One table being read.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    table: &'a Table,
    /// As messages name it: `` `[[crm]]` "hubspot" ``, `` `[schedule]` ``.
    named: String,
    /// As resolved settings name it: `crm.hubspot`. Empty for the root.
    path: String,
    /// As the file writes it: `crm`.
    header: String,
    /// Where it begins; what a missing key is reported at.
    begin: Option<Place>,
    notes: &'a Notes,
}

static EMPTY: Table = Table { entries: Vec::new() };

impl<'a> Reader<'a> {
    pub fn root(table: &'a Table, notes: &'a Notes) -> Self {
        Self { table, named: "the file".into(), path: String::new(), header: String::new(), begin: None, notes }
    }

    /// A table inside, or an empty one where it is absent. `None` (and E006) if it is something else.
    pub fn section(&self, key: &str) -> Option<Reader<'a>> {
        let named = format!("`[{}]`", self.header_of(key));
        match self.table.get(key) {
            Some(entry) => self.inside(&entry.node, key, named, self.path_of(key)),
            None => Some(self.under(&EMPTY, key, named, self.path_of(key), None)),
        }
    }

    /// A table as a value of `key`; E006 if it is none.
    pub fn inside(&self, node: &'a Node, key: &str, named: String, path: String) -> Option<Reader<'a>> {
        match &node.value {
            Value::Table(table) => Some(self.under(table, key, named, path, Some(node.place.clone()))),
            _ => {
                self.report_shape(key, node, "a table", &format!("[{}]", self.header_of(key)));
                None
            }
        }
    }

    fn under(&self, table: &'a Table, key: &str, named: String, path: String, begin: Option<Place>) -> Reader<'a> {
        Reader { table, named, path, header: self.header_of(key), begin, notes: self.notes }
    }

    /// The elements of an array of tables (`[[crm]]`), with the place each begins at.
    pub fn tables(&self, key: &str) -> Vec<Reader<'a>> {
        let Some(entry) = self.table.get(key) else { return Vec::new() };
        let Value::Array(items) = &entry.node.value else {
            self.report_shape(key, &entry.node, "an array of tables", &format!("[[{key}]]"));
            return Vec::new();
        };
        let named = format!("`[[{}]]`", self.header_of(key));
        items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| {
                self.inside(item, key, named.clone(), format!("{}.{}", self.path_of(key), index + 1))
            })
            .collect()
    }

    /// The same table under a better name, once its `name` is known.
    pub fn renamed(mut self, named: String, path: String) -> Self {
        self.named = named;
        self.path = path;
        self
    }

    pub fn notes(&self) -> &'a Notes {
        self.notes
    }

    pub fn named(&self) -> &str {
        &self.named
    }

    pub fn entries(&self) -> &'a [Entry] {
        &self.table.entries
    }

    pub fn entry(&self, key: &str) -> Option<&'a Entry> {
        self.table.get(key)
    }

    /// `crm.hubspot.token`
    pub fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn header_of(&self, key: &str) -> String {
        if self.header.is_empty() { key.to_owned() } else { format!("{}.{key}", self.header) }
    }

    pub fn report(&self, problem: Diagnostic) {
        self.notes.problems.add(problem);
    }

    /// Reports a problem of this table as a whole.
    pub fn report_here(&self, problem: Diagnostic) {
        match &self.begin {
            Some(begin) => self.report(problem.at(begin)),
            None => self.report(problem),
        }
    }

    /// Reports keys that are not valid here: E008 for those of a later version, E003 for the others.
    pub fn check_keys(&self, accepted: &[&'static str], later: &[&'static str]) {
        for entry in &self.table.entries {
            let key = entry.key.as_str();
            if accepted.contains(&key) {
                continue;
            }
            if later.contains(&key) {
                self.report(
                    Diagnostic::new("E008", format!("`{key}` in {} is not in this version", self.named))
                        .at(&entry.key_place)
                        .help("remove it: nothing is accepted and ignored"),
                );
                continue;
            }
            let shown = crate::config::mask::quoted(key);
            self.report(
                Diagnostic::new("E003", format!("unknown key `{}` in {}", shown.trim_matches('"'), self.named))
                    .at(&entry.key_place)
                    .suggest_key(nearest(key, accepted.iter().copied()))
                    .help(format!("known here: {}", accepted.join(", "))),
            );
        }
    }

    pub fn check(&self, keys: Keys) {
        self.check_keys(keys.accepted, keys.later);
    }

    /// A value, if the key is there and right.
    pub fn value<T>(&self, key: &str, example: &str, read: impl FnOnce(&'a Node) -> Result<T, Bad>) -> Option<T> {
        let entry = self.table.get(key)?;
        let value = self.read(key, &entry.node, example, read)?;
        self.resolve(key, &entry.node);
        Some(value)
    }

    /// A value, or `default` (a value of the format, as it would be written) where the key is absent.
    pub fn value_or<T>(
        &self,
        key: &str,
        default: Value,
        read: impl for<'n> FnOnce(&'n Node) -> Result<T, Bad>,
    ) -> Option<T> {
        let text = Arc::new(SourceText::new("the built-in default", ""));
        let default = Node::new(default, &text, 0..0);
        let (node, is_default) = match self.table.get(key) {
            Some(entry) => (&entry.node, false),
            None => (&default, true),
        };
        let value = self.read(key, node, &toml_text(&default), read)?;
        if is_default {
            self.notes.resolution.add(self.path_of(key), toml_text(node), Origin::Default);
        } else {
            self.resolve(key, node);
        }
        Some(value)
    }

    /// A value that must be there; `missing` is what is reported otherwise.
    pub fn required<T>(
        &self,
        key: &str,
        example: &str,
        missing: impl FnOnce() -> Diagnostic,
        read: impl FnOnce(&'a Node) -> Result<T, Bad>,
    ) -> Option<T> {
        if self.table.get(key).is_none() {
            self.report_here(missing());
            return None;
        }
        self.value(key, example, read)
    }

    /// Reads one node, reporting what is wrong with it.
    pub fn read<'n, T>(
        &self,
        key: &str,
        node: &'n Node,
        example: &str,
        read: impl FnOnce(&'n Node) -> Result<T, Bad>,
    ) -> Option<T> {
        match read(node) {
            Ok(value) => Some(value),
            Err(Bad::Shape(want)) => {
                self.report_shape(key, node, want, &format!("{key} = {example}"));
                None
            }
            Err(Bad::Value(problem)) => {
                self.report(if problem.place.is_some() { problem } else { problem.at(&node.place) });
                None
            }
        }
    }

    /// Notes where a setting came from.
    pub fn resolve(&self, key: &str, node: &Node) {
        self.notes.resolution.add(self.path_of(key), toml_text(node), Origin::of(&node.place));
    }

    fn report_shape(&self, key: &str, node: &Node, want: &str, example: &str) {
        self.report(
            Diagnostic::new("E006", format!("`{key}` must be {want}, found {}", node.found()))
                .at(&node.place)
                .help(format!("example `{example}`")),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document;
    use crate::config::value;

    fn read(text: &str, with: impl FnOnce(&Reader<'_>)) -> (Vec<String>, Vec<String>) {
        let notes = Notes::default();
        let tree = document::parse(&Arc::new(SourceText::new("sync.toml", text)), &notes.problems).unwrap();
        with(&Reader::root(&tree, &notes));
        let lines = notes.resolution.into_lines().iter().map(ToString::to_string).collect();
        (notes.problems.into_sorted().0.iter().map(|p| format!("{} {}", p.code, p.message)).collect(), lines)
    }

    #[test]
    fn keys_are_checked_against_the_closed_list() {
        let (problems, _) = read("[store]\npth = \"x\"\nbackup = 1\n", |root| {
            root.section("store").unwrap().check(crate::config::keys::STORE);
        });
        assert_eq!(
            problems,
            ["E003 unknown key `pth` in `[store]`", "E008 `backup` in `[store]` is not in this version"]
        );
    }

    #[test]
    fn values_fall_back_to_defaults_and_say_so() {
        let (problems, lines) = read("a = \"x\"\nc = 1\n", |root| {
            assert_eq!(root.value_or("a", Value::Text("y".into()), value::text), Some("x".into()));
            assert_eq!(root.value_or("b", Value::Text("y".into()), value::text), Some("y".into()));
            assert_eq!(root.value_or("c", Value::Text("y".into()), value::text), None);
        });
        assert_eq!(problems, ["E006 `c` must be a string, found integer 1"]);
        assert_eq!(lines, ["a = \"x\"  # sync.toml:1", "b = \"y\"  # default"]);
    }
}
