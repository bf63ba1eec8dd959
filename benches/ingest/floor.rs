//! The least that a program must do to keep events: read a line, insert the row with its keys, commit durably.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use rusqlite::{Connection, Transaction};

use crate::measure::{Table, measure_now};
use crate::traffic::mixed;

/// Opened as the store opens its own.
pub fn open(path: &Path) -> Connection {
    let database = Connection::open(path).expect("a database");
    for (name, value) in [("page_size", "8192"), ("journal_mode", "wal"), ("synchronous", "full")] {
        database.pragma_update(None, name, value).expect("a setting");
    }
    for (name, value) in [("cache_size", -65_536), ("wal_autocheckpoint", 20_000)] {
        database.pragma_update(None, name, value).expect("a setting");
    }
    database
        .execute_batch(
            "CREATE TABLE event (row INTEGER PRIMARY KEY, profile INTEGER, at INTEGER, body TEXT NOT NULL);
             CREATE INDEX event_profile ON event (profile, at);
             CREATE TABLE event_key (key INTEGER PRIMARY KEY, event INTEGER NOT NULL)",
        )
        .expect("tables");
    database
}

/// One event with its place in the order of its person and its key.
pub fn insert(transaction: &Transaction<'_>, n: u64, people: u64, body: &str) {
    let signed = |n: u64| i64::from_le_bytes(n.to_le_bytes());
    let chance = mixed(n);
    transaction
        .prepare_cached("INSERT INTO event (profile, at, body) VALUES (?1, ?2, ?3)")
        .and_then(|mut row| row.execute((signed(chance % people.max(1)), signed(n), body)))
        .expect("a row");
    transaction
        .prepare_cached("INSERT INTO event_key VALUES (?1, ?2)")
        .and_then(|mut row| row.execute((signed(mixed(n + 1)), signed(n))))
        .expect("a key");
}

/// The lines of a file, 5,000 a transaction.
pub fn append(folder: &Path, table: &mut Table, path: &Path, records: u64, people: u64) {
    let mut database = open(&folder.join("floor.db"));
    let measured = measure_now(records, || {
        let mut lines = BufReader::with_capacity(1 << 18, File::open(path).expect("a file")).lines().peekable();
        let mut n = 0;
        while lines.peek().is_some() {
            let transaction = database.transaction().expect("a transaction");
            for line in lines.by_ref().take(5_000) {
                insert(&transaction, n, people, &line.expect("a line"));
                n += 1;
            }
            transaction.commit().expect("a commit");
        }
    });
    table.floor("append", measured);
}
