//! People in a sales cycle who enter a band: their open deals, and that the owner of one was told. A row of `assignment` says so,
//! which takes no turn of any pool; one since the entry, at whatever connection, and the entry is done.

use std::sync::Arc;

use connector::{ConnectionName, Object, RecordId, Timestamp};

use super::assign::{self, Turn};
use super::assignments::MADE;
use super::fault::{Fallible, Fault};
use super::intents::{self, Row};
use super::office::SqlOffice;
use super::session::{Place, Session};
use super::{records, standing};
use crate::model::{Decision, Office, OpenDeal, RecordKey, Tell};
use crate::store::Assigned;

/// The open deals of somebody about whose entry into a band nothing has been done yet, those at one connection first.
pub(super) fn since_entering(
    session: &Session<'_>,
    profile: i64,
    band: Option<&Arc<str>>,
    first: &ConnectionName,
) -> Fallible<Vec<OpenDeal>> {
    match band {
        Some(band) if standing::ready(session, profile)?.contains(band) => open_deals(session, profile, first),
        _ => Ok(Vec::new()),
    }
}

/// Each once, with the contact before another record of the person that it is associated with.
pub(super) fn open_deals(session: &Session<'_>, profile: i64, first: &ConnectionName) -> Fallible<Vec<OpenDeal>> {
    let mut statement = session.sql(
        "SELECT n.deal, r.place, r.ext, d.name, d.stage, d.owner, c.place, c.ext FROM (
             SELECT l.b AS deal, c.id AS person FROM record c JOIN link l ON l.a = c.id WHERE c.profile = ?1 AND c.state = 1
             UNION SELECT l.a, c.id FROM record c JOIN link l ON l.b = c.id WHERE c.profile = ?1 AND c.state = 1
         ) n JOIN deal d ON d.record = n.deal AND d.status = 0 JOIN record r ON r.id = n.deal AND r.state = 1
         JOIN record c ON c.id = n.person JOIN place p ON p.id = c.place
         ORDER BY p.connection <> ?2, n.deal, p.object, c.id",
    )?;
    let mut rows = statement.query((profile, first.as_str()))?;
    let (mut found, mut last): (Vec<OpenDeal>, Option<i64>) = (Vec::new(), None);
    while let Some(row) = rows.next()? {
        let deal: i64 = row.get(0)?;
        if last.replace(deal) == Some(deal) {
            continue;
        }
        let (place, beside): (Place, Place) = (row.get(1)?, row.get(6)?);
        let (connection, _) = session.place_name(place)?;
        let (at, object): (ConnectionName, Object) = session.place_name(beside)?;
        let owner = row.get::<_, Option<Arc<str>>>(5)?.map(RecordId::new);
        found.push(OpenDeal {
            connection,
            id: RecordId::new(row.get::<_, Arc<str>>(2)?),
            name: row.get(3)?,
            stage: row.get(4)?,
            owner: match owner {
                Some(owner) => user(session, place, &owner)?,
                None => None,
            },
            record: RecordKey { connection: at, object, id: RecordId::new(row.get::<_, Arc<str>>(7)?) },
        });
    }
    Ok(found)
}

fn user(session: &Session<'_>, place: Place, owner: &RecordId) -> Fallible<Option<crate::model::User>> {
    let office = SqlOffice::new(session, place)?;
    let found = office.user_by_id(owner);
    office.failed.take().map_or(Ok(found), Err)
}

/// When the owner of a deal was last told of the person.
pub(super) fn told_at(session: &Session<'_>, profile: i64) -> Fallible<Option<Timestamp>> {
    let sql = "SELECT max(at) FROM assignment WHERE profile = ?1 AND step = 'deal' AND state = 1";
    let at = session.one(sql, [profile], |row| row.get::<_, Option<i64>>(0))?;
    Ok(at.flatten().map(Timestamp::from_micros))
}

/// Whether that was since the person entered the band.
pub(super) fn was_told(session: &Session<'_>, profile: i64, band: Option<&Arc<str>>) -> Fallible<bool> {
    let (Some(band), Some(told)) = (band, told_at(session, profile)?) else { return Ok(false) };
    Ok(standing::entries(session, profile)?.get(band).is_some_and(|entry| entry.entered_at <= told))
}

/// Notes that somebody is told, and that with this the person's entry is done.
pub(super) fn tell(session: &Session<'_>, profile: i64, now: Timestamp, tell: &Tell) -> Fallible<()> {
    let beside = records::find(session, &tell.record)?.ok_or(Fault::Damaged("a deal of nobody's record"))?;
    let turn = Turn { now, profile, place: beside.place, record: Some(beside.id), state: MADE, follows: None };
    assign::insert(session, &turn, &Decision::Tell(tell.clone()), None)?;
    standing::settle(session, profile, Some(now))
}

/// A record that was about to be made is not wanted any more. Where nobody could be told, the entry waits for news of the person.
pub(super) fn drop_create(
    session: &Session<'_>,
    row: &Row,
    profile: i64,
    now: Timestamp,
    told: Option<&Tell>,
) -> Fallible<Assigned> {
    match told {
        Some(one) => tell(session, profile, now, one)?,
        None => standing::settle(session, profile, None)?,
    }
    intents::remove(session, row.entry.id)?;
    Ok(Assigned::Dropped)
}
