//! A whole company's pipeline through Ferry: exports into a HubSpot mock, a pull, behaviour, scores, a push, and every
//! number held against the exports. The full set is read where it is (`FERRY_SHARED_DATA`, else `../shared/data` beside the
//! repository) and is no part of it; without it a small invented one with the same columns goes the same way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use connector::{
    Clock, Environment, FieldName, Object, ReadKey, ReadRequest, RecordId, Secret, SecretError, SeededEntropy,
    SystemClock, Timestamp, Value,
};
use ferry::app::{App, Computing, Finished, Pulling, Pushing, World};
use ferry::config::{self, Overrides};
use ferry::model::{Counts, RunState};
use ferry::store::sqlite::{OpenOptions, SqliteStore};
use mock_crm::{Options, Running};
use rust_decimal::Decimal;
use secrecy::SecretString;
use serde_json::json;

#[path = "../../examples/crm-sales-opportunities/behaviour.rs"]
mod behaviour;

const CONFIG: &str = include_str!("../../examples/crm-sales-opportunities/sync.toml");
const DAY: &str = "2018-01-02";
const FIRST_CONTACT: u64 = 10_000_000_001;
const PUSHED: [&str; 8] = [
    "cdp_won_deals",
    "cdp_won_revenue",
    "cdp_last_won_at",
    "cdp_score_engagement",
    "cdp_score_reasons",
    "cdp_visits_30d",
    "cdp_pricing_views_30d",
    "cdp_first_touch_source",
];

/// Moves by what is slept and by nothing else; the waiting is real.
#[derive(Debug)]
struct Standing(AtomicI64);

#[async_trait::async_trait]
impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }

    async fn sleep(&self, how_long: Duration) {
        SystemClock.sleep(how_long).await;
        self.0.fetch_add(i64::try_from(how_long.as_micros()).unwrap(), Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct MockToken;

impl Environment for MockToken {
    fn read(&self, _: &Secret) -> Result<SecretString, SecretError> {
        Ok(SecretString::from("mock-token".to_owned()))
    }
}

/// The exports as they are.
struct Exports {
    folder: PathBuf,
    accounts: Vec<Vec<String>>,
    agents: Vec<Vec<String>>,
    deals: Vec<Vec<String>>,
}

impl Exports {
    fn read(folder: PathBuf) -> Self {
        let rows = |name: &str| -> Vec<Vec<String>> {
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            text.lines().skip(1).map(|line| line.split(',').map(|cell| cell.trim().to_owned()).collect()).collect()
        };
        let (accounts, agents) = (rows("accounts.csv"), rows("sales_teams.csv"));
        Self { accounts, agents, deals: rows("sales_pipeline.csv"), folder }
    }

    fn by_stage(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for deal in &self.deals {
            *counts.entry(deal[4].clone()).or_default() += 1;
        }
        counts
    }

    /// Won revenue by the domain an account has in the CRM.
    fn won_by_domain(&self) -> BTreeMap<String, Decimal> {
        let mut sums = BTreeMap::new();
        for deal in self.deals.iter().filter(|deal| deal[4] == "Won") {
            let word: String = deal[3].chars().filter(char::is_ascii_alphanumeric).collect();
            let sum: &mut Decimal = sums.entry(format!("{}.example", word.to_lowercase())).or_default();
            *sum += deal[7].parse::<Decimal>().unwrap();
        }
        sums
    }

    fn without_account(&self) -> u64 {
        self.deals.iter().filter(|deal| deal[3].is_empty()).count() as u64
    }
}

fn full_set() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let shared = std::env::var_os("FERRY_SHARED_DATA").map_or(beside, PathBuf::from);
    Some(shared.join("crm-sales-opportunities")).filter(|folder| folder.join("sales_pipeline.csv").exists())
}

/// A store and a CRM that have been through everything.
struct Synced {
    app: App,
    crm: Running,
    ingested: Counts,
    people: Vec<(RecordId, ferry::model::Profile)>,
    folder: tempfile::TempDir,
}

async fn sync(exports: &Exports) -> Synced {
    let now = Timestamp::parse_rfc3339(&format!("{DAY}T09:00:00Z")).unwrap();
    let settings = json!({ "rate_limits": false, "search_lag_ms": 0, "frozen_at": now.to_rfc3339() });
    let serde_json::Value::Object(knobs) = settings else { panic!("an object") };
    let options = Options { seed_dir: Some(exports.folder.clone()), config: knobs, ..Options::default() };
    let crm = mock_crm::hubspot::serve(options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = CONFIG.replace("http://127.0.0.1:7202", crm.url());
    let settings = config::parse("sync.toml", &config, folder.path(), &Overrides::none()).unwrap().settings;
    let entropy = Arc::new(SeededEntropy::new(7));
    let store = SqliteStore::open(&settings.store_path, OpenOptions::default(), entropy.clone()).unwrap();
    let world =
        World { clock: Arc::new(Standing(AtomicI64::new(now.micros()))), entropy, environment: Arc::new(MockToken) };
    let app = App::assemble(settings, Arc::new(store), world).unwrap();
    let connection = &app.connections[0];
    ferry::cli::fields::of_connection(connection, &app.settings.model, true).await.unwrap();
    done(&app.pull(connection, Pulling::default(), &()).await.unwrap());

    let contacts = exports.accounts.len() as u64 * 3;
    let emails: Vec<String> =
        people(&app, contacts).await.iter().map(|(_, one)| text(one.value("email")).to_owned()).collect();
    let file = folder.path().join("behaviour.jsonl");
    std::fs::write(&file, behaviour::lines(&emails, DAY.parse().unwrap())).unwrap();
    let ingested = app.import(&file, "website".into(), &(), &|_| ()).await.unwrap();
    done(std::slice::from_ref(&ingested));
    done(&[app.compute(Computing::default(), &()).await.unwrap()]);
    done(&app.push(connection, Pushing::default(), &()).await.unwrap());
    let people = people(&app, contacts).await;
    Synced { app, crm, ingested: ingested.run.counts, people, folder }
}

fn done(runs: &[Finished]) {
    for finished in runs {
        assert_eq!(finished.run.state, RunState::Done, "{:?}", finished.run);
    }
    assert!(!runs.is_empty());
}

async fn people(app: &App, contacts: u64) -> Vec<(RecordId, ferry::model::Profile)> {
    let mut people = Vec::new();
    for number in 0..contacts {
        let id = (FIRST_CONTACT + number).to_string();
        let key = format!("crm:hubspot:contact:{id}");
        let profile = app.store.find_profile(&key).await.unwrap().unwrap_or_else(|| panic!("no profile {key}"));
        people.push((RecordId::from(id), app.store.profile(profile).await.unwrap().unwrap().profile));
    }
    people
}

fn text(value: &Value) -> &str {
    value.as_text().unwrap_or_default()
}

fn number(value: &Value) -> Decimal {
    match value {
        Value::Number(number) => *number,
        other => panic!("{other:?} is no number"),
    }
}

impl Synced {
    fn ask<T: rusqlite::types::FromSql>(&self, sql: &str) -> T {
        self.database().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn database(&self) -> rusqlite::Connection {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        rusqlite::Connection::open_with_flags(self.folder.path().join("ferry.db"), flags).unwrap()
    }

    fn by_stage(&self) -> BTreeMap<String, u64> {
        let database = self.database();
        let mut rows = database.prepare("SELECT stage, count(*) FROM deal GROUP BY stage").unwrap();
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    fn revenue(&self) -> BTreeMap<String, Decimal> {
        let mut sums = BTreeMap::new();
        for (_, profile) in &self.people {
            let (_, domain) = text(profile.value("email")).split_once('@').unwrap();
            *sums.entry(domain.to_owned()).or_default() += number(profile.value("won_revenue"));
        }
        sums
    }
}

/// Everything that must be so for any exports.
async fn agrees(exports: &Exports) -> Synced {
    let synced = sync(exports).await;
    assert_eq!(synced.by_stage(), exports.by_stage(), "deals by stage");
    assert_eq!(synced.ask::<i64>("SELECT count(*) FROM crm_user") as usize, exports.agents.len(), "owners");
    let revenue: BTreeMap<_, _> = synced.revenue().into_iter().filter(|(_, sum)| !sum.is_zero()).collect();
    assert_eq!(revenue, exports.won_by_domain(), "won revenue per company, on the profiles of its people");
    let alone = "SELECT count(*) FROM deal WHERE NOT EXISTS (SELECT 1 FROM link WHERE a = record OR b = record)";
    assert_eq!(synced.ask::<i64>(alone).unsigned_abs(), exports.without_account(), "deals without an account");
    let stats = synced.app.store.stats().await.unwrap();
    let count = |object| stats.connections.values().next().unwrap().objects[&object].records as usize;
    assert_eq!(count(Object::Company), exports.accounts.len());
    assert_eq!(count(Object::Contact), exports.accounts.len() * 3);
    assert_eq!(count(Object::Deal), exports.deals.len());
    crm_holds_what_was_computed(&synced).await;
    a_second_cycle_writes_nothing(&synced).await;
    synced
}

async fn crm_holds_what_was_computed(synced: &Synced) {
    let connection = &synced.app.connections[0];
    let mapping = connection.settings.object(&Object::Contact).unwrap();
    for chunk in synced.people.chunks(100) {
        let request = ReadRequest {
            object: Object::Contact,
            fields: PUSHED.iter().map(|field| FieldName::from(*field)).collect(),
            by: ReadKey::Ids(chunk.iter().map(|(id, _)| id.clone()).collect()),
        };
        let live = connection.connector.read(&request).await.unwrap();
        assert_eq!(live.len(), chunk.len());
        for record in live {
            let (_, profile) = chunk.iter().find(|(id, _)| *id == record.id).unwrap();
            for field in PUSHED {
                let line = mapping.of_field(field).next().unwrap();
                let there = line.canonical(record.fields.get(field).unwrap_or(&Value::Null)).unwrap();
                let here = line.canonical(profile.value(&line.attribute)).unwrap();
                assert_eq!(there, here, "{field} of contact {}", record.id);
            }
        }
    }
}

async fn a_second_cycle_writes_nothing(synced: &Synced) {
    let ledger = || synced.crm.control("GET", "ledger", None).1.lines().count();
    let before = ledger();
    let connection = &synced.app.connections[0];
    done(&synced.app.pull(connection, Pulling::default(), &()).await.unwrap());
    done(&[synced.app.compute(Computing::default(), &()).await.unwrap()]);
    done(&synced.app.push(connection, Pushing::default(), &()).await.unwrap());
    assert_eq!(ledger(), before, "an idle cycle writes nothing");
}

#[tokio::test]
async fn a_small_invented_pipeline_arrives_whole() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/sales_sample");
    let synced = agrees(&Exports::read(sample)).await;
    assert_eq!(synced.revenue().values().sum::<Decimal>(), Decimal::from(32_384));
}

#[tokio::test]
async fn the_full_pipeline_has_the_facts_of_its_readme() {
    let Some(folder) = full_set() else {
        eprintln!("skipped: the facts of the full data set; FERRY_SHARED_DATA names no folder that has it");
        return;
    };
    let synced = agrees(&Exports::read(folder)).await;
    let stages = [("Engaging", 1_589), ("Lost", 2_473), ("Prospecting", 500), ("Won", 4_238)];
    assert_eq!(synced.by_stage(), stages.map(|(stage, count)| (stage.to_owned(), count)).into());
    assert_eq!(synced.revenue().values().sum::<Decimal>(), Decimal::from(10_005_534));
    assert_eq!(synced.revenue()["kancode.example"], Decimal::from(341_455));
    assert_eq!(synced.people.len(), 255);
    let scored = synced.people.iter().filter(|(_, one)| !number(one.value("score_engagement")).is_zero()).count();
    assert_eq!((synced.ingested.created, scored), (1_084, 189), "events, and people with a score");
}
