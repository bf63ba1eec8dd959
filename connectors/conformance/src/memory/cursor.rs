//! Places in the account's streams, and their text.
//!
//! A full load walks the primary store by id. After it, changes come in windows `[low, high]`, both ends included and
//! walked by (stamp, id): `high` is server time less the visibility lag, so that everything stamped inside a window is
//! visible when it is read; the next window starts at this one's `high`, so that a change made at that very instant is
//! read again rather than lost. A record that changes during the walk moves beyond `high` and waits for the next window.

use connector::{Cursor, Error, ErrorKind, RecordId, Result, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a full load begun at `started`, behind the record `after`.
    Full { started: Timestamp, after: Option<RecordId> },
    /// Between windows: the next begins at `low`.
    Since { low: Timestamp },
    /// In a window, behind the change `after`.
    Window { low: Timestamp, high: Timestamp, after: (Timestamp, RecordId) },
    /// In a sweep over all records, behind `after`.
    Sweep { after: Option<RecordId> },
}

impl Place {
    pub(super) fn cursor(&self) -> Cursor {
        let id = |id: &Option<RecordId>| id.as_ref().map_or(String::new(), ToString::to_string);
        Cursor::new(match self {
            Self::Full { started, after } => format!("full/{}/{}", started.micros(), id(after)),
            Self::Since { low } => format!("since/{}", low.micros()),
            Self::Window { low, high, after: (stamp, id) } => {
                format!("window/{}/{}/{}/{id}", low.micros(), high.micros(), stamp.micros())
            }
            Self::Sweep { after } => format!("sweep/{}", id(after)),
        })
    }

    pub(super) fn parse(cursor: &Cursor) -> Result<Self> {
        parse(cursor.as_str()).ok_or_else(|| {
            Error::new(ErrorKind::Config, "read a page", "the cursor is not one this connector made")
                .with_fix("start a full load")
        })
    }
}

fn parse(text: &str) -> Option<Place> {
    let (kind, rest) = text.split_once('/')?;
    let at = |text: &str| text.parse().ok().map(Timestamp::from_micros);
    let id = |text: &str| (!text.is_empty()).then(|| RecordId::from(text));
    Some(match kind {
        "full" => {
            let (started, after) = rest.split_once('/')?;
            Place::Full { started: at(started)?, after: id(after) }
        }
        "since" => Place::Since { low: at(rest)? },
        "window" => {
            let mut parts = rest.splitn(4, '/');
            let (low, high, stamp) = (at(parts.next()?)?, at(parts.next()?)?, at(parts.next()?)?);
            Place::Window { low, high, after: (stamp, id(parts.next()?)?) }
        }
        "sweep" => Place::Sweep { after: id(rest) },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_survive_their_text() {
        let at = Timestamp::from_micros;
        for place in [
            Place::Full { started: at(5), after: None },
            Place::Full { started: at(-5), after: Some("a/b".into()) },
            Place::Since { low: at(i64::MIN) },
            Place::Window { low: at(1), high: at(3), after: (at(2), "x/y".into()) },
            Place::Sweep { after: None },
            Place::Sweep { after: Some("9".into()) },
        ] {
            assert_eq!(Place::parse(&place.cursor()), Ok(place));
        }
        for broken in ["", "full", "window/1/2/3", "since/yesterday", "elsewhere/1"] {
            assert!(Place::parse(&Cursor::new(broken)).is_err(), "{broken}");
        }
    }
}
