//! Writes made ready to be sent: which record each names and how, or why it is not sent at all. Pure.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use connector::{FieldName, Fields, Object, Operation, Reason, Rejection, Write};

use crate::ids;
use crate::paths::sobject_of;
use crate::reject::{Naming, refused};
use crate::values::key_text;

/// How the writes of a lane say which record they mean.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    /// By the record's id; never creates.
    ById,
    /// By an external key; creates what nobody has unless `update_only`.
    ByKey { field: FieldName, update_only: bool },
    /// A new record. Where it carries our key, sending it again meets the first one.
    Insert { key: Option<FieldName> },
}

/// Writes that may go in one call: same object, same way of naming the record, same assignment of owners.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lane {
    pub object: Object,
    pub sobject: String,
    pub how: How,
    /// The org's own assignment rules choose the owner of what is created.
    pub assigns: bool,
}

impl Lane {
    /// What is attempted, for errors: no ids, no values.
    pub fn attempted(&self) -> String {
        let verb = match &self.how {
            How::ById => "update",
            How::ByKey { update_only: true, .. } => "update by key",
            How::ByKey { .. } => "upsert",
            How::Insert { .. } => "create",
        };
        format!("{verb} {} records", self.object)
    }

    pub fn naming(&self) -> Naming {
        if self.how == How::ById { Naming::ById } else { Naming::Otherwise }
    }

    /// The same records by their ids, as a follow-up once those are known.
    pub fn by_id(&self) -> Lane {
        Lane { how: How::ById, assigns: false, ..self.clone() }
    }

    /// Whether a row can be told apart in the answer to a job, and a job does what is asked.
    pub fn may_bulk(&self) -> bool {
        match &self.how {
            How::ById => true,
            // A job has no `updateOnly`, and names no rule that assigns owners.
            How::ByKey { update_only, .. } => !update_only && !self.assigns,
            How::Insert { .. } => false,
        }
    }

    pub fn creates(&self) -> bool {
        matches!(self.how, How::ByKey { update_only: false, .. } | How::Insert { .. })
    }
}

/// One write on its way.
#[derive(Clone, Debug)]
pub(crate) struct Sent<'a> {
    /// Its place among the caller's writes.
    pub place: usize,
    pub write: &'a Write,
    /// The 18-character id, the key's text, or nothing for a new record without a key.
    pub key: String,
    /// What is written: the write's fields, with what a new record cannot do without.
    pub fields: Cow<'a, Fields>,
}

/// What the connector may create, by object.
pub(crate) type Creatable<'a> = &'a [connector::ExternalKey];

/// Writes by lane.
pub(crate) type Lanes<'a> = BTreeMap<Lane, Vec<Sent<'a>>>;

/// Sorts writes into lanes. A write that is refused before it is sent has its rejection instead.
pub(crate) fn sort<'a>(creatable: Creatable<'_>, writes: &'a [Write]) -> (Lanes<'a>, Vec<(usize, Rejection)>) {
    let mut lanes = Lanes::new();
    let mut refusals = Vec::new();
    for (place, write) in writes.iter().enumerate() {
        match ready(creatable, write) {
            Ok((lane, key)) => {
                let sent = Sent { place, write, key, fields: Cow::Borrowed(&write.fields) };
                lanes.entry(lane).or_default().push(sent);
            }
            Err(rejection) => refusals.push((place, rejection)),
        }
    }
    (lanes, refusals)
}

fn ready(creatable: Creatable<'_>, write: &Write) -> Result<(Lane, String), Rejection> {
    let unsupported = |message| refused(Reason::Unsupported, "UNSUPPORTED", message);
    if let Some(name) = write.fields.names().find(|name| name.eq_ignore_ascii_case("Id")) {
        let mut rejection =
            refused(Reason::ReadOnly, "INVALID_FIELD_FOR_INSERT_UPDATE", "a record's id is not written");
        rejection.fields.push(name.clone());
        return Err(rejection);
    }
    if let Some(name) = write.fields.names().find(|name| !is_field_name(name)) {
        let mut rejection = refused(Reason::UnknownField, "INVALID_FIELD", "Salesforce names no field like this");
        rejection.fields.push(name.clone());
        return Err(rejection);
    }
    let object = write.object.clone();
    let sobject = match (&object, sobject_of(&object)) {
        (Object::User, _) | (_, Err(_)) => return Err(unsupported("the connector does not write this object")),
        (_, Ok(sobject)) => sobject.to_owned(),
    };
    let own_key = creatable.iter().find(|key| key.object == object).map(|key| key.field.clone());
    let lane = |how, assigns| Lane { object: object.clone(), sobject: sobject.clone(), how, assigns };
    match &write.operation {
        Operation::Update { id } => match ids::long(id.as_str()) {
            Some(id) => Ok((lane(How::ById, false), id.to_string())),
            None => Err(refused(
                Reason::Gone,
                "MALFORMED_ID",
                "Salesforce's ids have 15 or 18 characters: this names no record",
            )),
        },
        Operation::Upsert { field, value } => {
            let Some(key) = key_text(value) else {
                return Err(refused(Reason::Invalid, "NO_KEY", "an upsert needs a value for its unique field"));
            };
            let ours = own_key.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(field));
            if ours && write.hints.crm_assigns {
                return Ok((lane(How::Insert { key: Some(field.clone()) }, true), key));
            }
            Ok((lane(How::ByKey { field: field.clone(), update_only: own_key.is_none() }, false), key))
        }
        Operation::Create => {
            let Some(field) = own_key else { return Err(unsupported("the connector does not create this object")) };
            let key = write.fields.get(&field).and_then(key_text);
            let assigns = write.hints.crm_assigns;
            Ok(match key {
                // Keyed by our own id, a create sent twice is still one record.
                Some(key) if !assigns => (lane(How::ByKey { field, update_only: false }, false), key),
                Some(key) => (lane(How::Insert { key: Some(field) }, true), key),
                None => (lane(How::Insert { key: None }, assigns), String::new()),
            })
        }
        _ => Err(unsupported("the connector does not do this operation")),
    }
}

/// A field's API name: anything else would be a request of another shape.
fn is_field_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= 255
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Rows of one lane in waves of distinct records: no call and no job names a record twice.
pub(crate) fn waves<'a>(sent: Vec<Sent<'a>>) -> Vec<Vec<Sent<'a>>> {
    let mut waves: Vec<(BTreeSet<String>, Vec<Sent<'a>>)> = Vec::new();
    for one in sent {
        // Keys may be compared without case; two ids that differ in nothing else only wait for each other.
        let key = one.key.to_lowercase();
        let free = waves.iter_mut().find(|(keys, _)| key.is_empty() || !keys.contains(&key));
        match free {
            Some((keys, wave)) => {
                keys.insert(key);
                wave.push(one);
            }
            None => waves.push((BTreeSet::from([key]), vec![one])),
        }
    }
    waves.into_iter().map(|(_, wave)| wave).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector::{Entropy, ExternalKey, Hints, SeededEntropy, Timestamp, Value};

    const KEY: &str = "CDP_Profile_Id__c";

    fn creatable() -> Vec<ExternalKey> {
        [Object::Contact, Object::Lead].map(|object| ExternalKey { object, field: KEY.into() }).to_vec()
    }

    fn write(object: Object, operation: Operation) -> Write {
        let fields = Fields::from([("Title", Value::from("Head"))]);
        Write { key: SeededEntropy::new(1).uuid(Timestamp::EPOCH), object, operation, fields, hints: Hints::default() }
    }

    fn update(id: &str) -> Write {
        write(Object::Contact, Operation::Update { id: id.into() })
    }

    fn upsert(object: Object, value: &str) -> Write {
        write(object, Operation::Upsert { field: KEY.into(), value: value.into() })
    }

    fn reason(write: &Write) -> Reason {
        ready(&creatable(), write).unwrap_err().reason
    }

    #[test]
    fn ids_are_written_in_their_long_form() {
        let (lane, key) = ready(&creatable(), &update("003xx000004TmiQ")).unwrap();
        assert_eq!((lane.how, key.as_str()), (How::ById, "003xx000004TmiQAAS"));
        assert_eq!(reason(&update("12")), Reason::Gone);
    }

    #[test]
    fn only_what_may_be_created_is() {
        let (lane, key) = ready(&creatable(), &upsert(Object::Contact, "p-1")).unwrap();
        assert_eq!(lane.how, How::ByKey { field: KEY.into(), update_only: false });
        assert!(lane.creates() && lane.may_bulk());
        assert_eq!(key, "p-1");
        let (lane, _) = ready(&creatable(), &upsert(Object::Company, "p-1")).unwrap();
        assert_eq!(lane.how, How::ByKey { field: KEY.into(), update_only: true });
        assert!(!lane.creates() && !lane.may_bulk());
        assert_eq!(reason(&write(Object::Company, Operation::Create)), Reason::Unsupported);
        assert_eq!(reason(&write(Object::User, Operation::Create)), Reason::Unsupported);
        assert_eq!(reason(&upsert(Object::Contact, " ")), Reason::Invalid);
    }

    #[test]
    fn a_create_is_keyed_where_it_can_be() {
        let mut create = write(Object::Lead, Operation::Create);
        let (lane, key) = ready(&creatable(), &create).unwrap();
        assert_eq!((lane.how.clone(), key.as_str()), (How::Insert { key: None }, ""));
        assert!(!lane.may_bulk());
        create.fields.set(KEY, "p-9");
        let (lane, key) = ready(&creatable(), &create).unwrap();
        assert_eq!(lane.how, How::ByKey { field: KEY.into(), update_only: false });
        assert_eq!(key, "p-9");
        create.hints.crm_assigns = true;
        let (lane, _) = ready(&creatable(), &create).unwrap();
        assert_eq!(lane.how, How::Insert { key: Some(KEY.into()) });
        assert!(lane.assigns && !lane.may_bulk());
    }

    #[test]
    fn no_field_changes_the_shape_of_a_request() {
        for (name, expected) in
            [("id", Reason::ReadOnly), ("a\",\"b", Reason::UnknownField), ("A.B", Reason::UnknownField)]
        {
            let mut write = update("003xx000004TmiQ");
            write.fields.set(name, "x");
            let rejection = ready(&creatable(), &write).unwrap_err();
            assert_eq!((rejection.reason, &*rejection.fields[0]), (expected, name));
        }
    }

    #[test]
    fn a_record_is_named_once_in_a_wave() {
        let writes = [update("003xx000004TmiQ"), update("003xx000004TmiR"), update("003xx000004TmiQAAS")];
        let (lanes, refusals) = sort(&creatable(), &writes);
        assert!(refusals.is_empty());
        let waves = waves(lanes.into_values().next().unwrap());
        let places: Vec<Vec<usize>> = waves.iter().map(|wave| wave.iter().map(|sent| sent.place).collect()).collect();
        assert_eq!(places, [vec![0, 1], vec![2]]);
    }
}
