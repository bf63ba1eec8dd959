//! Lead objects of erased people. What the CRM was told to make is deleted there, ordered with the erasure, carried out by a push,
//! and counted in the receipt as a record is. One that was perhaps made is looked for beside its contact, so it goes before the contact does.

use std::time::Duration;

use connector::{RecordId, Timestamp};
use uuid::Uuid;

use super::deletion::{DELETED, REFUSED, TO_DELETE};
use super::erase::tell;
use super::fault::Fallible;
use super::session::{Place, Session};
use super::side_rows::{self, AMBIGUOUS, IN_FLIGHT, QUEUED, Row};
use crate::model::{Cause, SideWish};

/// How long a contact's deletion waits for a lead object that can only be found beside it, unless that is gone before.
const HEAD_START: Duration = Duration::from_secs(15 * 60);

/// The lead objects beside an erased person's record.
#[derive(Debug, Default)]
pub(super) struct LeadObjects {
    pub(super) to_delete: u64,
    /// Those that stay, for a person to look at.
    pub(super) left: Vec<RecordId>,
}

/// Orders a lead object's deletion where the CRM made it, or may have; one that was only wished for is forgotten.
pub(super) fn order(
    session: &Session<'_>,
    erasure: Uuid,
    row: &Row,
    now: Timestamp,
    deletes: bool,
    leads: &mut LeadObjects,
) -> Fallible<()> {
    let may_be_there = row.told.is_some() || row.remote.is_some() || matches!(row.state, IN_FLIGHT | AMBIGUOUS);
    match SideWish::erased_of(&row.lane, erasure).filter(|_| deletes && may_be_there) {
        Some(gone) => {
            let cause = Cause { mapping: Cause::ERASURE.into(), origin: format!("{} erased", Cause::CONSENT).into() };
            side_rows::replace(session, now, row, &gone, &cause)?;
            session.run("UPDATE side_write SET op = 'unlead', told_at = ?2 WHERE id = ?1", (row.id, now.micros()))?;
            leads.to_delete += 1;
            Ok(())
        }
        None => {
            leads.left.extend(row.remote.clone());
            side_rows::delete(session, row.id)
        }
    }
}

/// Has a contact's deletion wait for lead objects that can only be found beside the contact.
pub(super) fn goes_first(session: &Session<'_>, record: i64, now: Timestamp) -> Fallible<()> {
    session.run(
        "UPDATE outbox SET not_before = ?2 WHERE record = ?1 AND state = 0 AND EXISTS
             (SELECT 1 FROM side_write WHERE record = ?1 AND op = 'unlead' AND remote IS NULL AND state < 3)",
        (record, now.saturating_add(HEAD_START).micros()),
    )?;
    Ok(())
}

/// A lead object that was perhaps made and may not be told of again: it is remembered as made.
pub(super) fn perhaps_made(session: &Session<'_>, row: &Row, wish: &SideWish, now: Timestamp) -> Fallible<()> {
    let told = row.told.clone().or_else(|| wish.trace());
    session.run(
        "UPDATE side_write SET told = ?2, told_at = coalesce(told_at, ?3) WHERE id = ?1",
        (row.id, &told, now.micros()),
    )?;
    side_rows::settle_as_told(session, &Row { told, ..row.clone() })
}

/// The CRM has deleted one: the receipt says so, and the contact's own deletion waits no longer.
pub(super) fn done(session: &Session<'_>, row: &Row, wish: &SideWish) -> Fallible<()> {
    let SideWish::NoLead { erasure, .. } = wish else { return Ok(()) };
    side_rows::delete(session, row.id)?;
    tell(session, *erasure, TO_DELETE, DELETED)?;
    follow(session, row.record)
}

/// The CRM has refused to delete one; that waits for somebody to have it tried again, or to give it up.
pub(super) fn refused(session: &Session<'_>, wish: &SideWish) -> Fallible<()> {
    let SideWish::NoLead { erasure, .. } = wish else { return Ok(()) };
    tell(session, *erasure, TO_DELETE, REFUSED)
}

/// Lets a contact's deletion go once nothing goes before it.
fn follow(session: &Session<'_>, record: i64) -> Fallible<()> {
    session.run(
        "UPDATE outbox SET not_before = NULL WHERE record = ?1 AND op = 'erase' AND state = 0 AND NOT EXISTS
             (SELECT 1 FROM side_write WHERE record = ?1 AND op = 'unlead' AND remote IS NULL AND state < 3)",
        [record],
    )?;
    Ok(())
}

/// The record is gone at the CRM, and everything wished for it with it. A lead object outlives its contact: one that was made stays
/// known, and one that is to be deleted still is.
pub(super) fn outlive(session: &Session<'_>, row: &Row) -> Fallible<()> {
    session.run(
        "DELETE FROM side_write WHERE record = ?1 AND op <> 'unlead' AND (op <> 'lead' OR remote IS NULL)",
        [row.record],
    )?;
    match side_rows::by_id(session, row.id)? {
        Some(row) if row.op == "unlead" => side_rows::back(session, row.id, QUEUED, None, false),
        Some(row) => side_rows::settle_as_told(session, &row),
        None => Ok(()),
    }
}

/// Deletions that were refused count as ordered again: they are about to be tried once more.
pub(super) fn retry(session: &Session<'_>, place: Place, record: Option<i64>, lane: &str) -> Fallible<()> {
    for row in side_rows::refused(session, place, record, lane)? {
        if let Some(SideWish::NoLead { erasure, .. }) = row.wish {
            tell(session, erasure, REFUSED, TO_DELETE)?;
        }
    }
    Ok(())
}

/// Nobody wants refused deletions at a record tried again.
pub(super) fn give_up(session: &Session<'_>, record: i64) -> Fallible<()> {
    session.run("DELETE FROM side_write WHERE record = ?1 AND op = 'unlead' AND state = 4", [record])?;
    Ok(())
}
