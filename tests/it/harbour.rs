//! A whole Ferry between mock CRMs over real HTTP: the real connectors, a real store in a temporary folder, and one clock for
//! all, which leaps.

#![allow(dead_code, reason = "a kit: tests use what they need")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use connector::{
    Clock, Environment, FieldName, Object, PullRequest, ReadKey, ReadRequest, RecordId, Secret, SecretError,
    SeededEntropy, Stream, Timestamp, Value,
};
use connector_conformance::LeapClock;
use ferry::app::{App, Computing, Connection, Finished, Pulling, Pushing, World as Outside};
use ferry::config::{self, Overrides, Vendor};
use ferry::model::{DeadLetter, DeadLetterId, Run, RunState};
use ferry::store::ProfileDetail;
use ferry::store::sqlite::{OpenOptions, SqliteStore};
use mock_crm::Options;
use secrecy::SecretString;

use crate::mocks::Mock;
use crate::world::start;

/// Between two cycles: longer than any lag of any CRM.
pub const BETWEEN: Duration = Duration::from_secs(300);

pub struct Harbour {
    pub app: App,
    pub mocks: Vec<Mock>,
    pub clock: Arc<LeapClock>,
    folder: tempfile::TempDir,
    config: String,
    starts: u64,
}

/// The credentials that every mock takes, by how the name of a variable ends.
#[derive(Debug)]
pub struct MockSecrets;

impl Environment for MockSecrets {
    fn read(&self, secret: &Secret) -> Result<SecretString, SecretError> {
        let Secret::Env(name) = secret else { panic!("only variables in tests") };
        let kept = [
            ("REFRESH_TOKEN", "mock-refresh"),
            ("WEBSITE_WRITE_KEY", "website-key"),
            ("BACKEND_WRITE_KEY", "backend-key"),
            ("TOKEN", "mock-token"),
            ("SECRET", "mock-secret"),
            ("ID", "mock-client"),
        ];
        let (_, value) = kept.iter().find(|(ending, _)| name.ends_with(ending)).unwrap();
        Ok(SecretString::from((*value).to_owned()))
    }
}

impl Harbour {
    /// Mocks without records; every connection has the lines of `more` after its own.
    pub async fn new(vendors: &[Vendor], more: &str) -> Self {
        let vendors: Vec<(Vendor, Options)> = vendors.iter().map(|vendor| (*vendor, Options::default())).collect();
        Self::with(vendors, "", more).await
    }

    pub async fn with(vendors: Vec<(Vendor, Options)>, sections: &str, more: &str) -> Self {
        let config = |mocks: &[Mock]| {
            let mut config = format!("preset = \"b2b\"\ntimezone = \"UTC\"\nbase_currency = \"USD\"\n{sections}\n");
            config.extend(mocks.iter().map(|mock| mock.entry(more)));
            config
        };
        Self::around(start(), vendors, config).await
    }

    /// Mocks and a configuration of the test's own, from an instant on; what Ferry writes has its fields.
    pub async fn around(
        at: Timestamp,
        vendors: Vec<(Vendor, Options)>,
        config: impl FnOnce(&[Mock]) -> String,
    ) -> Self {
        let clock = Arc::new(LeapClock::new(at));
        let mut mocks = Vec::new();
        for (vendor, options) in vendors {
            mocks.push(Mock::start(vendor, at, options).await);
        }
        let config = config(&mocks);
        let folder = tempfile::tempdir().unwrap();
        let app = open(&config, folder.path(), clock.clone(), 0);
        let harbour = Self { app, mocks, clock, folder, config, starts: 0 };
        for connection in &harbour.app.connections {
            ferry::cli::fields::of_connection(connection, &harbour.app.settings.model, true).await.unwrap();
        }
        harbour
    }

    /// The process ends without a word and starts again on the same file.
    pub async fn restart(mut self) -> Self {
        self.starts += 1;
        let Self { app, mocks, clock, folder, config, starts } = self;
        drop(app);
        let app = open(&config, folder.path(), clock.clone(), starts);
        app.store.recover(clock.now()).await.unwrap();
        Self { app, mocks, clock, folder, config, starts }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn mock(&self, vendor: Vendor) -> &Mock {
        self.mocks.iter().find(|mock| mock.vendor == vendor).unwrap()
    }

    pub fn connection(&self, vendor: Vendor) -> &Connection {
        self.app.connection(vendor.name()).unwrap()
    }

    /// Time passes, at the CRMs too.
    pub fn advance(&self, by: Duration) {
        self.clock.leap(by);
        self.mocks.iter().for_each(|mock| mock.set_clock(self.clock.now()));
    }

    pub async fn pull(&self, vendor: Vendor) -> Vec<Run> {
        runs(self.app.pull(self.connection(vendor), Pulling::default(), &()).await.unwrap())
    }

    pub async fn compute(&self) -> Run {
        self.app.compute(Computing::default(), &()).await.unwrap().run
    }

    pub async fn push(&self, vendor: Vendor) -> Vec<Run> {
        runs(self.app.push(self.connection(vendor), Pushing::default(), &()).await.unwrap())
    }

    /// Five minutes later: pull everything, compute, push everything. Every part must have ended well.
    pub async fn cycle(&self) -> Vec<Run> {
        self.advance(BETWEEN);
        let mut all = Vec::new();
        for mock in &self.mocks {
            all.extend(self.pull(mock.vendor).await);
        }
        all.push(self.compute().await);
        for mock in &self.mocks {
            all.extend(self.push(mock.vendor).await);
        }
        for run in &all {
            assert_eq!(run.state, RunState::Done, "{run:#?}\n{:#?}", self.dead_letters().await);
        }
        all
    }

    /// Two more cycles write nothing anywhere.
    pub async fn assert_rest(&self) {
        let before: Vec<u64> = self.mocks.iter().map(Mock::seq).collect();
        self.cycle().await;
        self.cycle().await;
        for (mock, seq) in self.mocks.iter().zip(before) {
            assert_eq!(mock.written(seq), Vec::<serde_json::Value>::new(), "{:?} at rest", mock.vendor);
        }
    }

    pub async fn profile(&self, key: &str) -> ProfileDetail {
        let id = self.app.store.find_profile(key).await.unwrap().unwrap_or_else(|| panic!("no profile {key}"));
        self.app.store.profile(id).await.unwrap().unwrap()
    }

    /// `hubspot contact 1`, `salesforce lead 2 (gone)` …, sorted.
    pub async fn records_of(&self, key: &str) -> Vec<String> {
        let profile = self.profile(key).await;
        let shown = |gone: bool| if gone { " (gone)" } else { "" };
        let mut records: Vec<String> =
            profile.records.iter().map(|record| format!("{}{}", record.key, shown(record.archived))).collect();
        records.sort();
        records
    }

    /// What the CRM holds of a trait, read through the connector.
    pub async fn value(&self, vendor: Vendor, object: &Object, id: &RecordId, name: &str) -> Value {
        let field: FieldName = self.mock(vendor).field(object, name).into();
        let by = ReadKey::Ids(vec![id.clone()]);
        let request = ReadRequest { object: object.clone(), fields: vec![field.clone()], by };
        let connection = self.connection(vendor);
        let records = connection.connector.read(&request).await.unwrap();
        let [record] = records.as_slice() else { panic!("{} records for {id}", records.len()) };
        let delivered = record.fields.get(&field).cloned().unwrap_or(Value::Null);
        let mapping = connection.settings.object(object).unwrap().of_attribute(name).unwrap();
        mapping.canonical(&delivered).unwrap()
    }

    /// Every live record of an object, as the CRM lists them.
    pub async fn ids(&self, vendor: Vendor, object: &Object) -> Vec<RecordId> {
        let (mut ids, mut cursor) = (Vec::new(), None);
        loop {
            let stream = Stream::Records(object.clone());
            let request = PullRequest { stream, fields: Vec::new(), links: Vec::new(), cursor, since: None };
            let page = self.connection(vendor).connector.pull(&request).await.unwrap();
            ids.extend(page.records.into_iter().map(|record| record.id));
            if !page.more {
                ids.sort();
                ids.dedup();
                return ids;
            }
            cursor = Some(page.resume);
        }
    }

    pub async fn dead_letters(&self) -> Vec<DeadLetter> {
        self.app.store.dead_letters(DeadLetterId(0), 1_000).await.unwrap()
    }

    /// Events as an import takes them: one JSON object per line.
    pub async fn import(&self, lines: &str) {
        let file = self.folder().join("events.jsonl");
        std::fs::write(&file, lines).unwrap();
        let imported = self.app.import(&file, "website".into(), &(), &|_| ()).await.unwrap();
        assert_eq!(imported.run.state, RunState::Done, "{:?}", imported.run);
    }
}

fn runs(finished: Vec<Finished>) -> Vec<Run> {
    finished.into_iter().map(|finished| finished.run).collect()
}

fn open(config: &str, folder: &Path, clock: Arc<LeapClock>, starts: u64) -> App {
    let settings = config::parse("sync.toml", config, folder, &Overrides::none())
        .unwrap_or_else(|failure| panic!("the test's configuration is refused:\n{failure}"))
        .settings;
    let entropy = Arc::new(SeededEntropy::new(7 + starts));
    let store = SqliteStore::open(&settings.store_path, OpenOptions::default(), entropy.clone()).unwrap();
    let outside = Outside { clock, entropy, environment: Arc::new(MockSecrets) };
    App::assemble(settings, Arc::new(store), outside).unwrap()
}

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}
