//! What is wrong with an expression, in words for the person who wrote it.

use std::fmt;
use std::ops::Range;

/// One problem of one expression. Printed as `message`; `help` says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprError {
    pub code: ExprErrorCode,
    pub message: String,
    pub help: Option<String>,
    /// Bytes of the expression's text that the caret belongs under; never empty unless the text is.
    pub span: Range<usize>,
}

/// The stable codes of `sync-toml` §4 that an expression can earn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExprErrorCode {
    /// Not the grammar, too long or too deep.
    E031,
    /// A name that this place does not know.
    E032,
    /// Operands whose kinds do not go together.
    E033,
    /// A pattern that is no regular expression.
    E034,
    /// A function that does not exist, not here, or not with these arguments.
    E035,
}

impl ExprErrorCode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::E031 => "E031",
            Self::E032 => "E032",
            Self::E033 => "E033",
            Self::E034 => "E034",
            Self::E035 => "E035",
        }
    }
}

impl fmt::Display for ExprErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ExprError {
    pub(super) fn new(code: ExprErrorCode, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, span }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ExprError {}
