//! Read-only connections beside the writer: reading never waits for writing.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::connection::{Use, connect};
use super::fault::{Fallible, Fault};
use super::session::Session;
use crate::store::{Error, Result};

#[derive(Debug)]
pub(super) struct Readers {
    file: PathBuf,
    path: Arc<str>,
    busy: Duration,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

impl Readers {
    pub(super) fn new(file: PathBuf, path: Arc<str>, busy: Duration, most: usize) -> Self {
        Self { file, path, busy, idle: Mutex::default(), permits: Semaphore::new(most.max(1)) }
    }

    /// Runs `act` on one connection, in one read transaction: all it sees is of one instant.
    pub(super) async fn read<T, F>(self: &Arc<Self>, doing: &'static str, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Session<'_>) -> Fallible<T> + Send + 'static,
    {
        let _permit = self.permits.acquire().await.map_err(|_| Error::Closed)?;
        let readers = self.clone();
        tokio::task::spawn_blocking(move || {
            readers.read_blocking(act).map_err(|fault| fault.told(doing, &readers.path))
        })
        .await
        .map_err(|error| Error::Engine { doing, detail: error.to_string().into() })?
    }

    fn read_blocking<T>(&self, act: impl FnOnce(&Session<'_>) -> Fallible<T>) -> Fallible<T> {
        let idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let conn = match idle {
            Some(conn) => conn,
            None => connect(&self.file, Use::Reading, self.busy)?,
        };
        conn.execute_batch("BEGIN")?;
        let outcome = act(&Session::reading(&conn));
        // A connection that cannot end its transaction is dropped, not reused.
        if conn.execute_batch("ROLLBACK").is_ok()
            && !matches!(outcome, Err(Fault::Sql(_)))
            && let Ok(mut idle) = self.idle.lock()
        {
            idle.push(conn);
        }
        outcome
    }
}
