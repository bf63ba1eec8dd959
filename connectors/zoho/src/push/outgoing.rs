//! Writes made ready to be sent: which record each names and how, or why it is not sent at all. Pure.
//!
//! Zoho ignores names it does not know and, in many organisations, takes options that are not on the list. So what its own
//! description of the module does not allow is refused here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::{ExternalKey, FieldKind, FieldName, Fields, Object, Operation, Reason, Rejection, Value, Write};

use crate::schema::{Described, Field};
use crate::seen::Version;
use crate::values::key_text;
use crate::wire::is_id;

/// How the writes of a lane say which record they mean.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    /// By the record's id; never creates.
    ById {
        /// On the condition that nobody has changed the record since this look.
        look: Option<u64>,
    },
    /// By a field no two records share; creates what nobody has.
    ByKey { field: FieldName },
    /// A new record, whose owner the organisation's assignment rule chooses: an upsert would let the rule move the owner of
    /// a record that is there already.
    Assigned {
        /// Our own key, where the write has one: a record that holds it is the one that was meant.
        key: Option<FieldName>,
        /// The rule's id.
        rule: Arc<str>,
    },
    /// A new record.
    Insert,
}

/// Writes that may go in one call: same object, same way of naming the record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lane {
    pub object: Object,
    pub module: String,
    pub how: How,
}

impl Lane {
    /// What is attempted, for errors: no ids, no values.
    pub fn attempted(&self) -> String {
        let verb = match &self.how {
            How::ById { .. } => "update",
            How::ByKey { .. } => "upsert",
            How::Assigned { .. } | How::Insert => "create",
        };
        format!("{verb} {} records", self.object)
    }

    pub fn is_by_id(&self) -> bool {
        matches!(self.how, How::ById { .. })
    }

    pub fn creates(&self) -> bool {
        !self.is_by_id()
    }

    /// The same for records that turned out to be there already.
    pub fn by_id(&self) -> Self {
        Self { how: How::ById { look: None }, ..self.clone() }
    }
}

/// One write on its way.
#[derive(Clone, Debug)]
pub(crate) struct Sent<'a> {
    /// Its place among the caller's writes.
    pub place: usize,
    /// The id, the key's text, or nothing for a new record.
    pub key: String,
    /// The version it was decided by, where it was looked at before.
    pub seen: Option<Version>,
    /// What is written: the write's fields, with what a new record cannot do without.
    pub fields: Cow<'a, Fields>,
}

/// Writes by lane.
pub(crate) type Lanes<'a> = BTreeMap<Lane, Vec<Sent<'a>>>;

pub(crate) fn refused(reason: Reason, code: &str, message: &str, field: Option<&FieldName>) -> Rejection {
    Rejection { reason, code: code.into(), message: message.into(), fields: field.cloned().into_iter().collect() }
}

/// Whether every field and option of the write is known: if not, the description may be old.
pub(crate) fn is_known(described: &Described, write: &Write) -> bool {
    write.fields.iter().all(|(name, value)| described.field(name).is_some_and(|field| unlisted(field, value).is_none()))
}

/// Which lane a write goes by and under which key, or why it is not sent. `rule` is the assignment rule of what is created.
pub(crate) fn ready(
    creatable: &[ExternalKey],
    module: &str,
    described: &Described,
    write: &Write,
    rule: Option<&Arc<str>>,
    seen: impl Fn(&str) -> Option<Version>,
) -> Result<(Lane, String, Option<Version>), Rejection> {
    let unsupported = |message| refused(Reason::Unsupported, "UNSUPPORTED", message, None);
    let object = write.object.clone();
    let own_key = creatable.iter().find(|key| key.object == object).map(|key| &key.field);
    let lane = |how| Lane { object: object.clone(), module: module.to_owned(), how };
    let ready = match &write.operation {
        Operation::Update { id } if is_id(id.as_str()) => {
            let version = seen(id.as_str());
            (lane(How::ById { look: version.map(|version| version.look) }), id.as_str().to_owned(), version)
        }
        Operation::Update { .. } => {
            let message = "Zoho's ids are numbers: this one names no record";
            return Err(refused(Reason::Gone, "INVALID_DATA", message, None));
        }
        Operation::Upsert { .. } | Operation::Create if own_key.is_none() => {
            return Err(unsupported("the connector does not create this object"));
        }
        Operation::Upsert { field, value } => {
            let Some(key) = key_text(value) else {
                let message = "an upsert needs a value for its unique field";
                return Err(refused(Reason::Invalid, "NO_KEY", message, Some(field)));
            };
            let field = keyed_by(described, field)?;
            match rule.filter(|_| own_key.is_some_and(|own| own.eq_ignore_ascii_case(&field))) {
                Some(rule) => (lane(How::Assigned { key: Some(field), rule: rule.clone() }), key, None),
                None => (lane(How::ByKey { field }), key, None),
            }
        }
        Operation::Create => {
            let named = own_key.and_then(|own| Some((own, key_text(write.fields.get(own)?)?)));
            let named = named.map(|(own, key)| Ok((keyed_by(described, own)?, key))).transpose()?;
            match (named, rule) {
                // Keyed by our own id, a create sent twice is still one record.
                (Some((field, key)), None) => (lane(How::ByKey { field }), key, None),
                (Some((field, key)), Some(rule)) => {
                    (lane(How::Assigned { key: Some(field), rule: rule.clone() }), key, None)
                }
                (None, Some(rule)) => (lane(How::Assigned { key: None, rule: rule.clone() }), String::new(), None),
                (None, None) => (lane(How::Insert), String::new(), None),
            }
        }
        _ => return Err(unsupported("the connector does not do this operation")),
    };
    for (name, value) in write.fields.iter() {
        check(described, name, value, ready.0.creates())?;
    }
    Ok(ready)
}

fn keyed_by(described: &Described, name: &FieldName) -> Result<FieldName, Rejection> {
    match described.field(name) {
        Some(field) if field.keys_upserts => Ok(field.spec.name.clone()),
        Some(_) => {
            let message = "Zoho keys upserts only by fields that allow no duplicates: make this one unique";
            Err(refused(Reason::Unsupported, "NOT_UNIQUE", message, Some(name)))
        }
        None => Err(refused(Reason::UnknownField, "INVALID_FIELD", "the module has no such field", Some(name))),
    }
}

fn check(described: &Described, name: &FieldName, value: &Value, creates: bool) -> Result<(), Rejection> {
    if name.eq_ignore_ascii_case("id") {
        return Err(refused(Reason::ReadOnly, "INVALID_FIELD", "a record's id is not written", Some(name)));
    }
    let Some(field) = described.field(name) else {
        return Err(refused(Reason::UnknownField, "INVALID_FIELD", "the module has no such field", Some(name)));
    };
    if !(field.spec.writable || (creates && field.creatable)) {
        return Err(refused(Reason::ReadOnly, "READ_ONLY", "the field cannot be written", Some(name)));
    }
    match unlisted(field, value) {
        Some(_) => {
            let message = "the value is not one of the field's options";
            Err(refused(Reason::Invalid, "NOT_AN_OPTION", message, Some(name)))
        }
        None => Ok(()),
    }
}

/// A value that is not on the field's list.
fn unlisted<'v>(field: &Field, value: &'v Value) -> Option<&'v str> {
    let (options, several) = match &field.spec.kind {
        FieldKind::Choice { options } => (options, false),
        FieldKind::MultiChoice { options } => (options, true),
        _ => return None,
    };
    if options.is_empty() {
        return None;
    }
    let is_missing = |word: &&str| !options.iter().any(|option| **option == **word);
    match value {
        Value::Text(text) if several => text.split(';').map(str::trim).filter(|word| !word.is_empty()).find(is_missing),
        Value::Text(text) if text.is_empty() => None,
        Value::Text(text) => Some(&**text).filter(is_missing),
        Value::List(items) => items.iter().map(|item| &**item).find(is_missing),
        _ => None,
    }
}

/// Rows of one lane in waves of distinct records: no call and no job names a record twice.
pub(crate) fn waves<'a>(sent: Vec<Sent<'a>>) -> Vec<Vec<Sent<'a>>> {
    let mut waves: Vec<(BTreeSet<String>, Vec<Sent<'a>>)> = Vec::new();
    for one in sent {
        let key = one.key.to_lowercase();
        match waves.iter_mut().find(|(keys, _)| key.is_empty() || !keys.contains(&key)) {
            Some((keys, wave)) => {
                keys.insert(key);
                wave.push(one);
            }
            None => waves.push((BTreeSet::from([key]), vec![one])),
        }
    }
    waves.into_iter().map(|(_, wave)| wave).collect()
}
