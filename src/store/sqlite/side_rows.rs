//! Rows of side writes: how they are kept, replaced and read.

use std::sync::Arc;

use connector::{RecordId, Timestamp};

use super::fault::{Fallible, Fault};
use super::letters::rows_limit;
use super::profiles::{self, instant};
use super::session::{Place, Session};
use crate::model::{Cause, ProfileId, ProfileUid, RecordKey, SideRow, SideState, SideWish};
use crate::store::{Listener, PlaceWaiting, SideLimit, SideOf, Whom};

pub(super) const QUEUED: i64 = 0;
pub(super) const IN_FLIGHT: i64 = 1;
pub(super) const AMBIGUOUS: i64 = 2;
pub(super) const SETTLED: i64 = 3;
pub(super) const REFUSED: i64 = 4;

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) place: Place,
    pub(super) record: i64,
    /// Whose the record is now.
    pub(super) profile: Option<i64>,
    pub(super) lane: Arc<str>,
    /// The kind of operation that carries it out.
    pub(super) op: String,
    pub(super) state: i64,
    pub(super) generation: u32,
    /// The generation that was leased last.
    pub(super) sent: Option<u32>,
    pub(super) attempts: u32,
    pub(super) wish: Option<SideWish>,
    pub(super) cause: Cause,
    pub(super) told: Option<String>,
    pub(super) remote: Option<RecordId>,
}

const COLUMNS: &str =
    "s.id, s.place, s.record, r.profile, s.lane, s.state, s.generation, s.attempts, s.wish, s.cause, s.told, s.remote,
     s.sent, s.op";

fn read(row: &rusqlite::Row<'_>) -> Fallible<Row> {
    let (wish, cause): (Option<String>, Option<String>) = (row.get(8)?, row.get(9)?);
    let cause = match cause.as_deref() {
        Some(cause) => serde_json::from_str(cause)?,
        None => Cause { mapping: "".into(), origin: "".into() },
    };
    Ok(Row {
        id: row.get(0)?,
        place: row.get(1)?,
        record: row.get(2)?,
        profile: row.get(3)?,
        lane: row.get(4)?,
        op: row.get(13)?,
        state: row.get(5)?,
        generation: row.get(6)?,
        sent: row.get(12)?,
        attempts: row.get(7)?,
        wish: wish.as_deref().map(serde_json::from_str).transpose()?,
        cause,
        told: row.get(10)?,
        remote: row.get::<_, Option<String>>(11)?.map(RecordId::from),
    })
}

fn select(session: &Session<'_>, rest: &str, params: impl rusqlite::Params) -> Fallible<Vec<Row>> {
    let mut statement =
        session.sql(&format!("SELECT {COLUMNS} FROM side_write s JOIN record r ON r.id = s.record {rest}"))?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

pub(super) fn by_id(session: &Session<'_>, id: i64) -> Fallible<Option<Row>> {
    Ok(select(session, "WHERE s.id = ?1", [id])?.pop())
}

pub(super) fn of_lane(session: &Session<'_>, record: i64, lane: &str) -> Fallible<Option<Row>> {
    Ok(select(session, "WHERE s.record = ?1 AND s.lane = ?2", (record, lane))?.pop())
}

pub(super) fn of_record(session: &Session<'_>, record: i64) -> Fallible<Vec<Row>> {
    select(session, "WHERE s.record = ?1 ORDER BY s.id", [record])
}

/// The oldest due row at a record that is there (of a lead object that is to go, wherever its record is), and those that the same kind of operation carries out.
pub(super) fn due(
    session: &Session<'_>,
    place: Place,
    state: i64,
    now: Timestamp,
    limit: SideLimit,
) -> Fallible<Vec<Row>> {
    const DUE: &str =
        "WHERE s.place = ?1 AND s.state = ?2 AND s.state < 3 AND (s.not_before IS NULL OR s.not_before <= ?3)
         AND (r.state = 1 OR s.op = 'unlead')";
    let first = select(session, &format!("{DUE} ORDER BY s.id LIMIT 1"), (place, state, now.micros()))?.pop();
    let Some(first) = first else { return Ok(Vec::new()) };
    let kind = first.op.as_str();
    let limit = if kind == "list" { limit.places } else { limit.others };
    select(
        session,
        &format!("{DUE} AND s.op = ?4 ORDER BY s.id LIMIT ?5"),
        (place, state, now.micros(), kind, rows_limit(limit)),
    )
}

/// Rows of a lane that were refused, of one record or of a whole place.
pub(super) fn refused(session: &Session<'_>, place: Place, record: Option<i64>, lane: &str) -> Fallible<Vec<Row>> {
    let rest = "WHERE s.place = ?1 AND (?2 IS NULL OR s.record = ?2) AND s.lane = ?3 AND s.state = 4 ORDER BY s.id";
    select(session, rest, (place, record, lane))
}

/// Rows whose people have denied consent for something, where the CRM was told and nothing else is under way.
pub(super) fn told_of_deniers(session: &Session<'_>, place: Place) -> Fallible<Vec<Row>> {
    select(
        session,
        "WHERE s.place = ?1 AND s.state = 3 AND s.told <> 'found' AND r.state = 1
             AND EXISTS (SELECT 1 FROM consent c WHERE c.profile = r.profile AND c.choice = 0)",
        [place],
    )
}

/// Rows of a lane that were told before an instant and about which nothing else is under way, at records that are there.
pub(super) fn told_before(session: &Session<'_>, place: Place, lane: &str, at: Timestamp) -> Fallible<Vec<Row>> {
    select(
        session,
        "WHERE s.place = ?1 AND s.lane = ?2 AND s.state = 3 AND s.told IS NOT NULL AND s.told_at < ?3 AND r.state = 1
             ORDER BY s.id",
        (place, lane, at.micros()),
    )
}

/// Places on lists that are wished for, or to be given up, and not told yet.
pub(super) fn waiting_places(session: &Session<'_>, place: Place) -> Fallible<Vec<PlaceWaiting>> {
    let mut statement = session.sql(
        "SELECT r.ext, s.wish, s.told FROM side_write s JOIN record r ON r.id = s.record
         WHERE s.place = ?1 AND s.op = 'list' AND s.state IN (0, 2) AND s.state < 3 AND r.state = 1 ORDER BY s.id",
    )?;
    let mut rows = statement.query([place])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (record, wish, told): (Arc<str>, Option<String>, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let wish: Option<SideWish> = wish.as_deref().map(serde_json::from_str).transpose()?;
        if let Some(wish) = wish.filter(|wish| !wish.is_told(told.as_deref()))
            && let SideWish::Member { list, member } = wish
        {
            found.push(PlaceWaiting { record: RecordId::new(record), list, member });
        }
    }
    Ok(found)
}

/// The lists that a record is on as far as Ferry knows, and whether Ferry put it there.
pub(super) fn lists_of(session: &Session<'_>, record: i64) -> Fallible<Vec<(Arc<str>, bool)>> {
    let mut statement =
        session.sql("SELECT lane, told FROM side_write WHERE record = ?1 AND op = 'list' AND told IS NOT NULL")?;
    let mut rows = statement.query([record])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (lane, told): (String, String) = (row.get(0)?, row.get(1)?);
        if let Some(list) = lane.strip_prefix("list:") {
            found.push((list.into(), told != SideWish::FOUND));
        }
    }
    Ok(found)
}

pub(super) fn insert(
    session: &Session<'_>,
    (place, record): (Place, i64),
    now: Timestamp,
    wish: &SideWish,
    cause: &Cause,
) -> Fallible<()> {
    let lane = wish.lane();
    session.run(
        "INSERT INTO side_write (key, place, record, lane, op, state, generation, attempts, wish, cause)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, 1, 0, ?6, ?7)",
        (
            session.uuid(now)?.into_bytes(),
            place,
            record,
            &lane,
            lane.split(':').next(),
            serde_json::to_string(wish)?,
            serde_json::to_string(cause)?,
        ),
    )?;
    Ok(())
}

/// A newer wish for the lane. What is on its way stays on its way, and the newer wish waits behind it.
pub(super) fn replace(
    session: &Session<'_>,
    now: Timestamp,
    row: &Row,
    wish: &SideWish,
    cause: &Cause,
) -> Fallible<()> {
    session.run(
        "UPDATE side_write SET key = ?2, wish = ?3, cause = ?4, generation = generation + 1, attempts = 0, not_before = NULL,
             state = CASE WHEN state IN (1, 2) THEN state ELSE 0 END WHERE id = ?1",
        (row.id, session.uuid(now)?.into_bytes(), serde_json::to_string(wish)?, serde_json::to_string(cause)?),
    )?;
    Ok(())
}

/// Nothing is to be sent: the CRM holds what is wished for. Where that is nothing, nothing is kept, but the note to write into.
pub(super) fn settle_as_told(session: &Session<'_>, row: &Row) -> Fallible<()> {
    if row.told.is_none() && row.remote.is_none() {
        return delete(session, row.id);
    }
    session.run(
        "UPDATE side_write SET state = 3, wish = NULL, cause = NULL, attempts = 0, not_before = NULL, worker = NULL,
             lease_until = NULL WHERE id = ?1",
        [row.id],
    )?;
    Ok(())
}

/// No longer leased.
pub(super) fn back(
    session: &Session<'_>,
    id: i64,
    state: i64,
    not_before: Option<Timestamp>,
    counts: bool,
) -> Fallible<()> {
    session.run(
        "UPDATE side_write SET state = ?2, not_before = ?3, attempts = attempts + ?4, worker = NULL, lease_until = NULL
         WHERE id = ?1",
        (id, state, not_before.map(Timestamp::micros), counts),
    )?;
    Ok(())
}

pub(super) fn delete(session: &Session<'_>, id: i64) -> Fallible<()> {
    session.run("DELETE FROM side_write WHERE id = ?1", [id])?;
    Ok(())
}

/// For people: of one person's records, or of a place.
pub(super) fn shown(session: &Session<'_>, whose: &SideOf, limit: usize) -> Fallible<Vec<SideRow>> {
    let columns =
        "SELECT s.place, r.ext, p.uid, s.lane, s.state, s.remote, s.told, s.told_at, s.attempts FROM side_write s
         JOIN record r ON r.id = s.record LEFT JOIN profile p ON p.id = r.profile";
    let (rest, number) = match whose {
        SideOf::Profile(ProfileId(profile)) => ("WHERE r.profile = ?1", *profile),
        SideOf::Place(connection, object) => match session.find_place(connection, object)? {
            Some(place) => ("WHERE s.place = ?1", place),
            None => return Ok(Vec::new()),
        },
    };
    let mut statement = session.sql(&format!("{columns} {rest} ORDER BY s.record, s.lane LIMIT ?2"))?;
    let mut rows = statement.query((number, rows_limit(limit)))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (connection, object) = session.place_name(row.get(0)?)?;
        let ext: Arc<str> = row.get(1)?;
        let uid: Option<[u8; 16]> = row.get(2)?;
        found.push(SideRow {
            record: RecordKey { connection, object, id: RecordId::new(ext) },
            profile: uid.map(|uid| ProfileUid(uuid::Uuid::from_bytes(uid))),
            lane: row.get(3)?,
            state: match row.get(4)? {
                QUEUED => SideState::Queued,
                IN_FLIGHT => SideState::InFlight,
                AMBIGUOUS => SideState::Ambiguous,
                SETTLED => SideState::Settled,
                REFUSED => SideState::Refused,
                _ => return Err(Fault::Damaged("a side write in an unknown state")),
            },
            remote: row.get::<_, Option<String>>(5)?.map(RecordId::from),
            told: row.get(6)?,
            told_at: instant(row.get(7)?),
            attempts: row.get(8)?,
        });
    }
    Ok(found)
}

/// Live records of known people who are nobody else's too, with when the CRM was told of them in a lane.
pub(super) fn audience(
    session: &Session<'_>,
    place: Place,
    lane: &str,
    whom: &Whom,
    after: i64,
    limit: usize,
) -> Fallible<Vec<Listener>> {
    let of_records = "SELECT r.id, r.ext, p.id, p.uid, s.told_at FROM record r
         JOIN profile p ON p.id = r.profile AND p.known = 1 AND p.shared = 0
         LEFT JOIN side_write s ON s.record = r.id AND s.lane = ?2
         WHERE r.place = ?1 AND r.state = 1 AND r.id > ?3";
    let read = |rows: &mut rusqlite::Rows<'_>| -> Fallible<Vec<Listener>> {
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(Listener {
                number: row.get(0)?,
                record: RecordId::new(row.get::<_, Arc<str>>(1)?),
                profile: ProfileId(row.get(2)?),
                uid: ProfileUid(uuid::Uuid::from_bytes(row.get(3)?)),
                told_at: instant(row.get(4)?),
            });
        }
        Ok(found)
    };
    match whom {
        Whom::ChangedSince(since) => {
            let mut statement = session.sql(&format!("{of_records} AND p.computed_at >= ?4 ORDER BY r.id LIMIT ?5"))?;
            read(&mut statement.query((place, lane, after, since.micros(), rows_limit(limit)))?)
        }
        Whom::These(people) => {
            let mut found = Vec::new();
            for profile in people {
                let Some(profile) = profiles::current(session, profile.0)? else { continue };
                let mut statement = session.sql(&format!("{of_records} AND r.profile = ?4 ORDER BY r.id"))?;
                found.extend(read(&mut statement.query((place, lane, after, profile))?)?);
            }
            found.sort_by_key(|listener| listener.number);
            found.dedup_by_key(|listener| listener.number);
            found.truncate(limit);
            Ok(found)
        }
    }
}
