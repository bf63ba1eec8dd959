//! Writes made ready to be sent: which row each names and how, and its body, or why it is not sent at all. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::{
    Creation, ExternalKey, FieldName, Fields, Object, Operation, Reason, RecordId, Rejection, Value, Write,
};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::odata::{encoded, is_guid, is_key_text, quoted};
use crate::schema::Described;
use crate::values::{self, Member, refused};

/// How a write says which row it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// Never creates.
    Id {
        id: String,
        etag: Option<Arc<str>>,
    },
    /// By an alternate key; creates what nobody has, where `creates`.
    Key {
        column: String,
        value: String,
        creates: bool,
    },
    New,
}

/// One write on its way.
#[derive(Clone, Debug)]
pub(crate) struct Sent<'a> {
    /// Its place among the caller's writes.
    pub place: usize,
    pub write: &'a Write,
    pub row: Row,
    pub body: Body,
    /// The columns written, without look-ups: those an answer may show.
    pub columns: Vec<FieldName>,
}

/// A row's members.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body(pub Vec<Member>);

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, &**value as &RawValue)?;
        }
        map.end()
    }
}

/// The entity sets of the tables that look-ups point to.
pub(crate) type Sets = BTreeMap<String, String>;

/// The tables that these writes' look-ups point to.
pub(crate) fn pointed_to(described: &Described, writes: &[&Write]) -> Vec<String> {
    let mut tables = Vec::new();
    for (name, value) in writes.iter().flat_map(|write| write.fields.iter()) {
        let Some(column) = described.column(name).filter(|column| column.is_lookup()) else { continue };
        if let Ok(Some(target)) = values::target(column, name, value)
            && !tables.contains(&target.table)
        {
            tables.push(target.table);
        }
    }
    tables
}

/// Makes one write ready.
pub(crate) fn ready<'a>(
    creatable: &[ExternalKey],
    described: &Described,
    sets: &Sets,
    place: usize,
    write: &'a Write,
) -> Result<Sent<'a>, Rejection> {
    let own_key = creatable.iter().find(|key| key.object == write.object).map(|key| &key.field);
    let row = row(own_key, described, write)?;
    let skip = match &row {
        Row::Key { column, .. } => Some(column.clone()),
        _ => None,
    };
    let creates = !matches!(row, Row::Id { .. });
    let (body, columns) = body(described, sets, &write.fields, skip.as_deref(), creates)?;
    Ok(Sent { place, write, row, body, columns })
}

fn row(own_key: Option<&FieldName>, described: &Described, write: &Write) -> Result<Row, Rejection> {
    let unsupported = |message| refused(Reason::Unsupported, "UNSUPPORTED", message, "");
    if matches!(write.object, Object::User | Object::Activity) {
        return Err(unsupported("the connector does not write this object"));
    }
    let by_key = |column: &str, value: &Value, creates: bool| {
        let text = value.to_string().trim().to_owned();
        if !is_key_text(&text) {
            let message = "an alternate key needs a value that an address can hold";
            return Err(refused(Reason::Invalid, "NO_KEY", message, column));
        }
        match described.column(column) {
            Some(known) => Ok(Row::Key { column: known.spec.name.to_string(), value: text, creates }),
            None => Err(refused(Reason::UnknownField, "NO_SUCH_COLUMN", "the table has no such column", column)),
        }
    };
    match &write.operation {
        Operation::Update { id } if is_guid(id.as_str()) => {
            Ok(Row::Id { id: id.as_str().to_ascii_lowercase(), etag: None })
        }
        Operation::Update { .. } => {
            Err(refused(Reason::Gone, "NOT_A_GUID", "Dynamics' ids are GUIDs: this names no row", ""))
        }
        Operation::Upsert { field, value } => by_key(field, value, own_key.is_some()),
        Operation::Create => {
            let Some(key) = own_key else { return Err(unsupported("the connector does not create this object")) };
            // Keyed by our own id, a create sent twice is still one record.
            match write.fields.get(key).filter(|value| !value.is_null()) {
                Some(value) => by_key(key, value, true),
                None => Ok(Row::New),
            }
        }
        _ => Err(unsupported("the connector does not do this operation")),
    }
}

fn body(
    described: &Described,
    sets: &Sets,
    fields: &Fields,
    skip: Option<&str>,
    creates: bool,
) -> Result<(Body, Vec<FieldName>), Rejection> {
    let (mut members, mut columns) = (Vec::with_capacity(fields.len()), Vec::with_capacity(fields.len()));
    for (name, value) in fields.iter() {
        if skip.is_some_and(|key| key.eq_ignore_ascii_case(name)) {
            continue;
        }
        let Some(column) = described.column(name) else {
            let shown = described.labelled(name).is_some();
            return Err(match shown {
                true => {
                    refused(Reason::ReadOnly, "READ_ONLY", "the text of a choice or a look-up is not written", name)
                }
                false => refused(Reason::UnknownField, "NO_SUCH_COLUMN", "the table has no such column", name),
            });
        };
        if !(column.spec.writable || (creates && column.creatable)) {
            return Err(refused(Reason::ReadOnly, "READ_ONLY", "Dynamics takes no value for this column", name));
        }
        if !column.is_lookup() {
            members.push(values::plain(column, name, value)?);
            columns.push(name.clone());
            continue;
        }
        let target = values::target(column, name, value)?;
        let found = match &target {
            Some(target) => match sets.get(&target.table) {
                Some(set) => Some((target, set.as_str())),
                None => {
                    return Err(refused(Reason::Invalid, "NO_SUCH_TABLE", "the look-up's table is not there", name));
                }
            },
            None => None,
        };
        members.push(values::bound(column, name, found)?);
    }
    Ok((Body(members), columns))
}

impl Sent<'_> {
    /// `contacts(…)`: the row in addresses. `None` for a new one.
    pub fn resource(&self, set: &str) -> Option<String> {
        match &self.row {
            Row::Id { id, .. } => Some(format!("{set}({id})")),
            Row::Key { column, value, .. } => Some(format!("{set}({column}={})", encoded(&quoted(value)))),
            Row::New => None,
        }
    }

    /// The condition under which it is written: the version that was read, or else that the row is there. Only what is to be
    /// made where nobody has it goes without.
    pub fn condition(&self) -> Option<&str> {
        match &self.row {
            Row::Id { etag: Some(etag), .. } => Some(etag),
            Row::Id { etag: None, .. } | Row::Key { creates: false, .. } => Some("*"),
            Row::Key { creates: true, .. } | Row::New => None,
        }
    }

    pub fn id(&self) -> Option<RecordId> {
        match &self.row {
            Row::Id { id, .. } => Some(RecordId::from(id.as_str())),
            _ => None,
        }
    }
}

/// What people find a new record by, where the mapping writes nothing of it. Dataverse itself asks for nothing, so that it is
/// written once the record is known to be new: nobody's own words are replaced.
pub(crate) fn completed(described: &Described, object: &Object, fields: &Fields, creation: &Creation) -> Body {
    const UNTITLED: &str = "[not provided]";
    let blank = |name: &str| {
        let said = fields.iter().find(|(have, _)| have.eq_ignore_ascii_case(name));
        said.is_none_or(|(_, value)| value.to_string().trim().is_empty())
    };
    let mut more = Body::default();
    let mut add = |name: &str, text: &str| {
        let column = described.column(name).filter(|_| blank(name));
        more.0.extend(column.and_then(|column| values::plain(column, name, &Value::from(text)).ok()));
    };
    if object.is_person() {
        let name = creation.last_name(fields.get("emailaddress1").and_then(Value::as_text), 50);
        add("lastname", &name);
    }
    if *object == Object::Lead {
        add("subject", UNTITLED);
    }
    more
}

#[cfg(test)]
#[path = "outgoing_tests.rs"]
pub(crate) mod tests;
