//! A whole company's pipeline through Ferry: exports into a mock of each CRM, a pull, behaviour, scores, a push, and every
//! number held against the exports. The full set is read where it is (`FERRY_SHARED_DATA`, else `../shared/data` beside the
//! repository) and is no part of it; without it a small invented one with the same columns goes the same way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use connector::{FieldName, Object, ReadKey, ReadRequest, RecordId, Value};
use ferry::app::{Computing, Finished, Pulling, Pushing};
use ferry::config::Vendor::{self, Dynamics, Hubspot, Salesforce, Zoho};
use ferry::model::{Counts, Profile, RunState};
use mock_crm::Options;
use rust_decimal::Decimal;

use crate::harbour::{BETWEEN, Harbour, at};

#[path = "../../examples/crm-sales-opportunities/behaviour.rs"]
mod behaviour;

const DAY: &str = "2018-01-02";
const PUSHED: [&str; 8] = [
    "won_deals",
    "won_revenue",
    "last_won_at",
    "score_engagement",
    "score_reasons",
    "visits_30d",
    "pricing_views_30d",
    "first_touch_source",
];

/// The example's own file for a CRM, and the address of the mock in it.
fn example(vendor: Vendor) -> (&'static str, &'static str) {
    match vendor {
        Hubspot => (include_str!("../../examples/crm-sales-opportunities/sync.toml"), "http://127.0.0.1:7202"),
        Salesforce => (include_str!("../../examples/crm-sales-opportunities/salesforce.toml"), "http://127.0.0.1:7201"),
        Dynamics => (include_str!("../../examples/crm-sales-opportunities/dynamics.toml"), "http://127.0.0.1:7203"),
        Zoho => (include_str!("../../examples/crm-sales-opportunities/zoho.toml"), "http://127.0.0.1:7204"),
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
    vendor: Vendor,
    harbour: Harbour,
    ingested: Counts,
    people: Vec<(RecordId, Profile)>,
}

async fn sync(vendor: Vendor, exports: &Exports) -> Synced {
    let options = Options { seed_dir: Some(exports.folder.clone()), ..Options::default() };
    let (config, address) = example(vendor);
    let configured = |mocks: &[crate::mocks::Mock]| config.replace(address, mocks[0].url());
    let harbour = Harbour::around(at(&format!("{DAY}T09:00:00Z")), vec![(vendor, options)], configured).await;
    harbour.advance(BETWEEN);
    let (app, connection) = (&harbour.app, harbour.connection(vendor));
    done(&app.pull(connection, Pulling::default(), &()).await.unwrap());

    // Whoever has just been written to is not listed again yet.
    let ids = harbour.ids(vendor, &Object::Contact).await;
    let emails: Vec<String> =
        people(&harbour, vendor, &ids).await.iter().map(|(_, one)| text(one.value("email")).to_owned()).collect();
    let file = harbour.folder().join("behaviour.jsonl");
    std::fs::write(&file, behaviour::lines(&emails, DAY.parse().unwrap())).unwrap();
    let ingested = app.import(&file, "website".into(), &(), &|_| ()).await.unwrap();
    done(std::slice::from_ref(&ingested));
    done(&[app.compute(Computing::default(), &()).await.unwrap()]);
    done(&app.push(connection, Pushing::default(), &()).await.unwrap());
    let people = people(&harbour, vendor, &ids).await;
    Synced { vendor, harbour, ingested: ingested.run.counts, people }
}

fn done(runs: &[Finished]) {
    for finished in runs {
        assert_eq!(finished.run.state, RunState::Done, "{:?}", finished.run);
    }
    assert!(!runs.is_empty());
}

async fn people(harbour: &Harbour, vendor: Vendor, ids: &[RecordId]) -> Vec<(RecordId, Profile)> {
    let mut people = Vec::new();
    for id in ids {
        let profile = harbour.profile(&format!("crm:{}:contact:{id}", vendor.name())).await.profile;
        people.push((id.clone(), profile));
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
        rusqlite::Connection::open_with_flags(&self.harbour.app.settings.store_path, flags).unwrap()
    }

    fn by_stage(&self) -> BTreeMap<String, u64> {
        let database = self.database();
        let mut rows = database.prepare("SELECT stage, count(*) FROM deal GROUP BY stage").unwrap();
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))).unwrap();
        // Some CRMs have names of their own for stages.
        let plain = |(stage, count): (String, u64)| {
            let plain = match stage.as_str() {
                "1-Qualify" => "Prospecting",
                "2-Develop" => "Engaging",
                "Canceled" | "Out-Sold" => "Lost",
                other => other.strip_prefix("Closed ").unwrap_or(other),
            };
            (plain.to_owned(), count)
        };
        rows.map(Result::unwrap).map(plain).collect()
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
async fn agrees(vendor: Vendor, exports: &Exports) -> Synced {
    let synced = sync(vendor, exports).await;
    assert_eq!(synced.by_stage(), exports.by_stage(), "deals by stage");
    let names: Vec<String> = exports.agents.iter().map(|agent| format!("'{}'", agent[0].replace('\'', "''"))).collect();
    // Some organisations have users of their own beside those who sell.
    let sellers = format!("SELECT count(DISTINCT name) FROM crm_user WHERE name IN ({})", names.join(", "));
    assert_eq!(synced.ask::<i64>(&sellers) as usize, exports.agents.len(), "owners");
    let revenue: BTreeMap<_, _> = synced.revenue().into_iter().filter(|(_, sum)| !sum.is_zero()).collect();
    assert_eq!(revenue, exports.won_by_domain(), "won revenue per company, on the profiles of its people");
    let alone = "SELECT count(*) FROM deal WHERE NOT EXISTS (SELECT 1 FROM link WHERE a = record OR b = record)";
    assert_eq!(synced.ask::<i64>(alone).unsigned_abs(), exports.without_account(), "deals without an account");
    let stats = synced.harbour.app.store.stats().await.unwrap();
    let count = |object| stats.connections.values().next().unwrap().objects[&object].records as usize;
    assert_eq!(count(Object::Company), exports.accounts.len());
    assert_eq!(count(Object::Contact), exports.accounts.len() * 3);
    assert_eq!(count(Object::Deal), exports.deals.len());
    crm_holds_what_was_computed(&synced).await;
    a_second_cycle_writes_nothing(&synced).await;
    synced
}

async fn crm_holds_what_was_computed(synced: &Synced) {
    let connection = synced.harbour.connection(synced.vendor);
    let mapping = connection.settings.object(&Object::Contact).unwrap();
    let field = |name: &str| -> FieldName { mapping.of_attribute(name).unwrap().field.clone() };
    for chunk in synced.people.chunks(100) {
        let request = ReadRequest {
            object: Object::Contact,
            fields: PUSHED.iter().map(|name| field(name)).collect(),
            by: ReadKey::Ids(chunk.iter().map(|(id, _)| id.clone()).collect()),
        };
        let live = connection.connector.read(&request).await.unwrap();
        assert_eq!(live.len(), chunk.len());
        for record in live {
            let (_, profile) = chunk.iter().find(|(id, _)| *id == record.id).unwrap();
            for name in PUSHED {
                let line = mapping.of_attribute(name).unwrap();
                let there = line.canonical(record.fields.get(&line.field).unwrap_or(&Value::Null)).unwrap();
                let here = line.canonical(profile.value(&line.attribute)).unwrap();
                assert_eq!(there, here, "{name} of contact {}", record.id);
            }
        }
    }
}

async fn a_second_cycle_writes_nothing(synced: &Synced) {
    let harbour = &synced.harbour;
    let before = harbour.mock(synced.vendor).seq();
    // Without a computation: among so many people there is always one whose window slides meanwhile.
    harbour.advance(BETWEEN);
    for run in [harbour.pull(synced.vendor).await, harbour.push(synced.vendor).await].concat() {
        assert_eq!(run.state, RunState::Done, "{run:?}");
    }
    assert_eq!(
        harbour.mock(synced.vendor).ledger(before),
        Vec::<serde_json::Value>::new(),
        "at rest nothing is written"
    );
}

async fn a_small_pipeline(vendor: Vendor) {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/sales_sample");
    let synced = agrees(vendor, &Exports::read(sample)).await;
    assert_eq!(synced.revenue().values().sum::<Decimal>(), Decimal::from(32_384));
}

/// The facts of the example's README, the same at every CRM.
async fn the_full_pipeline(vendor: Vendor) {
    let Some(folder) = full_set() else {
        eprintln!("skipped: the facts of the full data set; FERRY_SHARED_DATA names no folder that has it");
        return;
    };
    let synced = agrees(vendor, &Exports::read(folder)).await;
    let stages = [("Engaging", 1_589), ("Lost", 2_473), ("Prospecting", 500), ("Won", 4_238)];
    assert_eq!(synced.by_stage(), stages.map(|(stage, count)| (stage.to_owned(), count)).into());
    assert_eq!(synced.revenue().values().sum::<Decimal>(), Decimal::from(10_005_534));
    assert_eq!(synced.revenue()["kancode.example"], Decimal::from(341_455));
    assert_eq!(synced.people.len(), 255);
    let scored = synced.people.iter().filter(|(_, one)| !number(one.value("score_engagement")).is_zero()).count();
    assert_eq!((synced.ingested.created, scored), (1_084, 189), "events, and people with a score");
}

#[tokio::test]
async fn a_small_invented_pipeline_arrives_whole_from_hubspot() {
    a_small_pipeline(Hubspot).await;
}

#[tokio::test]
async fn the_full_pipeline_has_the_facts_of_its_readme_on_hubspot() {
    the_full_pipeline(Hubspot).await;
}

#[tokio::test]
async fn a_small_invented_pipeline_arrives_whole_from_salesforce() {
    a_small_pipeline(Salesforce).await;
}

#[tokio::test]
async fn the_full_pipeline_has_the_facts_of_its_readme_on_salesforce() {
    the_full_pipeline(Salesforce).await;
}

#[tokio::test]
async fn a_small_invented_pipeline_arrives_whole_from_dynamics() {
    a_small_pipeline(Dynamics).await;
}

#[tokio::test]
async fn the_full_pipeline_has_the_facts_of_its_readme_on_dynamics() {
    the_full_pipeline(Dynamics).await;
}

#[tokio::test]
async fn a_small_invented_pipeline_arrives_whole_from_zoho() {
    a_small_pipeline(Zoho).await;
}

#[tokio::test]
async fn the_full_pipeline_has_the_facts_of_its_readme_on_zoho() {
    the_full_pipeline(Zoho).await;
}
