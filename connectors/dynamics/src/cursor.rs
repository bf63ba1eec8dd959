//! Where a pull goes on: for each table of an object, how its changes are followed and how far. Kept as compact JSON with a
//! version; anything else is refused rather than guessed at.

use connector::{Cursor, Error};
use connector_http::{Checkpoint, is_default};
use serde::{Deserialize, Serialize};

const CHECKPOINT: Checkpoint = Checkpoint { whose: "Dynamics'", version: 1 };

/// The tables of activities before notes were among them, which come last.
const BEFORE_NOTES: usize = 3;

/// A walk over the tables of one object, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// Which stream it belongs to: `r`, `d`, `a`.
    pub of: char,
    /// The table whose turn it is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub at: usize,
    /// Whether this round began at the beginning.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub full: bool,
    pub tables: Vec<Step>,
}

/// How far one table is read. Links are paths below the organisation's address, opaque and kept byte for byte; instants are
/// epoch milliseconds of Dataverse's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// Not begun.
    Fresh,
    /// Everything, with what changes in the meantime noted at Dataverse: the next page.
    Whole { next: String, select: String },
    /// Everything before this link has been delivered; `next` is the place within a round of changes.
    Tracked {
        link: String,
        select: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
    /// Everything, of a table whose changes are told by their stamps; begun at that instant.
    Listing { began: i64, next: String },
    /// Everything that changed before `mark` has been delivered.
    Stamped {
        mark: i64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scan: Option<Scan>,
    },
}

/// A round of changes by their stamps, begun at that instant: the next page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scan {
    pub began: i64,
    pub next: String,
}

impl Place {
    pub fn beginning(of: char, tables: usize) -> Self {
        Self { of, at: 0, full: true, tables: vec![Step::Fresh; tables] }
    }

    pub fn to_cursor(&self) -> Result<Cursor, Error> {
        CHECKPOINT.write(self)
    }

    /// A place in this stream over so many tables.
    pub fn from_cursor(cursor: &Cursor, of: char, tables: usize) -> Result<Self, Error> {
        let mut place: Self = CHECKPOINT.read(cursor)?;
        if (place.tables.len(), tables) == (BEFORE_NOTES, BEFORE_NOTES + 1) {
            place.tables.push(Step::Fresh);
        }
        if place.of != of || place.tables.len() != tables || place.at >= tables {
            return Err(Checkpoint::foreign());
        }
        let links = place.tables.iter().flat_map(Step::links);
        if links.into_iter().any(|link| !link.starts_with('/')) {
            return Err(Checkpoint::unusable("it names a place outside of the organisation"));
        }
        Ok(place)
    }
}

impl Step {
    fn links(&self) -> Vec<&str> {
        match self {
            Self::Fresh | Self::Stamped { scan: None, .. } => Vec::new(),
            Self::Whole { next, .. }
            | Self::Listing { next, .. }
            | Self::Stamped { scan: Some(Scan { next, .. }), .. } => {
                vec![next]
            }
            Self::Tracked { link, next, .. } => next.iter().chain([link]).map(String::as_str).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use connector::ErrorKind;

    use super::*;

    #[test]
    fn places_round_trip_and_are_compact() {
        let check = |step: Step, text: &str| {
            let place = Place { of: 'r', at: 0, full: false, tables: vec![step] };
            let cursor = place.to_cursor().unwrap();
            assert_eq!(cursor.as_str(), format!(r#"{{"v":1,"at":{{"of":"r","tables":[{text}]}}}}"#));
            assert_eq!(Place::from_cursor(&cursor, 'r', 1).unwrap(), place);
        };
        check(Step::Fresh, r#""fresh""#);
        check(Step::Whole { next: "/n".into(), select: "a".into() }, r#"{"whole":{"next":"/n","select":"a"}}"#);
        let tracked = Step::Tracked { link: "/l".into(), select: "a".into(), next: None };
        check(tracked, r#"{"tracked":{"link":"/l","select":"a"}}"#);
        check(Step::Listing { began: 5, next: "/n".into() }, r#"{"listing":{"began":5,"next":"/n"}}"#);
        let scan = Some(Scan { began: 9, next: "/n".into() });
        check(Step::Stamped { mark: 7, scan }, r#"{"stamped":{"mark":7,"scan":{"began":9,"next":"/n"}}}"#);
    }

    #[test]
    fn a_place_of_before_notes_were_read_goes_on_and_reads_them_anew() {
        let text =
            r#"{"v":1,"at":{"of":"r","at":1,"tables":["fresh",{"tracked":{"link":"/l","select":"a"}},"fresh"]}}"#;
        let place = Place::from_cursor(&Cursor::new(text), 'r', 4).unwrap();
        assert_eq!((place.at, place.tables.len(), &place.tables[3]), (1, 4, &Step::Fresh));
        assert!(Place::from_cursor(&Cursor::new(text), 'r', 1).is_err());
    }

    #[test]
    fn another_streams_place_is_refused_with_the_way_out() {
        let mine = Place::beginning('r', 1).to_cursor().unwrap();
        assert!(Place::from_cursor(&mine, 'r', 1).is_ok());
        let outside = r#"{"v":1,"at":{"of":"r","tables":[{"whole":{"next":"https://evil.example/","select":"a"}}]}}"#;
        for (cursor, of, tables) in [
            (mine.clone(), 'd', 1),
            (mine, 'r', 3),
            (Cursor::new(""), 'r', 1),
            (Cursor::new(r#"{"v":2,"at":{"of":"r","tables":["fresh"]}}"#), 'r', 1),
            (Cursor::new(r#"{"v":1,"at":{"of":"r","at":1,"tables":["fresh"]}}"#), 'r', 1),
            (Cursor::new(outside), 'r', 1),
        ] {
            let error = Place::from_cursor(&cursor, of, tables).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Protocol);
            assert!(error.fix.is_some());
        }
    }
}
