//! A whole Ferry in a test: real settings, a real store in a temporary folder, a clock that leaps instead of waiting,
//! seeded chance, and an in-memory CRM on the other side.

#![allow(dead_code, reason = "a kit: tests use what they need")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use connector::{
    Clock, Connector, Environment, FieldKind, Fields, Object, RecordId, Secret, SecretError, SeededEntropy, Timestamp,
    Value,
};
use connector_conformance::memory::{Entry, field};
use connector_conformance::{LeapClock, MemoryCrm};
use ferry::app::{App, Computing, Connection, Pulling, Pushing, World as Outside};
use ferry::config::{self, Overrides};
use ferry::ingest::{DecodeOptions, MAX_MESSAGE, decode};
use ferry::model::{
    DeadLetter, DeadLetterCode, DeadLetterId, MirrorField, OutboxEntry, RecordKey, Run, RunId, RunState, Side,
};
use ferry::store::sqlite::{OpenOptions, SqliteStore};
use ferry::store::{AppendEvents, JournalRow, ProfileDetail, Store};
use secrecy::SecretString;

use crate::declaring::declared;
use crate::tricks::Trickster;

pub const CONFIG: &str = r#"
preset = "b2b"
timezone = "UTC"
base_currency = "USD"

[[crm]]
name = "acme"
type = "hubspot"
token = { env = "TOKEN" }
"#;

/// Every secret is `s3cret`, but those that webhooks sign with.
#[derive(Debug)]
pub struct NoSecrets;

/// What webhooks sign with.
pub const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

impl Environment for NoSecrets {
    fn read(&self, secret: &Secret) -> Result<SecretString, SecretError> {
        let signs = matches!(secret, Secret::Env(name) if name.ends_with("_SIGNING"));
        Ok(SecretString::from(if signs { SIGNING } else { "s3cret" }.to_owned()))
    }
}

pub struct World {
    pub app: App,
    /// The first connection's account, and the only one unless the test says otherwise.
    pub crm: MemoryCrm,
    pub clock: Arc<LeapClock>,
    folder: tempfile::TempDir,
    config: String,
    messages: AtomicU64,
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
        Self::beginning(start(), config, connector)
    }

    /// The same, from another instant on.
    pub fn beginning(at: Timestamp, config: &str, connector: impl FnOnce(&MemoryCrm) -> Arc<dyn Connector>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(LeapClock::new(at));
        let crm = MemoryCrm::new(clock.clone());
        define_fields(&crm);
        let app = open(config, folder.path(), clock.clone(), &[connector(&crm)]);
        Self { app, crm, clock, folder, config: config.to_owned(), messages: AtomicU64::new(0) }
    }

    /// A world whose CRM can be told to misbehave.
    pub fn tricked(config: &str) -> (Self, Trickster) {
        let mut tricky = None;
        let world = Self::around(config, |crm| {
            let trickster = Trickster::new(crm.connector());
            tricky = Some(trickster.clone());
            Arc::new(trickster)
        });
        (world, tricky.unwrap())
    }

    /// Pushes until the connector stops dead; then the process is gone and a new one starts on the same file.
    pub async fn push_and_die(&mut self, tricky: &Trickster) {
        tokio::select! {
            biased;
            ended = self.push() => panic!("the push ended: {ended:?}"),
            () = tricky.dead.notified() => {}
        }
        self.restart().await;
    }

    /// The process ends without a word and starts again on the same file.
    pub async fn restart(&mut self) {
        let connector = self.app.connections[0].connector.clone();
        let clock = self.clock.clone();
        // The old store must be gone before the new one opens the file.
        let app = open(&self.config, self.folder.path(), clock, &[connector]);
        self.app = app;
        self.app.store.recover(self.clock.now()).await.unwrap();
    }

    /// The same store and CRM under another `sync.toml`.
    pub fn reconfigure(&mut self, config: &str) {
        let connector = self.app.connections[0].connector.clone();
        config.clone_into(&mut self.config);
        self.app = open(config, self.folder.path(), self.clock.clone(), &[connector]);
    }

    /// The process ends, and leaves its folder.
    pub fn ended(self) -> tempfile::TempDir {
        self.folder
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn advance(&self, by: Duration) {
        self.clock.leap(by);
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

    /// A push to its end, with what it says a person can do.
    pub async fn push_with(&self, what: Pushing<'_>) -> Run {
        self.app.push(self.connection(), what, &()).await.unwrap().into_iter().next().unwrap().run
    }

    /// The records of contacts, without the other objects.
    pub async fn pull_contacts(&self) -> Run {
        let what = Pulling { object: Some(&Object::Contact), ..Pulling::default() };
        self.app.pull(self.connection(), what, &()).await.unwrap().into_iter().next().unwrap().run
    }

    /// Our side learns traits of a person, as an identify call says them. `traits` is JSON.
    pub async fn identify(&self, email: &str, traits: serde_json::Value) {
        self.clock.leap(Duration::from_millis(1));
        let (now, number) = (self.clock.now(), self.messages.fetch_add(1, Ordering::SeqCst));
        let mut traits = traits;
        traits["email"] = email.into();
        let message = serde_json::json!({
            "type": "identify", "messageId": format!("m{number}"), "userId": format!("user of {email}"),
            "traits": traits, "timestamp": now.to_rfc3339(),
        });
        self.message(&message.to_string()).await.unwrap();
    }

    /// One message as an import takes it; `Err` is what is wrong with it.
    pub async fn message(&self, text: &str) -> Result<(), String> {
        self.message_of("file", text).await
    }

    /// The same of a source.
    pub async fn message_of(&self, source: &str, text: &str) -> Result<(), String> {
        let now = self.clock.now();
        let options = DecodeOptions {
            source: source.into(),
            max_message: MAX_MESSAGE,
            client: false,
            identity: self.app.settings.identity.clone(),
        };
        let event = decode(text, now, &options).map_err(|error| error.code.to_owned())?;
        let facts = self.app.model.facts(&event);
        let run = RunId(self.app.world.entropy.uuid(now));
        let batch =
            AppendEvents { run, now, events: vec![(event, facts)], dead_letters: Vec::new(), rejected: Vec::new() };
        self.app.store.append_events(batch, declared(now, &self.app.settings.identity)).await.unwrap();
        Ok(())
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

    pub async fn mirror_of(&self, id: &RecordId, field: &str) -> Option<MirrorField> {
        let key = self.key(id);
        let items = self.app.store.stage_items(vec![key]).await.unwrap();
        items.first()?.record.as_ref()?.mirror.get(field).cloned()
    }

    pub fn key(&self, id: &RecordId) -> RecordKey {
        RecordKey { connection: self.connection().name().clone(), object: Object::Contact, id: id.clone() }
    }

    pub async fn outbox(&self) -> Vec<OutboxEntry> {
        self.app.store.outbox(self.connection().name(), &Object::Contact, 10_000).await.unwrap()
    }

    /// Retries the only dead letter with this code.
    pub async fn retry(&self, code: DeadLetterCode, verdict: Option<Side>) {
        let letters = self.dead_letters().await;
        let mut found = letters.iter().filter(|letter| letter.code == code);
        let letter = found.next().unwrap_or_else(|| panic!("no {code} among {letters:?}"));
        assert!(found.next().is_none(), "several {code} letters: {letters:?}");
        assert!(self.app.store.retry_dead_letter(letter.id, verdict).await.unwrap());
    }

    /// What the last run wrote into the journal.
    pub async fn journal(&self, run: &Run) -> Vec<JournalRow> {
        self.app.store.run(&run.id.to_string()).await.unwrap().unwrap().1
    }

    /// Two more cycles, a minute apart, make no push call and no write.
    pub async fn assert_rest(&self) {
        let (seq, calls) = (self.seq(), self.crm.calls().push);
        for _ in 0..2 {
            self.advance(Duration::from_secs(60));
            self.sync().await;
        }
        assert_eq!(self.written_since(seq), [], "at rest nothing is written");
        assert_eq!(self.crm.calls().push, calls, "at rest nothing is sent");
        assert_eq!(self.outbox().await.len(), 0, "at rest nothing is queued");
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

/// A minimal configuration without a preset: `email` pulled, and these lines of `[crm.fields.contact]`.
pub fn mapped(lines: &str) -> String {
    configured("", "", lines)
}

/// The same with root sections and further lines of the connection.
pub fn configured(sections: &str, connection: &str, lines: &str) -> String {
    format!(
        r#"
timezone = "UTC"
base_currency = "USD"
{sections}
[[crm]]
name = "acme"
type = "hubspot"
token = {{ env = "TOKEN" }}
{connection}
[crm.fields.contact]
email = {{ field = "email", direction = "pull" }}
{lines}
"#
    )
}

/// An App on the file in this folder. A connection without a connector of its own gets the last one.
pub fn open(config: &str, folder: &Path, clock: Arc<LeapClock>, connectors: &[Arc<dyn Connector>]) -> App {
    let loaded = config::parse("sync.toml", config, folder, &Overrides::none())
        .unwrap_or_else(|failure| panic!("the test's configuration is refused:\n{failure}"));
    // A process that starts again draws other numbers than the one before.
    let starts = folder.join("starts");
    let started = std::fs::read(&starts).map_or(0, |bytes| bytes.len());
    std::fs::write(&starts, vec![b'.'; started + 1]).unwrap();
    let entropy = Arc::new(SeededEntropy::new(7 + started as u64));
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(&loaded.settings.store_path, OpenOptions::default(), entropy.clone()).unwrap());
    let outside = Outside { clock, entropy, environment: Arc::new(NoSecrets) };
    let connections = loaded
        .settings
        .connections
        .iter()
        .zip(connectors.iter().chain(std::iter::repeat(connectors.last().unwrap())))
        .map(|(settings, connector)| Connection { settings: settings.clone(), connector: connector.clone() });
    let connections = connections.collect();
    let app = App::with_connections(loaded.settings, store, outside, connections).unwrap();
    // Tests make their world between two steps of theirs: a thread of its own waits for the store.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(app.under_rules_in_force()).unwrap().0
        });
        waiting.join().unwrap()
    })
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
        ("cdp_score", number()),
        ("cdp_grade", text()),
        ("cdp_score_reasons", text()),
        ("cdp_score_change", text()),
        ("cdp_segments", text()),
    ];
    for (name, kind) in contact {
        crm.define(&Object::Contact, field(name, kind));
    }
    for name in ["name", "domain"] {
        crm.define(&Object::Company, field(name, text()));
    }
}
