//! Reading: what is asked for, and the pages that come back.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{FieldName, Link, Object, Record, RecordId, Timestamp, Value};

/// What flows in one pull. Each stream of a connection has its own cursor and its own schedule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Live records, changed ones first to last. A page may carry tombstones where a change of the record tells its end
    /// (a lead that has become a contact).
    Records(Object),
    /// Records deleted at the CRM, as [`Page::tombstones`]. Where the CRM has no log of deletions this is a full sweep.
    Deletions(Object),
    /// Associations of every record of the object, as records with `links` and no fields; from a cursor on only of those
    /// whose associations changed, where the CRM tells. Editing an association does not move a record's stamp at most
    /// CRMs, so this is a stream of its own, and at some a sweep.
    Associations(Object),
}

impl Stream {
    pub fn object(&self) -> &Object {
        match self {
            Self::Records(object) | Self::Deletions(object) | Self::Associations(object) => object,
        }
    }

    /// The stream's name in checkpoints, runs and status: `records`, `deletions`, `associations`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Records(_) => "records",
            Self::Deletions(_) => "deletions",
            Self::Associations(_) => "associations",
        }
    }
}

/// A place in a CRM's data. Opaque outside the connector that made it; it round-trips through its text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(Arc<str>);

impl Cursor {
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    pub stream: Stream,
    /// The fields wanted, by the CRM's names. Only these are asked for: what is not mapped is not read.
    pub fields: Vec<FieldName>,
    /// Objects whose associations are wanted with each record.
    pub links: Vec<Object>,
    /// Where to go on; `None` starts from the beginning of time (a full load).
    pub cursor: Option<Cursor>,
    /// Leave out deals that closed before this instant, where the CRM can filter on it. A first load of activities leaves out
    /// those that were last changed before it.
    pub since: Option<Timestamp>,
}

/// One page. `resume` is always set, even on an empty page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub records: Vec<Record>,
    pub tombstones: Vec<Tombstone>,
    /// Where the next call goes on once everything on this page is stored.
    pub resume: Cursor,
    /// Whether asking again now would bring more. `false` ends the run.
    pub more: bool,
    /// Whether this page ends a full load (or a full sweep): everything that existed has now been delivered once.
    pub full_load_done: bool,
    /// Fields that were asked for and that this CRM does not define. They say nothing about any record's value.
    pub undefined: Vec<FieldName>,
}

/// A record that no longer lives at the CRM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    pub id: RecordId,
    pub deleted_at: Option<Timestamp>,
    /// The record it goes on as, where the CRM says so: of the same object after a merge, of another where a lead was
    /// converted to a contact. A merge is not a deletion.
    pub merged_into: Option<Link>,
}

/// Reads the current values of given records from the CRM's primary store: no search index, no lag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRequest {
    pub object: Object,
    pub fields: Vec<FieldName>,
    pub by: ReadKey,
}

/// How records are named in a [`ReadRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadKey {
    /// By id. An id that was merged away answers with the surviving record, which lists the asked id in `merged_ids`.
    Ids(Vec<RecordId>),
    /// By the value of a field the CRM holds unique (an external key, or a contact's e-mail).
    Unique { field: FieldName, values: Vec<Value> },
}
