//! One row → one message as JSON text, which is then decoded like any other.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use super::rows::{Flaw, MAX_ROW, Row, Rows};
use super::{Cell, CsvFormat, Mapped};
use crate::expr::nearest;
use crate::ingest::records::{Record, Records};
use crate::ingest::{BadLine, jsonl, when};

/// Most columns of a file.
const MAX_COLUMNS: usize = 1_000;

/// Why a file cannot be read at all. Names columns, never values.
#[derive(Debug)]
pub enum BadHeader {
    Read(io::Error),
    Wrong { cause: String, fix: String },
}

impl BadHeader {
    fn new(cause: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Wrong { cause: cause.into(), fix: fix.into() }
    }
}

impl fmt::Display for BadHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "{error}"),
            Self::Wrong { cause, fix } => write!(f, "{cause}; {fix}"),
        }
    }
}

impl std::error::Error for BadHeader {}

/// A CSV file with a header, read as messages. Empty lines and rows with nothing in them are skipped.
#[derive(Debug)]
pub struct CsvRecords<'f, R> {
    rows: Rows<R>,
    format: &'f CsvFormat,
    /// The header as the file has it.
    header: Vec<u8>,
    width: usize,
    /// For each mapped value the place of its column, where it has one.
    places: Vec<Option<usize>>,
    shape: Shape,
    /// The row read last.
    last: Vec<u8>,
    last_is_whole: bool,
    /// Fields of the row read last.
    last_width: usize,
    /// The message of the row read last.
    text: String,
}

/// The objects of a message, built once: which value stands where.
#[derive(Debug)]
enum Shape {
    /// The place in `format.columns`.
    Value(usize),
    Object(BTreeMap<Arc<str>, Shape>),
}

impl<'f, R: Read> CsvRecords<'f, R> {
    /// Reads the header and finds the columns in it.
    pub fn open(reader: R, format: &'f CsvFormat) -> Result<Self, BadHeader> {
        let mut rows = Rows::new(reader, format.delimiter);
        let header = loop {
            let row = rows.next().map_err(BadHeader::Read)?;
            let Some(row) = row else {
                return Err(BadHeader::new("the file is empty", "its first line names the columns"));
            };
            if row.flaw.is_some() {
                let cause = format!("line {}: the line that names the columns cannot be read", row.line);
                return Err(BadHeader::new(cause, "close its quotes, or check that this is a CSV file"));
            }
            if !row.bytes.trim_ascii().is_empty() {
                break row.bytes.to_vec();
            }
        };
        let names = names(&header, format.delimiter)?;
        let places =
            format.columns.iter().map(|mapped| place(mapped, &names, format.delimiter)).collect::<Result<_, _>>()?;
        let mut shape = Shape::Object(BTreeMap::new());
        for (index, mapped) in format.columns.iter().enumerate() {
            shape.put(mapped.path.parts(), index);
        }
        Ok(Self {
            rows,
            format,
            header,
            width: names.len(),
            places,
            shape,
            last: Vec::new(),
            last_is_whole: true,
            last_width: 0,
            text: String::new(),
        })
    }

    /// The message of the row read last into `self.text`; false where the row has nothing in it.
    fn write_message(&mut self) -> Result<bool, Refused> {
        let row = std::str::from_utf8(&self.last).map_err(|error| {
            self.last_width = fields(&String::from_utf8_lossy(&self.last), self.format.delimiter).len();
            let cause = format!("the row is not UTF-8 at byte {}", error.valid_up_to() + 1);
            Refused(cause, "save the file as UTF-8".into())
        })?;
        let fields = fields(row, self.format.delimiter);
        self.last_width = fields.len();
        if fields.iter().all(|field| field.trim().is_empty()) {
            return Ok(false);
        }
        if fields.len() != self.width {
            let cause = format!("the row has {} fields and the header {}", fields.len(), self.width);
            return Err(Refused(cause, "a field with the delimiter or a line break in it needs quotes".into()));
        }
        let mut values = Vec::with_capacity(self.places.len());
        for (mapped, place) in self.format.columns.iter().zip(&self.places) {
            let field = place.and_then(|place| fields.get(place)).map_or("", |field| field.trim());
            values.push(value(mapped, field, self.format)?);
        }
        self.text.clear();
        self.shape.write(&values, &mut self.text);
        Ok(true)
    }

    fn delimiters(&self, count: usize, out: &mut Vec<u8>) {
        out.extend(std::iter::repeat_n(self.format.delimiter, count));
    }
}

/// Cause and fix.
struct Refused(String, String);

impl<R: Read> Records for CsvRecords<'_, R> {
    fn next_record(&mut self) -> io::Result<Option<Record<'_>>> {
        loop {
            let Some(Row { line, bytes, flaw }) = self.rows.next()? else { return Ok(None) };
            if flaw.is_none() && bytes.trim_ascii().is_empty() {
                continue;
            }
            self.last.clear();
            self.last.extend_from_slice(bytes);
            self.last_is_whole = flaw.is_none();
            let written = match flaw {
                None => self.write_message(),
                Some(Flaw::Unclosed) => {
                    let cause = "a quote opens a field of this row and none closes it within its bounds".into();
                    Err(Refused(cause, "close it, or write a quote inside a field as two".into()))
                }
                Some(Flaw::Long) => {
                    let cause = format!("the row has more than {MAX_ROW} bytes");
                    Err(Refused(cause, "one event per row; a message has at most 32 KB".into()))
                }
            };
            let message = match written {
                Ok(false) => continue,
                Ok(true) => Ok(Cow::Borrowed(self.text.as_str())),
                Err(Refused(cause, fix)) => Err(BadLine { cause, fix, raw: jsonl::shown(&self.last) }),
            };
            return Ok(Some(Record { line, message }));
        }
    }

    fn bytes(&self) -> u64 {
        self.rows.bytes()
    }

    fn shown(&self) -> String {
        jsonl::shown(&self.last)
    }

    /// The file's own header and a column for the reason.
    fn heading(&self) -> Vec<u8> {
        let mut line = self.header.clone();
        line.push(self.format.delimiter);
        line.extend_from_slice(b"reason\n");
        line
    }

    /// The row with the reason behind it. A row whose quotes are open becomes one field, or it would swallow the reason.
    fn refused(&self, cause: &str) -> Vec<u8> {
        let mut line = Vec::with_capacity(self.last.len() + cause.len() + 8);
        let width = if self.last_is_whole {
            line.extend_from_slice(&self.last);
            self.last_width.max(1)
        } else {
            quote_field(&self.last, &mut line);
            1
        };
        self.delimiters(self.width.saturating_sub(width) + 1, &mut line);
        quote_field(cause.as_bytes(), &mut line);
        line.push(b'\n');
        line
    }
}

impl Shape {
    fn put(&mut self, parts: &[Arc<str>], index: usize) {
        let Self::Object(members) = self else { return };
        match parts {
            [] => {}
            [last] => drop(members.insert(last.clone(), Self::Value(index))),
            [first, rest @ ..] => {
                members.entry(first.clone()).or_insert_with(|| Self::Object(BTreeMap::new())).put(rest, index);
            }
        }
    }

    /// Writes what has a value; an object with nothing in it is left out. Says whether anything was written.
    fn write(&self, values: &[Option<String>], out: &mut String) -> bool {
        match self {
            Self::Value(index) => match values.get(*index) {
                Some(Some(value)) => {
                    out.push_str(value);
                    true
                }
                _ => false,
            },
            Self::Object(members) => {
                let begin = out.len();
                out.push('{');
                let mut any = false;
                for (key, member) in members {
                    let before = out.len();
                    if any {
                        out.push(',');
                    }
                    out.push_str(&json(key));
                    out.push(':');
                    if member.write(values, out) {
                        any = true;
                    } else {
                        out.truncate(before);
                    }
                }
                out.push('}');
                if !any {
                    out.truncate(begin);
                }
                any
            }
        }
    }
}

/// One value as JSON; `None` leaves it out.
fn value(mapped: &Mapped, field: &str, format: &CsvFormat) -> Result<Option<String>, Refused> {
    let (name, number) = match &mapped.cell {
        Cell::Text(text) => {
            let at = mapped.path.is_instant().then(|| when::local(text, format.time_zone)).flatten();
            return Ok(Some(at.map_or_else(|| json(text), |at| json(&at.to_string()))));
        }
        Cell::Number(number) => return Ok(Some(number.to_string())),
        Cell::Flag(flag) => return Ok(Some(flag.to_string())),
        Cell::Column { name, number } => (name, number),
    };
    if mapped.path.is_instant() {
        // A row without its time would be an event of the moment it is imported.
        let Some(at) = when::local(field, format.time_zone) else {
            let cause = format!("column `{name}` ({}) is no time", mapped.path);
            return Err(Refused(cause, "write ISO 8601, e.g. 2026-03-02 09:00:00 or 2026-03-02T09:00:00Z".into()));
        };
        return Ok(Some(json(&at.to_string())));
    }
    if field.is_empty() {
        return Ok(None);
    }
    match number {
        Some(format) => match format.read(field) {
            Some(number) => Ok(Some(number.to_string())),
            None => {
                let cause = format!("column `{name}` is no number written like {format}");
                Err(Refused(cause, "correct the row, or the `number` of this column".into()))
            }
        },
        None => Ok(Some(json(field))),
    }
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The fields of one row that is known to end where it ends.
fn fields(row: &str, delimiter: u8) -> csv::StringRecord {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(row.len().clamp(64, 8 * 1024))
        .from_reader(row.as_bytes());
    let mut record = csv::StringRecord::new();
    // Reading from memory what is UTF-8 and of any length cannot fail; no fields are refused as too few.
    let _ = reader.read_record(&mut record);
    record
}

fn names(header: &[u8], delimiter: u8) -> Result<Vec<String>, BadHeader> {
    let text = std::str::from_utf8(header)
        .map_err(|_| BadHeader::new("the line that names the columns is not UTF-8", "save the file as UTF-8"))?;
    let names: Vec<String> = fields(text, delimiter).iter().map(|name| name.trim().to_owned()).collect();
    if names.len() > MAX_COLUMNS {
        return Err(BadHeader::new(format!("the file has {} columns", names.len()), format!("at most {MAX_COLUMNS}")));
    }
    Ok(names)
}

/// Where the column of a mapped value is: by its name as written, or else by its only name in other case.
fn place(mapped: &Mapped, names: &[String], delimiter: u8) -> Result<Option<usize>, BadHeader> {
    let Cell::Column { name: wanted, .. } = &mapped.cell else { return Ok(None) };
    let places = |same: &dyn Fn(&str) -> bool| -> Vec<usize> {
        names.iter().enumerate().filter(|(_, name)| same(name)).map(|(place, _)| place).collect()
    };
    let exact = places(&|name| name == &**wanted);
    let found = if exact.is_empty() { places(&|name| name.to_lowercase() == wanted.to_lowercase()) } else { exact };
    match found.as_slice() {
        [place] => Ok(Some(*place)),
        [] => {
            let cause = format!("the file has no column `{wanted}` (for {})", mapped.path);
            let fix = if names.len() == 1 {
                format!("its first line is one field: is the delimiter really {:?}?", char::from(delimiter))
            } else if let Some(near) = nearest(wanted, names.iter().map(String::as_str)) {
                format!("did you mean `{near}`?")
            } else {
                let shown: Vec<&str> = names.iter().map(String::as_str).take(20).collect();
                format!("its columns: {}", shown.join(", "))
            };
            Err(BadHeader::new(cause, fix))
        }
        _ => Err(BadHeader::new(format!("the file has two columns called `{wanted}`"), "rename one of them")),
    }
}

/// A field in quotes.
fn quote_field(field: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in field {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}
