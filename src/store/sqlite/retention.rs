//! Retention: what has outlived its time goes, a bounded number of rows in each transaction.
//!
//! What is computed from an event outlives it: stored values are not touched, and the facts stay that a number of a lifetime is
//! made of ([`crate::model::Lasting`]). The next computation of the profile works with what is left.

use super::fault::Fallible;
use super::letters::rows_limit;
use super::purge::{self, Left, numbers};
use super::session::Session;
use super::{activities, rules, runs};
use crate::model::{Outlived, Retained, RetentionPlace};

/// Profiles looked at in one transaction.
const PROFILES: usize = 500;
/// The store's note of the last event whose body was emptied.
const EMPTIED: &str = "retention_emptied";

/// One part of the work; `None` where all of it is done.
pub(super) fn step(
    session: &Session<'_>,
    outlived: &Outlived,
    place: RetentionPlace,
    limit: usize,
) -> Fallible<(Retained, Option<RetentionPlace>)> {
    let limit = limit.max(1);
    let mut gone = Retained::default();
    let after = match place.part {
        0 => of_profiles(session, outlived, place.after, limit, &mut gone)?,
        1 => of_nobody(session, outlived, limit, &mut gone)?,
        2 => bodies(session, outlived, limit, &mut gone)?,
        3 => anonymous(session, outlived, place.after, limit, &mut gone)?,
        4 => history(session, outlived, limit, &mut gone)?,
        5 => transitions(session, outlived, limit, &mut gone)?,
        6 => old_activities(session, outlived, limit, &mut gone)?,
        _ => return Ok((gone, None)),
    };
    let next = match after {
        Some(after) => RetentionPlace { after, ..place },
        None => RetentionPlace { part: place.part + 1, after: 0 },
    };
    Ok((gone, Some(next)))
}

/// Events and facts of profiles, in the order of their numbers.
fn of_profiles(
    session: &Session<'_>,
    outlived: &Outlived,
    after: i64,
    limit: usize,
    gone: &mut Retained,
) -> Fallible<Option<i64>> {
    let before = outlived.events.micros();
    let profiles: Vec<(i64, bool)> = {
        let mut statement =
            session.sql("SELECT id, known FROM profile WHERE id > ?1 AND first_seen < ?2 ORDER BY id LIMIT ?3")?;
        let rows = statement.query_map((after, before, rows_limit(PROFILES)), |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    for (profile, known) in &profiles {
        // Who is not known goes as a whole before long.
        let left = if *known { Left::Counted(&outlived.lasting) } else { Left::Nothing };
        let room = limit.saturating_sub(usize::try_from(gone.total()).unwrap_or(usize::MAX));
        gone.events += purge::events_of(session, *profile, before, room, left)?;
        gone.facts += rules::keep_lasting(session, *profile, before, room, &outlived.lasting)?;
        if gone.total() >= limit as u64 {
            return Ok(Some(profile - 1));
        }
    }
    Ok((profiles.len() == PROFILES).then(|| profiles.last().map(|(profile, _)| *profile)).flatten())
}

/// Events that name nobody stand among those received with them: the log's beginning is looked at until it is young enough.
fn of_nobody(session: &Session<'_>, outlived: &Outlived, limit: usize, gone: &mut Retained) -> Fallible<Option<i64>> {
    let rows: Vec<(i64, i64)> = {
        let mut statement = session.sql("SELECT row, received_at FROM event ORDER BY row LIMIT ?1")?;
        let rows = statement.query_map([rows_limit(limit)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    let old: Vec<i64> =
        rows.iter().take_while(|(_, received)| *received < outlived.events.micros()).map(|(row, _)| *row).collect();
    gone.events += purge::events(session, &old, Left::Nothing)?;
    Ok((old.len() == limit).then_some(0))
}

/// Bodies received before the instant. Rows grow with arrival: the note says how far this has come.
fn bodies(session: &Session<'_>, outlived: &Outlived, limit: usize, gone: &mut Retained) -> Fallible<Option<i64>> {
    let Some(before) = outlived.bodies else { return Ok(None) };
    let reached: i64 = runs::note(session, EMPTIED)?.and_then(|row| row.parse().ok()).unwrap_or(0);
    let rows = numbers(
        session,
        "SELECT row FROM (SELECT row, received_at FROM event WHERE row > ?1 ORDER BY row LIMIT ?2)
         WHERE received_at < ?3",
        (reached, rows_limit(limit), before.micros()),
    )?;
    for row in &rows {
        session.run("UPDATE event SET body = '{}' WHERE row = ?1", [row])?;
    }
    gone.bodies += rows.len() as u64;
    if let Some(last) = rows.last() {
        runs::set_note(session, &EMPTIED.into(), &last.to_string().into())?;
    }
    let letters =
        session.run("UPDATE dead_letter SET raw = NULL WHERE at < ?1 AND raw IS NOT NULL", [before.micros()])?;
    gone.bodies += letters as u64;
    Ok((rows.len() == limit).then_some(0))
}

/// Profiles that nobody is known by, last seen before the instant.
fn anonymous(
    session: &Session<'_>,
    outlived: &Outlived,
    after: i64,
    limit: usize,
    gone: &mut Retained,
) -> Fallible<Option<i64>> {
    let before = outlived.anonymous.micros();
    let profiles = numbers(
        session,
        "SELECT p.id FROM profile p WHERE p.id > ?1 AND p.known = 0 AND p.first_seen < ?2
             AND NOT EXISTS (SELECT 1 FROM fact f JOIN event e ON e.row = f.event
                             WHERE f.profile = p.id AND f.at >= ?2 AND e.profile = p.id)
             AND NOT EXISTS (SELECT 1 FROM recent_fact f JOIN event e ON e.row = f.event
                             WHERE f.profile = p.id AND f.at >= ?2 AND e.profile = p.id)
             AND NOT EXISTS (SELECT 1 FROM record r WHERE r.profile = p.id)
         ORDER BY p.id LIMIT ?3",
        (after, before, rows_limit(PROFILES)),
    )?;
    let mut room = limit as u64;
    for profile in &profiles {
        let room_left = usize::try_from(room).unwrap_or(limit);
        let events = purge::events_of(session, *profile, i64::MAX, room_left, Left::Nothing)?;
        gone.events += events;
        room = room.saturating_sub(events);
        while room > 0 {
            let rows = purge::rows_of(session, *profile, usize::try_from(room).unwrap_or(limit))?;
            if rows == 0 {
                break;
            }
            gone.facts += rows;
            room = room.saturating_sub(rows);
        }
        if room == 0 {
            return Ok(Some(profile - 1));
        }
        purge::profile(session, *profile)?;
        gone.profiles += 1;
    }
    Ok((profiles.len() == PROFILES).then(|| profiles.last().copied()).flatten())
}

/// Older values of traits. Rows are written as values are replaced, so the oldest stand first.
fn history(session: &Session<'_>, outlived: &Outlived, limit: usize, gone: &mut Retained) -> Fallible<Option<i64>> {
    let rows: Vec<(i64, i64)> = {
        let mut statement = session.sql("SELECT id, replaced_at FROM attribute_history ORDER BY id LIMIT ?1")?;
        let rows = statement.query_map([rows_limit(limit)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    let old: Vec<i64> =
        rows.iter().take_while(|(_, replaced)| *replaced < outlived.events.micros()).map(|(id, _)| *id).collect();
    for id in &old {
        session.run("DELETE FROM attribute_history WHERE id = ?1", [id])?;
    }
    gone.history += old.len() as u64;
    Ok((old.len() == limit).then_some(0))
}

/// What was entered and left long ago. Rows are written as it happens, so the oldest stand first.
fn transitions(session: &Session<'_>, outlived: &Outlived, limit: usize, gone: &mut Retained) -> Fallible<Option<i64>> {
    let rows: Vec<(i64, i64)> = {
        let mut statement = session.sql("SELECT id, at FROM transition ORDER BY id LIMIT ?1")?;
        let rows = statement.query_map([rows_limit(limit)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    let old: Vec<i64> = rows.iter().take_while(|(_, at)| *at < outlived.events.micros()).map(|(id, _)| *id).collect();
    for id in &old {
        session.run("DELETE FROM transition WHERE id = ?1", [id])?;
    }
    gone.history += old.len() as u64;
    Ok((old.len() == limit).then_some(0))
}

/// Activities of long ago. One that the CRM changes later comes back, and goes again.
fn old_activities(
    session: &Session<'_>,
    outlived: &Outlived,
    limit: usize,
    gone: &mut Retained,
) -> Fallible<Option<i64>> {
    let deleted = activities::outlived(session, outlived.events, limit)?;
    gone.activities += deleted;
    Ok((deleted == limit as u64).then_some(0))
}
