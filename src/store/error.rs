//! What can go wrong in the store, by what the caller should do about it.

use std::sync::Arc;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The disk is full: nothing was written; try again when there is room.
    #[error("{doing}: the disk is full; free some space, Ferry goes on by itself")]
    Full { doing: &'static str },
    /// Another process holds the database too long.
    #[error("{doing}: the database is locked by another process; try again")]
    Busy { doing: &'static str },
    /// Not a database, or damaged: refuse to start.
    #[error("{path}: not a sound database ({detail}); restore a backup of the file, Ferry never deletes it")]
    Corrupt { path: Arc<str>, detail: Arc<str> },
    /// Written by a newer Ferry.
    #[error(
        "{path}: written by a newer Ferry (schema {found}, this one knows {known}; written by {writer}); upgrade Ferry"
    )]
    Newer { path: Arc<str>, found: i64, known: i64, writer: Arc<str> },
    /// Another daemon works on this store.
    #[error("the store is in use by process {pid} ({what}); stop it first")]
    Held { pid: u32, what: Arc<str> },
    /// The file or its directory may not be written, or the store was opened for reading.
    #[error("{doing}: {path} may only be read; make the file and its directory writable for this user")]
    ReadOnly { doing: &'static str, path: Arc<str> },
    /// The file cannot be opened: missing, in a missing directory, or forbidden.
    #[error("cannot open the store {path}: {detail}")]
    CannotOpen { path: Arc<str>, detail: Arc<str> },
    /// A decision broke its own rules (guard, unknown id); nothing was written.
    #[error("{doing}: {detail}")]
    Refused { doing: &'static str, detail: Arc<str> },
    /// Anything else the engine says.
    #[error("{doing}: {detail}")]
    Engine { doing: &'static str, detail: Arc<str> },
    /// The store was closed while the call waited.
    #[error("the store is closed")]
    Closed,
}
