//! Associations between records, and whom a change of one concerns.

use std::collections::BTreeSet;

use connector::{ConnectionName, Link};

use super::fault::Fallible;
use super::profiles::mark_stale;
use super::records::{self, profile_of};
use super::session::Session;

/// Replaces what `record` lists. An association it no longer lists is gone from the other side's list as well: the newest
/// reading of either side counts. Returns how many profiles became stale, `None` where the list is as it was.
pub(super) fn replace(
    session: &Session<'_>,
    connection: &ConnectionName,
    record: i64,
    links: &[Link],
) -> Fallible<Option<u64>> {
    let mut wanted = BTreeSet::new();
    for link in links {
        let place = session.place(connection, &link.object)?;
        let other = records::find_or_stub(session, place, link.id.as_str())?;
        if other != record {
            wanted.insert(other);
        }
    }
    let have: BTreeSet<i64> = listed(session, record)?.into_iter().collect();
    if have == wanted {
        return Ok(None);
    }
    for other in wanted.difference(&have) {
        session.run("INSERT INTO link (a, b) VALUES (?1, ?2)", (record, other))?;
    }
    for other in have.difference(&wanted) {
        session.run("DELETE FROM link WHERE (a = ?1 AND b = ?2) OR (a = ?2 AND b = ?1)", (record, other))?;
    }
    let mut concerned: BTreeSet<i64> = BTreeSet::new();
    concerned.extend(profile_of(session, record)?);
    for other in have.symmetric_difference(&wanted) {
        concerned.extend(profile_of(session, *other)?);
    }
    mark(session, &concerned).map(Some)
}

/// What the record lists itself.
fn listed(session: &Session<'_>, record: i64) -> Fallible<Vec<i64>> {
    let mut statement = session.sql("SELECT b FROM link WHERE a = ?1")?;
    let rows = statement.query_map([record], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Marks the profiles of all records associated with `record` (a deal changed).
pub(super) fn mark_neighbours(session: &Session<'_>, record: i64) -> Fallible<u64> {
    let concerned: BTreeSet<i64> = {
        let mut statement = session.sql(
            "SELECT r.profile FROM link l JOIN record r ON r.id = l.b WHERE l.a = ?1 AND r.profile IS NOT NULL
             UNION SELECT r.profile FROM link l JOIN record r ON r.id = l.a WHERE l.b = ?1 AND r.profile IS NOT NULL",
        )?;
        let rows = statement.query_map([record], |row| row.get(0))?;
        rows.collect::<Result<_, _>>()?
    };
    mark(session, &concerned)
}

fn mark(session: &Session<'_>, profiles: &BTreeSet<i64>) -> Fallible<u64> {
    let mut marked = 0;
    for profile in profiles {
        marked += u64::from(mark_stale(session, *profile)?);
    }
    Ok(marked)
}

/// Gives the associations of one record to another (a merge at the CRM).
pub(super) fn move_all(session: &Session<'_>, from: i64, to: i64) -> Fallible<()> {
    session.run("DELETE FROM link WHERE (a = ?1 AND b = ?2) OR (a = ?2 AND b = ?1)", (from, to))?;
    session.run("UPDATE OR IGNORE link SET a = ?2 WHERE a = ?1", (from, to))?;
    session.run("UPDATE OR IGNORE link SET b = ?2 WHERE b = ?1", (from, to))?;
    session.run("DELETE FROM link WHERE a = ?1 OR b = ?1", [from])?;
    Ok(())
}
