//! Where a pull goes on: a full load's place in the id order, then an incremental watermark and the scan that moves it.
//! Kept as compact JSON with a version; anything else is refused rather than guessed at.

use connector::{Cursor, Error};
use connector_http::{Checkpoint, is_default};
use serde::{Deserialize, Serialize};

use crate::spans::{Extent, Span};

const CHECKPOINT: Checkpoint = Checkpoint { whose: "HubSpot's", version: 1 };

/// Instants are epoch milliseconds of HubSpot's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// A full load that began at `began`: what is left of the id order.
    Full {
        began: i64,
        left: Vec<Span>,
        #[serde(default)]
        cut: Cut,
    },
    /// Everything changed before `mark` has been delivered.
    Changes {
        mark: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scan: Option<Scan>,
    },
    /// A sweep over everything: `after` is the page token; owners are swept twice, live and archived.
    Sweep {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        archived: bool,
        #[serde(default, skip_serializing_if = "is_default")]
        pages: u32,
    },
    /// Objects that are read one after the other: whose turn it is, and how far each has come.
    Each { part: usize, places: Vec<Option<Place>> },
}

/// Whether a full load is cut into spans that are walked side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cut {
    /// Not decided: the first page tells whether there is enough.
    #[default]
    Undecided,
    /// Too little to cut, or HubSpot's page tokens do not allow it.
    Never,
    Into(Extent),
}

/// A scan under way: changes since `from`, by ascending id, delivered up to `last`. When it ends, `next` is the mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scan {
    pub from: i64,
    pub next: i64,
    pub last: u64,
}

impl Place {
    pub fn sweep() -> Self {
        Self::Sweep { after: None, archived: false, pages: 0 }
    }

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
        let span = Span { after: Some("501".into()), until: Some(900), last: Some(500) };
        let cut = Cut::Into(Extent { top: 9, step: 1 });
        check(
            Place::Full { began: 5, left: vec![span, Span::default()], cut },
            r#"{"v":1,"at":{"full":{"began":5,"left":[{"after":"501","until":900,"last":500},{}],"cut":{"into":{"top":9,"step":1}}}}}"#,
        );
        let plain = r#"{"v":1,"at":{"full":{"began":5,"left":[],"cut":"never"}}}"#;
        check(Place::Full { began: 5, left: vec![], cut: Cut::Never }, plain);
        check(Place::Changes { mark: 7, scan: None }, r#"{"v":1,"at":{"changes":{"mark":7}}}"#);
        check(
            Place::Changes { mark: 7, scan: Some(Scan { from: 1, next: 9, last: 55 }) },
            r#"{"v":1,"at":{"changes":{"mark":7,"scan":{"from":1,"next":9,"last":55}}}}"#,
        );
        check(Place::sweep(), r#"{"v":1,"at":{"sweep":{}}}"#);
    }
}
