//! What every command is given: the terminal, the world outside (clock, chance), and the way to settings and store.

use std::path::PathBuf;
use std::sync::Arc;

use connector::{Clock, Entropy};

use crate::cli::exit::{Exit, Failure};
use crate::cli::terminal::Terminal;
use crate::config::{self, Diagnostic, Overrides, Settings};

/// Passed to each command; holds nothing that a command may change.
#[derive(Debug)]
pub struct Cx {
    pub terminal: Terminal,
    /// `-c`: the configuration file.
    pub config: PathBuf,
    /// `FERRY__…` variables, where they were asked for.
    pub overrides: Overrides,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

impl Cx {
    /// The validated configuration. Warnings go to standard error; problems become the failure.
    pub fn settings(&self) -> Result<Settings, Failure> {
        match config::load(&self.config, &self.overrides) {
            Ok(loaded) => {
                if !loaded.warnings.is_empty() && !self.terminal.wants_json() {
                    self.terminal.note(config::blocks(&loaded.warnings));
                }
                Ok(loaded.settings)
            }
            Err(failure) => Err(of_config(&failure)),
        }
    }
}

/// Every problem at once, each with its place; the text is the configuration's own rendering.
pub fn of_config(failure: &config::Failure) -> Failure {
    let problems = failure.errors.iter().chain(&failure.warnings);
    Failure { exit: Exit::Invalid, message: failure.to_string(), fix: None, problems: problems.map(problem).collect() }
}

/// One problem of the file as JSON.
pub fn problem(diagnostic: &Diagnostic) -> serde_json::Value {
    serde_json::to_value(diagnostic.to_json()).unwrap_or_default()
}
