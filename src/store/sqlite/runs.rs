//! Runs, the schedule, and notes.

use std::sync::Arc;

use connector::{ConnectionName, Object, Timestamp};

use super::fault::{Fallible, Fault};
use super::journal;
use super::letters::rows_limit;
use super::profiles::instant;
use super::session::Session;
use crate::model::Run;
use crate::store::{JournalRow, ScheduleRow};

pub(super) fn save(session: &Session<'_>, run: &Run) -> Fallible<()> {
    session.run(
        "INSERT INTO run (id, flow, connection, object, started_at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET body = excluded.body, started_at = excluded.started_at",
        (
            run.id.0.into_bytes(),
            run.flow.as_str(),
            run.connection.as_ref().map_or("", ConnectionName::as_str),
            run.object.as_ref().map_or("", Object::as_str),
            run.started_at.micros(),
            serde_json::to_string(run)?,
        ),
    )?;
    Ok(())
}

fn select(session: &Session<'_>, rest: &str, params: impl rusqlite::Params) -> Fallible<Vec<Run>> {
    let mut statement = session.sql(&format!("SELECT body FROM run {rest}"))?;
    let mut rows = statement.query(params)?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(serde_json::from_str(&row.get::<_, String>(0)?)?);
    }
    Ok(runs)
}

/// Newest first.
pub(super) fn list(session: &Session<'_>, limit: usize) -> Fallible<Vec<Run>> {
    select(session, "ORDER BY started_at DESC, id DESC LIMIT ?1", [rows_limit(limit)])
}

pub(super) fn one(session: &Session<'_>, id: &str) -> Fallible<Option<(Run, Vec<JournalRow>)>> {
    let Some((low, high)) = uuid_range(id) else {
        return Ok(None);
    };
    let mut found = select(session, "WHERE id BETWEEN ?1 AND ?2 LIMIT 2", (low, high))?;
    match (found.pop(), found.pop()) {
        (Some(run), None) => {
            let rows = journal::of_run(session, run.id)?;
            Ok(Some((run, rows)))
        }
        (None, _) => Ok(None),
        _ => Err(Fault::Refused(format!("more than one run begins with `{id}`; give more of its id"))),
    }
}

/// The UUIDs that begin with these hex digits (dashes do not count); `None` where it is no beginning of one.
pub(super) fn uuid_range(prefix: &str) -> Option<([u8; 16], [u8; 16])> {
    let digits: String = prefix.chars().filter(|c| *c != '-').collect();
    if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let bound = |fill: &str| {
        let full = format!("{digits}{}", fill.repeat(32 - digits.len()));
        u128::from_str_radix(&full, 16).ok().map(u128::to_be_bytes)
    };
    Some((bound("0")?, bound("f")?))
}

pub(super) fn last(session: &Session<'_>) -> Fallible<Vec<Run>> {
    select(
        session,
        "WHERE id IN (SELECT (SELECT i.id FROM run i WHERE i.flow = g.flow AND i.connection = g.connection
                              AND i.object = g.object ORDER BY i.started_at DESC, i.id DESC LIMIT 1)
                      FROM (SELECT DISTINCT flow, connection, object FROM run) g)
         ORDER BY flow, connection, object",
        [],
    )
}

/// The last run of each (flow, connection, object) that went through.
pub(super) fn last_through(session: &Session<'_>) -> Fallible<Vec<Run>> {
    select(
        session,
        "WHERE id IN (SELECT (SELECT i.id FROM run i WHERE i.flow = g.flow AND i.connection = g.connection
                              AND i.object = g.object AND json_extract(i.body, '$.state') IN ('done', 'partial')
                              ORDER BY i.started_at DESC, i.id DESC LIMIT 1)
                      FROM (SELECT DISTINCT flow, connection, object FROM run) g)
         ORDER BY flow, connection, object",
        [],
    )
}

pub(super) fn schedules(session: &Session<'_>) -> Fallible<Vec<ScheduleRow>> {
    let mut statement = session.sql(
        "SELECT job, last_due, last_started, next_due, interval_micros, last_finished, failures
         FROM schedule ORDER BY job",
    )?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(ScheduleRow {
            job: row.get(0)?,
            last_due: instant(row.get(1)?),
            last_started: instant(row.get(2)?),
            next_due: instant(row.get(3)?),
            interval_micros: row.get(4)?,
            last_finished: instant(row.get(5)?),
            failures: row.get(6)?,
        });
    }
    Ok(found)
}

pub(super) fn save_schedule(session: &Session<'_>, row: &ScheduleRow) -> Fallible<()> {
    session.run(
        "INSERT INTO schedule (job, last_due, last_started, next_due, interval_micros, last_finished, failures)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET last_due = excluded.last_due, last_started = excluded.last_started,
                                   next_due = excluded.next_due, interval_micros = excluded.interval_micros,
                                   last_finished = excluded.last_finished, failures = excluded.failures",
        (
            &row.job,
            row.last_due.map(Timestamp::micros),
            row.last_started.map(Timestamp::micros),
            row.next_due.map(Timestamp::micros),
            row.interval_micros,
            row.last_finished.map(Timestamp::micros),
            row.failures,
        ),
    )?;
    Ok(())
}

pub(super) fn note(session: &Session<'_>, name: &str) -> Fallible<Option<String>> {
    let mut statement = session.sql("SELECT value FROM note WHERE name = ?1")?;
    let mut rows = statement.query([name])?;
    Ok(match rows.next()? {
        Some(row) => Some(row.get(0)?),
        None => None,
    })
}

pub(super) fn set_note(session: &Session<'_>, name: &Arc<str>, value: &Arc<str>) -> Fallible<()> {
    session.run(
        "INSERT INTO note (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
        (name, value),
    )?;
    Ok(())
}
