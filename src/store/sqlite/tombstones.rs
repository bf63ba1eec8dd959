//! Records that no longer live at the CRM: archived, never created again, lifted when they show up alive.

use connector::Tombstone;

use super::fault::Fallible;
use super::identity::Because;
use super::page::Paging;
use super::profiles::mark_stale;
use super::records::{self, Row, State};
use super::session::Session;
use super::{company, identity_log, intents, links, merge};
use crate::model::{Identifier, Logged};

pub(super) fn apply(paging: &mut Paging<'_, '_>) -> Fallible<()> {
    for tombstone in &paging.page.tombstones {
        apply_one(paging, tombstone)?;
    }
    Ok(())
}

fn apply_one(paging: &mut Paging<'_, '_>, tombstone: &Tombstone) -> Fallible<()> {
    let (session, place, now) = (paging.session, paging.place, paging.page.now);
    let ext = tombstone.id.as_str();
    if let Some(into) = &tombstone.merged_into {
        let cause = format!("{} {} {}", paging.page.key.connection, into.object, into.id);
        let because = Because { at: tombstone.deleted_at.unwrap_or(now), now, cause: &cause };
        if merge::at_crm(session, place, ext, into, because)? {
            paging.report.counts.merged += 1;
            let place = session.place(&paging.page.key.connection, &into.object)?;
            if let Some(key) = records::key(session, place, into.id.as_str())? {
                paging.report.records_marked += mark_live(session, key.record)?;
            }
        }
        return Ok(());
    }
    // An id that was merged away is not a deletion, and an unknown one has nothing to archive.
    let Some(key) = records::key(session, place, ext)?.filter(|key| !key.alias) else {
        return Ok(());
    };
    let row = records::load(session, key.record)?;
    // A record that changed after it was deleted has been restored since: the notice is an old one.
    let outlived = matches!((row.linked.modified_at, tombstone.deleted_at), (Some(m), Some(d)) if m > d);
    if row.state == State::Archived || (outlived && row.state == State::Live) {
        return Ok(());
    }
    if row.state == State::Live {
        paging.deleted += 1;
        paging.report.counts.deleted += 1;
    }
    paging.report.profiles_marked += archive(session, &row)?;
    gone(session, &row, now)
}

/// A person's record counts for nobody's limit any more.
pub(super) fn gone(session: &Session<'_>, row: &Row, now: connector::Timestamp) -> Fallible<()> {
    let key = &row.linked.key;
    if !key.object.is_person() {
        return Ok(());
    }
    session.run("UPDATE record SET evidence = NULL WHERE id = ?1", [row.id])?;
    identity_log::write(session, &Logged::Gone(Identifier::crm(&key.connection, &key.object, &key.id)), now)
}

fn mark_live(session: &Session<'_>, record: i64) -> Fallible<u64> {
    let row = records::load(session, record)?;
    if row.state != State::Live {
        return Ok(0);
    }
    Ok(u64::from(records::mark(session, row.place, row.id)?))
}

/// Archives a record: nothing is written to it or created in its place any more. What may have been sent stays in the
/// outbox until it is settled. Returns how many profiles became stale.
pub(super) fn archive(session: &Session<'_>, row: &Row) -> Fallible<u64> {
    records::set_state(session, row, State::Archived)?;
    // Whatever it looks like when it comes back, it will count as a change.
    records::forget_hash(session, row.place, &row.ext)?;
    session.run("DELETE FROM push_mark WHERE place = ?1 AND record = ?2", (row.place, row.id))?;
    intents::drop_queued(session, row.id)?;
    company::archived(session, row)?;
    let mut marked = links::mark_neighbours(session, row.id)?;
    if let Some(profile) = row.profile {
        marked += u64::from(mark_stale(session, profile)?);
    }
    Ok(marked)
}

/// Where a CRM has no log of deletions, a deletions stream lists what lives. Notes those, and returns the sweep's mark: the
/// highest record number when it began, because what came later was never asked for.
pub(super) fn note_seen(paging: &mut Paging<'_, '_>, sweep: Option<i64>) -> Fallible<Option<i64>> {
    if paging.page.records.is_empty() {
        return Ok(sweep);
    }
    let (session, place) = (paging.session, paging.place);
    let sweep = match sweep {
        Some(sweep) => sweep,
        None => {
            session.run("DELETE FROM sweep_seen WHERE place = ?1", [place])?;
            session.number("SELECT max(id) FROM record", [])?
        }
    };
    for incoming in &paging.page.records {
        if let Some(key) = records::key(session, place, incoming.record.id.as_str())? {
            session.run(
                "INSERT INTO sweep_seen (place, record) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                (place, key.record),
            )?;
        }
    }
    Ok(Some(sweep))
}

/// Archives the live records that a completed sweep has not seen.
pub(super) fn end_sweep(paging: &mut Paging<'_, '_>, sweep: Option<i64>) -> Fallible<()> {
    let Some(sweep) = sweep else {
        return Ok(());
    };
    let (session, place) = (paging.session, paging.place);
    let unseen: Vec<i64> = {
        let mut statement = session.sql(
            "SELECT r.id FROM record r WHERE r.place = ?1 AND r.state = 1 AND r.id <= ?2
             AND NOT EXISTS (SELECT 1 FROM sweep_seen s WHERE s.place = ?1 AND s.record = r.id)",
        )?;
        let rows = statement.query_map((place, sweep), |row| row.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    for record in unseen {
        let row = records::load(session, record)?;
        paging.deleted += 1;
        paging.report.counts.deleted += 1;
        paging.report.profiles_marked += archive(session, &row)?;
        gone(session, &row, paging.page.now)?;
    }
    session.run("DELETE FROM sweep_seen WHERE place = ?1", [place])?;
    Ok(())
}
