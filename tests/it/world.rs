//! A whole Ferry in a test: real settings, a real store in a temporary folder, a manual clock, seeded chance, and an
//! in-memory CRM on the other side.

#![allow(dead_code, reason = "a kit: tests use what they need")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use connector::{
    Clock, Connector, Environment, FieldKind, Fields, ManualClock, Object, RecordId, Secret, SecretError,
    SeededEntropy, Timestamp, Value,
};
use connector_conformance::MemoryCrm;
use connector_conformance::memory::{Entry, field};
use ferry::app::{App, Computing, Connection, Pulling, Pushing, World as Outside};
use ferry::config::{self, Overrides};
use ferry::model::{DeadLetter, DeadLetterId, Run, RunState};
use ferry::store::sqlite::{OpenOptions, SqliteStore};
use ferry::store::{ProfileDetail, Store};
use secrecy::SecretString;

pub const CONFIG: &str = r#"
preset = "b2b"
timezone = "UTC"
base_currency = "USD"

[[crm]]
name = "acme"
type = "hubspot"
token = { env = "TOKEN" }
"#;

/// Every secret is `s3cret`.
#[derive(Debug)]
pub struct NoSecrets;

impl Environment for NoSecrets {
    fn read(&self, _: &Secret) -> Result<SecretString, SecretError> {
        Ok(SecretString::from("s3cret".to_owned()))
    }
}

pub struct World {
    pub app: App,
    pub crm: MemoryCrm,
    pub clock: Arc<ManualClock>,
    folder: tempfile::TempDir,
    config: String,
}

/// The instant every test begins at.
pub fn start() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-02T09:00:00Z").unwrap()
}

impl World {
    pub fn new() -> Self {
        Self::with(CONFIG)
    }

    pub fn with(config: &str) -> Self {
        Self::around(config, |crm| Arc::new(crm.connector()))
    }

    /// A world whose connector is made by the test.
    pub fn around(config: &str, connector: impl FnOnce(&MemoryCrm) -> Arc<dyn Connector>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(start()));
        let crm = MemoryCrm::new(clock.clone());
        define_fields(&crm);
        let app = open(config, folder.path(), clock.clone(), connector(&crm));
        Self { app, crm, clock, folder, config: config.to_owned() }
    }

    /// The process ends without a word and starts again on the same file.
    pub async fn restart(&mut self) {
        let connector = self.app.connections[0].connector.clone();
        let clock = self.clock.clone();
        // The old store must be gone before the new one opens the file.
        let app = open(&self.config, self.folder.path(), clock, connector);
        self.app = app;
        self.app.store.recover(self.clock.now()).await.unwrap();
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    pub fn connection(&self) -> &Connection {
        &self.app.connections[0]
    }

    pub fn contact(&self, fields: &[(&str, &str)]) -> RecordId {
        self.crm.create(&Object::Contact, fields.iter().copied().collect::<Fields>())
    }

    pub async fn pull(&self) -> Vec<Run> {
        let pulled = self.app.pull(self.connection(), Pulling::default(), &()).await.unwrap();
        pulled.into_iter().map(|finished| finished.run).collect()
    }

    pub async fn compute(&self) -> Run {
        self.app.compute(Computing::default(), &()).await.unwrap().run
    }

    pub async fn push(&self) -> Run {
        let pushed = self.app.push(self.connection(), Pushing::default(), &()).await.unwrap();
        pushed.into_iter().next().unwrap().run
    }

    /// Pull, compute, push; every part must have ended well.
    pub async fn sync(&self) -> Run {
        for run in self.pull().await {
            assert_eq!(run.state, RunState::Done, "{run:?}");
        }
        assert_eq!(self.compute().await.state, RunState::Done);
        self.push().await
    }

    /// What was written to the CRM since the ledger's `seq`.
    pub fn written_since(&self, seq: u64) -> Vec<Entry> {
        let by_us = self.crm.by_us();
        by_us.into_iter().filter(|entry| entry.seq > seq).collect()
    }

    pub fn seq(&self) -> u64 {
        self.crm.ledger().last().map_or(0, |entry| entry.seq)
    }

    pub fn value(&self, id: &RecordId, field: &str) -> Value {
        self.crm.value(&Object::Contact, id, field)
    }

    pub async fn profile(&self, key: &str) -> ProfileDetail {
        let id = self.app.store.find_profile(key).await.unwrap().unwrap_or_else(|| panic!("no profile {key}"));
        self.app.store.profile(id).await.unwrap().unwrap()
    }

    pub async fn trait_of(&self, key: &str, name: &str) -> Value {
        self.profile(key).await.profile.value(name).clone()
    }

    pub async fn dead_letters(&self) -> Vec<DeadLetter> {
        self.app.store.dead_letters(DeadLetterId(0), 1_000).await.unwrap()
    }

    /// Dead letters by code.
    pub async fn codes(&self) -> BTreeMap<&'static str, usize> {
        let mut codes = BTreeMap::new();
        for letter in self.dead_letters().await {
            *codes.entry(letter.code.as_str()).or_default() += 1;
        }
        codes
    }
}

fn open(config: &str, folder: &Path, clock: Arc<ManualClock>, connector: Arc<dyn Connector>) -> App {
    let loaded = config::parse("sync.toml", config, folder, &Overrides::none())
        .unwrap_or_else(|failure| panic!("the test's configuration is refused:\n{failure}"));
    let entropy = Arc::new(SeededEntropy::new(7));
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&loaded.settings.store_path, OpenOptions::default(), entropy.clone()).unwrap());
    let outside = Outside { clock, entropy, environment: Arc::new(NoSecrets) };
    let connections = loaded
        .settings
        .connections
        .iter()
        .map(|settings| Connection { settings: settings.clone(), connector: connector.clone() });
    let connections = connections.collect();
    App::with_connections(loaded.settings, store, outside, connections)
}

/// The fields that the preset maps, as `fields --create` would make them, and the CRM's own.
fn define_fields(crm: &MemoryCrm) {
    let text = || FieldKind::Text;
    let number = || FieldKind::Decimal { scale: None };
    let contact = [
        ("firstname", text()),
        ("lastname", text()),
        ("jobtitle", text()),
        ("cdp_visits_30d", number()),
        ("cdp_page_views_30d", number()),
        ("cdp_pricing_views_30d", number()),
        ("cdp_last_seen_at", FieldKind::Instant),
        ("cdp_first_touch_source", text()),
        ("cdp_won_deals", number()),
        ("cdp_won_revenue", number()),
        ("cdp_last_won_at", FieldKind::Instant),
        ("cdp_score_engagement", number()),
        ("cdp_score_reasons", text()),
    ];
    for (name, kind) in contact {
        crm.define(&Object::Contact, field(name, kind));
    }
    for name in ["name", "domain"] {
        crm.define(&Object::Company, field(name, text()));
    }
}
