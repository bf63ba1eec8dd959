//! The connectors' notes, kept in the store.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use connector::{ConnectionName, Entropy, Error, ErrorKind, Note, Notebook};

use crate::store::sqlite::{OpenOptions, SqliteStore};
use crate::store::{self, Store};

/// Where notes are kept.
#[derive(Clone, Debug)]
pub(super) enum Shelf {
    /// In the store of a flow.
    Open(Arc<dyn Store>),
    /// In the store's file, opened for the moment: a command that asks a CRM beside a daemon, or before there is a store,
    /// must not lose what a connector has to remember (a refresh token that the CRM rotates is good for one use).
    File { path: PathBuf, entropy: Arc<dyn Entropy> },
}

impl Shelf {
    /// `None` where nothing has been kept yet because there is no store.
    fn reading(&self) -> store::Result<Option<Arc<dyn Store>>> {
        match self {
            Self::File { path, .. } if !path.exists() => Ok(None),
            _ => self.writing().map(Some),
        }
    }

    fn writing(&self) -> store::Result<Arc<dyn Store>> {
        match self {
            Self::Open(store) => Ok(store.clone()),
            Self::File { path, entropy } => {
                Ok(Arc::new(SqliteStore::open(path, OpenOptions::default(), entropy.clone())?))
            }
        }
    }
}

/// One connection's notes.
#[derive(Debug)]
pub(super) struct StoreNotebook {
    pub connection: ConnectionName,
    pub shelf: Shelf,
}

impl StoreNotebook {
    fn told(&self, doing: &str, error: &store::Error) -> Error {
        Error::new(ErrorKind::Transient, format!("{doing} of connection {}", self.connection), error.to_string())
            .with_fix("the store must be writable for as long as a CRM is spoken to")
    }
}

#[async_trait]
impl Notebook for StoreNotebook {
    async fn notes(&self) -> connector::Result<Vec<Note>> {
        let told = |error: store::Error| self.told("read the notes", &error);
        match self.shelf.reading().map_err(told)? {
            Some(store) => store.connector_notes(&self.connection).await.map_err(told),
            None => Ok(Vec::new()),
        }
    }

    async fn keep(&self, key: &str, text: &str) -> connector::Result<()> {
        let told = |error: store::Error| self.told("keep a note", &error);
        let note = Note { key: key.to_owned(), text: text.to_owned() };
        let store = self.shelf.writing().map_err(told)?;
        store.keep_connector_note(&self.connection, note).await.map_err(told)
    }

    async fn forget(&self, key: &str) -> connector::Result<()> {
        let told = |error: store::Error| self.told("forget a note", &error);
        match self.shelf.reading().map_err(told)? {
            Some(store) => store.forget_connector_note(&self.connection, key).await.map_err(told),
            None => Ok(()),
        }
    }
}
