//! One bulk write: what it was told to do with which columns, and what became of the rows.

use serde_json::{Value, json};

use super::super::datum::stamp;
use super::super::kind::Kind;
use super::super::org::Org;
use super::super::render;
use super::super::{ids, knobs};
use crate::clock::Millis;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Insert,
    Update,
    Upsert,
}

impl Operation {
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "insert" => Self::Insert,
            "update" => Self::Update,
            "upsert" => Self::Upsert,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Upsert => "upsert",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Mapping {
    pub api_name: String,
    /// Column of the file; none when only the default counts.
    pub index: Option<usize>,
    pub default: Option<String>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub added: usize,
    pub updated: usize,
    pub skipped: usize,
    pub total: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Added,
    InProgress,
    Completed,
    Failed,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::InProgress => "INPROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

pub struct WriteJob {
    pub id: u64,
    pub operation: Operation,
    pub kind: Kind,
    pub file_id: String,
    pub file_name: String,
    pub ignore_empty: bool,
    pub find_by: String,
    pub mappings: Vec<Mapping>,
    pub made: Millis,
    pub state: State,
    pub polls: u32,
    pub counts: Counts,
    /// The result file, once there is one.
    pub result: Option<Vec<u8>>,
    pub callback: Option<String>,
}

impl WriteJob {
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Added | State::InProgress)
    }

    /// One look at the job: whether it may end now.
    pub fn look(&mut self, knobs: &knobs::Knobs) -> bool {
        if !self.is_open() {
            return false;
        }
        self.polls += 1;
        if self.polls > 1 || knobs.job_polls <= 1 {
            self.state = State::InProgress;
        }
        self.polls > knobs.job_polls
    }

    pub fn json(&self, org: &Org, base_url: &str) -> Value {
        let state = self.state.name();
        let mappings: Vec<Value> = self
            .mappings
            .iter()
            .map(|each| {
                json!({ "api_name": each.api_name, "index": each.index, "format": null, "find_by": null,
                                "default_value": each.default.as_ref().map(|value| json!({ "value": value })) })
            })
            .collect();
        let file = json!({
            "status": state, "name": self.file_name, "added_count": self.counts.added,
            "updated_count": self.counts.updated, "skipped_count": self.counts.skipped,
            "total_count": self.counts.total,
        });
        let resource = json!({
            "status": state, "type": "data", "module": { "api_name": self.kind.name(),
            "id": render::module_id(self.kind).to_string() }, "file_id": self.file_id,
            "ignore_empty": self.ignore_empty, "find_by": self.find_by, "field_mappings": mappings, "file": file,
        });
        let download = self.result.as_ref().map(|_| {
            let id = self.id;
            json!({ "download_url": format!("{base_url}/v2/crm/{}/bulk-write/{id}/{id}.zip", ids::ORG_ID) })
        });
        json!({
            "id": self.id.to_string(), "status": state, "operation": self.operation.name(),
            "character_encoding": "UTF-8", "resource": [resource], "result": download,
            "created_by": render::user(org, ids::SYNC_USER), "created_time": stamp(self.made, org.knobs.offset_min),
            "callback": self.callback.as_ref().map(|url| json!({ "url": url, "method": "post" })),
        })
    }
}
