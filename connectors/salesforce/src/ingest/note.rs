//! What is written down about a job before it exists, so that none is ever left open or sent twice. Pure.

use connector::{Object, Timestamp};
use serde::{Deserialize, Serialize};

/// Notes of jobs begin with this; others in the same notebook are not ours.
const PREFIX: &str = "ingest/";
/// The server's clock may be read a little late, and a job's `createdDate` has whole seconds.
const SLACK: std::time::Duration = std::time::Duration::from_secs(90);

/// One job, from before it is created until it is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobNote {
    /// The server's time when the job was about to be created.
    pub at: Timestamp,
    pub object: Object,
    /// Salesforce's name of the object.
    pub sobject: String,
    pub operation: String,
    /// How many rows it is to hold.
    pub rows: usize,
    /// The job's id once Salesforce has told it.
    pub job: Option<String>,
}

impl JobNote {
    pub fn key(id: impl std::fmt::Display) -> String {
        format!("{PREFIX}{id}")
    }

    /// A note of the notebook, if it is about a job. A note that cannot be read is an error of its own: it may hide a job.
    pub fn read(key: &str, text: &str) -> Option<Result<Self, String>> {
        key.starts_with(PREFIX)
            .then(|| serde_json::from_str(text).map_err(|error| connector_http::redact::json_error(&error)))
    }

    pub fn text(&self) -> String {
        // A struct of plain fields always has a text.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether this job of the CRM's list may be the one whose creation was not answered: ours, of this kind, still open,
    /// made no earlier than the note.
    pub fn may_be(&self, job: &ListedJob<'_>, our_user: &str) -> bool {
        job.state == "Open"
            && job.operation.eq_ignore_ascii_case(&self.operation)
            && job.object.eq_ignore_ascii_case(&self.sobject)
            && job.created_by == our_user
            && job.created_at.is_none_or(|created| created >= self.at.saturating_sub(SLACK))
    }
}

/// What the CRM's list says of a job.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListedJob<'a> {
    pub state: &'a str,
    pub operation: &'a str,
    pub object: &'a str,
    pub created_by: &'a str,
    pub created_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note() -> JobNote {
        JobNote {
            at: Timestamp::from_secs(1_000_000),
            object: Object::Contact,
            sobject: "Contact".into(),
            operation: "update".into(),
            rows: 2_500,
            job: None,
        }
    }

    #[test]
    fn a_note_reads_as_it_was_written() {
        let note = JobNote { job: Some("750xx000000001XAAQ".into()), ..note() };
        let key = JobNote::key("1");
        assert_eq!(JobNote::read(&key, &note.text()), Some(Ok(note)));
        assert_eq!(JobNote::read("refresh_token", "x"), None);
        assert!(matches!(JobNote::read(&key, "{"), Some(Err(_))));
    }

    #[test]
    fn only_our_own_open_job_of_that_time_is_taken_for_it() {
        let job = ListedJob {
            state: "Open",
            operation: "update",
            object: "Contact",
            created_by: "005A",
            created_at: Some(Timestamp::from_secs(1_000_001)),
        };
        assert!(note().may_be(&job, "005A"));
        assert!(!note().may_be(&job, "005B"));
        assert!(!note().may_be(&ListedJob { state: "InProgress", ..job }, "005A"));
        assert!(!note().may_be(&ListedJob { object: "Lead", ..job }, "005A"));
        assert!(!note().may_be(&ListedJob { operation: "upsert", ..job }, "005A"));
        assert!(!note().may_be(&ListedJob { created_at: Some(Timestamp::from_secs(900_000)), ..job }, "005A"));
    }
}
