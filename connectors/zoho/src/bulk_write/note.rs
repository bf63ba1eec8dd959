//! What is written down about a job before it exists. Pure.

use connector::Timestamp;
use serde::{Deserialize, Serialize};

/// Notes of jobs begin with this; others in the same notebook are not ours.
const PREFIX: &str = "bulk-write/";

/// One job, from before it is made until it is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct JobNote {
    /// When it was about to be made, by our clock.
    pub at: Timestamp,
    pub module: String,
    /// How many rows it has.
    pub rows: usize,
    /// The job's id once Zoho has told it.
    pub job: Option<String>,
}

impl JobNote {
    pub fn key(id: impl std::fmt::Display) -> String {
        format!("{PREFIX}{id}")
    }

    /// A note of the notebook, if it is about a job.
    pub fn read(key: &str, text: &str) -> Option<Result<Self, String>> {
        let read = || serde_json::from_str(text).map_err(|error| connector_http::redact::json_error(&error));
        key.starts_with(PREFIX).then(read)
    }

    pub fn text(&self) -> String {
        // A struct of plain fields always has a text.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_reads_as_it_was_written() {
        let note = JobNote { at: Timestamp::from_secs(9), module: "Contacts".into(), rows: 7, job: Some("554".into()) };
        let key = JobNote::key("1");
        assert_eq!(JobNote::read(&key, &note.text()), Some(Ok(note)));
        assert_eq!(JobNote::read("access-token", "x"), None);
        assert!(matches!(JobNote::read(&key, "{"), Some(Err(_))));
    }
}
