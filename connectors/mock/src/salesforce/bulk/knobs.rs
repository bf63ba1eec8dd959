//! What can be turned about bulk jobs: `PUT /__mock/config {"bulk": {…}}`. Naming one sets the others to their defaults.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct BulkKnobs {
    /// Times a job must be seen unfinished before it may end; at least one is how the vendor looks from outside.
    pub polls: u32,
    /// Time a job takes at least, in milliseconds of the mock's clock.
    pub job_ms: Millis,
    /// Rows applied as one batch: duplicates and locks are seen within it.
    pub chunk_rows: usize,
    /// Batches applied each time the job is asked for.
    pub chunks_per_poll: usize,
    /// Milliseconds without being asked for, after which a job works on when any other call arrives.
    pub unwatched_ms: Millis,
    /// Objects no job may be made for: 400 `INVALIDENTITY`.
    pub unsupported: Vec<String>,
    /// Jobs that fail.
    pub fail: Vec<JobFault>,
    /// Rows of a results page when the caller names no `maxRecords`; 0: all of them.
    pub page_rows: usize,
    /// Query results and result files come gzipped and cut off in the middle, this many times.
    pub truncated_gzip: u32,
    /// Query results come without their `Sforce-Locator` header, this many times.
    pub missing_locator: u32,
    /// Internal batches per rolling day, as in `limits`.
    pub daily_batches: u64,
    /// Query jobs per rolling day.
    pub daily_query_jobs: u64,
}

impl Default for BulkKnobs {
    fn default() -> Self {
        Self {
            polls: 1,
            job_ms: 0,
            chunk_rows: 10_000,
            chunks_per_poll: 5,
            unwatched_ms: 500,
            unsupported: Vec::new(),
            fail: Vec::new(),
            page_rows: 0,
            truncated_gzip: 0,
            missing_locator: 0,
            daily_batches: 15_000,
            daily_query_jobs: 10_000,
        }
    }
}

/// A job that goes wrong: the first `times` made that match.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct JobFault {
    /// `ingest` or `query`; either when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Object; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    #[serde(default = "one")]
    pub times: u32,
    /// Rows an ingest job applies before it fails; the rest stays unprocessed.
    #[serde(default)]
    pub after_rows: usize,
    /// The job's `errorMessage`; none: it does not fail, it only needs `retries`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What the job shows as `retries`.
    #[serde(default)]
    pub retries: u32,
}

fn one() -> u32 {
    1
}

impl BulkKnobs {
    /// Takes the fault planned for a job made now, and counts it down.
    pub fn draw(&mut self, kind: &str, object: &str) -> Option<JobFault> {
        let planned = self.fail.iter_mut().find(|fault| {
            fault.times > 0
                && fault.kind.as_deref().is_none_or(|wanted| wanted == kind)
                && fault.object.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(object))
        })?;
        planned.times -= 1;
        Some(planned.clone())
    }

    /// Whether the object is one no job may be made for.
    pub fn refuses(&self, object: &str) -> bool {
        self.unsupported.iter().any(|name| name.eq_ignore_ascii_case(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planned_failure_strikes_as_often_as_it_says() {
        let fail =
            serde_json::json!([{ "kind": "ingest", "object": "Lead", "times": 2, "message": "InternalServerError" }]);
        let mut knobs: BulkKnobs = serde_json::from_value(serde_json::json!({ "fail": fail })).unwrap();
        assert_eq!(knobs.draw("query", "Lead"), None);
        assert_eq!(knobs.draw("ingest", "Contact"), None);
        assert!(knobs.draw("ingest", "lead").is_some() && knobs.draw("ingest", "Lead").is_some());
        assert_eq!(knobs.draw("ingest", "Lead"), None);
        assert_eq!(knobs.polls, 1);
    }
}
