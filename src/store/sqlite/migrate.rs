//! Brings the schema up to date: numbered scripts, one transaction each; refuses what a newer Ferry wrote.

use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior};
use xxhash_rust::xxh3::xxh3_64;

use super::fault::{Fallible, Fault};
use crate::store::Error;

/// `FRRY`: tells a Ferry store from any other SQLite file.
const APPLICATION_ID: i64 = 0x4652_5259;

/// Applied in order; a script that has shipped never changes.
const SCRIPTS: &[&str] = &[
    include_str!("schema_0001.sql"),
    include_str!("schema_0002.sql"),
    include_str!("schema_0003.sql"),
    include_str!("schema_0004.sql"),
    include_str!("schema_0005.sql"),
    include_str!("schema_0006.sql"),
    include_str!("schema_0007.sql"),
    include_str!("schema_0008.sql"),
    include_str!("schema_0009.sql"),
    include_str!("schema_0010.sql"),
    include_str!("schema_0011.sql"),
    include_str!("schema_0012.sql"),
    include_str!("schema_0013.sql"),
    include_str!("schema_0014.sql"),
    include_str!("schema_0015.sql"),
    include_str!("schema_0016.sql"),
    include_str!("schema_0017.sql"),
    include_str!("schema_0018.sql"),
];

/// The schema this program writes.
pub(super) fn newest() -> i64 {
    i64::try_from(SCRIPTS.len()).unwrap_or(i64::MAX)
}

/// Applies what is missing. Killed half-way, the step under way is rolled back by SQLite and done again next time.
pub(super) fn migrate(conn: &mut Connection, path: &Arc<str>) -> Fallible<()> {
    loop {
        let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version = check(&transaction, path, true)?;
        let Some(script) = usize::try_from(version).ok().and_then(|at| SCRIPTS.get(at)) else {
            return Ok(());
        };
        if version == 0 {
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.execute_batch(
                "CREATE TABLE schema_step (version INTEGER PRIMARY KEY, script_hash INTEGER NOT NULL, writer TEXT NOT NULL) STRICT",
            )?;
        }
        transaction.execute_batch(script)?;
        transaction.execute(
            "INSERT INTO schema_step (version, script_hash, writer) VALUES (?1, ?2, ?3)",
            (version + 1, fingerprint(script), env!("CARGO_PKG_VERSION")),
        )?;
        transaction.pragma_update(None, "user_version", version + 1)?;
        transaction.commit()?;
    }
}

/// The schema version of the file, after making sure that it is ours and not too new. `may_be_empty`: a file without any
/// table counts as version 0.
pub(super) fn check(conn: &Connection, path: &Arc<str>, may_be_empty: bool) -> Fallible<i64> {
    let number = |name: &str| conn.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 && may_be_empty {
        return Ok(0);
    }
    if application != APPLICATION_ID {
        let detail = if tables == 0 { "it is empty" } else { "it belongs to another program" };
        return Err(Fault::Told(Error::Corrupt { path: path.clone(), detail: detail.into() }));
    }
    let (known, mut steps) = (newest(), Vec::new());
    {
        let mut statement = conn.prepare("SELECT version, script_hash, writer FROM schema_step ORDER BY version")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            steps.push((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?));
        }
    }
    if version > known {
        let writer = steps.last().map_or("unknown", |(_, _, writer)| writer.as_str());
        return Err(Fault::Told(Error::Newer { path: path.clone(), found: version, known, writer: writer.into() }));
    }
    for ((number, hash, _), script) in steps.iter().zip(SCRIPTS) {
        if *hash != fingerprint(script) {
            let detail = format!("schema step {number} was made by another build");
            return Err(Fault::Told(Error::Corrupt { path: path.clone(), detail: detail.into() }));
        }
    }
    Ok(version)
}

fn fingerprint(script: &str) -> i64 {
    i64::from_le_bytes(xxh3_64(script.as_bytes()).to_le_bytes())
}
