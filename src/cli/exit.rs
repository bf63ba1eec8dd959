//! How a command ends: the exit code, which scripts match on, and the words a person reads when it did not go well.

use std::fmt;
use std::process::ExitCode;

/// The exit codes of `ferry`. They are an interface: a number never changes its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// Everything asked for was done.
    Done,
    /// Something failed; the message says what.
    Failed,
    /// The configuration or the command line is not valid; nothing was done.
    Invalid,
    /// The configuration is valid but the live CRM disagrees, or a plan no longer holds; nothing was written.
    Disagrees,
    /// A fuse or the pull guard stopped it.
    Fused,
    /// Done, and some records failed; `ferry failures` lists them.
    Partial,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Invalid => 2,
            Self::Disagrees => 3,
            Self::Fused => 4,
            Self::Partial => 5,
        }
    }

    /// The one code for several parts that ended differently: what needs a person most is said. A failure outranks
    /// everything, then a stopped run, then a disagreement, then single records.
    pub fn worst(self, other: Self) -> Self {
        let rank = |exit: Self| match exit {
            Self::Done => 0,
            Self::Partial => 1,
            Self::Disagrees => 2,
            Self::Fused => 3,
            Self::Failed => 4,
            Self::Invalid => 5,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// A command that could not do what it was asked: what was attempted and why it failed, what to do, and the code.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
    pub fix: Option<String>,
    /// What is wrong, one by one, where there may be several things: for `--json`. `message` then already is a rendering
    /// of them all.
    pub problems: Vec<serde_json::Value>,
}

/// What a command hands back.
pub type Ended = Result<Exit, Failure>;

impl Failure {
    pub fn new(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into(), fix: None, problems: Vec::new() }
    }

    /// Wrong words on the command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Invalid, message: message.into(), fix: None, problems: Vec::new() }
    }

    #[must_use]
    pub fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    #[must_use]
    pub fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.fix {
            Some(fix) => write!(f, "\n{fix}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

/// The store's errors say themselves what to do.
impl From<crate::store::Error> for Failure {
    fn from(error: crate::store::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<connector::Error> for Failure {
    fn from(error: connector::Error) -> Self {
        let exit = match error.kind {
            connector::ErrorKind::Config => Exit::Disagrees,
            _ => Exit::Failed,
        };
        Self { exit, message: error.to_string(), fix: error.fix, problems: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_documented_ones() {
        let all = [Exit::Done, Exit::Failed, Exit::Invalid, Exit::Disagrees, Exit::Fused, Exit::Partial];
        assert_eq!(all.map(Exit::code), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn the_worst_part_names_the_whole() {
        assert_eq!(Exit::Done.worst(Exit::Partial), Exit::Partial);
        assert_eq!(Exit::Fused.worst(Exit::Partial), Exit::Fused);
        assert_eq!(Exit::Fused.worst(Exit::Failed), Exit::Failed);
        assert_eq!(Exit::Done.worst(Exit::Done), Exit::Done);
    }
}
