//! Record rows and their keys: the CRM's ids, merged-away ids, content hashes.

use std::sync::Arc;

use connector::{RecordId, Timestamp};

use super::fault::{Fallible, Fault};
use super::packed_model::{pack_mirror, unpack_mirror};
use super::profiles::{blob, instant};
use super::session::{Place, Session};
use crate::model::{LinkedRecord, Mirror, ProfileId, RecordKey};

/// What a record is to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Known only from an association.
    Stub,
    Live,
    Archived,
}

impl State {
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Stub => 0,
            Self::Live => 1,
            Self::Archived => 2,
        }
    }

    fn read(number: i64) -> Fallible<Self> {
        match number {
            0 => Ok(Self::Stub),
            1 => Ok(Self::Live),
            2 => Ok(Self::Archived),
            _ => Err(Fault::Damaged("a record in an unknown state")),
        }
    }

    fn counts(self) -> (i64, i64) {
        (i64::from(self == Self::Live), i64::from(self == Self::Archived))
    }
}

/// One id at a place: of a record itself, or merged into one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) record: i64,
    pub(super) alias: bool,
    pub(super) hash: Option<i64>,
    pub(super) links_hash: Option<i64>,
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) place: Place,
    pub(super) ext: Arc<str>,
    pub(super) profile: Option<i64>,
    pub(super) state: State,
    /// When a write to it was last settled.
    pub(super) written_at: Option<Timestamp>,
    /// The CRM's own stamp of that write, where it told.
    pub(super) written_stamp: Option<Timestamp>,
    pub(super) linked: LinkedRecord,
}

pub(super) fn key(session: &Session<'_>, place: Place, ext: &str) -> Fallible<Option<Key>> {
    let mut statement =
        session.sql("SELECT record, alias, hash, links_hash FROM record_key WHERE place = ?1 AND ext = ?2")?;
    let mut rows = statement.query((place, ext))?;
    Ok(match rows.next()? {
        Some(row) => Some(Key { record: row.get(0)?, alias: row.get(1)?, hash: row.get(2)?, links_hash: row.get(3)? }),
        None => None,
    })
}

const BY_ID: &str =
    "SELECT id, place, ext, profile, state, modified_at, url, mirror, written_at, written_stamp FROM record
     WHERE id = ?1";
const BY_PROFILE: &str =
    "SELECT id, place, ext, profile, state, modified_at, url, mirror, written_at, written_stamp FROM record
     WHERE profile = ?1 AND state > 0 ORDER BY id";

fn read(session: &Session<'_>, row: &rusqlite::Row<'_>) -> Fallible<Row> {
    let (place, ext): (i64, Arc<str>) = (row.get(1)?, row.get(2)?);
    let (connection, object) = session.place_name(place)?;
    let (profile, state): (Option<i64>, _) = (row.get(3)?, State::read(row.get(4)?)?);
    let linked = LinkedRecord {
        key: RecordKey { connection, object, id: RecordId::new(ext.clone()) },
        profile: profile.map(ProfileId),
        mirror: unpack_mirror(blob(row, 7)?)?,
        modified_at: instant(row.get(5)?),
        archived: state == State::Archived,
        url: row.get(6)?,
    };
    let (written_at, written_stamp) = (instant(row.get(8)?), instant(row.get(9)?));
    Ok(Row { id: row.get(0)?, place, ext, profile, state, written_at, written_stamp, linked })
}

pub(super) fn load(session: &Session<'_>, id: i64) -> Fallible<Row> {
    let mut statement = session.sql(BY_ID)?;
    let mut rows = statement.query([id])?;
    match rows.next()? {
        Some(row) => read(session, row),
        None => Err(Fault::Damaged("a record id points nowhere")),
    }
}

/// The record with this id, or that has it as an alias.
pub(super) fn find(session: &Session<'_>, record: &RecordKey) -> Fallible<Option<Row>> {
    let Some(place) = session.find_place(&record.connection, &record.object)? else {
        return Ok(None);
    };
    match key(session, place, record.id.as_str())? {
        Some(key) => load(session, key.record).map(Some),
        None => Ok(None),
    }
}

/// The number and state of the record with this id (or alias), without reading the rest.
pub(super) fn find_state(session: &Session<'_>, record: &RecordKey) -> Fallible<Option<(i64, State)>> {
    let Some(place) = session.find_place(&record.connection, &record.object)? else {
        return Ok(None);
    };
    let mut statement = session.sql(
        "SELECT r.id, r.state FROM record_key k JOIN record r ON r.id = k.record WHERE k.place = ?1 AND k.ext = ?2",
    )?;
    let mut rows = statement.query((place, record.id.as_str()))?;
    Ok(match rows.next()? {
        Some(row) => Some((row.get(0)?, State::read(row.get(1)?)?)),
        None => None,
    })
}

/// A profile's records that are (or were) at a CRM, oldest first.
pub(super) fn of_profile(session: &Session<'_>, profile: i64) -> Fallible<Vec<Row>> {
    let mut statement = session.sql(BY_PROFILE)?;
    let mut rows = statement.query([profile])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(session, row)?);
    }
    Ok(found)
}

pub(super) fn profile_of(session: &Session<'_>, record: i64) -> Fallible<Option<i64>> {
    let mut statement = session.sql("SELECT profile FROM record WHERE id = ?1")?;
    let mut rows = statement.query([record])?;
    Ok(match rows.next()? {
        Some(row) => row.get(0)?,
        None => None,
    })
}

/// What is written of a record.
pub(super) struct Content<'a> {
    pub(super) profile: Option<i64>,
    pub(super) state: State,
    pub(super) modified_at: Option<i64>,
    pub(super) url: Option<&'a str>,
    pub(super) mirror: &'a Mirror,
}

pub(super) fn insert(session: &Session<'_>, place: Place, ext: &str, content: &Content<'_>) -> Fallible<i64> {
    session.run(
        "INSERT INTO record (place, ext, profile, state, modified_at, url, mirror) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            place,
            ext,
            content.profile,
            content.state.number(),
            content.modified_at,
            content.url,
            pack_mirror(content.mirror),
        ),
    )?;
    let (live, archived) = content.state.counts();
    session.count_records(place, live, archived);
    Ok(session.conn.last_insert_rowid())
}

pub(super) fn update(session: &Session<'_>, row: &Row, content: &Content<'_>) -> Fallible<()> {
    session.run(
        "UPDATE record SET profile = ?2, state = ?3, modified_at = ?4, url = ?5, mirror = ?6 WHERE id = ?1",
        (
            row.id,
            content.profile,
            content.state.number(),
            content.modified_at,
            content.url,
            pack_mirror(content.mirror),
        ),
    )?;
    count_move(session, row.place, row.state, content.state);
    Ok(())
}

pub(super) fn save_mirror(session: &Session<'_>, record: i64, mirror: &Mirror) -> Fallible<()> {
    session.run("UPDATE record SET mirror = ?2 WHERE id = ?1", (record, pack_mirror(mirror)))?;
    Ok(())
}

/// Keeps when the CRM says a record was made.
pub(super) fn made_at(session: &Session<'_>, record: i64, at: Option<Timestamp>) -> Fallible<()> {
    if let Some(at) = at {
        session
            .run("UPDATE record SET created_at = ?2 WHERE id = ?1 AND created_at IS NOT ?2", (record, at.micros()))?;
    }
    Ok(())
}

/// Takes over what a settled write left at the CRM. The next sight of the record is looked at, whatever its hash: what was
/// stored under that hash was another content.
pub(super) fn save_written(
    session: &Session<'_>,
    row: &Row,
    mirror: &Mirror,
    now: Timestamp,
    stamp: Option<Timestamp>,
) -> Fallible<()> {
    session.run(
        "UPDATE record SET mirror = ?2, written_at = ?3, written_stamp = ?4 WHERE id = ?1",
        (row.id, pack_mirror(mirror), now.micros(), stamp.map(Timestamp::micros)),
    )?;
    session.run("UPDATE record_key SET hash = NULL WHERE place = ?1 AND ext = ?2", (row.place, &row.ext))?;
    Ok(())
}

pub(super) fn set_state(session: &Session<'_>, row: &Row, state: State) -> Fallible<()> {
    session.run("UPDATE record SET state = ?2 WHERE id = ?1", (row.id, state.number()))?;
    count_move(session, row.place, row.state, state);
    Ok(())
}

pub(super) fn count_move(session: &Session<'_>, place: Place, from: State, to: State) {
    if from != to {
        let ((live, archived), (was_live, was_archived)) = (to.counts(), from.counts());
        session.count_records(place, live - was_live, archived - was_archived);
    }
}

/// Sets (or makes) the key of an id.
pub(super) fn save_key(session: &Session<'_>, place: Place, ext: &str, key: Key) -> Fallible<()> {
    session.run(
        "INSERT INTO record_key (place, ext, record, alias, hash, links_hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET record = excluded.record, alias = excluded.alias, hash = excluded.hash,
                                   links_hash = excluded.links_hash",
        (place, ext, key.record, key.alias, key.hash, key.links_hash),
    )?;
    Ok(())
}

/// Forgets the hashes of a record, so that its next sight counts as a change.
pub(super) fn forget_hash(session: &Session<'_>, place: Place, ext: &str) -> Fallible<()> {
    session.run("UPDATE record_key SET hash = NULL, links_hash = NULL WHERE place = ?1 AND ext = ?2", (place, ext))?;
    Ok(())
}

/// The number of a record that may not have been pulled yet.
pub(super) fn find_or_stub(session: &Session<'_>, place: Place, ext: &str) -> Fallible<i64> {
    if let Some(key) = key(session, place, ext)? {
        return Ok(key.record);
    }
    let empty = Mirror::default();
    let content = Content { profile: None, state: State::Stub, modified_at: None, url: None, mirror: &empty };
    let record = insert(session, place, ext, &content)?;
    save_key(session, place, ext, Key { record, alias: false, hash: None, links_hash: None })?;
    Ok(record)
}

/// Marks a record for push to look at; `true` if it was not marked before.
pub(super) fn mark(session: &Session<'_>, place: Place, record: i64) -> Fallible<bool> {
    let marked =
        session.run("INSERT INTO push_mark (place, record) VALUES (?1, ?2) ON CONFLICT DO NOTHING", (place, record))?;
    Ok(marked > 0)
}

/// The numbers of a profile's live records.
pub(super) fn live_of(session: &Session<'_>, profile: i64) -> Fallible<Vec<i64>> {
    let mut found = Vec::new();
    session.each("SELECT id FROM record WHERE profile = ?1 AND state = 1", [profile], |row| {
        found.push(row.get(0)?);
        Ok(())
    })?;
    Ok(found)
}

/// Marks every live record of a profile; returns how many were not marked before.
pub(super) fn mark_all_of(session: &Session<'_>, profile: i64) -> Fallible<u64> {
    let marked = session.run(
        "INSERT INTO push_mark (place, record) SELECT place, id FROM record WHERE profile = ?1 AND state = 1
         ON CONFLICT DO NOTHING",
        [profile],
    )?;
    Ok(marked as u64)
}
