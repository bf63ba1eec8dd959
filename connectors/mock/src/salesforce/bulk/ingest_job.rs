//! An ingest job: what it is to do, what was uploaded, how far it has come.

use std::ops::Range;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::csv_in::Upload;
use super::knobs::BulkKnobs;
use super::life::{Life, State};
use super::outcome::Outcome;
use crate::clock::Millis;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Insert,
    Update,
    Upsert,
    Delete,
    HardDelete,
}

impl Operation {
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Insert, Self::Update, Self::Upsert, Self::Delete, Self::HardDelete];
        all.into_iter().find(|operation| operation.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Upsert => "upsert",
            Self::Delete => "delete",
            Self::HardDelete => "hardDelete",
        }
    }
}

/// What was sent: as it came until the job is closed and begins to work, read through after that. Kept once.
#[derive(Clone, Debug)]
pub enum Content {
    Nothing,
    Raw(Bytes),
    Read(Upload),
}

#[derive(Clone, Debug)]
pub struct IngestJob {
    pub life: Life,
    pub operation: Operation,
    /// Key of an upsert, canonical.
    pub key: Option<String>,
    pub assignment_rule: Option<String>,
    pub content: Content,
    /// One for every row that was tried, in the order of the upload.
    pub outcomes: Vec<Outcome>,
    pub failed: usize,
    /// Why it will fail: its upload could not be read, or names a column that is not there.
    pub doom: Option<String>,
}

/// What a job under way does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Read the upload through and check its columns.
    Begin,
    /// Apply these rows as one batch.
    Apply(Range<usize>),
    /// Stop with this message; rows not tried stay unprocessed.
    Fail(String),
    /// Nothing is left to do.
    Done,
}

impl IngestJob {
    /// The next step, whatever the time.
    pub fn next(&self, knobs: &BulkKnobs) -> Step {
        if let Some(doom) = &self.doom {
            return Step::Fail(doom.clone());
        }
        let Content::Read(upload) = &self.content else { return Step::Begin };
        let done = self.outcomes.len();
        let fault = self.life.fault.as_ref().and_then(|fault| Some((fault.message.clone()?, fault.after_rows)));
        if let Some((message, after)) = &fault
            && done >= *after
        {
            return Step::Fail(message.clone());
        }
        if done >= upload.len() {
            return Step::Done;
        }
        let mut end = (done + knobs.chunk_rows.max(1)).min(upload.len());
        if let Some((_, after)) = fault {
            end = end.min(after);
        }
        Step::Apply(done..end)
    }

    pub fn record(&mut self, outcomes: Vec<Outcome>) {
        self.failed += outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Failed { .. })).count();
        self.outcomes.extend(outcomes);
    }

    pub fn upload(&self) -> Option<&Upload> {
        match &self.content {
            Content::Read(upload) => Some(upload),
            _ => None,
        }
    }

    /// The answer to its creation, its closing and every look at it.
    pub fn info(&self) -> Map<String, Value> {
        let mut info = self.life.info();
        if let Some(key) = &self.key {
            info.insert("externalIdFieldName".into(), json!(key));
        }
        if let Some(rule) = &self.assignment_rule {
            info.insert("assignmentRuleId".into(), json!(rule));
        }
        if self.life.state == State::Open {
            let url = format!("services/data/v{}.0/jobs/ingest/{}/batches", self.life.version, self.life.id);
            info.insert("contentUrl".into(), json!(url));
        }
        info
    }

    /// The answer to a look at it: with counts.
    pub fn full_info(&self) -> Map<String, Value> {
        let mut info = self.info();
        let worked = self.life.worked_ms();
        info.insert("jobType".into(), json!("V2Ingest"));
        info.insert("numberRecordsProcessed".into(), json!(self.outcomes.len()));
        info.insert("numberRecordsFailed".into(), json!(self.failed));
        info.insert("retries".into(), json!(self.life.retries));
        info.insert("totalProcessingTime".into(), json!(worked));
        info.insert("apiActiveProcessingTime".into(), json!(worked * 4 / 5));
        info.insert("apexProcessingTime".into(), json!(0));
        if let Some(error) = &self.life.error {
            info.insert("errorMessage".into(), json!(error));
        }
        info
    }

    /// Closes an open job: its work may begin.
    pub fn close(&mut self, now: Millis) {
        self.life.move_to(State::UploadComplete, now);
        self.life.ready_at = now;
        self.life.worked_at = now;
    }
}
