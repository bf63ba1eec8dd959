//! Rows of records, from JSON pages or from the CSV of bulk jobs: the same cells by the same columns, so that a value is
//! the same value whichever way it came.

use std::borrow::Cow;
use std::sync::Arc;

use connector::{FieldKind, RecordId, Timestamp, Value};
use connector_http::json::{self, List, Object, ReadList, ReadObject};
use connector_http::{Answer, redact};
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, SeqAccess};
use serde_json::value::RawValue;

use crate::wanted::Wanted;
use crate::wire::{Id, is_id};

/// What a pick list holds where nothing was picked.
pub(crate) const NO_CHOICE: &str = "-None-";

/// One record's values by the place of their column; `None` where the answer did not have the column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub id: RecordId,
    pub cells: Vec<Option<Value>>,
    /// The module of the record that an activity or a note is about.
    pub about: Option<Arc<str>>,
}

impl Row {
    pub fn new(id: RecordId, columns: usize) -> Self {
        Self { id, cells: vec![None; columns], about: None }
    }

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

    pub fn put(&mut self, wanted: &Wanted, at: usize, value: Value) {
        for twin in wanted.twins(at) {
            if let Some(place) = self.cells.get_mut(twin) {
                *place = Some(value.clone());
            }
        }
        if let Some(place) = self.cells.get_mut(at) {
            *place = Some(value);
        }
    }

    /// Takes over what another answer says of the same record.
    pub fn join(&mut self, other: Row) {
        for (mine, theirs) in self.cells.iter_mut().zip(other.cells) {
            *mine = mine.take().or(theirs);
        }
    }
}

/// A page of an answer.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub rows: Vec<Row>,
    pub more: bool,
    /// The token of the next page.
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
        FieldKind::Instant => Timestamp::parse_rfc3339(text).map(Value::Instant),
        FieldKind::Choice { .. } if text == NO_CHOICE => Some(Value::Null),
        FieldKind::MultiChoice { .. } => {
            let items = text.split(';').map(str::trim).filter(|item| !item.is_empty() && *item != NO_CHOICE);
            Some(listed(items.map(Arc::from).collect()))
        }
        _ => None,
    };
    // What cannot be read as its kind is told as it stands.
    read.unwrap_or_else(|| Value::text(text))
}

/// Several values; none of them is no value.
fn listed(items: Vec<Arc<str>>) -> Value {
    if items.is_empty() { Value::Null } else { Value::List(items) }
}

/// What stands in the place of a record that another one names.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Reference<'a> {
    id: Option<Id>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    module: Option<Module>,
}

#[derive(Deserialize)]
struct Module {
    api_name: String,
}

/// A JSON value as a cell, and the module it names where it names one.
fn cell(kind: &FieldKind, raw: &RawValue) -> (Value, Option<Arc<str>>) {
    let text = raw.get();
    let value = match text.as_bytes().first() {
        None | Some(b'n') => Value::Null,
        Some(b'"') => serde_json::from_str::<Cow<'_, str>>(text).map_or(Value::Null, |text| value_of(kind, &text)),
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'[') => list(text),
        Some(b'{') => {
            let reference: Reference<'_> = serde_json::from_str(text).unwrap_or_default();
            let module = reference.module.map(|module| Arc::from(module.api_name));
            let id = reference.id.map(|id| id.0).filter(|id| is_id(id));
            return (id.or(reference.name.map(Cow::into_owned)).map_or(Value::Null, Value::text), module);
        }
        Some(_) if matches!(kind, FieldKind::Other(_)) => {
            Value::parse_number(text).unwrap_or_else(|| Value::text(text))
        }
        Some(_) => value_of(kind, text),
    };
    (value, None)
}

fn list(text: &str) -> Value {
    let items: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
    let word = |raw: &&RawValue| match raw.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str::<String>(raw.get()).ok().map(Arc::from),
        Some(b'{') => {
            let reference: Reference<'_> = serde_json::from_str(raw.get()).ok()?;
            reference.name.map(Cow::into_owned).or(reference.id.map(|id| id.0)).map(Arc::from)
        }
        _ => Some(Arc::from(raw.get())),
    };
    listed(items.iter().filter_map(word).filter(|word: &Arc<str>| &**word != NO_CHOICE).collect())
}

impl Rows {
    /// Decodes a page; the error says where, never what. `204` and `304` are pages of nothing.
    pub fn decode(answer: &Answer, wanted: &Wanted) -> Result<Self, String> {
        match answer.status.as_u16() {
            204 | 304 => Ok(Self::default()),
            _ => Self::from_json(&answer.body, wanted).map_err(|error| redact::json_error(&error)),
        }
    }

    pub fn from_json(body: &[u8], wanted: &Wanted) -> serde_json::Result<Self> {
        json::whole(body, Object(PageReader(wanted)))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Info {
    more_records: bool,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum PageKey {
    Data,
    Info,
    #[serde(other)]
    Other,
}

struct PageReader<'w>(&'w Wanted);

impl<'de> ReadObject<'de> for PageReader<'_> {
    type Value = Rows;
    const EXPECTED: &'static str = "a page of records";

    fn members<A: MapAccess<'de>>(self, mut map: A) -> Result<Rows, A::Error> {
        let (mut rows, mut info) = (None, Info::default());
        while let Some(key) = map.next_key()? {
            match key {
                PageKey::Data => rows = Some(map.next_value_seed(List(RowsReader(self.0)))?),
                PageKey::Info => info = map.next_value()?,
                PageKey::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        // A success without data is none: an expired token has been answered so.
        let rows = rows.ok_or_else(|| serde::de::Error::missing_field("data"))?;
        let next = info.next_page_token.filter(|token| !token.is_empty());
        Ok(Rows { rows, more: info.more_records, next })
    }
}

struct RowsReader<'w>(&'w Wanted);

impl<'de> ReadList<'de> for RowsReader<'_> {
    type Value = Vec<Row>;
    const EXPECTED: &'static str = "a list of records";

    fn elements<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut rows = Vec::with_capacity(200);
        while let Some(row) = seq.next_element_seed(Object(RowReader(self.0)))? {
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
        let mut row = Row::new(RecordId::from(""), self.0.columns().len());
        let mut next = 0;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if name == "id" {
                row.id = RecordId::from(map.next_value::<Id>()?.0);
                if let Some(at) = self.0.find("id", next) {
                    row.put(self.0, at, Value::text(row.id.as_str()));
                }
                continue;
            }
            let raw = map.next_value::<&RawValue>()?;
            if name == "$se_module" {
                row.about = serde_json::from_str::<Option<Arc<str>>>(raw.get()).ok().flatten();
            }
            if let Some((at, column)) = self.0.find(&name, next).and_then(|at| Some((at, self.0.columns().get(at)?))) {
                next = at + 1;
                let (value, module) = cell(&column.kind, raw);
                row.put(self.0, at, value);
                row.about = module.or(row.about.take());
            }
        }
        if !is_id(row.id.as_str()) {
            return Err(serde::de::Error::missing_field("id"));
        }
        Ok(row)
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
