//! What every command is given: the terminal, the world outside (clock, chance), and the way to settings and store.

use std::path::PathBuf;
use std::sync::Arc;

use connector::{Clock, Entropy};

use crate::app::rules::{self, RulesState};
use crate::app::{self, App, SystemEnvironment, World};
use crate::cli::exit::{Exit, Failure};
use crate::cli::terminal::Terminal;
use crate::config::{self, Diagnostic, Overrides, Settings};
use crate::store::sqlite::{OpenOptions, SqliteStore};
use crate::store::{FlowLock, Store};

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
    /// The validated configuration; problems become the failure. Its warnings are for `check` and for whoever runs a flow:
    /// a command that only looks something up does not repeat them.
    pub fn settings(&self) -> Result<Settings, Failure> {
        Ok(self.load()?.settings)
    }

    fn load(&self) -> Result<config::Loaded, Failure> {
        config::load(&self.config, &self.overrides).map_err(|failure| of_config(&failure))
    }

    /// The store, for a command that only reads: beside a daemon, and without ever making or changing the file. `None`
    /// before anything has made it.
    pub fn reading(&self, settings: &Settings) -> Result<Option<Box<dyn Store>>, Failure> {
        self.open(settings, OpenOptions { read_only: true, ..OpenOptions::default() })
    }

    /// The store, for one short immediate transaction beside a daemon. `None` before anything has made it.
    pub fn writing(&self, settings: &Settings) -> Result<Option<Box<dyn Store>>, Failure> {
        self.open(settings, OpenOptions { create: false, ..OpenOptions::default() })
    }

    /// Everything that runs a flow, with the flow lock of the store: one flow at a time. Makes the store where there is none.
    /// `what` is the command, for whoever finds the lock taken; without `crms` no secret is read and no CRM is there.
    pub async fn assemble(&self, what: &str, crms: bool) -> Result<(App, FlowLock), Failure> {
        let loaded = self.load()?;
        if !loaded.warnings.is_empty() && !self.terminal.wants_json() {
            self.terminal.note(config::blocks(&loaded.warnings));
        }
        let settings = loaded.settings;
        let lock = FlowLock::acquire(&settings.store_path, what)?;
        let store = self.making(&settings)?;
        let world = self.world();
        let app = if crms {
            App::assemble(settings, Arc::new(store), world)?
        } else {
            App::with_connections(settings, Arc::new(store), world, Vec::new())?
        };
        let app = self.under_rules_in_force(app).await?;
        // Under the lock nobody else is writing: what was under way when a process died has an unknown fate.
        app.store.recover(self.clock.now()).await?;
        app.close_left_runs().await?;
        Ok((app, lock))
    }

    /// The same without the lock and without any CRM: for what only concerns the store.
    pub async fn assemble_offline(&self, settings: Settings) -> Result<App, Failure> {
        let store = self.making(&settings)?;
        let app = App::with_connections(settings, Arc::new(store), self.world(), Vec::new())?;
        self.under_rules_in_force(app).await
    }

    /// The store, made where there is none.
    pub fn making(&self, settings: &Settings) -> Result<SqliteStore, Failure> {
        Ok(SqliteStore::open(&settings.store_path, OpenOptions::default(), self.entropy.clone())?)
    }

    /// The app with the models that are active, by the rules of identity in force; says so where the file has others.
    pub async fn under_rules_in_force(&self, app: App) -> Result<App, Failure> {
        let (app, state) = app.with_predictions().await?.under_rules_in_force().await?;
        if state == RulesState::Differ {
            if self.terminal.wants_json() {
                tracing::warn!("{}; {}", rules::DIFFER, rules::DIFFER_FIX);
            } else {
                self.terminal.note(format!("{}\n  {}", rules::DIFFER, rules::DIFFER_FIX));
            }
        }
        Ok(app)
    }

    /// The same for commands that only read the store, beside whoever runs a flow.
    pub fn assemble_reading(&self) -> Result<App, Failure> {
        let settings = self.settings()?;
        let store = self.reading(&settings)?.ok_or_else(|| {
            Failure::new(format!("there is no store yet at {}", settings.store_path.display()))
                .with_fix("`ferry pull` makes it and fills it from the CRM")
        })?;
        let world = self.world();
        let connections = app::connect(&settings, &world)?;
        Ok(App::with_connections(settings, Arc::from(store), world, connections)?)
    }

    pub fn world(&self) -> World {
        World { clock: self.clock.clone(), entropy: self.entropy.clone(), environment: Arc::new(SystemEnvironment) }
    }

    fn open(&self, settings: &Settings, options: OpenOptions) -> Result<Option<Box<dyn Store>>, Failure> {
        if !settings.store_path.exists() {
            return Ok(None);
        }
        Ok(Some(Box::new(SqliteStore::open(&settings.store_path, options, self.entropy.clone())?)))
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
