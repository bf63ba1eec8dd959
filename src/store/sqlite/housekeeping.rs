//! Pruning, sizes, and whether the file is sound.

use std::path::Path;

use connector::Timestamp;

use super::fault::{Fallible, Fault};
use super::session::Session;
use super::stats::unsigned;
use crate::store::Sizes;

/// Deletes runs, journal rows and dead letters older than the instant.
pub(super) fn prune(session: &Session<'_>, before: Timestamp) -> Fallible<u64> {
    super::deletion::settled(session, before)?;
    let before = before.micros();
    let mut pruned = 0;
    for sql in [
        "DELETE FROM journal WHERE at < ?1",
        "DELETE FROM dead_letter WHERE at < ?1",
        "DELETE FROM webhook_message WHERE state = 2 AND at < ?1",
        "DELETE FROM run WHERE started_at < ?1 AND json_extract(body, '$.state') <> 'running'",
    ] {
        pruned += session.run(sql, [before])? as u64;
    }
    Ok(pruned)
}

pub(super) fn sizes(session: &Session<'_>, path: &str) -> Fallible<Sizes> {
    let length = |path: &str| std::fs::metadata(Path::new(path)).map_or(0, |meta| meta.len());
    Ok(Sizes {
        database_bytes: length(path),
        wal_bytes: length(&format!("{path}-wal")),
        journal_rows: unsigned(session.number("SELECT count(*) FROM journal", [])?),
    })
}

/// Reads the whole file and follows every reference.
pub(super) fn verify(session: &Session<'_>) -> Fallible<()> {
    let mut statement = session.conn.prepare("PRAGMA integrity_check(5)")?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    let problems: Vec<String> = rows.collect::<Result<_, _>>()?;
    if problems != ["ok"] {
        return Err(Fault::from(damage(problems.join("; "))));
    }
    const ORPHANS: &[(&str, &str)] = &[
        (
            "record keys without a record",
            "record_key k WHERE NOT EXISTS (SELECT 1 FROM record r WHERE r.id = k.record)",
        ),
        (
            "records without their own key",
            "record r WHERE NOT EXISTS (SELECT 1 FROM record_key k
                                        WHERE k.place = r.place AND k.ext = r.ext AND k.record = r.id AND k.alias = 0)",
        ),
        (
            "records of a profile that does not exist",
            "record r WHERE r.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile p WHERE p.id = r.profile)",
        ),
        (
            "identifiers of a profile that does not exist",
            "identifier i WHERE i.profile <> 0 AND NOT EXISTS (SELECT 1 FROM profile p WHERE p.id = i.profile)",
        ),
        (
            "events of a profile that does not exist",
            "event e WHERE e.profile IS NOT NULL AND NOT EXISTS (SELECT 1 FROM profile p WHERE p.id = e.profile)",
        ),
        (
            "events that nothing says the profile of",
            "event e WHERE e.profile IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM fact f WHERE f.profile = e.profile AND f.at = e.at AND f.event = e.row)
                 AND NOT EXISTS (SELECT 1 FROM recent_fact f WHERE f.profile = e.profile AND f.at = e.at AND f.event = e.row)",
        ),
        (
            "aliases of a profile that does not exist",
            "profile_alias a WHERE NOT EXISTS (SELECT 1 FROM profile p WHERE p.id = a.survivor)",
        ),
        (
            "associations of a record that does not exist",
            "link l WHERE NOT EXISTS (SELECT 1 FROM record r WHERE r.id = l.a)
                       OR NOT EXISTS (SELECT 1 FROM record r WHERE r.id = l.b)",
        ),
        (
            "outbox entries of a record that does not exist",
            "outbox o WHERE o.record IS NOT NULL AND NOT EXISTS (SELECT 1 FROM record r WHERE r.id = o.record)",
        ),
        (
            "marks on a record that does not exist",
            "push_mark m WHERE NOT EXISTS (SELECT 1 FROM record r WHERE r.id = m.record)",
        ),
        (
            "places whose counters are wrong",
            "place p WHERE p.live <> (SELECT count(*) FROM record r WHERE r.place = p.id AND r.state = 1)
                        OR p.archived <> (SELECT count(*) FROM record r WHERE r.place = p.id AND r.state = 2)",
        ),
    ];
    for (what, rest) in ORPHANS {
        let count: i64 = session.sql(&format!("SELECT count(*) FROM {rest}"))?.query_row([], |row| row.get(0))?;
        if count > 0 {
            return Err(Fault::from(damage(format!("{count} {what}"))));
        }
    }
    Ok(())
}

fn damage(detail: String) -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    rusqlite::Error::SqliteFailure(code, Some(detail))
}
