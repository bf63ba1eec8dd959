//! `[[source]]` of type csv: `[source.columns]` and what else says how its rows become messages.

use chrono_tz::Tz;

use crate::config::diagnostic::{Diagnostic, Place};
use crate::config::general;
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::reader::{Bad, Reader};
use crate::config::tree::{Entry, Node, Value};
use crate::config::value;
use crate::ingest::{Cell, CsvFormat, Mapped, MessagePath, NumberFormat, PathError};

/// Longest header of a column, in bytes.
const MAX_COLUMN: usize = 500;

/// A mapped value and where the file says so.
struct Line {
    mapped: Mapped,
    place: Place,
}

/// How the files of a source are read. `timezone` is that of the whole file.
pub fn format(table: &Reader<'_>, timezone: Tz) -> Option<CsvFormat> {
    let delimiter = table.value_or("delimiter", Value::Text(",".into()), delimiter);
    let time_zone = table.value_or("time_zone", Value::Text(timezone.name().into()), general::timezone);
    let mut lines = Vec::new();
    let event = event(table, &mut lines);
    let columns = columns(table, &mut lines);
    event?;
    columns?;
    let has = |key: &str| lines.iter().any(|line| line.mapped.path.is(key));
    let is_track = !has("type");
    if is_track && !has("event") {
        let message = format!("`event` is required for {}, whose columns give no `type`", table.named());
        table.report_here(
            Diagnostic::new("E012", message).help("`event = \"Order Completed\"`, or { column = \"event\" }"),
        );
        return None;
    }
    if !lines.iter().any(|line| names_somebody(&line.mapped.path)) {
        let message = format!("no column of {} says whose the events are", table.named());
        let help = "map one to \"userId\", \"anonymousId\" or \"context.traits.email\"";
        table.report_here(Diagnostic::new("E012", message).help(help));
        return None;
    }
    check_apart(table, &lines)?;
    let mut columns: Vec<Mapped> = lines.into_iter().map(|line| line.mapped).collect();
    if is_track {
        columns.push(Mapped { path: MessagePath::parse("type").ok()?, cell: Cell::Text("track".into()) });
    }
    Some(CsvFormat { delimiter: delimiter?, time_zone: time_zone?, columns })
}

fn delimiter(node: &Node) -> Result<u8, Bad> {
    let text = value::text(node)?;
    match text.as_bytes() {
        [byte] if *byte == b'\t' || (byte.is_ascii_punctuation() && *byte != b'"') => Ok(*byte),
        _ => Err(Bad::Value(
            Diagnostic::new("E006", format!("{} is no delimiter", quoted(&text)))
                .help("one character, like \",\", \";\", \"|\" or \"\\t\""),
        )),
    }
}

/// `event`: the same for every row, or a column.
fn event(table: &Reader<'_>, lines: &mut Vec<Line>) -> Option<()> {
    let Some(entry) = table.entry("event") else { return Some(()) };
    let cell = match &entry.node.value {
        Value::Table(_) => {
            let named = format!("`event` of {}", table.named());
            let inner = table.inside(&entry.node, "event", named, table.path_of("event"))?;
            inner.check(keys::EVENT);
            let missing = || Diagnostic::new("E005", format!("missing `column` in {}", inner.named()));
            inner.required("column", "\"event\"", missing, column).map(|name| column_cell(name, None))?
        }
        _ => table
            .read("event", &entry.node, "\"Order Completed\"", |node| {
                value::filled_text(node).map_err(|bad| match node.value {
                    Value::Text(_) => bad,
                    _ => Bad::Shape("an event's name, or { column = … }"),
                })
            })
            .map(|name| Cell::Text(name.into()))?,
    };
    table.resolve("event", &entry.node);
    let path = MessagePath::parse("event").ok()?;
    lines.push(Line { mapped: Mapped { path, cell }, place: entry.key_place.clone() });
    Some(())
}

/// `[source.columns]`.
fn columns(table: &Reader<'_>, lines: &mut Vec<Line>) -> Option<()> {
    let Some(entry) = table.entry("columns") else {
        let problem = Diagnostic::new("E005", format!("missing `[source.columns]` in {}", table.named()));
        table.report_here(problem.help("what goes where in the message, like `\"context.traits.email\" = \"email\"`"));
        return None;
    };
    let named = format!("`[source.columns]` of {}", table.named());
    let section = table.inside(&entry.node, "columns", named, table.path_of("columns"))?;
    table.resolve("columns", &entry.node);
    let mut complete = true;
    for entry in in_full("", section.entries()) {
        match line(&section, &entry) {
            Some(line) => lines.push(line),
            None => complete = false,
        }
    }
    complete.then_some(())
}

/// The entries under their whole paths: `properties.revenue = …` is a table in a table to TOML.
fn in_full(above: &str, entries: &[Entry]) -> Vec<Entry> {
    let mut full = Vec::with_capacity(entries.len());
    for entry in entries {
        let key = if above.is_empty() { entry.key.clone() } else { format!("{above}.{}", entry.key) };
        match &entry.node.value {
            Value::Table(inner) if MessagePath::is_object(&key) => full.extend(in_full(&key, &inner.entries)),
            _ => full.push(Entry { key, ..entry.clone() }),
        }
    }
    full
}

fn line(section: &Reader<'_>, entry: &Entry) -> Option<Line> {
    let key = entry.key.as_str();
    let path = match MessagePath::parse(key) {
        Ok(path) => path,
        Err(error) => {
            section.report(wrong_path(section, entry, error));
            return None;
        }
    };
    let cell = match &entry.node.value {
        Value::Table(_) => long_form(section, entry, &path)?,
        _ => section
            .read(key, &entry.node, "\"column\"", |node| match node.value {
                Value::Text(_) => column(node),
                _ => Err(Bad::Shape("a column's name or a table")),
            })
            .map(|name| column_cell(name, None))?,
    };
    Some(Line { mapped: Mapped { path, cell }, place: entry.key_place.clone() })
}

fn wrong_path(section: &Reader<'_>, entry: &Entry, error: PathError) -> Diagnostic {
    let shown = quoted(&entry.key);
    let shown = shown.trim_matches('"');
    let problem = match error {
        PathError::Unknown(near) => {
            let roots: Vec<&str> = MessagePath::roots().collect();
            Diagnostic::new("E003", format!("unknown key `{shown}` in {}", section.named()))
                .suggest_key(near)
                .help(format!("a message has: {}", roots.join(", ")))
        }
        PathError::Object => Diagnostic::new("E006", format!("`{shown}` is an object of the message, not a value"))
            .help(format!("say what of it, like \"{shown}.name\"")),
        PathError::Value => Diagnostic::new("E006", format!("`{shown}` goes on below what is one value"))
            .help("only properties, traits and context hold more than one"),
        PathError::Shape => Diagnostic::new("E006", format!("`{shown}` is no path in a message"))
            .help("up to 6 names with dots between them, like \"properties.order_id\""),
    };
    problem.at(&entry.key_place)
}

fn long_form(section: &Reader<'_>, entry: &Entry, path: &MessagePath) -> Option<Cell> {
    let named = format!("`{path}` of {}", section.named());
    let table = section.inside(&entry.node, &entry.key, named, section.path_of(&entry.key))?;
    table.check(keys::CELL);
    let node = |key: &str| table.entry(key).map(|entry| &entry.node);
    match (node("column"), node("value")) {
        (Some(name), None) => {
            let name = table.read("column", name, "\"net\"", column);
            let number = match node("number") {
                Some(number) if path.is_instant() => {
                    let problem = Diagnostic::new("E006", format!("`{path}` is a time and has no `number`"));
                    table.report(problem.at(&number.place).help("leave `number` out"));
                    None
                }
                Some(number) => table
                    .read("number", number, "\"1.234,56\"", value::choice("E006", "number format", &NumberFormat::ALL))
                    .map(Some),
                None => Some(None),
            };
            Some(column_cell(name?, number?))
        }
        (None, Some(constant)) => {
            if let Some(number) = node("number") {
                let problem = Diagnostic::new("E006", format!("`number` in {} is for a column", table.named()));
                table.report(problem.at(&number.place).help("write the value as a number"));
                return None;
            }
            table.read("value", constant, "\"EUR\"", constant_cell)
        }
        (Some(_), Some(constant)) => {
            let problem = Diagnostic::new("E006", format!("`column` and `value` are both set in {}", table.named()));
            table.report(problem.at(&constant.place).help("keep one"));
            None
        }
        (None, None) => {
            let problem = Diagnostic::new("E005", format!("missing `column` in {}", table.named()));
            table.report(problem.at(&entry.key_place).help("{ column = \"net\" }, or { value = \"EUR\" }"));
            None
        }
    }
}

fn column(node: &Node) -> Result<String, Bad> {
    let name = value::filled_text(node)?.trim().to_owned();
    if name.len() > MAX_COLUMN {
        return Err(Bad::value(
            "E006",
            format!("{} is not a column's name: more than {MAX_COLUMN} bytes", quoted(&name)),
        ));
    }
    Ok(name)
}

fn column_cell(name: String, number: Option<NumberFormat>) -> Cell {
    Cell::Column { name: name.into(), number }
}

fn constant_cell(node: &Node) -> Result<Cell, Bad> {
    match &node.value {
        Value::Text(_) => Ok(Cell::Text(value::filled_text(node)?.into())),
        Value::Integer(_) | Value::Float(_) => Ok(Cell::Number(value::decimal(node)?)),
        Value::Bool(flag) => Ok(Cell::Flag(*flag)),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => Err(Bad::Shape("a string, a number, true or false")),
    }
}

/// Whether a message with this value may be somebody's: by an id, or by what it says of its person.
fn names_somebody(path: &MessagePath) -> bool {
    let parts: Vec<&str> = path.parts().iter().map(|part| &**part).collect();
    matches!(
        parts.as_slice(),
        ["userId" | "anonymousId"] | ["traits", ..] | ["context", "traits", ..] | ["properties", "email"]
    )
}

/// No two lines may fill the same place, or one inside the other.
fn check_apart(table: &Reader<'_>, lines: &[Line]) -> Option<()> {
    let mut apart = true;
    for (index, line) in lines.iter().enumerate() {
        let before = lines.iter().take(index).find(|other| line.mapped.path.collides(&other.mapped.path));
        if let Some(other) = before {
            let at = other.place.position();
            let message = format!("`{}` is filled by two lines (also at {}:{})", line.mapped.path, at.line, at.column);
            table.report(Diagnostic::new("E043", message).at(&line.place).help("keep one"));
            apart = false;
        }
    }
    apart.then_some(())
}
