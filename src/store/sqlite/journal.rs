//! The write journal: what became of every field of every settled entry, append-only until pruned.

use std::sync::Arc;

use connector::Timestamp;

use super::fault::Fallible;
use super::intents::Row;
use super::packed_intent::{WasWritten, Written, pack_written, unpack_written};
use super::profiles::{blob, uuid};
use super::session::Session;
use crate::model::canonical::to_json;
use crate::model::{Change, JournalOutcome, RunId};
use crate::store::{Delivered, Fate, JournalRow};

/// Notes each field of a settled entry: with its own outcome where the settlement brings one, else with the entry's,
/// else none, because the entry goes on living.
pub(super) fn add(
    session: &Session<'_>,
    run: RunId,
    now: Timestamp,
    row: &Row,
    record: Option<i64>,
    one: &Delivered,
) -> Fallible<()> {
    let intended = row.entry.intent.record.as_ref().map(|key| key.id.as_str());
    let ext = match &one.fate {
        Fate::Linked { id, .. } => Some(id.as_str()),
        _ => intended,
    };
    let changes = row.entry.intent.changes.iter();
    let written: Vec<Written<'_>> = changes
        .filter_map(|change| {
            let written = one.written.iter().find(|written| written.field == change.field);
            let outcome = written.map(|written| written.outcome).or(one.journal)?;
            let (from, to) = written.map_or((&change.from, &change.to), |written| (&written.from, &written.sent));
            let (mapping, origin) = (&change.cause.mapping, &change.cause.origin);
            Some(Written { field: &change.field, from, to, mapping, origin, outcome: outcome.as_str() })
        })
        .collect();
    if written.is_empty() {
        return Ok(());
    }
    session.run(
        "INSERT INTO journal (at, run, place, record, ext, written) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (now.micros(), run.0.into_bytes(), row.place, record, ext, pack_written(&written)),
    )?;
    Ok(())
}

/// Notes every field of an entry that is cancelled before any call, with the reason in the place of what moved it.
pub(super) fn add_cancelled(
    session: &Session<'_>,
    run: RunId,
    now: Timestamp,
    row: &Row,
    reason: &'static str,
) -> Fallible<()> {
    let origin: Arc<str> = reason.into();
    let changes = row.entry.intent.changes.iter();
    let written: Vec<Written<'_>> = changes
        .map(|Change { field, from, to, cause, .. }| Written {
            field,
            from,
            to,
            mapping: &cause.mapping,
            origin: &origin,
            outcome: JournalOutcome::Cancelled.as_str(),
        })
        .collect();
    let ext = row.entry.intent.record.as_ref().map(|key| key.id.as_str());
    session.run(
        "INSERT INTO journal (at, run, place, record, ext, written) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (now.micros(), run.0.into_bytes(), row.place, row.record, ext, pack_written(&written)),
    )?;
    Ok(())
}

/// Notes a write that is no entry of the outbox.
pub(super) fn add_line(
    session: &Session<'_>,
    (run, now): (RunId, Timestamp),
    (place, record, ext): (i64, i64, &str),
    line: &Written<'_>,
) -> Fallible<()> {
    session.run(
        "INSERT INTO journal (at, run, place, record, ext, written) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (now.micros(), run.0.into_bytes(), place, record, ext, pack_written(std::slice::from_ref(line))),
    )?;
    Ok(())
}

const COLUMNS: &str = "j.at, j.run, j.place, j.ext, j.written";

/// The fields of one row, in the order written.
fn fields(session: &Session<'_>, row: &rusqlite::Row<'_>) -> Fallible<Vec<JournalRow>> {
    let (at, run) = (Timestamp::from_micros(row.get(0)?), RunId(uuid(row, 1)?));
    let (connection, object) = session.place_name(row.get(2)?)?;
    let record: Option<Arc<str>> = row.get(3)?;
    let one = |written: WasWritten| JournalRow {
        at,
        run,
        connection: connection.clone(),
        object: object.clone(),
        record: record.clone(),
        field: written.field,
        from: to_json(&written.from),
        to: to_json(&written.to),
        mapping: written.mapping,
        origin: written.origin,
        outcome: written.outcome,
    };
    Ok(unpack_written(blob(row, 4)?)?.into_iter().map(one).collect())
}

pub(super) fn of_run(session: &Session<'_>, run: RunId) -> Fallible<Vec<JournalRow>> {
    let mut statement = session.sql(&format!("SELECT {COLUMNS} FROM journal j WHERE j.run = ?1 ORDER BY j.id"))?;
    let mut rows = statement.query([run.0.into_bytes()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.extend(fields(session, row)?);
    }
    Ok(found)
}

/// Of all records a profile has, newest first.
pub(super) fn of_profile(
    session: &Session<'_>,
    profile: i64,
    field: Option<&str>,
    limit: usize,
) -> Fallible<Vec<JournalRow>> {
    let mut statement = session.sql(&format!(
        "SELECT {COLUMNS} FROM journal j JOIN record r ON r.id = j.record WHERE r.profile = ?1
         ORDER BY j.at DESC, j.id DESC"
    ))?;
    let mut rows = statement.query([profile])?;
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        let wanted = |row: &JournalRow| field.is_none_or(|field| *row.field == *field);
        found.extend(fields(session, row)?.into_iter().rev().filter(wanted));
    }
    found.truncate(limit);
    Ok(found)
}
