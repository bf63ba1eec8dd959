//! `[[source]]`: who sends events. In this version events come as files of JSON lines (`ferry ingest`).

use crate::config::diagnostic::{Diagnostic, Place};
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::reader::{Bad, Reader};
use crate::config::settings::SourceSettings;
use crate::config::tree::Node;
use crate::config::value;
use crate::expr::nearest;

/// Types of the format that this version cannot read.
const LATER: [&str; 2] = ["http", "csv"];

pub fn sources(root: &Reader<'_>) -> Option<Vec<SourceSettings>> {
    let mut names = Names::new("sources");
    let mut complete = true;
    let mut sources = Vec::new();
    for table in root.tables("source") {
        let name = required_name(&table, "website");
        let table = name_table(table, name.as_deref(), "source");
        table.check(keys::SOURCE);
        let kind = table.required("type", "\"jsonl\"", || missing_type(&table, "jsonl"), kind);
        match (name, kind) {
            (Some(name), Some(())) if names.is_new(&name, &table) => sources.push(SourceSettings { name: name.into() }),
            _ => complete = false,
        }
    }
    complete.then_some(sources)
}

fn kind(node: &Node) -> Result<(), Bad> {
    let word = value::text(node)?;
    match word.as_str() {
        "jsonl" => Ok(()),
        later if LATER.contains(&later) => {
            Err(Bad::value("E008", format!("source type {} is not in this version", quoted(later)))
                .help("one of: jsonl"))
        }
        _ => Err(Bad::Value(
            Diagnostic::new("E011", format!("unknown source type {}", quoted(&word)))
                .suggest(nearest(&word, ["jsonl"]))
                .help("one of: jsonl"),
        )),
    }
}

/// The `name` every source and connection must have.
pub fn required_name(table: &Reader<'_>, example: &str) -> Option<String> {
    let missing = || {
        Diagnostic::new("E005", format!("missing `name` in {}", table.named())).help(format!("`name = \"{example}\"`"))
    };
    table.required("name", &format!("\"{example}\""), missing, value::name)
}

/// The table under its name, so that messages and resolved settings say which one is meant.
pub fn name_table<'a>(table: Reader<'a>, name: Option<&str>, section: &str) -> Reader<'a> {
    match name {
        Some(name) => table.renamed(format!("`[[{section}]]` \"{name}\""), format!("{section}.{name}")),
        None => table,
    }
}

pub fn missing_type(table: &Reader<'_>, types: &str) -> Diagnostic {
    Diagnostic::new("E005", format!("missing `type` in {}", table.named())).help(format!("one of: {types}"))
}

/// Names that must be unique.
pub struct Names {
    what: &'static str,
    seen: Vec<(String, Place)>,
}

impl Names {
    pub fn new(what: &'static str) -> Self {
        Self { what, seen: Vec::new() }
    }

    /// Notes a name; E010 if it was there before.
    pub fn is_new(&mut self, name: &str, table: &Reader<'_>) -> bool {
        let Some(entry) = table.entry("name") else { return true };
        let place = &entry.node.place;
        if let Some((_, first)) = self.seen.iter().find(|(seen, _)| seen == name) {
            let at = first.position();
            table.report(
                Diagnostic::new(
                    "E010",
                    format!("two {} are called \"{name}\" (also at {}:{})", self.what, at.line, at.column),
                )
                .at(place)
                .help("names must be unique"),
            );
            return false;
        }
        self.seen.push((name.to_owned(), place.clone()));
        true
    }
}
