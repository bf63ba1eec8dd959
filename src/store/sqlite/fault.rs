//! What may fail below the face, and what it is called above it.

use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::store::Error;

/// The engine's own error; gets its place and purpose at the door ([`Fault::told`]).
#[derive(Debug)]
pub(super) enum Fault {
    Sql(rusqlite::Error),
    /// A stored value does not read back.
    Damaged(&'static str),
    /// A decision or a caller broke the rules of the face.
    Refused(String),
    /// Already in the face's words.
    Told(Error),
}

pub(super) type Fallible<T> = Result<T, Fault>;

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<serde_json::Error> for Fault {
    fn from(_: serde_json::Error) -> Self {
        Self::Damaged("a stored JSON value does not read back")
    }
}

impl Fault {
    /// The error for the caller: what was attempted, why it failed, what to do.
    pub(super) fn told(self, doing: &'static str, path: &Arc<str>) -> Error {
        let error = match self {
            Self::Told(error) => return error,
            Self::Damaged(what) => return Error::Corrupt { path: path.clone(), detail: what.into() },
            Self::Refused(detail) => return Error::Refused { doing, detail: detail.into() },
            Self::Sql(error) => error,
        };
        let text: Arc<str> = error.to_string().into();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Error::Full { doing },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy { doing },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Error::Corrupt { path: path.clone(), detail: text }
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Error::ReadOnly { doing, path: path.clone() },
            Some(ErrorCode::CannotOpen) => Error::CannotOpen { path: path.clone(), detail: text },
            // A text column that holds no UTF-8, or a column of another type: bytes have changed under us.
            None if is_unreadable(&error) => Error::Corrupt { path: path.clone(), detail: text },
            _ => Error::Engine { doing, detail: text },
        }
    }
}

fn is_unreadable(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as E;
    matches!(error, E::FromSqlConversionFailure(..) | E::InvalidColumnType(..) | E::IntegralValueOutOfRange(..))
}
