//! What a record should have at the CRM beside its fields: a note, a membership, a task. One wish per record and lane.

use std::sync::Arc;

use connector::{FieldName, Fields, Operation, RecordId, Timestamp, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::model::{Cause, OutboxState, ProfileUid, RecordKey};

/// A side write's number inside the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SideId(pub i64);

/// What is wished for. Each is carried out by an operation that may be sent twice without harm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SideWish {
    /// A note kept up to date in place. An empty text takes back what was written.
    Note { key: Arc<str>, body: Arc<str> },
    /// A text field that is no part of the mapping. `None` empties it.
    Field { name: FieldName, text: Option<Arc<str>> },
    /// A place in a CRM's list.
    Member { list: Arc<str>, member: bool },
    /// A lead object of the CRM beside a person's record, one for each key; it goes on to whoever has the record next.
    Lead { key: Arc<str>, name: Arc<str>, owner: Option<RecordId> },
    /// The lead object of this key is to be deleted: its person is erased, and the erasure's receipt says when that is done.
    NoLead { key: Arc<str>, erasure: Uuid },
    /// Something for somebody to do, told once.
    Task { key: Arc<str>, subject: Arc<str>, body: Arc<str>, due_at: Timestamp, owner: Option<RecordId> },
}

impl SideWish {
    /// What is remembered of a place on a list that somebody else had given when Ferry came: it is not Ferry's to take.
    pub const FOUND: &str = "found";

    /// `note:digest`, `field:cdp_digest`, `list:57`, `task:mql-1793088000`. What of a record is wished for, whatever the wish is.
    pub fn lane(&self) -> Arc<str> {
        let (kind, name) = match self {
            Self::Note { key, .. } => ("note", key),
            Self::Field { name, .. } => ("field", name),
            Self::Member { list, .. } => ("list", list),
            Self::Lead { key, .. } | Self::NoLead { key, .. } => ("lead", key),
            Self::Task { key, .. } => ("task", key),
        };
        format!("{kind}:{name}").into()
    }

    /// What is remembered of it once the CRM holds it: enough to know the same wish again. `None`: as if nothing had ever been
    /// wished for.
    pub fn trace(&self) -> Option<String> {
        let hash = |text: &str| format!("{:016x}", xxh3_64(text.as_bytes()));
        match self {
            Self::Note { body, .. } => (!body.is_empty()).then(|| hash(body)),
            Self::Field { text, .. } => text.as_deref().map(hash),
            Self::Member { member, .. } => member.then(|| "member".to_owned()),
            Self::Lead { owner, .. } => Some(format!("told {}", owner.as_ref().map_or("", |owner| owner.as_str()))),
            Self::NoLead { .. } => None,
            Self::Task { .. } => Some("told".to_owned()),
        }
    }

    /// Whether the CRM holds it, by what is remembered of what it was told.
    pub fn is_told(&self, told: Option<&str>) -> bool {
        match self {
            Self::Member { member: true, .. } => told.is_some(),
            // A place that is not Ferry's is not given up.
            Self::Member { member: false, .. } => told.is_none() || told == Some(Self::FOUND),
            _ => told == self.trace().as_deref(),
        }
    }

    /// Whether it only takes back: what is sent even about somebody who may not be told of, because they may not.
    pub fn takes_back(&self) -> bool {
        self.trace().is_none()
    }

    /// The wish that takes this one back; `None` where that cannot be done.
    pub fn undone(&self) -> Option<Self> {
        Some(match self {
            Self::Note { key, .. } => Self::Note { key: key.clone(), body: "".into() },
            Self::Field { name, .. } => Self::Field { name: name.clone(), text: None },
            Self::Member { list, .. } => Self::Member { list: list.clone(), member: false },
            Self::Lead { .. } | Self::NoLead { .. } | Self::Task { .. } => return None,
        })
    }

    /// The wish that deletes what the CRM was told in a lane about somebody who is erased, where it is a lead object.
    pub fn erased_of(lane: &str, erasure: Uuid) -> Option<Self> {
        Some(Self::NoLead { key: lane.strip_prefix("lead:")?.into(), erasure })
    }

    /// The same from a lane alone, for what the CRM was told and nothing else is known of.
    pub fn undone_of(lane: &str) -> Option<Self> {
        let (kind, name) = lane.split_once(':')?;
        Some(match kind {
            "note" => Self::Note { key: name.into(), body: "".into() },
            "field" => Self::Field { name: name.into(), text: None },
            "list" => Self::Member { list: name.into(), member: false },
            _ => return None,
        })
    }

    /// By what a note or task is found again: a part of its text that nobody else writes.
    pub fn marker(lane: &str) -> Arc<str> {
        format!("[ferry:{lane}]").into()
    }

    /// How it is carried out at a record, `remote` being the note that was written before.
    pub fn operation(&self, record: &RecordId, remote: Option<&RecordId>) -> (Operation, Fields) {
        let marker = Self::marker(&self.lane());
        let marked = |body: &Arc<str>| match body.is_empty() || body.contains(&*marker) {
            true => body.clone(),
            false => format!("{body}\n{marker}").into(),
        };
        let record = record.clone();
        match self {
            Self::Note { body, .. } => {
                let body = marked(body);
                (Operation::NoteUpsert { record, note: remote.cloned(), marker, body }, Fields::new())
            }
            Self::Field { name, .. } => {
                (Operation::Update { id: record }, Fields::from([(name.clone(), self.value())]))
            }
            Self::Member { list, member } => {
                (Operation::ListMembership { list: list.clone(), record, member: *member }, Fields::new())
            }
            Self::Lead { key, name, owner } => {
                let marker = lead_marker(key);
                let (lead, name, owner) = (remote.cloned(), format!("{name} {marker}").into(), owner.clone());
                (Operation::LeadUpsert { record, lead, marker, name, owner }, Fields::new())
            }
            Self::NoLead { key, .. } => {
                let (lead, marker) = (remote.cloned(), lead_marker(key));
                (Operation::LeadErase { record, lead, marker }, Fields::new())
            }
            Self::Task { subject, body, due_at, owner, .. } => {
                let (subject, body) = (subject.clone(), marked(body));
                let task = Operation::TaskOnce { record, marker, subject, body, due_at: *due_at, owner: owner.clone() };
                (task, Fields::new())
            }
        }
    }

    /// The wish as the journal says it.
    pub fn value(&self) -> Value {
        match self {
            Self::Note { body, .. } if body.is_empty() => Value::Null,
            Self::Note { body, .. } => Value::Text(body.clone()),
            Self::Field { text, .. } => text.clone().map_or(Value::Null, Value::Text),
            Self::Member { member, .. } => Value::Bool(*member),
            Self::Lead { name, .. } => Value::Text(name.clone()),
            Self::NoLead { .. } => Value::Null,
            Self::Task { subject, .. } => Value::Text(subject.clone()),
        }
    }
}

/// What a lead object is found again by. Reps read it: the key says which entry it is, and nobody else writes it.
fn lead_marker(key: &str) -> Arc<str> {
    format!("({key})").into()
}

/// A wish for a record, with why.
#[derive(Clone, Debug, PartialEq)]
pub struct Desire {
    pub record: RecordId,
    pub wish: SideWish,
    pub cause: Cause,
}

/// A wish on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct SideEntry {
    pub id: SideId,
    /// Names the intent: stable over resends, new with a newer wish.
    pub key: Uuid,
    pub record: RecordKey,
    pub wish: SideWish,
    pub cause: Cause,
    /// The note or task that it was told with before.
    pub remote: Option<RecordId>,
    pub state: OutboxState,
    pub generation: u32,
    pub attempts: u32,
}

/// A lane of a record as it is kept, for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SideRow {
    #[serde(skip)]
    pub record: RecordKey,
    pub profile: Option<ProfileUid>,
    pub lane: Arc<str>,
    pub state: SideState,
    pub remote: Option<RecordId>,
    /// What the CRM was last told ([`SideWish::trace`]), and when.
    pub told: Option<Arc<str>>,
    pub told_at: Option<Timestamp>,
    pub attempts: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SideState {
    Queued,
    InFlight,
    Ambiguous,
    /// The CRM holds what is wished for.
    Settled,
    /// The CRM said no; the dead letter says why. Tried again when the wish changes or somebody asks.
    Refused,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_known_by_its_lane_and_what_it_says() {
        let note = |body: &str| SideWish::Note { key: "digest".into(), body: body.into() };
        assert_eq!(&*note("a").lane(), "note:digest");
        assert!(note("a").trace().is_some() && note("a").trace() != note("b").trace());
        assert!(note("").takes_back());
        assert_eq!(note("a").undone(), SideWish::undone_of("note:digest"));
        let member = |member| SideWish::Member { list: "57".into(), member };
        assert_eq!((member(true).undone(), member(true).lane()), (Some(member(false)), "list:57".into()));
        assert!(member(false).takes_back() && !member(true).takes_back());
        let field = SideWish::Field { name: "cdp_digest".into(), text: Some("x".into()) };
        assert_eq!(field.undone(), SideWish::undone_of("field:cdp_digest"));
        assert_eq!(SideWish::undone_of("task:x"), None);
        // A lead object is a rep's: consent that ends leaves it, and only an erasure takes it.
        assert_eq!(SideWish::undone_of("lead:MQL"), None);
        let gone = SideWish::erased_of("lead:MQL", Uuid::nil()).unwrap();
        assert!(gone.takes_back() && &*gone.lane() == "lead:MQL");
        assert_eq!(SideWish::erased_of("note:digest", Uuid::nil()), None);
    }

    #[test]
    fn a_note_carries_its_marker_once() {
        let wish = |body: &str| SideWish::Note { key: "digest".into(), body: body.into() };
        let body = |wish: &SideWish| match wish.operation(&"7".into(), None).0 {
            Operation::NoteUpsert { body, marker, .. } => (body.to_string(), marker.to_string()),
            other => panic!("{other:?}"),
        };
        assert_eq!(body(&wish("hello")), ("hello\n[ferry:note:digest]".into(), "[ferry:note:digest]".into()));
        assert_eq!(body(&wish("[ferry:note:digest] hello")).0, "[ferry:note:digest] hello");
        assert_eq!(body(&wish("")).0, "");
    }
}
