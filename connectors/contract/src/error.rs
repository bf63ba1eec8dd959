//! Errors of a whole call. They answer "what should the caller do?" before "what happened?".

use std::fmt;

use crate::Timestamp;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller should do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Try again later: unreachable, timed out, 5xx. Nothing is known to be wrong on our side.
    Transient,
    /// Wait until [`Error::retry_at`]: the CRM's quota is used up.
    Quota,
    /// The credential is refused after one refresh, or revoked: stop this connection until a person acts.
    Auth,
    /// The credential works but may not do this: stop this feature, not the connection.
    Forbidden,
    /// Our configuration is wrong (bad URL, unknown client id, unknown field).
    Config,
    /// The CRM does not (or no longer) do this.
    Unsupported,
    /// The answer cannot be read or breaks the CRM's own rules.
    Protocol,
    /// The work was cancelled on our side.
    Cancelled,
}

impl ErrorKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Quota => "quota",
            Self::Auth => "auth",
            Self::Forbidden => "forbidden",
            Self::Config => "config",
            Self::Unsupported => "unsupported",
            Self::Protocol => "protocol",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A call that failed as a whole. Its text fits after "failed to" and carries no secret and no personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub kind: ErrorKind,
    /// What was attempted, e.g. `read a page of contacts`.
    pub attempted: String,
    /// Why it failed, in plain words, with the status and the CRM's own code.
    pub cause: String,
    /// What a person can do about it, where there is something.
    pub fix: Option<String>,
    /// When it makes sense to come back (always set for [`ErrorKind::Quota`]).
    pub retry_at: Option<Timestamp>,
    /// Whether a write in this call may have been applied although no answer says so.
    pub maybe_applied: bool,
    /// The CRM's id of this exchange, for its support desk.
    pub correlation_id: Option<String>,
}

impl Error {
    pub fn new(kind: ErrorKind, attempted: impl Into<String>, cause: impl Into<String>) -> Self {
        Self {
            kind,
            attempted: attempted.into(),
            cause: cause.into(),
            fix: None,
            retry_at: None,
            maybe_applied: false,
            correlation_id: None,
        }
    }

    #[must_use]
    pub fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    #[must_use]
    pub fn with_retry_at(mut self, at: Timestamp) -> Self {
        self.retry_at = Some(at);
        self
    }

    #[must_use]
    pub fn with_correlation_id(mut self, id: impl Into<String>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    #[must_use]
    pub fn maybe_applied(mut self) -> Self {
        self.maybe_applied = true;
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.attempted, self.cause)?;
        if let Some(at) = self.retry_at {
            write!(f, "; come back at {at}")?;
        }
        if let Some(id) = &self.correlation_id {
            write!(f, " (correlation id {id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
