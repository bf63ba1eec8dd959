//! Rows of records, decoded straight from the answer's bytes into what the connector keeps: no tree in between, no
//! allocation for a property nobody asked for. Reading a page is most of what a pull costs.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use connector::{Fields, RecordId, Timestamp, Value};
use connector_http::json::{self, List, Object, ReadList, ReadObject};
use connector_http::{Answer, redact};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::instant;
use crate::wanted::Wanted;
use crate::wire::{Envelope, Id, Paging};

/// A page of records, or the answer to a batch.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub rows: Vec<Row>,
    pub after: Option<String>,
    pub total: Option<u64>,
    pub errors: Vec<Envelope>,
    /// By place in the request's properties: whether any row had it.
    pub seen: Vec<bool>,
}

/// One record as HubSpot answers it.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub id: String,
    /// The properties the caller asked for.
    pub fields: Fields,
    /// The properties the connector asked for itself, by their place in the request; empty ones left out.
    pub inner: Vec<(usize, Arc<str>)>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    pub archived: bool,
    pub archived_at: Option<Timestamp>,
    pub url: Option<Arc<str>>,
    pub trace_id: Option<String>,
    pub new: bool,
    /// By HubSpot's name of the other object.
    pub associations: BTreeMap<String, Associated>,
}

/// Associations as they stand inside a row.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Associated {
    pub results: Vec<AssociatedId>,
    pub paging: Option<Paging>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct AssociatedId {
    pub id: Id,
}

impl Rows {
    /// Decodes a page or batch answer; the error says where, never what.
    pub fn decode(answer: &Answer, wanted: &Wanted) -> Result<Self, String> {
        Self::from_json(&answer.body, wanted).map_err(|error| redact::json_error(&error))
    }

    pub fn from_json(body: &[u8], wanted: &Wanted) -> serde_json::Result<Self> {
        json::whole(body, Object(PageReader(wanted)))
    }

    /// The public properties that no row had: HubSpot leaves out what it does not define. A page without rows says
    /// nothing.
    pub fn undefined<'a>(&'a self, wanted: &'a Wanted) -> impl Iterator<Item = connector::FieldName> + 'a {
        let properties = if self.rows.is_empty() { &[] } else { wanted.properties() };
        let missing = properties.iter().zip(&self.seen).filter(|(property, seen)| property.public && !**seen);
        missing.map(|(property, _)| property.name.clone())
    }
}

impl Row {
    /// A property the connector asked for itself.
    pub fn inner(&self, wanted: &Wanted, name: &str) -> Option<&Arc<str>> {
        let place = wanted.find(name, 0)?;
        self.inner.iter().find(|(at, _)| *at == place).map(|(_, text)| text)
    }

    pub fn record_id(&self) -> RecordId {
        RecordId::from(self.id.as_str())
    }
}

/// Decodes the answer to a read of one record.
pub(crate) fn decode_row(answer: &Answer, wanted: &Wanted) -> Result<Row, String> {
    let mut seen = vec![false; wanted.properties().len()];
    let mut deserializer = serde_json::Deserializer::from_slice(&answer.body);
    let read = Object(RowReader { wanted, seen: &mut seen }).deserialize(&mut deserializer);
    read.map_err(|error| redact::json_error(&error))
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum PageKey {
    Results,
    Paging,
    Total,
    Errors,
    #[serde(other)]
    Other,
}

struct PageReader<'w>(&'w Wanted);

impl<'de> ReadObject<'de> for PageReader<'_> {
    type Value = Rows;
    const EXPECTED: &'static str = "a page of records";

    fn members<A: MapAccess<'de>>(self, mut map: A) -> Result<Rows, A::Error> {
        let mut page = Rows { seen: vec![false; self.0.properties().len()], ..Rows::default() };
        while let Some(key) = map.next_key()? {
            match key {
                PageKey::Results => {
                    page.rows = map.next_value_seed(List(RowsReader { wanted: self.0, seen: &mut page.seen }))?;
                }
                PageKey::Paging => page.after = map.next_value::<Option<Paging>>()?.and_then(Paging::after),
                PageKey::Total => page.total = map.next_value()?,
                PageKey::Errors => page.errors = map.next_value::<Option<Vec<Envelope>>>()?.unwrap_or_default(),
                PageKey::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(page)
    }
}

struct RowsReader<'w> {
    wanted: &'w Wanted,
    seen: &'w mut [bool],
}

impl<'de> ReadList<'de> for RowsReader<'_> {
    type Value = Vec<Row>;
    const EXPECTED: &'static str = "a list of records";

    fn elements<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Row>, A::Error> {
        let mut rows = Vec::with_capacity(100);
        while let Some(row) = seq.next_element_seed(Object(RowReader { wanted: self.wanted, seen: &mut *self.seen }))? {
            rows.push(row);
        }
        Ok(rows)
    }
}

/// One record; also the whole answer of a read of one.
struct RowReader<'w> {
    wanted: &'w Wanted,
    seen: &'w mut [bool],
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum RowKey {
    Id,
    Properties,
    CreatedAt,
    UpdatedAt,
    Archived,
    ArchivedAt,
    Url,
    ObjectWriteTraceId,
    New,
    Associations,
    #[serde(other)]
    Other,
}

impl<'de> ReadObject<'de> for RowReader<'_> {
    type Value = Row;
    const EXPECTED: &'static str = "a record";

    fn members<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
        let mut row = Row::default();
        while let Some(key) = map.next_key()? {
            match key {
                RowKey::Id => row.id = map.next_value::<Id>()?.0,
                RowKey::Properties => {
                    let (wanted, seen) = (self.wanted, &mut *self.seen);
                    map.next_value_seed(Object(PropertiesReader { wanted, seen, row: &mut row }))?;
                }
                RowKey::CreatedAt => row.created_at = map.next_value::<Text>()?.instant(),
                RowKey::UpdatedAt => row.updated_at = map.next_value::<Text>()?.instant(),
                RowKey::Archived => row.archived = map.next_value::<Option<bool>>()?.unwrap_or(false),
                RowKey::ArchivedAt => row.archived_at = map.next_value::<Text>()?.instant(),
                RowKey::Url => row.url = map.next_value::<Text>()?.0.map(|url| Arc::from(&*url)),
                RowKey::ObjectWriteTraceId => {
                    row.trace_id = map.next_value::<Text>()?.0.map(Cow::into_owned);
                }
                RowKey::New => row.new = map.next_value::<Option<bool>>()?.unwrap_or(false),
                RowKey::Associations => {
                    row.associations = map.next_value::<Option<BTreeMap<String, Associated>>>()?.unwrap_or_default();
                }
                RowKey::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if row.id.is_empty() {
            return Err(serde::de::Error::missing_field("id"));
        }
        Ok(row)
    }
}

struct PropertiesReader<'w> {
    wanted: &'w Wanted,
    seen: &'w mut [bool],
    row: &'w mut Row,
}

impl<'de> ReadObject<'de> for PropertiesReader<'_> {
    type Value = ();
    const EXPECTED: &'static str = "a record's properties";

    fn members<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let properties = self.wanted.properties();
        self.row.fields = Fields::with_capacity(properties.len());
        let mut next = 0;
        while let Some(Text(Some(name))) = map.next_key()? {
            let found = self.wanted.find(&name, next).and_then(|at| Some((at, properties.get(at)?)));
            let Some((at, property)) = found else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            next = at + 1;
            if let Some(seen) = self.seen.get_mut(at) {
                *seen = true;
            }
            // HubSpot shows an emptied property as "" or as null; both are "no value".
            let text = map.next_value::<Text>()?.0.filter(|text| !text.is_empty()).map(|text| Arc::<str>::from(&*text));
            if property.inner
                && let Some(text) = &text
            {
                self.row.inner.push((at, text.clone()));
            }
            if property.public {
                self.row.fields.set(property.name.clone(), text.map_or(Value::Null, Value::Text));
            }
        }
        Ok(())
    }
}

/// A string borrowed from the answer where it has no escapes. Numbers and booleans are taken as they would be written;
/// null is `None`.
struct Text<'de>(Option<Cow<'de, str>>);

impl Text<'_> {
    fn instant(self) -> Option<Timestamp> {
        self.0.as_deref().and_then(instant::parse)
    }
}

impl<'de> serde::Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or null")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Borrowed(if flag { "true" } else { "false" }))))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_unit<E>(self) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
