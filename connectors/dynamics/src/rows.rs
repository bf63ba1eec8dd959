//! Rows of records, decoded straight from the answer's bytes into what the connector keeps: no tree in between, nothing
//! allocated for a column nobody asked for.

use std::borrow::Cow;
use std::sync::Arc;

use connector::{FieldKind, Timestamp, Value};
use connector_http::json::{self, List, Object, ReadList, ReadObject};
use connector_http::{Answer, redact};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess};
use serde_json::value::RawValue;

use crate::wanted::Wanted;

const TEXT: &str = "OData.Community.Display.V1.FormattedValue";
const TABLE: &str = "Microsoft.Dynamics.CRM.lookuplogicalname";

/// One column of one row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cell {
    /// `None` where the row did not have the column.
    pub value: Option<Value>,
    /// What people see instead of the value.
    pub text: Option<Arc<str>>,
    /// The table that the value points to.
    pub table: Option<Arc<str>>,
}

/// One record's cells by the place of their column.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Row {
    pub cells: Vec<Cell>,
    pub etag: Option<Arc<str>>,
}

/// A page of a query's answer.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub rows: Vec<Row>,
    /// Ids of rows that were deleted.
    pub deleted: Vec<String>,
    pub next: Option<String>,
    pub delta: Option<String>,
}

impl Row {
    fn cell(&self, wanted: &Wanted, logical: &str) -> Option<&Cell> {
        self.cells.get(wanted.inner(logical)?)
    }

    /// One of the connector's own columns; nothing where it is empty.
    pub fn value(&self, wanted: &Wanted, logical: &str) -> Option<&Value> {
        self.cell(wanted, logical)?.value.as_ref().filter(|value| !value.is_null())
    }

    pub fn text(&self, wanted: &Wanted, logical: &str) -> Option<&Arc<str>> {
        self.value(wanted, logical)?.as_shared_text()
    }

    /// What people see instead of the value.
    pub fn shown(&self, wanted: &Wanted, logical: &str) -> Option<&Arc<str>> {
        self.cell(wanted, logical)?.text.as_ref()
    }

    /// The table that a look-up points to.
    pub fn table(&self, wanted: &Wanted, logical: &str) -> Option<&str> {
        self.cell(wanted, logical)?.table.as_deref()
    }

    pub fn flag(&self, wanted: &Wanted, logical: &str) -> bool {
        matches!(self.value(wanted, logical), Some(Value::Bool(true)))
    }

    pub fn instant(&self, wanted: &Wanted, logical: &str) -> Option<Timestamp> {
        self.value(wanted, logical)?.as_instant()
    }

    pub fn number(&self, wanted: &Wanted, logical: &str) -> Option<Decimal> {
        self.value(wanted, logical)?.as_number()
    }

    /// The primary key, in the small letters Dataverse writes it in.
    pub fn id(&self, wanted: &Wanted) -> Option<String> {
        let id = self.cells.get(wanted.find(&wanted.key, 0)?)?.value.as_ref()?.as_text()?;
        crate::odata::is_guid(id).then(|| id.to_ascii_lowercase())
    }
}

/// A JSON value as a value of this kind. What cannot be read as its kind is told as it stands.
pub(crate) fn value_of(kind: &FieldKind, raw: &RawValue) -> Value {
    let json = raw.get();
    match json.as_bytes().first() {
        Some(b'n') | None => Value::Null,
        Some(b't') => flag(kind, true),
        Some(b'f') => flag(kind, false),
        Some(b'"') => serde_json::from_str::<Cow<'_, str>>(json).map_or(Value::Null, |text| of_text(kind, &text)),
        Some(b'-' | b'0'..=b'9') => match kind {
            FieldKind::Choice { .. } | FieldKind::Text => Value::text(json),
            FieldKind::MultiChoice { .. } => Value::List(vec![json.into()]),
            _ => Value::parse_number(json).unwrap_or_else(|| Value::text(json)),
        },
        Some(_) => Value::text(json),
    }
}

fn flag(kind: &FieldKind, flag: bool) -> Value {
    match kind {
        FieldKind::Bool | FieldKind::Other(_) => Value::Bool(flag),
        _ => Value::text(if flag { "true" } else { "false" }),
    }
}

fn of_text(kind: &FieldKind, text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    let read = match kind {
        FieldKind::Integer | FieldKind::Decimal { .. } => Value::parse_number(text),
        // A day, or an instant from a column whose days have a time.
        FieldKind::Date => text.get(..10).and_then(|day| day.parse().ok()).map(Value::Date),
        FieldKind::Instant => Timestamp::parse_rfc3339(text).map(Value::Instant),
        FieldKind::MultiChoice { .. } => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Some(Value::List(items.map(Arc::from).collect()))
        }
        _ => None,
    };
    read.unwrap_or_else(|| Value::text(text))
}

impl Rows {
    /// Decodes a page; the error says where, never what.
    pub fn decode(answer: &Answer, wanted: &Wanted) -> Result<Self, String> {
        // Nothing has changed: some servers say so with nothing.
        if answer.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        Self::from_json(&answer.body, wanted).map_err(|error| redact::json_error(&error))
    }

    pub fn from_json(body: &[u8], wanted: &Wanted) -> serde_json::Result<Self> {
        json::whole(body, Object(PageReader(wanted)))
    }
}

/// Decodes the answer to a read or a write of one row.
pub(crate) fn one(body: &[u8], wanted: &Wanted) -> Result<Row, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    match Object(RowReader(wanted)).deserialize(&mut deserializer) {
        Ok(Entry::Live(row)) => Ok(row),
        Ok(Entry::Deleted(_)) => Err("it is no row".to_owned()),
        Err(error) => Err(redact::json_error(&error)),
    }
}

#[derive(Deserialize)]
#[serde(field_identifier)]
enum PageKey {
    #[serde(rename = "value")]
    Value,
    #[serde(rename = "@odata.nextLink")]
    Next,
    #[serde(rename = "@odata.deltaLink")]
    Delta,
    #[serde(other)]
    Other,
}

struct PageReader<'w>(&'w Wanted);

impl<'de> ReadObject<'de> for PageReader<'_> {
    type Value = Rows;
    const EXPECTED: &'static str = "a page of rows";

    fn members<A: MapAccess<'de>>(self, mut map: A) -> Result<Rows, A::Error> {
        let mut page = Rows::default();
        while let Some(key) = map.next_key()? {
            match key {
                PageKey::Value => map.next_value_seed(List(RowsReader { wanted: self.0, page: &mut page }))?,
                PageKey::Next => page.next = map.next_value()?,
                PageKey::Delta => page.delta = map.next_value()?,
                PageKey::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(page)
    }
}

struct RowsReader<'w, 'p> {
    wanted: &'w Wanted,
    page: &'p mut Rows,
}

impl<'de> ReadList<'de> for RowsReader<'_, '_> {
    type Value = ();
    const EXPECTED: &'static str = "a list of rows";

    fn elements<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(entry) = seq.next_element_seed(Object(RowReader(self.wanted)))? {
            match entry {
                Entry::Live(row) => self.page.rows.push(row),
                Entry::Deleted(id) => self.page.deleted.push(id),
            }
        }
        Ok(())
    }
}

enum Entry {
    Live(Row),
    Deleted(String),
}

struct RowReader<'w>(&'w Wanted);

impl<'de> ReadObject<'de> for RowReader<'_> {
    type Value = Entry;
    const EXPECTED: &'static str = "a row";

    fn members<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
        let columns = self.0.columns();
        let mut row = Row { cells: vec![Cell::default(); columns.len()], etag: None };
        let (mut next, mut deleted, mut id) = (0, false, None);
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if let Some(at) = self.0.find(&name, next) {
                next = at + 1;
                let raw = map.next_value::<&RawValue>()?;
                if let (Some(cell), Some(column)) = (row.cells.get_mut(at), columns.get(at)) {
                    cell.value = Some(value_of(&column.kind, raw));
                }
                continue;
            }
            match name.split_once('@') {
                Some(("", "odata.etag")) => {
                    row.etag = map.next_value::<Option<Cow<'de, str>>>()?.map(|tag| Arc::from(&*tag))
                }
                Some(("", "odata.context")) => {
                    let context = map.next_value::<Option<Cow<'de, str>>>()?;
                    deleted |= context.is_some_and(|context| context.contains("/$deletedEntity"));
                }
                Some((wire, note)) if note == TEXT || note == TABLE => {
                    let told = map.next_value::<Option<Cow<'de, str>>>()?;
                    // A note stands before its value as well as after it.
                    let at = self.0.find(wire, next);
                    if let Some((cell, column)) = at.and_then(|at| row.cells.get_mut(at).zip(columns.get(at))) {
                        let told = told.filter(|told| !told.is_empty()).map(|told| Arc::from(&*told));
                        if note == TEXT && column.with_text {
                            cell.text = told;
                        } else if note == TABLE && column.with_table {
                            cell.table = told;
                        }
                    }
                }
                None if name == "id" => id = map.next_value::<Option<String>>()?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        match id.filter(|_| deleted) {
            Some(id) => Ok(Entry::Deleted(id)),
            None if deleted => Err(serde::de::Error::missing_field("id")),
            None => Ok(Entry::Live(row)),
        }
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
