//! What came in last: keys and facts of events in small tables, moved into the large ones in the order of those.
//!
//! A message's id is random, and so is whose it is: in a large tree each new event would dirty a page of 8 KiB for a row of
//! some twenty bytes, and the log would be written for it. The small trees stay in memory, and a stretch of neighbours that
//! is moved shares the pages of the large tree. What is moved goes round in the order of the key, as many rows as have come
//! in: the work of a transaction stays as small as what it brought.

use super::fault::Fallible;
use super::session::Session;

/// Rows that a small table keeps: the more, the more neighbours each of them has when it is moved; and the larger the trees that
/// random rows go into. A row of either takes 20 to 120 bytes.
const KEPT: i64 = if cfg!(test) { 3 } else { 100_000 };
/// Rows not worth moving yet. With this and the above, every test of the store that has some events has them in both places.
const FEW: i64 = if cfg!(test) { 1 } else { 256 };
/// Rows moved in one transaction at most: somebody may wait for it.
const MOST: i64 = 20_000;

const KEYS: i64 = 0;
const FACTS: i64 = 1;

/// Notes that an event was received under a key; `false` where the key is taken.
pub(super) fn take_key(session: &Session<'_>, key: i64, event: i64) -> Fallible<bool> {
    let taken = session.run(
        "INSERT INTO recent_key (key, event) SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM event_key WHERE key = ?1)
         ON CONFLICT DO NOTHING",
        (key, event),
    )?;
    Ok(taken > 0)
}

/// The event under a key.
pub(super) fn event_under(session: &Session<'_>, key: i64) -> Fallible<Option<i64>> {
    session.one(
        "SELECT event FROM recent_key WHERE key = ?1 UNION ALL SELECT event FROM event_key WHERE key = ?1",
        [key],
        |row| row.get(0),
    )
}

pub(super) fn free_key(session: &Session<'_>, key: i64) -> Fallible<()> {
    if session.run("DELETE FROM recent_key WHERE key = ?1", [key])? == 0 {
        session.run("DELETE FROM event_key WHERE key = ?1", [key])?;
    }
    Ok(())
}

/// The place of an event in the order of facts: profile, time, place in the log.
pub(super) type Place = (i64, i64, i64);

/// The facts of an event that is new in the log.
pub(super) fn add_fact(session: &Session<'_>, (profile, at, event): Place, packed: &[u8]) -> Fallible<()> {
    session.run(
        "INSERT INTO recent_fact (profile, at, event, packed) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET packed = excluded.packed",
        (profile, at, event, packed),
    )?;
    Ok(())
}

/// Other facts for an event, wherever those it has stand.
pub(super) fn put_fact(session: &Session<'_>, place: Place, packed: &[u8]) -> Fallible<()> {
    let (profile, at, event) = place;
    let replaced = session.run(
        "UPDATE fact SET packed = ?4 WHERE profile = ?1 AND at = ?2 AND event = ?3",
        (profile, at, event, packed),
    )?;
    if replaced == 0 {
        add_fact(session, place, packed)?;
    }
    Ok(())
}

/// The facts that an event has, packed.
pub(super) fn fact_of(session: &Session<'_>, place: Place) -> Fallible<Option<Vec<u8>>> {
    session.one(
        "SELECT packed FROM recent_fact WHERE profile = ?1 AND at = ?2 AND event = ?3
         UNION ALL SELECT packed FROM fact WHERE profile = ?1 AND at = ?2 AND event = ?3",
        place,
        |row| row.get(0),
    )
}

pub(super) fn drop_fact(session: &Session<'_>, place: Place) -> Fallible<()> {
    if session.run("DELETE FROM recent_fact WHERE profile = ?1 AND at = ?2 AND event = ?3", place)? == 0 {
        session.run("DELETE FROM fact WHERE profile = ?1 AND at = ?2 AND event = ?3", place)?;
    }
    Ok(())
}

/// Every row of facts of a profile, by time and place in the log: these two, and the facts packed.
pub(super) fn each_fact(
    session: &Session<'_>,
    profile: i64,
    mut visit: impl FnMut((i64, i64), &[u8]) -> Fallible<()>,
) -> Fallible<()> {
    let mut young: Vec<((i64, i64), Vec<u8>)> = Vec::new();
    session.each(
        "SELECT at, event, packed FROM recent_fact WHERE profile = ?1 ORDER BY at, event",
        [profile],
        |row| {
            young.push(((row.get(0)?, row.get(1)?), row.get(2)?));
            Ok(())
        },
    )?;
    let mut young = young.into_iter().peekable();
    session.each("SELECT at, event, packed FROM fact WHERE profile = ?1 ORDER BY at, event", [profile], |row| {
        let place = (row.get(0)?, row.get(1)?);
        while let Some((earlier, packed)) = young.next_if(|(earlier, _)| *earlier < place) {
            visit(earlier, &packed)?;
        }
        visit(place, super::profiles::blob(row, 2)?)
    })?;
    young.try_for_each(|(place, packed)| visit(place, &packed))
}

/// Moves about as many rows as have come in, once there are enough. Called at the end of what brought `came` events.
pub(super) fn advance(session: &Session<'_>, came: u64) -> Fallible<()> {
    let came = i64::try_from(came).unwrap_or(i64::MAX);
    if came == 0 {
        return Ok(());
    }
    for what in [KEYS, FACTS] {
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, (row.get(1)?, row.get(2)?, row.get(3)?)));
        let state = session.one("SELECT rows, a, b, c FROM recent WHERE what = ?1", [what], read)?;
        let (before, after) = state.unwrap_or_default();
        let rows = before.saturating_add(came);
        let over = rows - KEPT;
        let (rows, after) = if over < FEW { (rows, after) } else { moved(session, what, rows, over.min(MOST), after)? };
        let (a, b, c) = after;
        session.run("UPDATE recent SET rows = ?2, a = ?3, b = ?4, c = ?5 WHERE what = ?1", (what, rows, a, b, c))?;
    }
    Ok(())
}

/// Moves `many` rows behind a place. Returns how many are left, and the place behind which the next ones stand.
fn moved(session: &Session<'_>, what: i64, rows: i64, many: i64, after: Place) -> Fallible<(i64, Place)> {
    let last = if what == KEYS { last_key(session, after, many)? } else { last_fact(session, after, many)? };
    let end = last.unwrap_or((i64::MAX, i64::MAX, i64::MAX));
    let gone = if what == KEYS { move_keys(session, after.0, end.0)? } else { move_facts(session, after, end)? };
    if last.is_some() {
        return Ok((rows.saturating_sub(gone), end));
    }
    // Round once: what was deleted meanwhile is no longer counted.
    let count = if what == KEYS { "SELECT count(*) FROM recent_key" } else { "SELECT count(*) FROM recent_fact" };
    Ok((session.number(count, [])?, (i64::MIN, i64::MIN, i64::MIN)))
}

fn last_key(session: &Session<'_>, after: Place, many: i64) -> Fallible<Option<Place>> {
    let sql = "SELECT key FROM recent_key WHERE key > ?1 ORDER BY key LIMIT 1 OFFSET ?2";
    session.one(sql, (after.0, many - 1), |row| Ok((row.get(0)?, 0, 0)))
}

fn last_fact(session: &Session<'_>, (profile, at, event): Place, many: i64) -> Fallible<Option<Place>> {
    session.one(
        "SELECT profile, at, event FROM recent_fact WHERE (profile, at, event) > (?1, ?2, ?3)
         ORDER BY profile, at, event LIMIT 1 OFFSET ?4",
        (profile, at, event, many - 1),
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )
}

fn move_keys(session: &Session<'_>, after: i64, end: i64) -> Fallible<i64> {
    session.run(
        "INSERT INTO event_key (key, event) SELECT key, event FROM recent_key WHERE key > ?1 AND key <= ?2 ORDER BY key",
        (after, end),
    )?;
    let gone = session.run("DELETE FROM recent_key WHERE key > ?1 AND key <= ?2", (after, end))?;
    Ok(i64::try_from(gone).unwrap_or(i64::MAX))
}

fn move_facts(session: &Session<'_>, after: Place, end: Place) -> Fallible<i64> {
    let range = (after.0, after.1, after.2, end.0, end.1, end.2);
    session.run(
        "INSERT INTO fact (profile, at, event, packed) SELECT profile, at, event, packed FROM recent_fact
         WHERE (profile, at, event) > (?1, ?2, ?3) AND (profile, at, event) <= (?4, ?5, ?6)
         ORDER BY profile, at, event",
        range,
    )?;
    let gone = session.run(
        "DELETE FROM recent_fact WHERE (profile, at, event) > (?1, ?2, ?3) AND (profile, at, event) <= (?4, ?5, ?6)",
        range,
    )?;
    Ok(i64::try_from(gone).unwrap_or(i64::MAX))
}

#[cfg(test)]
#[path = "recent_tests.rs"]
mod tests;
