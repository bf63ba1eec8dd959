//! The write-ahead log, copied into the database beside the writer: whoever waits for a commit does not wait for that too.
//!
//! A second connection copies what is committed while the writer goes on. What it leaves, the few pages written meanwhile, the
//! writer copies itself at its next commit, so that the log begins anew instead of growing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::hooks::Wal;
use rusqlite::{Connection, Result};

/// Pages in the log at which it is copied.
const MANY: i32 = 8_000;
/// Pages at which the writer no longer counts on anybody else.
const TOO_MANY: i32 = 60_000;
/// Once no more than this are left, copying on beside the writer gains nothing.
const FEW: i64 = 1_000;
/// Times that the log is gone through for one request.
const PASSES: usize = 4;

/// Copies the log of a writing connection.
#[derive(Debug)]
pub(super) struct Copier {
    thread: Option<JoinHandle<()>>,
    /// Held while it copies.
    copying: Arc<Mutex<()>>,
}

impl Copier {
    /// Begins to copy the log of `writer` by `other`, a connection of its own to the same file. Where no thread is to be had
    /// the writer copies at its commits, as SQLite does by itself.
    pub(super) fn start(writer: &mut Connection, other: Connection) -> Result<Self> {
        let (wanted, orders) = sync_channel(1);
        let (copied, copying) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(())));
        let (rest, lock) = (copied.clone(), copying.clone());
        let copy = move || copy(&other, &orders, &lock, &copied);
        let thread = std::thread::Builder::new().name("store-log".into()).spawn(copy).ok();
        if thread.is_some() {
            writer.wal_hook(Some(move |wal: &mut Wal, pages| committed(wal, pages, &wanted, &rest)))?;
        }
        Ok(Self { thread, copying })
    }

    /// Keeps it from copying, once it has come to the end of a pass: two cannot copy at a time.
    pub(super) fn pause(&self) -> MutexGuard<'_, ()> {
        self.copying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it; when this returns its connection is closed.
    pub(super) fn stop(self, writer: &mut Connection) {
        // With the hook goes what orders are sent by.
        let _ = writer.wal_hook(None::<fn(&mut Wal, i32) -> Result<()>>);
        if let Some(thread) = self.thread {
            let _ = thread.join();
        }
    }
}

/// After each commit of the writer. A copy that fails is none of the commit's: it is tried again after another one.
fn committed(wal: &mut Wal, pages: i32, wanted: &SyncSender<()>, rest: &AtomicBool) -> Result<()> {
    if rest.swap(false, Ordering::AcqRel) || pages >= TOO_MANY {
        let _ = wal.checkpoint();
    } else if pages >= MANY {
        // Asked already is as good.
        let _ = wanted.try_send(());
    }
    Ok(())
}

fn copy(other: &Connection, orders: &Receiver<()>, copying: &Mutex<()>, copied: &AtomicBool) {
    while orders.recv().is_ok() {
        for _ in 0..PASSES {
            let _copying = copying.lock().unwrap_or_else(PoisonError::into_inner);
            match pass(other) {
                Ok(left) if left > FEW => {}
                _ => break,
            }
        }
        copied.store(true, Ordering::Release);
    }
}

/// Copies what no reader still needs in the log; how many pages it left for that, or because they came meanwhile.
fn pass(other: &Connection) -> Result<i64> {
    other.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
        let (log, done): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(log.saturating_sub(done))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &std::path::Path) -> Connection {
        let conn = Connection::open(path).unwrap();
        conn.pragma_update(None, "journal_mode", "WAL").unwrap();
        conn.execute_batch("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, text TEXT)").unwrap();
        conn
    }

    fn write(conn: &Connection, rows: usize) {
        for _ in 0..rows {
            conn.execute("INSERT INTO t (text) VALUES (?1)", ["x".repeat(3_000)]).unwrap();
        }
    }

    /// Pages in the log.
    fn log(conn: &Connection) -> i64 {
        conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1)).unwrap()
    }

    #[test]
    fn a_copied_log_begins_anew_with_the_writers_next_commits() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.db");
        let (mut writer, other) = (open(&path), open(&path));
        let (wanted, orders) = sync_channel(1);
        let (copied, lock) = (AtomicBool::new(false), Mutex::new(()));
        write(&writer, 70);
        wanted.send(()).unwrap();
        drop(wanted);
        copy(&other, &orders, &lock, &copied);
        assert!(copied.load(Ordering::Acquire), "the writer is told");
        let (again, orders) = sync_channel(1);
        let rest = Arc::new(copied);
        let flag = rest.clone();
        writer.wal_hook(Some(move |wal: &mut Wal, pages| committed(wal, pages, &again, &flag))).unwrap();
        write(&writer, 2);
        assert!(!rest.load(Ordering::Acquire));
        assert!(log(&other) < 20, "the log began anew and has {} pages", log(&other));
        assert!(orders.try_recv().is_err(), "and nobody is asked to copy so little");
        let rows: i64 = other.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 72);
    }

    #[test]
    fn a_stopped_copier_has_closed_its_connection_and_lost_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.db");
        let mut writer = open(&path);
        let copier = Copier::start(&mut writer, open(&path)).unwrap();
        write(&writer, 10);
        drop(copier.pause());
        copier.stop(&mut writer);
        drop(writer);
        assert!(!dir.path().join("t.db-wal").exists(), "the last connection takes the log with it");
        let rows: i64 = open(&path).query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 10);
    }
}
