//! Rows of records, from JSON pages or from the CSV of bulk jobs: the same cells by the same columns, so that a value is
//! the same value whichever way it came.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use connector::{FieldKind, Timestamp, Value};
use connector_http::json::{self, List, Nullable, Object, ReadList, ReadObject};
use connector_http::{Answer, redact};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, SeqAccess};
use serde_json::value::RawValue;

use crate::instant;
use crate::wanted::Wanted;

/// One record's values by the place of their column; `None` where the answer did not have the column.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Row {
    pub cells: Vec<Option<Value>>,
}

impl Row {
    /// One of the connector's own columns.
    pub fn cell(&self, wanted: &Wanted, name: &str) -> Option<&Value> {
        self.cells.get(wanted.find(name, 0)?)?.as_ref().filter(|value| !value.is_null())
    }

    pub fn text(&self, wanted: &Wanted, name: &str) -> Option<&Arc<str>> {
        self.cell(wanted, name)?.as_shared_text()
    }

    pub fn flag(&self, wanted: &Wanted, name: &str) -> bool {
        matches!(self.cell(wanted, name), Some(Value::Bool(true)))
    }

    pub fn instant(&self, wanted: &Wanted, name: &str) -> Option<Timestamp> {
        self.cell(wanted, name)?.as_instant()
    }

    pub fn number(&self, wanted: &Wanted, name: &str) -> Option<Decimal> {
        self.cell(wanted, name)?.as_number()
    }
}

/// A page of a query's answer.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub rows: Vec<Row>,
    /// Rows the query matches, this page and those to come.
    pub total: u64,
    pub done: bool,
    pub next: Option<String>,
}

/// A value of this kind, from the text that both JSON and CSV write it with.
pub(crate) fn value_of(kind: &FieldKind, text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    let read = match kind {
        FieldKind::Integer | FieldKind::Decimal { .. } => Value::parse_number(text),
        FieldKind::Bool if text.eq_ignore_ascii_case("true") => Some(Value::Bool(true)),
        FieldKind::Bool if text.eq_ignore_ascii_case("false") => Some(Value::Bool(false)),
        FieldKind::Date => text.parse().ok().map(Value::Date),
        FieldKind::Instant => instant::parse(text).map(Value::Instant),
        FieldKind::MultiChoice { .. } => {
            let items = text.split(';').map(str::trim).filter(|item| !item.is_empty());
            Some(Value::List(items.map(Arc::from).collect()))
        }
        FieldKind::Reference => crate::ids::long(text).map(Value::text),
        _ => None,
    };
    // What cannot be read as its kind is told as it stands.
    read.unwrap_or_else(|| Value::text(text))
}

/// A JSON value as the text of [`value_of`].
fn cell(kind: &FieldKind, raw: &RawValue) -> Value {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'n') | None => Value::Null,
        Some(b'"') => match serde_json::from_str::<Cow<'_, str>>(text) {
            Ok(text) => value_of(kind, &text),
            Err(_) => Value::Null,
        },
        Some(b't') if matches!(kind, FieldKind::Other(_)) => Value::Bool(true),
        Some(b'f') if matches!(kind, FieldKind::Other(_)) => Value::Bool(false),
        Some(b'-' | b'0'..=b'9') if matches!(kind, FieldKind::Other(_)) => {
            Value::parse_number(text).unwrap_or_else(|| Value::text(text))
        }
        _ => value_of(kind, text),
    }
}

impl Rows {
    /// Decodes a page; the error says where, never what.
    pub fn decode(answer: &Answer, wanted: &Wanted) -> Result<Self, String> {
        Self::from_json(&answer.body, wanted).map_err(|error| redact::json_error(&error))
    }

    pub fn from_json(body: &[u8], wanted: &Wanted) -> serde_json::Result<Self> {
        json::whole(body, Object(PageReader(wanted)))
    }
}

/// A list of records as a retrieval by ids answers it: `None` at the place of an id that is not there.
pub(crate) fn listed(answer: &Answer, wanted: &Wanted) -> Result<Vec<Option<Row>>, String> {
    json::whole(&answer.body, List(RowsReader(wanted))).map_err(|error| redact::json_error(&error))
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum PageKey {
    Records,
    TotalSize,
    Done,
    NextRecordsUrl,
    #[serde(other)]
    Other,
}

struct PageReader<'w>(&'w Wanted);

impl<'de> ReadObject<'de> for PageReader<'_> {
    type Value = Rows;
    const EXPECTED: &'static str = "a page of records";

    fn members<A: MapAccess<'de>>(self, mut map: A) -> Result<Rows, A::Error> {
        let (mut page, mut done, mut records) = (Rows::default(), None, None);
        while let Some(key) = map.next_key()? {
            match key {
                PageKey::Records => records = Some(map.next_value_seed(List(RowsReader(self.0)))?),
                PageKey::TotalSize => page.total = map.next_value()?,
                PageKey::Done => done = Some(map.next_value()?),
                PageKey::NextRecordsUrl => page.next = map.next_value()?,
                PageKey::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        // Without these two it is some other server's answer, and no end of anything.
        page.done = done.ok_or_else(|| serde::de::Error::missing_field("done"))?;
        let records: Vec<Option<Row>> = records.ok_or_else(|| serde::de::Error::missing_field("records"))?;
        page.rows = records.into_iter().flatten().collect();
        Ok(page)
    }
}

struct RowsReader<'w>(&'w Wanted);

impl<'de> ReadList<'de> for RowsReader<'_> {
    type Value = Vec<Option<Row>>;
    const EXPECTED: &'static str = "a list of records";

    fn elements<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut rows = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(2_000));
        while let Some(row) = seq.next_element_seed(Nullable(Object(RowReader(self.0))))? {
            rows.push(row);
        }
        Ok(rows)
    }
}

struct RowReader<'w>(&'w Wanted);

impl<'de> ReadObject<'de> for RowReader<'_> {
    type Value = Row;
    const EXPECTED: &'static str = "a record";

    fn members<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut row = Row { cells: vec![None; self.0.columns().len()] };
        let mut next = 0;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let raw = map.next_value::<&RawValue>()?;
            match self.0.find(&name, next) {
                Some(at) => {
                    next = at + 1;
                    put(&mut row, at, self.0, raw);
                }
                None if name != "attributes" => parents(&mut row, self.0, &name, raw),
                None => {}
            }
        }
        Ok(row)
    }
}

fn put(row: &mut Row, at: usize, wanted: &Wanted, raw: &RawValue) {
    if let (Some(place), Some(column)) = (row.cells.get_mut(at), wanted.columns().get(at)) {
        *place = Some(cell(&column.kind, raw));
    }
}

/// A parent's fields stand in an object of their own; an empty look-up is null.
fn parents(row: &mut Row, wanted: &Wanted, path: &str, raw: &RawValue) {
    let below = |name: &str| name.len() > path.len() + 1 && name.as_bytes().get(path.len()) == Some(&b'.');
    let under = |name: &str| below(name) && name.get(..path.len()).is_some_and(|head| head.eq_ignore_ascii_case(path));
    let inside: Option<BTreeMap<Cow<'_, str>, &RawValue>> = serde_json::from_str(raw.get()).ok();
    match inside {
        Some(inside) => {
            for (name, raw) in inside.iter().filter(|(name, _)| *name != "attributes") {
                let path = format!("{path}.{name}");
                match wanted.find(&path, usize::MAX) {
                    Some(at) => put(row, at, wanted, raw),
                    None if wanted.names().any(|name| name.len() > path.len()) => parents(row, wanted, &path, raw),
                    None => {}
                }
            }
        }
        None => {
            for (at, _) in wanted.names().enumerate().filter(|(_, name)| under(name)) {
                if let Some(place) = row.cells.get_mut(at) {
                    *place = Some(Value::Null);
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
