//! One line of a timeline.

use std::sync::Arc;
use std::time::Duration;

use connector::Timestamp;
use serde::Serialize;

use crate::model::{CompanyUid, ProfileUid, TimelineKind};

/// An item that was written down so much later than it happened says so.
const LATE: Duration = Duration::from_secs(86_400);

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Item {
    /// Stable: the same item has the same id whenever it is told.
    pub id: Arc<str>,
    pub profile_id: Option<ProfileUid>,
    pub company_id: Option<CompanyUid>,
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
    pub kind: TimelineKind,
    pub direction: Direction,
    pub title: Arc<str>,
    pub detail: Option<Arc<str>>,
    /// Who did it, where it is somebody else than the person: an owner, a colleague.
    pub actor: Option<Arc<str>>,
    pub source: Arc<str>,
    /// Where it stands at its source: a message id, a record.
    pub source_ref: Option<Arc<str>>,
    /// 0 background, 1 worth a line, 2 a meaningful touch, 3 a reason to call.
    pub importance: u8,
    /// What is told twice is one item.
    pub dedupe_key: Arc<str>,
    pub visibility: Visibility,
}

impl Item {
    /// Whether it was written down more than a day after it happened.
    pub fn is_late(&self) -> bool {
        self.recorded_at.since(self.occurred_at) > LATE
    }
}

/// Who turned to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The person to us.
    In,
    /// We to the person.
    Out,
    None,
}

/// Who may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Whoever works with the person.
    Sales,
    /// Whoever runs Ferry.
    Internal,
}
