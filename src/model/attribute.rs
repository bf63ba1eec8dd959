//! What is known of a person, from whom, since when. The field calls it a *trait*; Rust took that word.

use std::cmp::Ordering;
use std::sync::Arc;

use connector::{Timestamp, Value};
use serde::{Deserialize, Serialize};

use crate::model::{RecordKey, TraitName};

/// One declared trait of one profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribute {
    /// [`Value::Null`] is a tombstone: cleared at `observed_at`.
    pub value: Value,
    /// When the source says it became true (event time, or the CRM's change stamp).
    pub observed_at: Timestamp,
    /// When Ferry wrote it down.
    pub recorded_at: Timestamp,
    pub origin: Origin,
}

/// Where a value came from, weakest last (`cdp-semantics` §2.5: crm > form/import > app > web; weak values lose always).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A CRM record: `connection object id`.
    Crm(Arc<str>),
    /// An identify call, by source name.
    Identify(Arc<str>),
    /// `context.traits` of a track, page or screen call: any other origin beats it, whatever the times.
    Weak(Arc<str>),
    /// Computed by Ferry.
    Computed,
}

impl Origin {
    fn rank(&self) -> u8 {
        match self {
            Self::Crm(_) => 3,
            Self::Identify(_) => 2,
            Self::Computed => 1,
            Self::Weak(_) => 0,
        }
    }

    /// Whether this is a record of the same object at the same connection, but not `record` itself: one that was merged into
    /// it, or deleted and made anew. What such a record said is no opinion of ours about `record`.
    pub fn is_another_record(&self, record: &RecordKey) -> bool {
        let Self::Crm(origin) = self else { return false };
        let mut parts = origin.splitn(3, ' ');
        let same_place =
            parts.next() == Some(record.connection.as_str()) && parts.next() == Some(record.object.as_str());
        same_place && parts.next().is_some_and(|id| id != record.id.as_str())
    }

    pub fn is_weak(&self) -> bool {
        matches!(self, Self::Weak(_))
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Crm(record) => write!(f, "crm {record}"),
            Self::Identify(source) => write!(f, "source {source}"),
            Self::Weak(source) => write!(f, "source {source} (context)"),
            Self::Computed => f.write_str("computed"),
        }
    }
}

/// A new value for one trait of a profile. [`Value::Null`] clears.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeChange {
    pub name: TraitName,
    pub attribute: Attribute,
}

/// Which of two values survives a merge or a late event (`cdp-semantics` §2.5): strong before weak, newest event time,
/// source rank, later recorded, then the smaller value, so that the result never depends on arrival order.
pub fn survivor<'a>(a: &'a Attribute, b: &'a Attribute) -> &'a Attribute {
    let order = (!a.origin.is_weak())
        .cmp(&!b.origin.is_weak())
        .then(a.observed_at.cmp(&b.observed_at))
        .then(a.origin.rank().cmp(&b.origin.rank()))
        .then(a.recorded_at.cmp(&b.recorded_at))
        .then(b.value.cmp(&a.value));
    if order == Ordering::Less { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(value: &str, at: i64, origin: Origin) -> Attribute {
        Attribute {
            value: value.into(),
            observed_at: Timestamp::from_secs(at),
            recorded_at: Timestamp::from_secs(at),
            origin,
        }
    }

    #[test]
    fn newest_strong_value_survives_in_either_order() {
        let web = || Origin::Identify("web".into());
        let cases = [
            (attribute("Eva", 20, web()), attribute("Eve", 10, web()), "Eva"),
            (attribute("old", 10, web()), attribute("weak", 99, Origin::Weak("web".into())), "old"),
            (attribute("crm", 10, Origin::Crm("h contact 1".into())), attribute("app", 10, web()), "crm"),
            (attribute("a", 10, web()), attribute("b", 10, web()), "a"),
        ];
        for (a, b, want) in cases {
            assert_eq!(survivor(&a, &b).value, want.into());
            assert_eq!(survivor(&b, &a).value, want.into());
        }
    }
}
