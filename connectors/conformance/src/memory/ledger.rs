//! What happened to the records: every change in order, with who made it. Tests compare this with what should be.

use connector::{FieldName, Fields, Object, RecordId, Timestamp, Value};

/// Who changed a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// A person working in the CRM.
    Rep,
    /// The connector, that is Ferry.
    Us,
    /// The CRM's own automation, answering a write of ours.
    Workflow,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    Create,
    Update,
    Delete,
    Restore,
    /// `record` is the survivor, [`Entry::other`] the record that was merged away.
    Merge,
    /// `record` is the lead, [`Entry::other`] the contact it goes on as.
    Convert,
    /// `record` was associated with [`Entry::other`].
    Associate,
    Dissociate,
}

/// One change. An update that wrote the values already there is a change too: the CRM moved its stamp.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// From 1, without gaps.
    pub seq: u64,
    /// Server time.
    pub at: Timestamp,
    pub by: Actor,
    pub kind: ChangeKind,
    pub object: Object,
    pub record: RecordId,
    /// The second record of a merge or an association.
    pub other: Option<RecordId>,
    /// All fields before; empty for a create.
    pub before: Fields,
    /// All fields after; empty for a delete.
    pub after: Fields,
    /// The fields named in the write, whether or not their values changed.
    pub named: Vec<FieldName>,
}

impl Entry {
    /// Fields whose value differs, as (name, before, after). A field without a value counts as null.
    pub fn changed(&self) -> Vec<(FieldName, Value, Value)> {
        let value_in = |fields: &Fields, name: &str| fields.get(name).cloned().unwrap_or(Value::Null);
        let mut names: Vec<&FieldName> = self.before.names().chain(self.after.names()).collect();
        names.sort_unstable();
        names.dedup();
        names
            .into_iter()
            .map(|name| (name.clone(), value_in(&self.before, name), value_in(&self.after, name)))
            .filter(|(_, before, after)| before != after)
            .collect()
    }
}

/// How often each door of the connector was used, and what that cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    pub check: u64,
    pub describe: u64,
    pub pull: u64,
    pub read: u64,
    pub push: u64,
    pub create_field: u64,
    /// Of those that had something to ask.
    pub recover: u64,
    /// Everything sent, refreshes and replays included.
    pub requests: u64,
    /// How often the access token was renewed.
    pub refreshes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_only_what_differs() {
        let entry = Entry {
            seq: 1,
            at: Timestamp::EPOCH,
            by: Actor::Us,
            kind: ChangeKind::Update,
            object: Object::Contact,
            record: "7".into(),
            other: None,
            before: Fields::from([("a", Value::from("1")), ("b", Value::from("2"))]),
            after: Fields::from([("a", Value::from("1")), ("c", Value::from("3"))]),
            named: vec!["a".into()],
        };
        assert_eq!(
            entry.changed(),
            [("b".into(), Value::from("2"), Value::Null), ("c".into(), Value::Null, Value::from("3"))]
        );
    }
}
