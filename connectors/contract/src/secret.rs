//! Secrets are references in the file and [`SecretString`]s from the first line that sees them.

use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;

/// Where a secret is kept. The value itself is never in `sync.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// `{ env = "NAME" }`
    Env(String),
    /// `{ file = "path" }`: not readable by group or world; one trailing newline is dropped.
    File(PathBuf),
    /// `{ command = ["argv", …] }`: run without a shell, within 10 s.
    Command(Vec<String>),
}

/// For people: what to fix, never the value.
impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "secret file \"{}\"", path.display()),
            Self::Command(argv) => {
                write!(f, "secret command \"{}\"", argv.first().map_or("", String::as_str))
            }
        }
    }
}

/// Why a secret could not be read. The codes are those of `sync.toml` errors (E021–E023).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretError {
    pub code: &'static str,
    pub message: String,
    pub help: String,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.help)
    }
}

impl std::error::Error for SecretError {}

/// The outside world's secrets, asked for by reference. Asked again after a 401 and on reload, so a rotated secret is
/// picked up without a restart.
pub trait Environment: fmt::Debug + Send + Sync {
    fn read(&self, secret: &Secret) -> Result<SecretString, SecretError>;
}
