//! Erasure: what was asked for, what is left to look at, and the receipt, which says nothing of the person.

use std::collections::{BTreeMap, HashSet};

use connector::{ConnectionName, FieldName, Object, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{Identifier, RuleId};

/// Whom an erasure is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Erasing {
    /// A KEY of the command line.
    pub key: String,
    /// What the key names by itself, so that somebody nobody knows can be put on the list.
    pub named: Option<Identifier>,
    /// Fields of ours that are to be emptied at the CRMs; none where the records are only listed.
    pub clear: Vec<OwnFields>,
    /// Where records of the person are to be deleted at the CRM.
    pub delete: Vec<(ConnectionName, Object)>,
}

/// Fields that only Ferry writes, of one object at one connection.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnFields {
    pub connection: ConnectionName,
    pub object: Object,
    pub fields: Vec<FieldName>,
}

/// A record at a CRM that is about an erased person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftRecord {
    pub connection: String,
    pub object: String,
    pub id: String,
    pub url: Option<String>,
    /// Whether the next push deletes it.
    #[serde(default)]
    pub will_be_deleted: bool,
}

/// The receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Receipt {
    pub id: Uuid,
    pub started_at: Timestamp,
    /// `None` while it is under way.
    pub finished_at: Option<Timestamp>,
    /// Deleted rows by what they were, and `suppressed`: hashes put on the list.
    pub counts: BTreeMap<String, u64>,
}

/// What one step of an erasure found.
#[derive(Clone, Debug, PartialEq)]
pub enum ErasureStep {
    /// There is more to do.
    More,
    /// Nothing of the person is left here; these records are at the CRMs.
    Finished { receipt: Receipt, records: Vec<LeftRecord> },
}

/// What retention deletes, by instants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlived {
    /// Events that happened before.
    pub events: Timestamp,
    /// Profiles that nobody is known by and that were last seen before.
    pub anonymous: Timestamp,
    /// Bodies of messages that were received before.
    pub bodies: Option<Timestamp>,
    /// What stays of the events.
    pub lasting: Lasting,
}

/// Facts that outlive their events, by rule. Of each other rule the first fact of a profile stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lasting {
    /// Every fact of these stays.
    pub all: HashSet<RuleId>,
    /// Of these the last one stays, too.
    pub last: HashSet<RuleId>,
}

/// What retention deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    pub events: u64,
    pub facts: u64,
    pub bodies: u64,
    pub profiles: u64,
    pub history: u64,
    pub activities: u64,
}

impl Retained {
    pub fn total(&self) -> u64 {
        self.events + self.facts + self.bodies + self.profiles + self.history + self.activities
    }

    pub fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.facts += other.facts;
        self.bodies += other.bodies;
        self.profiles += other.profiles;
        self.history += other.history;
        self.activities += other.activities;
    }
}

/// Where retention goes on: what is looked at, and after which row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionPlace {
    pub part: u8,
    pub after: i64,
}
