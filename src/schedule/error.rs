//! Why a trigger could not be read: a code, what is wrong, what to do, and where in the text.

use std::fmt;
use std::ops::Range;

/// A problem in a trigger's text, with the codes of `sync.toml` errors: E050 the number of cron fields, E051 a cron field
/// that says nothing possible, E053 not a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerError {
    pub code: &'static str,
    pub message: String,
    pub help: Option<String>,
    /// The bytes of the text it is about.
    pub at: Range<usize>,
}

impl TriggerError {
    pub(super) fn new(code: &'static str, message: impl Into<String>, at: Range<usize>) -> Self {
        Self { code, message: message.into(), help: None, at }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for TriggerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for TriggerError {}
