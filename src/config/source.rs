//! `[[source]]`: who sends events, over HTTP or as files of JSON lines or CSV (`ferry ingest`).

use std::path::Path;

use chrono_tz::Tz;
use connector::Secret;

use crate::config::columns;
use crate::config::diagnostic::{Diagnostic, Place};
use crate::config::inbox;
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::reader::{Bad, Reader};
use crate::config::secret::secret;
use crate::config::settings::{HttpSource, SourceKind, SourceSettings};
use crate::config::traits::optional;
use crate::config::tree::{Node, Value};
use crate::config::value;
use crate::expr::nearest;

const TYPES: [&str; 3] = ["http", "jsonl", "csv"];

/// `timezone` is that of the root.
pub fn sources(root: &Reader<'_>, folder: &Path, max_message: usize, timezone: Tz) -> Option<Vec<SourceSettings>> {
    let mut names = Names::new("sources");
    let mut complete = true;
    let mut sources: Vec<SourceSettings> = Vec::new();
    for table in root.tables("source") {
        let name = required_name(&table, "website");
        let table = name_table(table, name.as_deref(), "source");
        let kind = table.value_or("type", Value::Text("http".into()), kind);
        let kind = match kind {
            Some("http") => {
                table.check(keys::SOURCE_HTTP);
                http(&table, folder, max_message, &sources).map(SourceKind::Http)
            }
            Some("csv") => {
                table.check(keys::SOURCE_CSV);
                columns::format(&table, timezone).map(SourceKind::Csv)
            }
            Some(_) => {
                table.check(keys::SOURCE_JSONL);
                Some(SourceKind::Jsonl)
            }
            None => None,
        };
        let inbox = match &kind {
            Some(SourceKind::Jsonl | SourceKind::Csv(_)) => inbox::inbox(&table, folder, &sources),
            Some(SourceKind::Http(_)) | None => Some(None),
        };
        let no_events = optional(&table, "no_events", "\"2h\"", value::duration);
        match (name, kind, inbox, no_events) {
            (Some(name), Some(kind), Some(inbox), Some(no_events)) if names.is_new(&name, &table) => {
                sources.push(SourceSettings { name: name.into(), kind, inbox, no_events });
            }
            _ => complete = false,
        }
    }
    complete.then_some(sources)
}

fn kind(node: &Node) -> Result<&'static str, Bad> {
    let word = value::text(node)?;
    if let Some(known) = TYPES.iter().find(|known| **known == word) {
        return Ok(known);
    }
    let help = format!("one of: {}", TYPES.join(", "));
    Err(Bad::Value(
        Diagnostic::new("E011", format!("unknown source type {}", quoted(&word)))
            .suggest(nearest(&word, TYPES))
            .help(help),
    ))
}

fn http(table: &Reader<'_>, folder: &Path, max_message: usize, others: &[SourceSettings]) -> Option<HttpSource> {
    const EXAMPLE: &str = "{ env = \"WEBSITE_WRITE_KEY\" }";
    let missing = || {
        let message = format!("`write_key` is required for {}, which sends over HTTP", table.named());
        Diagnostic::new("E012", message).help(format!("`write_key = {EXAMPLE}`; or `type = \"jsonl\"` for files"))
    };
    let write_key = table.required("write_key", EXAMPLE, missing, secret("write_key", folder));
    let client = table.value_or("client", Value::Bool(false), value::flag);
    let rate_limit = table.value("rate_limit", "\"200/s\"", value::rate);
    let max_message = match table.entry("max_message") {
        Some(_) => table.value("max_message", "\"64KB\"", value::size),
        None => Some(max_message),
    };
    let write_key = write_key?;
    if let Some(other) = others.iter().find(|other| same_key(other, &write_key)) {
        let message = format!("the sources \"{}\" and {} share one write key", other.name, table.named());
        table.report_here(Diagnostic::new("E024", message).help("keys identify sources: give each its own"));
        return None;
    }
    Some(HttpSource { write_key, client: client?, rate_limit, max_message: max_message? })
}

fn same_key(source: &SourceSettings, key: &Secret) -> bool {
    matches!(&source.kind, SourceKind::Http(http) if http.write_key == *key)
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
