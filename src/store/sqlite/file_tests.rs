//! What only a file can do: be damaged, shared, newer, foreign, read-only, full, or cut off in the middle.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use connector::{Object, SeededEntropy};
use rusqlite::Connection;

use super::{OpenOptions, SqliteStore};
use crate::model::{OutboxId, ProfileId};
use crate::store::{Error, Result, Store};

fn file() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ferry.db");
    (dir, path)
}

fn open_with(path: &Path, options: OpenOptions) -> Result<SqliteStore> {
    SqliteStore::open(path, options, Arc::new(SeededEntropy::new(1)))
}

fn open(path: &Path) -> Result<SqliteStore> {
    open_with(path, OpenOptions::default())
}

fn quick() -> OpenOptions {
    OpenOptions { busy: Duration::from_millis(10), ..OpenOptions::default() }
}

async fn fill(store: &SqliteStore, notes: usize) {
    for n in 0..notes {
        store.set_note(&format!("note {n}"), &"x".repeat(2_000)).await.unwrap();
    }
}

#[tokio::test]
async fn the_file_is_private_and_says_whose_it_is() {
    let (_dir, path) = file();
    let store = open(&path).unwrap();
    fill(&store, 1).await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for side in ["", "-wal", "-shm"] {
            let mode = fs::metadata(format!("{}{side}", path.display())).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{side}");
        }
    }
    drop(store);
    assert_eq!(&fs::read(&path).unwrap()[68..72], b"FRRY");
}

#[tokio::test]
async fn every_table_is_strict() {
    let (_dir, path) = file();
    drop(open(&path).unwrap());
    let conn = Connection::open(&path).unwrap();
    let loose: i64 = conn
        .query_row(
            "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite_%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(loose, 0);
}

#[tokio::test]
async fn scenario_52_a_newer_schema_is_refused_with_its_writer() {
    let (_dir, path) = file();
    drop(open(&path).unwrap());
    let conn = Connection::open(&path).unwrap();
    conn.execute("INSERT INTO schema_step VALUES (99, 0, '9.9.9')", []).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    for options in [OpenOptions::default(), OpenOptions { read_only: true, ..OpenOptions::default() }] {
        let error = open_with(&path, options).unwrap_err();
        assert!(matches!(&error, Error::Newer { found: 99, writer, .. } if &**writer == "9.9.9"), "{error}");
        assert!(error.to_string().contains("upgrade Ferry"), "{error}");
    }
}

#[tokio::test]
async fn another_programs_database_is_left_alone() {
    let (_dir, path) = file();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = fs::read(&path).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(&error, Error::Corrupt { detail, .. } if detail.contains("another program")), "{error}");
    let conn = Connection::open(&path).unwrap();
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
    assert!(!before.is_empty());
}

#[tokio::test]
async fn a_text_file_is_no_database() {
    let (_dir, path) = file();
    fs::write(&path, "dear diary, ".repeat(500)).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("restore a backup"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "dear diary, ".repeat(500), "never touched");
}

#[tokio::test]
async fn scenario_51_a_migration_killed_half_way_is_done_again() {
    let (_dir, path) = file();
    {
        let conn = Connection::open(&path).unwrap();
        conn.pragma_update(None, "journal_mode", "WAL").unwrap();
        conn.execute_batch("BEGIN IMMEDIATE; CREATE TABLE place (id INTEGER PRIMARY KEY) STRICT").unwrap();
        // The process ends here: its transaction was never committed.
    }
    let store = open(&path).unwrap();
    fill(&store, 1).await;
    store.verify().await.unwrap();
}

#[tokio::test]
async fn scenario_48_damaged_pages_are_found_and_said() {
    let (_dir, path) = file();
    let store = open(&path).unwrap();
    fill(&store, 200).await;
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    // Past the schema: pages of data.
    let from = bytes.len() * 3 / 4;
    bytes[from..from + 9_000].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let store = open(&path).unwrap();
    let error = store.verify().await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("restore a backup"), "{error}");
}

#[tokio::test]
async fn a_damaged_value_is_corruption_not_a_panic() {
    let (_dir, path) = file();
    drop(open(&path).unwrap());
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "INSERT INTO profile (id, uid, first_seen, known, change, attributes, computed, scores)
             VALUES (5, zeroblob(16), 0, 1, 1, x'01FFFFFFFF', x'0100', x'0100')",
        )
        .unwrap();
    let error = open(&path).unwrap().profile(ProfileId(5)).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn dangling_references_are_found() {
    let (_dir, path) = file();
    drop(open(&path).unwrap());
    Connection::open(&path)
        .unwrap()
        .execute_batch("INSERT INTO identifier (kind, value, profile) VALUES (1, 'u1', 77), (1, 'shared', 0)")
        .unwrap();
    let error = open(&path).unwrap().verify().await.unwrap_err();
    assert!(error.to_string().contains("1 identifiers of a profile that does not exist"), "{error}");
}

#[tokio::test]
async fn reading_needs_a_file_and_changes_nothing() {
    let (_dir, path) = file();
    let reading = OpenOptions { read_only: true, ..OpenOptions::default() };
    let error = open_with(&path, reading.clone()).unwrap_err();
    assert!(matches!(error, Error::CannotOpen { .. }), "{error}");
    assert!(!path.exists());
    let store = open(&path).unwrap();
    fill(&store, 1).await;
    let reader = open_with(&path, reading).unwrap();
    assert!(reader.note("note 0").await.unwrap().is_some(), "beside the writer");
    let error = reader.set_note("a", "b").await.unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
    store.set_note("a", "c").await.unwrap();
    assert_eq!(reader.note("a").await.unwrap().as_deref(), Some("c"));
}

#[tokio::test]
async fn a_missing_directory_or_file_is_said() {
    let (dir, path) = file();
    let error = open(&dir.path().join("no/such/ferry.db")).unwrap_err();
    assert!(matches!(error, Error::CannotOpen { .. }), "{error}");
    let error = open_with(&path, OpenOptions { create: false, ..OpenOptions::default() }).unwrap_err();
    assert!(error.to_string().contains("no such file"), "{error}");
}

#[tokio::test]
async fn scenario_46_a_busy_database_is_waited_for_then_said() {
    let (_dir, path) = file();
    let store = open_with(&path, quick()).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.set_note("a", "b").await.unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    store.set_note("a", "b").await.unwrap();
}

#[tokio::test]
async fn scenario_47_a_full_disk_stops_writing_and_nothing_else() {
    let (_dir, path) = file();
    let store = open(&path).unwrap();
    fill(&store, 3).await;
    let pages = {
        let conn = Connection::open(&path).unwrap();
        conn.query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    store.limit_pages(pages).await.unwrap();
    let mut refused = None;
    for n in 0..20 {
        if let Err(error) = store.set_note(&format!("more {n}"), &"x".repeat(20_000)).await {
            refused = Some(error);
        }
    }
    let refused = refused.expect("the disk is full");
    assert!(matches!(refused, Error::Full { .. }), "{refused}");
    assert!(refused.to_string().contains("free some space"), "{refused}");
    assert!(store.note("note 0").await.unwrap().is_some(), "reading goes on");
    store.limit_pages(pages + 1_000).await.unwrap();
    store.set_note("after", "room again").await.unwrap();
    store.verify().await.unwrap();
}

/// Copies database and log as they lie on the disk, as a power cut would leave them.
fn cut_off(path: &Path) -> (tempfile::TempDir, PathBuf) {
    let (dir, copy) = file();
    for side in ["", "-wal"] {
        fs::copy(format!("{}{side}", path.display()), format!("{}{side}", copy.display())).unwrap();
    }
    (dir, copy)
}

#[tokio::test]
async fn an_answered_write_survives_a_kill() {
    let (_dir, path) = file();
    let store = open(&path).unwrap();
    fill(&store, 25).await;
    let (_copy_dir, copy) = cut_off(&path);
    // What was answered after the cut is not in the copy; all before it is.
    store.set_note("later", "x").await.unwrap();
    let again = open(&copy).unwrap();
    for n in 0..25 {
        assert!(again.note(&format!("note {n}")).await.unwrap().is_some(), "note {n}");
    }
    assert_eq!(again.note("later").await.unwrap(), None);
    again.verify().await.unwrap();
}

#[tokio::test]
async fn a_torn_log_loses_its_tail_and_nothing_else() {
    let (_dir, path) = file();
    let store = open(&path).unwrap();
    fill(&store, 25).await;
    let (_copy_dir, copy) = cut_off(&path);
    let log = format!("{}-wal", copy.display());
    let bytes = fs::read(&log).unwrap();
    fs::write(&log, &bytes[..bytes.len() - 5_000]).unwrap();
    let again = open(&copy).unwrap();
    again.verify().await.unwrap();
    assert!(again.note("note 0").await.unwrap().is_some());
    assert_eq!(again.note("note 24").await.unwrap(), None, "its commit was cut in half");
}

#[tokio::test]
async fn scenario_49_the_log_is_cut_when_idle() {
    let (_dir, path) = file();
    let store = open(&path).unwrap();
    fill(&store, 200).await;
    assert!(store.sizes().await.unwrap().wal_bytes > 100_000);
    store.prune(connector::Timestamp::EPOCH).await.unwrap();
    assert_eq!(store.sizes().await.unwrap().wal_bytes, 0);
    assert!(store.sizes().await.unwrap().database_bytes > 100_000);
}

#[tokio::test]
async fn outbox_numbers_are_never_reused() {
    let (_dir, path) = file();
    drop(open(&path).unwrap());
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch(
        r#"INSERT INTO place (id, connection, object) VALUES (1, 'hubspot', 'contact');
           INSERT INTO outbox (id, key, place, state, generation, attempts, created_at, op, overwriting, clearing, intent)
           VALUES (41, zeroblob(16), 1, 0, 1, 0, 0, 'update', 0, 0, x'01000101370000');
           DELETE FROM outbox;
           INSERT INTO outbox (key, place, state, generation, attempts, created_at, op, overwriting, clearing, intent)
           VALUES (zeroblob(16), 1, 0, 1, 0, 0, 'update', 0, 0, x'01000101370000')"#,
    )
    .unwrap();
    drop(conn);
    let entries = open(&path).unwrap().outbox(&"hubspot".into(), &Object::Contact, 5).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.id).collect::<Vec<_>>(), [OutboxId(42)]);
}
