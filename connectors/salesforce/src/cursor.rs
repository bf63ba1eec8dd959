//! Where a pull goes on, as compact JSON with a version; anything else is refused rather than guessed at. Nothing that
//! Salesforce may forget is trusted alone: a bulk job is kept together with the place it began at.

use connector::{Cursor, Error};
use connector_http::{Checkpoint, is_default};
use serde::{Deserialize, Serialize};

const CHECKPOINT: Checkpoint = Checkpoint { whose: "Salesforce's", version: 1 };

/// Instants are epoch milliseconds of Salesforce's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// A window of changes is being read: everything there is, or what changed since the last one.
    Window(Window),
    /// Everything changed before `mark` has been delivered. `spent` are bulk jobs that are no longer needed once this
    /// cursor is stored.
    Changes {
        mark: i64,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        spent: Vec<String>,
    },
    Deletions(Deletions),
    /// Deletions of objects that are read one after the other (tasks, then events): whose turn it is, and how far each has come.
    DeletionsOfEach {
        part: usize,
        places: Vec<Option<Deletions>>,
    },
    /// A sweep over everything that lives, after this id.
    Sweep {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        /// When it began: what changed since is asked for after it.
        began: i64,
    },
}

/// Records changed in `[from, until)`, by `(SystemModstamp, Id)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Window {
    /// Which of the objects that make up a kind of record (tasks, then events).
    #[serde(default, skip_serializing_if = "is_default")]
    pub part: usize,
    /// None: everything, which is a full load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    pub until: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spent: Vec<String>,
    pub how: How,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum How {
    Pages(Pages),
    Job(Job),
}

/// Page by page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pages {
    /// The last record delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Key>,
    /// The slice of the window under way, where the whole is too much for one query: its beginning and end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice: Option<(i64, i64)>,
    /// Whether it is settled that no bulk job does the rest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub settled: bool,
    /// Bulk jobs of this window that went away before they were read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lost: u32,
}

/// The rest of a window by a bulk job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub id: String,
    /// Where it began: from here again if the job is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Key>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locator: Option<String>,
    /// Rows delivered, and rows the job says it has.
    #[serde(default)]
    pub delivered: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub lost: u32,
}

/// A record's place in the order of changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    pub at: i64,
    pub id: String,
}

/// Deletions: first the recycle bin, then the log of deletions, then, if that log has a gap, everything that lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deletions {
    /// Everything deleted before this has been delivered from the recycle bin; none: nothing yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<i64>,
    /// The log has been read up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered: Option<i64>,
    #[serde(default)]
    pub step: Step,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// Between two walks.
    #[default]
    Rest,
    Bin {
        until: i64,
        after: Key,
    },
    Log {
        until: i64,
    },
    Sweep {
        after: Option<String>,
    },
}

impl Place {
    pub fn to_cursor(&self) -> Result<Cursor, Error> {
        CHECKPOINT.write(self)
    }

    pub fn from_cursor(cursor: &Cursor) -> Result<Self, Error> {
        CHECKPOINT.read(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_round_trip_and_are_compact() {
        let check = |place: Place, text: &str| {
            let cursor = place.to_cursor().unwrap();
            assert_eq!(cursor.as_str(), text);
            assert_eq!(Place::from_cursor(&cursor).unwrap(), place);
        };
        let key = || Key { at: 4, id: "003xx000004TmiQAAS".into() };
        let pages = How::Pages(Pages { after: Some(key()), slice: Some((1, 2)), settled: true, lost: 0 });
        check(
            Place::Window(Window { part: 1, from: Some(3), until: 9, spent: vec![], how: pages }),
            r#"{"v":1,"at":{"window":{"part":1,"from":3,"until":9,"how":{"pages":{"after":{"at":4,"id":"003xx000004TmiQAAS"},"slice":[1,2],"settled":true}}}}}"#,
        );
        let job = Job {
            id: "750".into(),
            after: Some(key()),
            locator: Some("M".into()),
            delivered: 5,
            total: Some(9),
            lost: 0,
        };
        check(
            Place::Window(Window { part: 0, from: None, until: 9, spent: vec![], how: How::Job(job) }),
            r#"{"v":1,"at":{"window":{"until":9,"how":{"job":{"id":"750","after":{"at":4,"id":"003xx000004TmiQAAS"},"locator":"M","delivered":5,"total":9}}}}}"#,
        );
        check(Place::Changes { mark: 7, spent: vec![] }, r#"{"v":1,"at":{"changes":{"mark":7}}}"#);
        check(
            Place::Deletions(Deletions { mark: Some(1), covered: None, step: Step::Bin { until: 5, after: key() } }),
            r#"{"v":1,"at":{"deletions":{"mark":1,"step":{"bin":{"until":5,"after":{"at":4,"id":"003xx000004TmiQAAS"}}}}}}"#,
        );
        check(Place::Sweep { after: None, began: 3 }, r#"{"v":1,"at":{"sweep":{"began":3}}}"#);
    }
}
