//! Where a pull goes on, as compact JSON with a version; anything else is refused rather than guessed at. Nothing that
//! Zoho may forget is trusted alone: a page token and a bulk job are kept together with the place they began at.

use connector::{Cursor, Error, Timestamp};
use connector_http::{Checkpoint, is_default};
use serde::{Deserialize, Serialize};

const CHECKPOINT: Checkpoint = Checkpoint { whose: "Zoho's", version: 1 };

/// Instants are epoch seconds of Zoho's clock: that is how fine its stamps are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// A walk over everything there is, or over what changed since the last one.
    Walk(Walk),
    /// Everything changed before `mark` has been delivered.
    Changes {
        mark: i64,
    },
    Deletions(Deletions),
    /// A sweep over everything that lives.
    Sweep(Sweep),
    /// A list without an order of changes, by page.
    Listed {
        page: u32,
    },
}

/// Records changed since `from`, in the order of changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Walk {
    /// Which of the modules that make up a kind of record (tasks, then calls, …).
    #[serde(default, skip_serializing_if = "is_default")]
    pub part: usize,
    /// None: everything, which is a full load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// When the walk began: the next one's mark.
    pub began: i64,
    /// The last record delivered in the order of changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Key>,
    #[serde(default, skip_serializing_if = "How::is_list")]
    pub how: How,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum How {
    /// By lists, from the first page or from the last record on.
    #[default]
    List,
    /// By lists, on the page this token names. It is good for a day and for the same fields.
    Token {
        token: String,
        /// What was asked for, by fingerprint.
        fields: String,
        /// Since when.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<i64>,
    },
    /// By queries after the last record.
    Query,
    Job(Job),
}

impl How {
    fn is_list(&self) -> bool {
        *self == Self::List
    }
}

/// A first load by bulk jobs, each for up to 200,000 records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub id: String,
    /// Rows of this job delivered.
    #[serde(default)]
    pub delivered: u64,
    /// Jobs that went away before they were read.
    #[serde(default, skip_serializing_if = "is_default")]
    pub lost: u32,
}

/// A record's place in the order of changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    pub at: i64,
    pub id: String,
}

impl Key {
    /// Ids are numbers of any length: the longer one is the larger.
    pub fn comes_after(&self, other: &Self) -> bool {
        let of = |key: &Self| (key.at, key.id.len(), key.id.clone());
        of(self) > of(other)
    }

    pub fn instant(&self) -> Timestamp {
        Timestamp::from_secs(self.at)
    }
}

/// The lists of deleted records, and, where they no longer reach back far enough, everything that lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deletions {
    /// Which of the modules that make up a kind of record.
    #[serde(default, skip_serializing_if = "is_default")]
    pub part: usize,
    /// Everything deleted before this has been delivered; none: nothing yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<i64>,
    /// When the walk under way began, and the page it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<(i64, u32)>,
    /// A sweep over what lives is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
}

/// A sweep in the order of ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sweep {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Where queries are not allowed: the page of the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// When the last sweep ended, where the next one is not made before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_at: Option<i64>,
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
        let key = Key { at: 4, id: "554".into() };
        let how = How::Token { token: "c8".into(), fields: "ab".into(), since: Some(2) };
        check(
            Place::Walk(Walk { part: 1, from: Some(3), began: 9, after: Some(key), how }),
            r#"{"v":1,"at":{"walk":{"part":1,"from":3,"began":9,"after":{"at":4,"id":"554"},"how":{"token":{"token":"c8","fields":"ab","since":2}}}}}"#,
        );
        check(
            Place::Walk(Walk { part: 0, from: None, began: 9, after: None, how: How::List }),
            r#"{"v":1,"at":{"walk":{"began":9}}}"#,
        );
        check(Place::Changes { mark: 7 }, r#"{"v":1,"at":{"changes":{"mark":7}}}"#);
        check(
            Place::Deletions(Deletions { mark: Some(1), page: Some((5, 2)), ..Deletions::default() }),
            r#"{"v":1,"at":{"deletions":{"mark":1,"page":[5,2]}}}"#,
        );
    }

    #[test]
    fn a_longer_id_is_the_larger_one() {
        let key = |id: &str| Key { at: 1, id: id.into() };
        assert!(key("1000").comes_after(&key("999")));
        assert!(!key("999").comes_after(&key("1000")));
        assert!(Key { at: 2, id: "1".into() }.comes_after(&key("9")));
    }
}
