//! The life every bulk job leads: its states, when it may move on, and how it is shown.
//!
//! A job works when somebody asks for it, some chunks each time, and otherwise when other calls arrive some time later:
//! so a test sees the same story each time, and a job nobody watches still gets done, as at the vendor.

use serde_json::{Map, Value, json};

use super::dialect::Dialect;
use super::knobs::{BulkKnobs, JobFault};
use crate::clock::{Millis, iso};

/// How long a finished job and its results stay.
pub const KEPT: Millis = 7 * 24 * 3_600 * 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Open,
    UploadComplete,
    InProgress,
    JobComplete,
    Failed,
    Aborted,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::UploadComplete => "UploadComplete",
            Self::InProgress => "InProgress",
            Self::JobComplete => "JobComplete",
            Self::Failed => "Failed",
            Self::Aborted => "Aborted",
        }
    }

    pub fn is_terminal(self) -> bool {
        matches!(self, Self::JobComplete | Self::Failed | Self::Aborted)
    }
}

#[derive(Clone, Debug)]
pub struct Life {
    pub id: String,
    pub object: String,
    pub operation: &'static str,
    /// `67`: the version it was made with, and the only one its results can be had with.
    pub version: u32,
    pub dialect: Dialect,
    pub created_by: String,
    pub created_at: Millis,
    pub stamp: Millis,
    pub state: State,
    /// When the work could begin: the upload was closed, or the query accepted.
    pub ready_at: Millis,
    pub ended_at: Option<Millis>,
    /// Times the job was asked for since then.
    pub polls: u32,
    /// When it last did some work.
    pub worked_at: Millis,
    pub retries: u32,
    pub error: Option<String>,
    /// What is to go wrong with it, drawn when it was made.
    pub fault: Option<JobFault>,
}

impl Life {
    /// Whether a look at the job, or the time gone by, lets it work now.
    pub fn may_work(&self, now: Millis, watched: bool, knobs: &BulkKnobs) -> bool {
        let under_way = matches!(self.state, State::UploadComplete | State::InProgress);
        under_way && (watched || now.saturating_sub(self.worked_at) >= knobs.unwatched_ms)
    }

    /// Whether a job whose work is done may say so: not before it was seen unfinished often and long enough.
    pub fn may_end(&self, now: Millis, knobs: &BulkKnobs) -> bool {
        self.polls > knobs.polls && now.saturating_sub(self.ready_at) >= knobs.job_ms
    }

    pub fn move_to(&mut self, state: State, now: Millis) {
        self.state = state;
        self.stamp = now;
        if state.is_terminal() {
            self.ended_at = Some(now);
        }
    }

    pub fn fail(&mut self, why: String, now: Millis) {
        self.error = Some(why);
        self.move_to(State::Failed, now);
    }

    /// Whether the vendor has forgotten the job: seven days after its end, or after its beginning when it was left open.
    pub fn is_expired(&self, now: Millis) -> bool {
        now.saturating_sub(self.ended_at.unwrap_or(self.created_at)) >= KEPT
    }

    /// What both kinds of job say of themselves.
    pub fn info(&self) -> Map<String, Value> {
        let shown = json!({
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.created_by,
            "createdDate": offset_stamp(self.created_at),
            "systemModstamp": offset_stamp(self.stamp),
            "state": self.state.name(),
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": f64::from(self.version),
            "lineEnding": self.dialect.ending.name(),
            "columnDelimiter": self.dialect.delimiter.name(),
        });
        match shown {
            Value::Object(shown) => shown,
            _ => Map::new(),
        }
    }

    /// Milliseconds of work, for `totalProcessingTime`.
    pub fn worked_ms(&self) -> Millis {
        let until = self.ended_at.unwrap_or(self.worked_at);
        if self.state == State::Open { 0 } else { until.saturating_sub(self.ready_at).max(0) }
    }
}

/// `2026-03-04T05:06:07.000+0000`: stamps of jobs, to the second.
fn offset_stamp(at: Millis) -> String {
    let whole = iso(at.div_euclid(1_000) * 1_000);
    format!("{}+0000", whole.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::super::dialect::{Delimiter, LineEnding};
    use super::*;

    fn job() -> Life {
        Life {
            id: "750xx000000001XAAQ".into(),
            object: "Contact".into(),
            operation: "update",
            version: 67,
            dialect: Dialect { delimiter: Delimiter::Comma, ending: LineEnding::Lf },
            created_by: "005xx000001SwiUAAS".into(),
            created_at: 0,
            stamp: 0,
            state: State::UploadComplete,
            ready_at: 1_000,
            ended_at: None,
            polls: 0,
            worked_at: 1_000,
            retries: 0,
            error: None,
            fault: None,
        }
    }

    #[test]
    fn a_job_is_seen_unfinished_before_it_ends() {
        let (mut job, knobs) = (job(), BulkKnobs { polls: 2, job_ms: 5_000, ..BulkKnobs::default() });
        job.polls = 2;
        assert!(!job.may_end(10_000, &knobs));
        job.polls = 3;
        assert!(!job.may_end(5_999, &knobs));
        assert!(job.may_end(6_000, &knobs));
    }

    #[test]
    fn a_job_nobody_watches_works_after_a_while() {
        let (mut job, knobs) = (job(), BulkKnobs { unwatched_ms: 500, ..BulkKnobs::default() });
        assert!(job.may_work(1_000, true, &knobs));
        assert!(!job.may_work(1_499, false, &knobs));
        assert!(job.may_work(1_500, false, &knobs));
        job.move_to(State::Aborted, 1_600);
        assert!(!job.may_work(9_000, true, &knobs));
        assert!(!job.is_expired(1_599 + KEPT) && job.is_expired(1_600 + KEPT));
    }

    #[test]
    fn stamps_carry_an_offset_without_a_colon() {
        assert_eq!(job().info()["createdDate"], "1970-01-01T00:00:00.000+0000");
        assert_eq!(job().info()["apiVersion"], 67.0);
    }
}
