//! A person, as the store derives them.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::{Timestamp, Value};

use crate::model::{Attribute, Mirror, ProfileId, ProfileUid, RecordKey, TraitName, TraitValues};

#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pub id: ProfileId,
    pub uid: ProfileUid,
    /// Earliest event or record time.
    pub first_seen: Timestamp,
    /// Has any identifier stronger than an anonymous id.
    pub known: bool,
    /// Declared traits, tombstones included.
    pub attributes: BTreeMap<TraitName, Attribute>,
    /// Computed traits and scores as of `computed_at`.
    pub computed: TraitValues,
    pub computed_at: Option<Timestamp>,
}

impl Profile {
    /// A trait's value, computed or declared; [`Value::Null`] where there is none.
    pub fn value(&self, name: &str) -> &Value {
        const NULL: &Value = &Value::Null;
        self.computed.get(name).or_else(|| self.attributes.get(name).map(|a| &a.value)).unwrap_or(NULL)
    }
}

/// A CRM record that belongs to a profile (or to nobody yet).
#[derive(Clone, Debug, PartialEq)]
pub struct LinkedRecord {
    pub key: RecordKey,
    pub profile: Option<ProfileId>,
    pub mirror: Mirror,
    pub modified_at: Option<Timestamp>,
    /// Deleted at the CRM: never written, never created again.
    pub archived: bool,
    pub url: Option<Arc<str>>,
}
