//! Opening one SQLite connection with everything that must be set on each.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::fault::{Fallible, Fault};
use crate::store::Error;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Writing,
    Reading,
}

/// Makes the file with mode 0600 where it is missing; SQLite gives its side files the same mode.
pub(super) fn make_file(path: &Path) -> Fallible<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Fault::Told(Error::CannotOpen {
            path: path.display().to_string().into(),
            detail: Arc::from(format!("it cannot be made: {error}")),
        })),
    }
}

pub(super) fn connect(path: &Path, usage: Use, busy: Duration) -> Fallible<Connection> {
    let flags = match usage {
        Use::Writing => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Use::Reading => OpenFlags::SQLITE_OPEN_READ_ONLY,
    } | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(busy)?;
    // Plans do not depend on bound values: without this, SQLite parses some statements anew for every value bound.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // One cached statement per distinct SQL text of the engine, so that none is parsed twice.
    conn.set_prepared_statement_cache_capacity(256);
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "mmap_size", 0)?;
    conn.pragma_update(None, "foreign_keys", true)?;
    match usage {
        Use::Reading => {
            conn.pragma_update(None, "query_only", true)?;
            conn.pragma_update(None, "cache_size", -8_192)?;
        }
        Use::Writing => {
            // Takes effect only while the file is empty.
            conn.pragma_update(None, "page_size", 8_192)?;
            let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
            if !mode.eq_ignore_ascii_case("wal") {
                return Err(Fault::Refused(format!(
                    "the file system does not allow a write-ahead log (journal mode stays {mode}); use a local disk"
                )));
            }
            // An acknowledged write survives a power cut.
            conn.pragma_update(None, "synchronous", "FULL")?;
            conn.pragma_update(None, "cache_size", -65_536)?;
            conn.pragma_update(None, "wal_autocheckpoint", 20_000)?;
            conn.pragma_update(None, "journal_size_limit", 67_108_864)?;
            // Deleted content is zeroed, on pages that are let go too: erased people do not linger.
            conn.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
        }
    }
    Ok(conn)
}
