//! Deleting what belongs to a profile, a bounded number of rows at a time.

use rusqlite::OptionalExtension;

use super::events::key_of;
use super::fault::Fallible;
use super::letters::rows_limit;
use super::records::{self, State};
use super::session::Session;
use super::{recent, rules};
use crate::model::Lasting;

/// What is left of an event that is deleted.
#[derive(Clone, Copy)]
pub(super) enum Left<'a> {
    /// Of what is counted for a lifetime that it was received, as a hash of its source and message id: it must not be counted again
    /// when a file brings it once more.
    Counted(&'a Lasting),
    Nothing,
}

/// Events by their place in the log.
pub(super) fn events(session: &Session<'_>, rows: &[i64], left: Left<'_>) -> Fallible<u64> {
    for row in rows {
        let named = session
            .sql("SELECT source, message_id, profile, at FROM event WHERE row = ?1")?
            .query_row([row], |found| {
                let place = (found.get::<_, Option<i64>>(2)?, found.get::<_, i64>(3)?);
                Ok((found.get::<_, i64>(0)?, found.get::<_, String>(1)?, place))
            })
            .optional()?;
        let mut is_counted = false;
        if let Some((_, _, (Some(profile), at))) = &named {
            if let Left::Counted(lasting) = left {
                is_counted = rules::has_any(session, (*profile, *at, *row), &lasting.all)?;
            }
            rules::forget_place(session, *profile, *row, *at)?;
        }
        if !is_counted
            && let Some((source, message_id, _)) = named
            && let Some(key) = key_of(session, source, &message_id, *row)?
        {
            recent::free_key(session, key)?;
        }
        session.run("DELETE FROM event WHERE row = ?1", [row])?;
    }
    if let Some(last) = rows.iter().max() {
        // The places of the log are never given again: what outlives an event still names its own.
        session.run(
            "INSERT INTO counter (name, value) VALUES ('last_event', ?1)
             ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
            [last],
        )?;
        session.run(
            "INSERT INTO counter (name, value) VALUES ('events_deleted', ?1)
             ON CONFLICT DO UPDATE SET value = value + excluded.value",
            [rows_limit(rows.len())],
        )?;
    }
    Ok(rows.len() as u64)
}

/// Events of a profile, oldest first, before an instant.
pub(super) fn events_of(session: &Session<'_>, profile: i64, before: i64, limit: usize, left: Left) -> Fallible<u64> {
    let rows = numbers(
        session,
        "SELECT f.event FROM (
             SELECT at, event FROM fact WHERE profile = ?1 AND at < ?2
             UNION ALL SELECT at, event FROM recent_fact WHERE profile = ?1 AND at < ?2
         ) f JOIN event e ON e.row = f.event AND e.at = f.at AND e.profile = ?1 ORDER BY f.at, f.event LIMIT ?3",
        (profile, before, rows_limit(limit)),
    )?;
    events(session, &rows, left)
}

/// Everything a profile has in the tables that hold rows by profile, but its events. `0`: nothing is left.
pub(super) fn rows_of(session: &Session<'_>, profile: i64, limit: usize) -> Fallible<u64> {
    let limit = rows_limit(limit);
    for sql in [
        "DELETE FROM fact WHERE (profile, at, event) IN
             (SELECT profile, at, event FROM fact WHERE profile = ?1 LIMIT ?2)",
        "DELETE FROM recent_fact WHERE (profile, at, event) IN
             (SELECT profile, at, event FROM recent_fact WHERE profile = ?1 LIMIT ?2)",
        "DELETE FROM attribute_history WHERE id IN (SELECT id FROM attribute_history WHERE profile = ?1 LIMIT ?2)",
        "DELETE FROM transition WHERE id IN (SELECT id FROM transition WHERE profile = ?1 LIMIT ?2)",
        "DELETE FROM identity_edge WHERE id IN (SELECT id FROM identity_edge WHERE profile = ?1 LIMIT ?2)",
        "DELETE FROM consent WHERE id IN (SELECT id FROM consent WHERE profile = ?1 LIMIT ?2)",
        "DELETE FROM phone_claim WHERE (value, profile) IN (SELECT value, profile FROM phone_claim WHERE profile = ?1 LIMIT ?2)",
        "DELETE FROM company_claim WHERE (profile, value) IN
             (SELECT profile, value FROM company_claim WHERE profile = ?1 LIMIT ?2)",
        "DELETE FROM company_member WHERE (profile, kind, value) IN
             (SELECT profile, kind, value FROM company_member WHERE profile = ?1 LIMIT ?2)",
        "DELETE FROM identity_conflict WHERE id IN (SELECT id FROM identity_conflict WHERE profile = ?1 LIMIT ?2)",
        "DELETE FROM identifier WHERE (kind, value) IN (SELECT kind, value FROM identifier WHERE profile = ?1 LIMIT ?2)",
    ] {
        let deleted = session.run(sql, (profile, limit))?;
        if deleted > 0 {
            return Ok(deleted as u64);
        }
    }
    Ok(0)
}

/// The profile itself, once nothing of it is left, and the ids of those that became part of it.
pub(super) fn profile(session: &Session<'_>, profile: i64) -> Fallible<()> {
    for sql in [
        "DELETE FROM stale WHERE profile = ?1",
        "DELETE FROM outbox WHERE profile = ?1",
        "DELETE FROM profile_alias WHERE survivor = ?1",
        "DELETE FROM member WHERE profile = ?1",
        "DELETE FROM band_entry WHERE profile = ?1",
        "DELETE FROM webhook_message WHERE profile = ?1",
        "DELETE FROM webhook_told WHERE profile = ?1",
        "DELETE FROM company_claim WHERE profile = ?1",
        "DELETE FROM company_member WHERE profile = ?1",
        "DELETE FROM profile WHERE id = ?1",
    ] {
        session.run(sql, [profile])?;
    }
    Ok(())
}

/// A record with everything around it. Its journal must be gone before.
pub(super) fn record(session: &Session<'_>, record: i64) -> Fallible<()> {
    let row = records::load(session, record)?;
    records::count_move(session, row.place, row.state, State::Stub);
    for sql in [
        "DELETE FROM outbox WHERE record = ?1",
        "DELETE FROM side_write WHERE record = ?1",
        "DELETE FROM link WHERE a = ?1",
        "DELETE FROM link WHERE b = ?1",
        "DELETE FROM record_key WHERE record = ?1 AND alias = 1",
        "DELETE FROM went_on WHERE record = ?1",
        "DELETE FROM activity WHERE record = ?1",
        "DELETE FROM erased_record WHERE record = ?1",
        "DELETE FROM record WHERE id = ?1",
    ] {
        session.run(sql, [record])?;
    }
    session.run("DELETE FROM record_key WHERE place = ?1 AND ext = ?2", (row.place, &row.ext))?;
    session.run("DELETE FROM push_mark WHERE place = ?1 AND record = ?2", (row.place, record))?;
    session.run("DELETE FROM sweep_seen WHERE place = ?1 AND record = ?2", (row.place, record))?;
    Ok(())
}

pub(super) fn numbers(session: &Session<'_>, sql: &str, params: impl rusqlite::Params) -> Fallible<Vec<i64>> {
    let mut statement = session.sql(sql)?;
    let rows = statement.query_map(params, |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
