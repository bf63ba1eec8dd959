//! Ids and names. Integer keys inside, UUIDv7 outside.

use std::fmt;
use std::sync::Arc;

use connector::{ConnectionName, Object, RecordId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A profile's key inside the store. Never reused, never shown; people see [`ProfileUid`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProfileId(pub i64);

/// A profile's id outside the store: in the CRM (`cdp_profile_id`), on the command line, in logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProfileUid(pub Uuid);

impl fmt::Display for ProfileUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A company's id outside the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CompanyUid(pub Uuid);

impl fmt::Display for CompanyUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An outbox entry's key inside the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OutboxId(pub i64);

/// A run's id, as `ferry runs` prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub Uuid);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One record of one object at one connection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordKey {
    pub connection: ConnectionName,
    pub object: Object,
    pub id: RecordId,
}

/// `hubspot contact 501`
impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.connection, self.object, self.id)
    }
}

/// A source of events: a `[[source]]` entry, or `file` for bare imports.
pub type SourceName = Arc<str>;

/// A trait's name: `email`, `visits_30d`, `score_engagement`.
pub type TraitName = Arc<str>;
