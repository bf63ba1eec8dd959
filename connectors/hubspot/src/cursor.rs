//! Where a pull goes on: a full load's place in the id order, then an incremental watermark and the scan that moves it.
//! Kept as compact JSON with a version; anything else is refused rather than guessed at.

use connector::{Cursor, Error, ErrorKind};
use serde::{Deserialize, Serialize};

use crate::spans::{Extent, Span};

const VERSION: u32 = 1;

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
        #[serde(default, skip_serializing_if = "is_zero")]
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

#[derive(Serialize, Deserialize)]
struct Versioned<P> {
    v: u32,
    at: P,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Place {
    pub fn sweep() -> Self {
        Self::Sweep { after: None, archived: false, pages: 0 }
    }

    pub fn to_cursor(&self) -> Result<Cursor, Error> {
        serde_json::to_string(&Versioned { v: VERSION, at: self })
            .map(Cursor::new)
            .map_err(|_| Error::new(ErrorKind::Protocol, "write down the place in HubSpot's data", "it is not JSON"))
    }

    pub fn from_cursor(cursor: &Cursor) -> Result<Self, Error> {
        serde_json::from_str::<Versioned<Self>>(cursor.as_str())
            .ok()
            .filter(|versioned| versioned.v == VERSION)
            .map(|versioned| versioned.at)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Protocol,
                    "read the checkpoint",
                    "it is not a place in HubSpot's data as this version writes it",
                )
                .with_fix("start a full load of this connection (pull with --full)")
            })
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

    #[test]
    fn another_version_is_refused_with_the_way_out() {
        for bad in ["", "{}", r#"{"v":2,"at":{"sweep":{}}}"#, r#"{"v":1,"at":{"elsewhere":{}}}"#] {
            let error = Place::from_cursor(&Cursor::new(bad)).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Protocol);
            assert!(error.fix.is_some());
        }
    }
}
