//! Ferry on a store in a fresh folder, connected to a mock.

use std::path::Path;
use std::sync::Arc;

use connector::{Environment, Object, OsEntropy, Secret, SecretError, SystemClock};
use ferry::app::{App, Computing, Connection, Pulling, Pushing, Sweeps, World};
use ferry::config::{self, Overrides};
use ferry::store::sqlite::{OpenOptions, SqliteStore};
use secrecy::SecretString;

/// Ten properties: six of the CRM's own and four of ours.
pub const CONFIG: &str = r#"
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

/// The mocks' secrets by name.
#[derive(Debug)]
struct Secrets;

impl Environment for Secrets {
    fn read(&self, secret: &Secret) -> Result<SecretString, SecretError> {
        Ok(match secret {
            Secret::Env(name) if name == "SECRET" => "mock-secret".into(),
            Secret::Env(name) if name == "REFRESH" => "mock-refresh".into(),
            _ => "mock-token".into(),
        })
    }
}

pub fn app(folder: &Path, url: &str) -> App {
    app_of(folder, &CONFIG.replace("BASE_URL", url))
}

pub fn app_of(folder: &Path, text: &str) -> App {
    let loaded = config::parse("sync.toml", text, folder, &Overrides::none()).unwrap_or_else(|why| panic!("{why}"));
    let entropy = Arc::new(OsEntropy);
    let path = &loaded.settings.store_path;
    let store = Arc::new(SqliteStore::open(path, OpenOptions::default(), entropy.clone()).unwrap());
    let world = World { clock: Arc::new(SystemClock), entropy, environment: Arc::new(Secrets) };
    App::assemble(loaded.settings, store, world).unwrap()
}

pub async fn create_fields(app: &App) {
    let fields = [
        ("cdp_page_views_30d", connector::FieldKind::Integer),
        ("cdp_last_page", connector::FieldKind::Text),
        ("cdp_profile_id", connector::FieldKind::Text),
    ];
    create(app, &fields).await;
}

/// Makes these fields of contacts; the profile id is unique.
pub async fn create(app: &App, fields: &[(&str, connector::FieldKind)]) {
    for (name, kind) in fields {
        let field = connector::NewField {
            name: (*name).into(),
            label: (*name).into(),
            description: "Written by Ferry".into(),
            kind: kind.clone(),
            unique: name.to_ascii_lowercase().contains("cdp_profile_id"),
        };
        connection(app).connector.create_field(&Object::Contact, &field).await.unwrap();
    }
}

pub fn connection(app: &App) -> &Connection {
    app.connections.first().unwrap()
}

pub async fn pull(app: &App, full: bool) {
    let what = Pulling { object: Some(&Object::Contact), full, sweeps: Sweeps::Due };
    let runs = app.pull(connection(app), what, &()).await.unwrap();
    assert!(runs.iter().all(|run| run.run.state == ferry::model::RunState::Done), "{runs:?}");
}

pub async fn import(app: &App, path: &Path) {
    let ended = app.import(path, "web".into(), &(), &|_| {}).await.unwrap();
    assert_eq!(ended.run.counts.failed, 0, "{ended:?}");
}

pub async fn compute(app: &App, records: u64) {
    let run = app.compute(Computing::default(), &()).await.unwrap().run;
    assert!(run.counts.updated >= records, "{run:?}");
}

pub async fn push(app: &App, records: u64) {
    let runs = app.push(connection(app), Pushing::default(), &()).await.unwrap();
    assert_eq!(runs.iter().map(|run| run.run.counts.updated).sum::<u64>(), records, "{runs:?}");
}

/// Pull, compute and push, whatever there is to do.
pub async fn cycle(app: &App) {
    pull(app, false).await;
    app.compute(Computing::default(), &()).await.unwrap();
    app.push(connection(app), Pushing::default(), &()).await.unwrap();
}

pub fn argument(name: &str) -> Option<u64> {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1)?.parse().ok()
}

pub fn flag(name: &str) -> bool {
    std::env::args().any(|argument| argument == name)
}
