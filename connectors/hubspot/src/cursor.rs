//! Where a pull goes on: a full load's place in the id order, then an incremental watermark and the scan that moves it.
//! Kept as compact JSON with a version; anything else is refused rather than guessed at.

use connector::{Cursor, Error, ErrorKind};
use serde::{Deserialize, Serialize};

const VERSION: u32 = 1;

/// Instants are epoch milliseconds of HubSpot's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// A full load that began at `began`: what is left of the id order.
    Full { began: i64, left: Vec<Span> },
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
}

/// A stretch of the id order: from the page token `after` (none: the beginning) up to, not including, the id `until`
/// (none: the end).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// The highest id delivered so far: a page that brings nothing higher goes round in circles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
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
        check(
            Place::Full {
                began: 5,
                left: vec![Span { after: Some("501".into()), until: Some(900), last: Some(500) }, Span::default()],
            },
            r#"{"v":1,"at":{"full":{"began":5,"left":[{"after":"501","until":900,"last":500},{}]}}}"#,
        );
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
