//! One run: what was attempted, how it ended, what it counted. A run is never green with a failed record.

use std::sync::Arc;

use connector::{ConnectionName, Object, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::RunId;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    Pull,
    Compute,
    Push,
    Ingest,
}

impl Flow {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Compute => "compute",
            Self::Push => "push",
            Self::Ingest => "ingest",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Running,
    /// Everything done, nothing failed.
    Done,
    /// Done, and some records are dead letters now.
    Partial,
    /// Stopped by an error; the checkpoint is kept and the next run goes on.
    Interrupted,
    /// Stopped by a fuse or the pull guard.
    Fused,
    Failed,
}

impl RunState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Interrupted => "interrupted",
            Self::Fused => "fused",
            Self::Failed => "failed",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub flow: Flow,
    pub connection: Option<ConnectionName>,
    pub object: Option<Object>,
    pub state: RunState,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub counts: Counts,
    /// Why it did not end `done`, for people.
    pub message: Option<Arc<str>>,
    /// The kind of the error that ended it (`auth`, `quota`, …), for status.
    pub error_kind: Option<Arc<str>>,
}

/// What a run counted. Zero where it does not apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Pages, batches or chunks.
    pub pages: u64,
    /// Records, events or profiles looked at.
    pub seen: u64,
    pub created: u64,
    pub updated: u64,
    pub deleted: u64,
    pub merged: u64,
    pub unchanged: u64,
    /// Own writes that came back.
    pub echoes: u64,
    pub conflicts: u64,
    pub duplicates: u64,
    pub skipped: u64,
    pub failed: u64,
}

impl Counts {
    pub fn add(&mut self, other: &Counts) {
        self.pages += other.pages;
        self.seen += other.seen;
        self.created += other.created;
        self.updated += other.updated;
        self.deleted += other.deleted;
        self.merged += other.merged;
        self.unchanged += other.unchanged;
        self.echoes += other.echoes;
        self.conflicts += other.conflicts;
        self.duplicates += other.duplicates;
        self.skipped += other.skipped;
        self.failed += other.failed;
    }
}
