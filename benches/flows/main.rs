//! Whole flows against a mock CRM in a process of its own, each beside a floor measured in the same run.
//!
//! `cargo bench --bench flows -- --records 100000`; without the argument a smoke of 1,000 records. The first column to trust
//! is CPU per record: wall times are ratios inside one run at best. The mock's own CPU is not counted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod crm;
mod floor;
mod measure;

use std::path::Path;
use std::sync::Arc;

use connector::{Environment, Object, OsEntropy, Secret, SecretError, SystemClock};
use ferry::app::{App, Computing, Connection, Pulling, Pushing, Sweeps, World};
use ferry::config::{self, Overrides};
use ferry::store::sqlite::{OpenOptions, SqliteStore};
use secrecy::SecretString;

use crm::Crm;
use measure::{Measured, Table, measure};

/// Ten properties: six of the CRM's own and four of ours.
const CONFIG: &str = r#"
preset = "none"
timezone = "UTC"
base_currency = "USD"

[traits.page_views_30d]
kind = "count"
event = "page"
window = "30d"

[traits.last_page]
kind = "last"
event = "page"
property = "path"

[[source]]
name = "web"
type = "jsonl"

[[crm]]
name = "hubspot"
type = "hubspot"
base_url = "BASE_URL"
token = { env = "TOKEN" }

[crm.fields.contact]
email = "email"
first_name = "firstname"
last_name = "lastname"
phone = "phone"
title = { field = "jobtitle", direction = "pull" }
country = { field = "country", direction = "pull" }
city = { field = "city", direction = "pull" }
page_views_30d = "cdp_page_views_30d"
last_page = "cdp_last_page"
profile_id = "cdp_profile_id"

[safety]
max_update_share = 1.0
"#;

#[derive(Debug)]
struct Token;

impl Environment for Token {
    fn read(&self, _: &Secret) -> Result<SecretString, SecretError> {
        Ok(SecretString::from("mock-token".to_owned()))
    }
}

#[tokio::main]
async fn main() {
    let records = argument("--records").unwrap_or(1_000);
    let crm = Crm::start(records).await;
    crm.control(r#"{"rate_limits":false}"#).await;
    let folder = tempfile::tempdir().unwrap();
    let app = app(folder.path(), &crm.url);
    create_fields(&app).await;
    let mut table = Table::new(records);

    let pages = floor::fetch(&crm, &mut table, records).await;
    floor::insert(folder.path(), &mut table, records);
    pulls(&app, &crm, &mut table, records).await;
    floor::post(&crm, &mut table, pages).await;
    import(&app, &crm, &mut table, folder.path(), records).await;
    pushes(&app, &crm, &mut table, records).await;
    idle(&app, &crm, &mut table).await;
    table.print();
}

fn argument(name: &str) -> Option<u64> {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1)?.parse().ok()
}

fn app(folder: &Path, url: &str) -> App {
    let text = CONFIG.replace("BASE_URL", url);
    let loaded = config::parse("sync.toml", &text, folder, &Overrides::none()).unwrap_or_else(|why| panic!("{why}"));
    let entropy = Arc::new(OsEntropy);
    let path = &loaded.settings.store_path;
    let store = Arc::new(SqliteStore::open(path, OpenOptions::default(), entropy.clone()).unwrap());
    let world = World { clock: Arc::new(SystemClock), entropy, environment: Arc::new(Token) };
    App::assemble(loaded.settings, store, world).unwrap()
}

async fn create_fields(app: &App) {
    for (name, kind) in [
        ("cdp_page_views_30d", connector::FieldKind::Integer),
        ("cdp_last_page", connector::FieldKind::Text),
        ("cdp_profile_id", connector::FieldKind::Text),
    ] {
        let field = connector::NewField {
            name: name.into(),
            label: name.into(),
            description: "Written by Ferry".into(),
            kind,
            unique: name == "cdp_profile_id",
        };
        connection(app).connector.create_field(&Object::Contact, &field).await.unwrap();
    }
}

fn connection(app: &App) -> &Connection {
    app.connections.first().unwrap()
}

async fn pulls(app: &App, crm: &Crm, table: &mut Table, records: u64) {
    for (name, floor) in [("pull, fresh", "fetch + insert"), ("pull again, full, nothing changed", "fetch")] {
        let before = crm.requests().await;
        let measured = measure(records, pull(app, true)).await;
        table.add(name, Some(floor), measured, crm.requests().await - before);
    }
}

async fn pull(app: &App, full: bool) {
    let what = Pulling { object: Some(&Object::Contact), full, sweeps: Sweeps::Due };
    let runs = app.pull(connection(app), what, &()).await.unwrap();
    assert!(runs.iter().all(|run| run.run.state == ferry::model::RunState::Done), "{runs:?}");
}

/// One page view for every contact, by the address the CRM knows.
async fn import(app: &App, crm: &Crm, table: &mut Table, folder: &Path, records: u64) {
    let path = folder.join("events.jsonl");
    let events = floor::write_events(&path, crm, records).await;
    floor::append(folder, table, &path, events);
    let before = crm.requests().await;
    let measured = measure(events, async {
        let ended = app.import(&path, "web".into(), &(), &|_| {}).await.unwrap();
        assert_eq!(ended.run.counts.failed, 0, "{ended:?}");
    })
    .await;
    table.add("import of events", Some("append"), measured, crm.requests().await - before);
}

async fn pushes(app: &App, crm: &Crm, table: &mut Table, records: u64) {
    let measured = measure(records, compute(app, records)).await;
    table.add("compute, every profile stale", None, measured, 0);
    let before = crm.requests().await;
    let measured = measure(records, push(app, records)).await;
    let calls = crm.requests().await - before;
    table.add("push of three fields a record", Some("post"), measured, calls);
    // One call describes the fields; the rest are batches.
    assert_eq!(calls, records.div_ceil(100) + 1, "a push is exactly its batches");
}

async fn compute(app: &App, records: u64) {
    let run = app.compute(Computing::default(), &()).await.unwrap().run;
    assert!(run.counts.updated >= records, "{run:?}");
}

async fn push(app: &App, records: u64) {
    let runs = app.push(connection(app), Pushing::default(), &()).await.unwrap();
    assert_eq!(runs.iter().map(|run| run.run.counts.updated).sum::<u64>(), records, "{runs:?}");
}

/// A whole cycle in which nothing happened, after one that took the echo in.
async fn idle(app: &App, crm: &Crm, table: &mut Table) {
    let cycle = async || {
        pull(app, false).await;
        app.compute(Computing::default(), &()).await.unwrap();
        app.push(connection(app), Pushing::default(), &()).await.unwrap();
    };
    cycle().await;
    let (before, writes) = (crm.requests().await, crm.writes().await);
    let measured: Measured = measure(1, cycle()).await;
    table.add("idle cycle (of one object)", None, measured, crm.requests().await - before);
    assert_eq!(crm.writes().await, writes, "an idle cycle writes nothing");
}
