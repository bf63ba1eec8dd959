//! Intents and journal rows in the bytes of `packed`: read and written for every record pushed, several times.

use std::sync::Arc;

use connector::{FieldName, Fields, Operation, RecordId, Value};

use super::fault::{Fallible, Fault};
use super::packed::{Packer, Unpacker};
use crate::model::{Cause, Change, Intent};

/// What of an intent is not in columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored {
    pub(super) op: Operation,
    pub(super) fields: Fields,
    pub(super) changes: Vec<Change>,
    pub(super) compare_first: bool,
}

/// One field of a journal row.
#[derive(Debug)]
pub(super) struct Written<'a> {
    pub(super) field: &'a str,
    pub(super) from: &'a Value,
    pub(super) to: &'a Value,
    pub(super) mapping: &'a Arc<str>,
    pub(super) origin: &'a Arc<str>,
    pub(super) outcome: &'a str,
}

/// The same, read back.
#[derive(Debug)]
pub(super) struct WasWritten {
    pub(super) field: Arc<str>,
    pub(super) from: Value,
    pub(super) to: Value,
    pub(super) mapping: Arc<str>,
    pub(super) origin: Arc<str>,
    pub(super) outcome: Arc<str>,
}

const UPDATE: u64 = 1;
const UPSERT: u64 = 2;
/// Any other operation, as JSON: none is frequent.
const OTHER: u64 = 3;

const OVERWRITES: u64 = 1;
/// `to` is the value of the intent's field of that name.
const TO_IS_SENT: u64 = 1 << 1;
/// The cause's origin is that of the change before.
const SAME_ORIGIN: u64 = 1 << 2;

#[cold]
fn damaged() -> Fault {
    Fault::Damaged("a packed intent does not read back")
}

pub(super) fn pack_intent(stored: &Stored) -> Fallible<Vec<u8>> {
    let mut out = Packer::new(32 + 128 * stored.changes.len());
    out.count(u64::from(stored.compare_first));
    match &stored.op {
        Operation::Update { id } => {
            out.count(UPDATE);
            out.text(id.as_str());
        }
        Operation::Upsert { field, value } => {
            out.count(UPSERT);
            out.text(field);
            out.value(value);
        }
        other => {
            out.count(OTHER);
            out.text(&serde_json::to_string(other)?);
        }
    }
    out.count(stored.fields.len() as u64);
    for (name, value) in stored.fields.iter() {
        out.text(name);
        out.value(value);
    }
    out.count(stored.changes.len() as u64);
    let mut origin = None;
    for change in &stored.changes {
        let sent = stored.fields.get(&change.field).is_some_and(|sent| same(sent, &change.to));
        let same_origin = origin == Some(&change.cause.origin);
        let flag = |on: bool, flag: u64| if on { flag } else { 0 };
        out.count(flag(change.overwrites, OVERWRITES) | flag(sent, TO_IS_SENT) | flag(same_origin, SAME_ORIGIN));
        out.text(&change.field);
        out.value(&change.from);
        if !sent {
            out.value(&change.to);
        }
        out.text(&change.cause.mapping);
        if !same_origin {
            out.text(&change.cause.origin);
        }
        origin = Some(&change.cause.origin);
    }
    Ok(out.done())
}

/// Equal down to a decimal's scale.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b && a.scale() == b.scale(),
        _ => a == b,
    }
}

pub(super) fn unpack_intent(bytes: &[u8]) -> Fallible<Stored> {
    let mut from = Unpacker::new(bytes)?;
    let compare_first = from.count()? != 0;
    let op = match from.count()? {
        UPDATE => Operation::Update { id: RecordId::new(from.text()?) },
        UPSERT => Operation::Upsert { field: from.text()?, value: from.value()? },
        OTHER => serde_json::from_str(&from.text()?)?,
        _ => return Err(damaged()),
    };
    let length = from.length()?;
    let mut fields = Fields::with_capacity(length);
    for _ in 0..length {
        let name: FieldName = from.text()?;
        fields.set(name, from.value()?);
    }
    let length = from.length()?;
    let mut changes: Vec<Change> = Vec::with_capacity(length);
    for _ in 0..length {
        let flags = from.count()?;
        let field: FieldName = from.text()?;
        let before = from.value()?;
        let to = match flags & TO_IS_SENT {
            0 => from.value()?,
            _ => fields.get(&field).ok_or_else(damaged)?.clone(),
        };
        let mapping = from.text()?;
        let origin = match flags & SAME_ORIGIN {
            0 => from.text()?,
            _ => changes.last().ok_or_else(damaged)?.cause.origin.clone(),
        };
        let cause = Cause { mapping, origin };
        changes.push(Change { field, from: before, to, cause, overwrites: flags & OVERWRITES != 0 });
    }
    Ok(Stored { op, fields, changes, compare_first })
}

impl Stored {
    pub(super) fn of(intent: &Intent) -> Self {
        Self {
            op: intent.operation.clone(),
            fields: intent.fields.clone(),
            changes: intent.changes.clone(),
            compare_first: intent.compare_first,
        }
    }

    pub(super) fn overwrites(&self) -> bool {
        self.changes.iter().any(|change| change.overwrites)
    }

    pub(super) fn clears(&self) -> bool {
        // What is taken back because a person says so is no loss to be stopped.
        let clears = |change: &Change| change.to.is_null() && !change.from.is_null() && !change.cause.is_consent();
        self.changes.iter().any(clears)
    }
}

pub(super) fn pack_written(written: &[Written<'_>]) -> Vec<u8> {
    let mut out = Packer::new(16 + 128 * written.len());
    out.count(written.len() as u64);
    let mut before: Option<&Written<'_>> = None;
    for one in written {
        let same_origin = before.is_some_and(|before| before.origin == one.origin);
        out.count(if same_origin { SAME_ORIGIN } else { 0 });
        out.text(one.field);
        out.value(one.from);
        out.value(one.to);
        out.text(one.mapping);
        if !same_origin {
            out.text(one.origin);
        }
        out.text(one.outcome);
        before = Some(one);
    }
    out.done()
}

pub(super) fn unpack_written(bytes: &[u8]) -> Fallible<Vec<WasWritten>> {
    let mut from = Unpacker::new(bytes)?;
    let length = from.length()?;
    let mut written: Vec<WasWritten> = Vec::with_capacity(length);
    for _ in 0..length {
        let flags = from.count()?;
        let (field, before, to, mapping) = (from.text()?, from.value()?, from.value()?, from.text()?);
        let origin = match flags & SAME_ORIGIN {
            0 => from.text()?,
            _ => written.last().ok_or_else(damaged)?.origin.clone(),
        };
        written.push(WasWritten { field, from: before, to, mapping, origin, outcome: from.text()? });
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(field: &str, to: Value, origin: &str) -> Change {
        let cause = Cause { mapping: format!("contact.x → {field}").into(), origin: origin.into() };
        Change { field: field.into(), from: Value::Null, to, cause, overwrites: field == "b" }
    }

    #[test]
    fn an_intent_reads_back_whatever_its_operation() {
        let operations = [
            Operation::Update { id: "501".into() },
            Operation::Upsert { field: "cdp_profile_id".into(), value: "0198".into() },
            Operation::Create,
            Operation::ListMembership { list: "7".into(), record: "501".into(), member: true },
        ];
        for (n, op) in operations.into_iter().enumerate() {
            let changes = vec![
                change("b", 7.into(), "computed"),
                change("a", Value::Null, "computed"),
                change("c", "other".into(), "source web"),
            ];
            // What is sent of `c` is not what its change says.
            let fields = Fields::from([("a", Value::Null), ("b", 7.into()), ("c", "sent".into()), ("key", "k".into())]);
            let stored = Stored { op, fields, changes, compare_first: n % 2 == 0 };
            let bytes = pack_intent(&stored).unwrap();
            assert_eq!(unpack_intent(&bytes).unwrap(), stored);
            assert!(unpack_intent(&bytes[..bytes.len() - 1]).is_err());
        }
    }

    #[test]
    fn journal_fields_read_back() {
        let (mapping, origin, other): (Arc<str>, Arc<str>, Arc<str>) = ("m".into(), "o".into(), "p".into());
        let (from, to) = (Value::Null, Value::from("x"));
        let one =
            |field, origin| Written { field, from: &from, to: &to, mapping: &mapping, origin, outcome: "written" };
        let back = unpack_written(&pack_written(&[one("a", &origin), one("b", &origin), one("c", &other)])).unwrap();
        let origins: Vec<&str> = back.iter().map(|written| &*written.origin).collect();
        assert_eq!(origins, ["o", "o", "p"]);
        assert_eq!((&*back[2].field, &back[2].to, &*back[2].outcome), ("c", &to, "written"));
    }
}
