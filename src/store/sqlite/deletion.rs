//! Records of erased people that are deleted at their CRM: ordered with the erasure, carried out by a push, and told in the
//! erasure's receipt. Until that is done the record stays here, nobody's, so that the order is not forgotten.

use connector::{Fields, Operation, Timestamp};
use rusqlite::OptionalExtension;
use uuid::Uuid;

use super::erase::tell;
use super::fault::Fallible;
use super::intents::{self, Row};
use super::purge::{self, numbers};
use super::records::{self, State};
use super::session::Session;
use super::unlead;
use crate::model::{Intent, JournalOutcome};
use crate::store::Delivered;

/// What the receipt calls records that are still to be deleted at a CRM, those that were, and those that it keeps.
pub(super) const TO_DELETE: &str = "to_delete_at_crm";
pub(super) const DELETED: &str = "deleted_at_crm";
pub(super) const REFUSED: &str = "refused_by_crm";

/// Queues what deletes a live record.
pub(super) fn order(session: &Session<'_>, erasure: Uuid, row: &records::Row, now: Timestamp) -> Fallible<()> {
    queue(session, row, now)?;
    session.run(
        "INSERT INTO erased_record (record, erasure) VALUES (?1, ?2)
         ON CONFLICT DO UPDATE SET erasure = excluded.erasure, refused = 0",
        (row.id, erasure.into_bytes()),
    )?;
    Ok(())
}

fn queue(session: &Session<'_>, row: &records::Row, now: Timestamp) -> Fallible<()> {
    let key = &row.linked.key;
    let intent = Intent {
        connection: key.connection.clone(),
        object: key.object.clone(),
        record: Some(key.clone()),
        profile: None,
        operation: Operation::Erase { id: key.id.clone() },
        fields: Fields::new(),
        changes: Vec::new(),
        compare_first: false,
    };
    intents::queue(session, now, &intent)?;
    unlead::goes_first(session, row.id, now)
}

/// Notes in the receipt what became of an order. What was refused waits for somebody to have it tried again, or to give it up.
pub(super) fn settle(session: &Session<'_>, row: &Row, one: &Delivered) -> Fallible<()> {
    let Some(record) = row.record.filter(|_| row.entry.intent.deletes()) else { return Ok(()) };
    let is_done = one.journal == Some(JournalOutcome::Written);
    moved(session, record, if is_done { DELETED } else { REFUSED })?;
    let sql = if is_done {
        "UPDATE erased_record SET erasure = NULL WHERE record = ?1"
    } else {
        "UPDATE erased_record SET refused = 1 WHERE record = ?1"
    };
    session.run(sql, [record])?;
    Ok(())
}

/// The erasure that a record's deletion was ordered with, and whether it was refused; `None` where nothing is ordered any more.
fn ordered(session: &Session<'_>, record: i64) -> Fallible<Option<(Uuid, bool)>> {
    let found = session
        .sql("SELECT erasure, refused FROM erased_record WHERE record = ?1 AND erasure IS NOT NULL")?
        .query_row([record], |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.map(|(id, refused)| (Uuid::from_bytes(id), refused)))
}

/// Counts a record under another word in its receipt.
fn moved(session: &Session<'_>, record: i64, to: &'static str) -> Fallible<()> {
    let Some((erasure, refused)) = ordered(session, record)? else { return Ok(()) };
    tell(session, erasure, if refused { REFUSED } else { TO_DELETE }, to)
}

/// Whether a record waits for its deletion, or for somebody to say what is to be done about a refused one.
pub(super) fn waits(session: &Session<'_>, record: i64) -> Fallible<bool> {
    Ok(ordered(session, record)?.is_some())
}

/// Has a refused deletion tried again; `false` where there is none of this record.
pub(super) fn retry(session: &Session<'_>, row: &records::Row, now: Timestamp) -> Fallible<bool> {
    let Some((_, true)) = ordered(session, row.id)? else { return Ok(false) };
    moved(session, row.id, TO_DELETE)?;
    session.run("UPDATE erased_record SET refused = 0 WHERE record = ?1", [row.id])?;
    queue(session, row, now)?;
    Ok(true)
}

/// Nobody wants it tried again.
pub(super) fn give_up(session: &Session<'_>, record: i64) -> Fallible<()> {
    session.run("UPDATE erased_record SET erasure = NULL WHERE record = ?1 AND refused = 1", [record])?;
    unlead::give_up(session, record)
}

/// Forgets records of erased people to which nothing is to be written any more: whose last write is settled, that are gone at
/// the CRM, or that were refused by it so long ago that the letter about it is forgotten, too.
pub(super) fn settled(session: &Session<'_>, before: Timestamp) -> Fallible<()> {
    let settled = numbers(
        session,
        "SELECT record FROM erased_record e WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.record = e.record)
             AND NOT EXISTS (SELECT 1 FROM side_write s WHERE s.record = e.record AND s.state < 3)
             AND NOT EXISTS (SELECT 1 FROM side_write s WHERE s.record = e.record AND s.op = 'unlead' AND s.told_at >= ?1)
             AND (e.erasure IS NULL
                  OR NOT EXISTS (SELECT 1 FROM record r WHERE r.id = e.record AND r.state = 1)
                  OR EXISTS (SELECT 1 FROM erasure a WHERE a.id = e.erasure AND a.started_at < ?1)) LIMIT 1000",
        [before.micros()],
    )?;
    for record in settled {
        let is_known = session.number("SELECT 1 FROM record WHERE id = ?1", [record])? > 0;
        if !is_known || records::load(session, record)?.state != State::Live {
            // Somebody at the CRM was faster.
            moved(session, record, DELETED)?;
        }
        if is_known {
            session.run("DELETE FROM journal WHERE record = ?1", [record])?;
            purge::record(session, record)?;
        } else {
            session.run("DELETE FROM erased_record WHERE record = ?1", [record])?;
        }
    }
    Ok(())
}
