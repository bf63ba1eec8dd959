//! The embedded engine: one SQLite file, one writer thread with group commit, read-only connections beside it.
//!
//! Every module here holds the rows of one noun or the steps of one operation; SQL is nowhere else in the house. All
//! writes are short IMMEDIATE transactions, so that a second process (`ingest`, `failures`) can work beside the daemon.

mod activities;
mod answers;
mod assign;
mod assignments;
mod company;
mod compute;
mod connection;
mod consent;
mod conversion;
mod deals;
mod declared;
mod deletion;
mod elsewhere;
mod erase;
mod events;
mod face;
mod facts;
mod fault;
#[cfg(test)]
mod file_tests;
mod find;
mod gate;
mod graph;
mod hashes;
mod health;
mod held;
mod holding;
mod housekeeping;
mod identity;
mod identity_log;
mod in_deal;
mod intents;
mod journal;
mod learnt;
mod lease;
mod letters;
mod links;
mod memo;
mod merge;
mod migrate;
mod notebook;
mod office;
mod outbox;
mod packed;
mod packed_facts;
mod packed_intent;
mod packed_model;
mod packed_standings;
mod packed_values;
mod page;
mod parting;
mod past;
mod personal;
mod profiles;
mod purge;
mod readers;
mod recent;
mod records;
mod report;
mod resolved;
mod retention;
mod reviews;
mod rules;
mod runs;
mod session;
mod settle;
mod side;
mod side_face;
mod side_rows;
mod stage;
mod standing;
mod standing_face;
mod statements;
mod stats;
mod suppression;
mod sweep;
#[cfg(test)]
mod tests;
mod timeline;
mod tombstones;
mod unlead;
mod wal;
mod webhook_queue;
mod webhooks;
mod withhold;
mod writer;

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use connector::Entropy;

use crate::model::Privacy;
use crate::store::{Error, Result};
use connection::{Use, connect, make_file};
use fault::{Fallible, Fault};
use readers::Readers;
use session::Session;
use writer::{Done, Writer};

/// How to open a store.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// For reading commands: never makes, migrates or changes the file. Writing operations are refused.
    pub read_only: bool,
    /// Make the file where it is missing.
    pub create: bool,
    /// How long a transaction waits for another process before it gives up as [`Error::Busy`].
    pub busy: Duration,
    /// Most reading operations at one time.
    pub readers: usize,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { read_only: false, create: true, busy: Duration::from_secs(5), readers: 4 }
    }
}

/// A store in one SQLite file. Dropping it commits what is queued and closes the file.
#[derive(Debug)]
pub struct SqliteStore {
    path: Arc<str>,
    writer: Option<Writer>,
    readers: Arc<Readers>,
    privacy: RwLock<Arc<Privacy>>,
}

impl SqliteStore {
    /// Opens, makes or migrates the store. `entropy` is where profile uids and outbox keys come from.
    ///
    /// # Errors
    /// [`Error::CannotOpen`], [`Error::Corrupt`] (damaged, or no Ferry store), [`Error::Newer`], [`Error::Busy`],
    /// [`Error::ReadOnly`].
    pub fn open(path: &Path, options: OpenOptions, entropy: Arc<dyn Entropy>) -> Result<Self> {
        const DOING: &str = "open the store";
        let shown: Arc<str> = path.display().to_string().into();
        let told = |fault: Fault| fault.told(DOING, &shown);
        if !path.exists() && (options.read_only || !options.create) {
            let detail = "there is no such file; the first `ferry pull`, `ferry ingest` or `ferry run` makes it".into();
            return Err(Error::CannotOpen { path: shown, detail });
        }
        let readers = Arc::new(Readers::new(path.to_path_buf(), shown.clone(), options.busy, options.readers));
        if options.read_only {
            let conn = connect(path, Use::Reading, options.busy).map_err(told)?;
            let version = migrate::check(&conn, &shown, false).map_err(told)?;
            if version < migrate::newest() {
                let detail = format!(
                    "its schema is {version}, this Ferry reads {}; any writing command brings it up to date",
                    migrate::newest()
                );
                return Err(Error::CannotOpen { path: shown, detail: detail.into() });
            }
            return Ok(Self { path: shown, writer: None, readers, privacy: RwLock::default() });
        }
        make_file(path).map_err(told)?;
        let mut conn = connect(path, Use::Writing, options.busy).map_err(told)?;
        migrate::migrate(&mut conn, &shown).map_err(told)?;
        let other = connect(path, Use::Writing, options.busy).map_err(told)?;
        let writer = Writer::start(conn, other, shown.clone(), entropy)
            .map_err(|error| Error::Engine { doing: DOING, detail: error.to_string().into() })?;
        Ok(Self { path: shown, writer: Some(writer), readers, privacy: RwLock::default() })
    }

    async fn write_or_undo<T, F>(&self, doing: &'static str, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Session<'_>) -> Fallible<Done<T>> + Send + 'static,
    {
        match &self.writer {
            Some(writer) => writer.write(doing, act).await,
            None => Err(Error::ReadOnly { doing, path: self.path.clone() }),
        }
    }

    async fn write<T, F>(&self, doing: &'static str, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Session<'_>) -> Fallible<T> + Send + 'static,
    {
        self.write_or_undo(doing, move |session| act(session).map(Done::Keep)).await
    }

    /// A write that may share a session with others of its kind before and behind it.
    async fn append<T, F>(&self, doing: &'static str, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Session<'_>) -> Fallible<T> + Send + 'static,
    {
        match &self.writer {
            Some(writer) => writer.append(doing, move |session| act(session).map(Done::Keep)).await,
            None => Err(Error::ReadOnly { doing, path: self.path.clone() }),
        }
    }

    async fn read<T, F>(&self, doing: &'static str, act: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Session<'_>) -> Fallible<T> + Send + 'static,
    {
        self.readers.read(doing, act).await
    }

    fn privacy(&self) -> Arc<Privacy> {
        self.privacy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stands in for a disk of so many pages.
    #[cfg(test)]
    async fn limit_pages(&self, pages: i64) -> Result<()> {
        self.write("limit the file", move |session| {
            session.conn.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
            Ok(())
        })
        .await
    }
}
