//! A mock Zoho CRM organisation over real HTTP, the levers on it, and the connector that speaks to it.
// Each test binary uses a part of this.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod scripted;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use connector::{Context, Fields, MemoryNotebook, Object, RecordId, Secret, SeededEntropy};
use connector_conformance::Levers;
pub use connector_conformance::{Vault, properties};
use connector_zoho::{Config, Limits, Timeouts, Zoho, connect};
use mock_crm::{Options, Running, zoho};
use reqwest::Method;
use serde_json::{Value as Json, json};

/// Records of one page, so that several pages take few records.
pub const PAGE: usize = 100;
const TOKEN: &str = "/oauth/v2/token";

/// Of an organisation at `url`, with time limits short enough to wait for.
pub fn config(url: &str) -> Config {
    let secret = |name: &str| Secret::Env(name.into());
    let base = Some(url.to_owned());
    let token_url = format!("{url}{TOKEN}");
    let mut config = Config::with_hosts(token_url, base, "mock-client".into(), secret("SECRET"), secret("REFRESH"));
    config.limits = Limits { page: PAGE, query_page: PAGE, ..Limits::default() };
    let secs = Duration::from_secs;
    config.timeouts = Timeouts { connect: secs(5), idle_read: secs(20), total: secs(30) };
    config
}

/// An organisation and everything a test does to it.
pub struct StandIn {
    mock: Running,
    levers: Levers,
    pub vault: Arc<Vault>,
    pub notebook: Arc<MemoryNotebook>,
    token: tokio::sync::Mutex<Option<String>>,
}

/// What a connection to the mock needs.
pub fn vault() -> Arc<Vault> {
    Vault::holding(&[("SECRET", "mock-secret"), ("REFRESH", "mock-refresh")])
}

impl Deref for StandIn {
    type Target = Levers;

    fn deref(&self) -> &Levers {
        &self.levers
    }
}

impl StandIn {
    /// An organisation with this many synthetic contacts; no rate limits.
    pub async fn start(contacts: u64) -> Self {
        let config = json!({ "rate_limits": false, "refresh_limit": 1_000 }).as_object().cloned().unwrap();
        let options = Options { records: Some(contacts), seed: 7, config, ..Options::default() };
        let mock = zoho::serve(options).await.expect("the mock starts");
        let levers = Levers::on(mock.url());
        Self {
            mock,
            levers,
            vault: vault(),
            notebook: Arc::new(MemoryNotebook::new()),
            token: tokio::sync::Mutex::new(None),
        }
    }

    pub fn context(&self) -> Context {
        Context {
            connection: "zoho".into(),
            clock: self.clock.clone(),
            entropy: Arc::new(SeededEntropy::new(7)),
            environment: self.vault.clone(),
            notebook: self.notebook.clone(),
        }
    }

    pub fn connector(&self) -> Zoho {
        self.connector_with(|_| {})
    }

    pub fn connector_with(&self, change: impl FnOnce(&mut Config)) -> Zoho {
        let mut config = config(self.url());
        change(&mut config);
        connect(config, self.context()).expect("the configuration is good")
    }

    /// An API call of the test's own, below `/crm/v8`.
    pub async fn api(&self, method: Method, path: &str, body: Option<Json>) -> (u16, Json) {
        for _ in 0..2 {
            let token = self.token().await;
            self.count_own_call();
            let mut request = self.http.request(method.clone(), format!("{}/crm/v8{path}", self.url()));
            request = request.header("authorization", format!("Zoho-oauthtoken {token}"));
            if let Some(body) = &body {
                request = request.json(body);
            }
            let answer = request.send().await.expect("an answer");
            let status = answer.status().as_u16();
            if status != 401 {
                return (status, serde_json::from_str(&answer.text().await.unwrap_or_default()).unwrap_or(Json::Null));
            }
            *self.token.lock().await = None;
        }
        panic!("the test cannot sign in");
    }

    async fn token(&self) -> String {
        let mut held = self.token.lock().await;
        if let Some(token) = &*held {
            return token.clone();
        }
        self.count_own_sign_in();
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "mock-client"),
            ("client_secret", "mock-secret"),
            ("refresh_token", "mock-refresh"),
        ];
        let answer = self.http.post(format!("{}{TOKEN}", self.url())).form(&form).send().await.expect("an answer");
        let granted: Json = answer.json().await.expect("a token");
        let token = granted["access_token"].as_str().unwrap_or_else(|| panic!("{granted}")).to_owned();
        *held = Some(token.clone());
        token
    }

    /// Tokens the connector has asked for.
    pub async fn sign_ins(&self) -> u64 {
        self.sign_ins_at(TOKEN).await
    }

    /// Reads of exactly this path.
    pub async fn gets(&self, path: &str) -> usize {
        let requests = self.lines("requests").await;
        requests.iter().filter(|line| line["method"] == "GET" && line["path"] == path).count()
    }

    /// Makes a field of a module.
    pub async fn make_field(&self, module: &str, field: Json) {
        let (status, answer) = self
            .api(Method::POST, &format!("/settings/fields?module={module}"), Some(json!({ "fields": [field] })))
            .await;
        assert_eq!(status, 201, "{answer}");
    }

    /// Creates a record as a person does.
    pub async fn seed(&self, object: &Object, fields: &Fields) -> Result<RecordId, String> {
        let mut properties = properties(fields);
        for (needed, value) in needs(object) {
            properties.entry(needed.to_owned()).or_insert_with(|| json!(value));
        }
        let made = self.rep("edit", json!({ "object": kind(object), "properties": properties })).await?;
        Ok(id_of(&made))
    }

    /// Creates contacts with these addresses in this field, a hundred at a time.
    pub async fn seed_contacts(&self, field: &str, emails: &[String]) -> Vec<RecordId> {
        let mut ids = Vec::with_capacity(emails.len());
        for emails in emails.chunks(100) {
            let rows: Vec<Json> = emails.iter().map(|email| json!({ "Last_Name": "Seeded", field: email })).collect();
            let body = json!({ "data": rows, "trigger": [] });
            let (status, answer) = self.api(Method::POST, "/Contacts", Some(body)).await;
            assert_eq!(status, 201, "{answer}");
            for made in answer["data"].as_array().expect("results") {
                ids.push(RecordId::from(made["details"]["id"].as_str().unwrap_or_else(|| panic!("{made}"))));
            }
        }
        ids
    }

    pub async fn edit(&self, object: &Object, ids: &[RecordId], fields: &Fields) -> Result<(), String> {
        self.rep_edit(kind(object), ids, fields).await
    }

    pub async fn mend(&self) {
        self.knobs(json!({ "faults": {}, "plan": [], "commit_delay_ms": 0 })).await;
        self.vault.set("REFRESH", "mock-refresh");
    }
}

pub fn id_of(made: &Json) -> RecordId {
    RecordId::from(made["id"].as_str().or(made["ids"][0].as_str()).unwrap_or_else(|| panic!("{made}")))
}

/// What Zoho wants of a new record.
fn needs(object: &Object) -> &'static [(&'static str, &'static str)] {
    match object {
        Object::Contact => &[("Last_Name", "Seeded")],
        Object::Lead => &[("Last_Name", "Seeded"), ("Company", "Seeded Works")],
        Object::Company => &[("Account_Name", "Seeded Works")],
        Object::Deal => &[
            ("Deal_Name", "Seeded"),
            ("Stage", "Qualification"),
            ("Closing_Date", "2026-12-31"),
            ("Pipeline", "Standard (Standard)"),
        ],
        _ => &[],
    }
}

pub fn kind(object: &Object) -> &str {
    match object {
        Object::Contact => "Contacts",
        Object::Company => "Accounts",
        Object::Deal => "Deals",
        Object::Lead => "Leads",
        other => other.as_str(),
    }
}
