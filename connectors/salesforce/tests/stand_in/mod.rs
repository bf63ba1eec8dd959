//! A mock Salesforce organisation over real HTTP, the levers on it, and the connector that speaks to it.
// Each test binary uses a part of this.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod scripted;
pub mod walks;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use connector::{Context, Fields, MemoryNotebook, Object, RecordId, Secret, SeededEntropy};
use connector_conformance::Levers;
pub use connector_conformance::{Vault, properties};
use connector_salesforce::{Config, Flow, Limits, Salesforce, Timeouts, connect};
use mock_crm::{Options, Running, salesforce};
use reqwest::Method;
use serde_json::{Value as Json, json};

/// Records of one page, so that several pages take few records.
pub const PAGE: usize = 200;
const TOKEN: &str = "/services/oauth2/token";

/// Signed in by refresh token at `url`, with time limits short enough to wait for.
pub fn config(url: &str) -> Config {
    let mut config = Config::new(Flow::Refresh {
        client_id: "mock-client".into(),
        client_secret: Some(Secret::Env("SECRET".into())),
        refresh_token: Secret::Env("REFRESH".into()),
    });
    config.login_url = url.into();
    config.limits = Limits { page: PAGE, ..Limits::default() };
    config.timeouts = Timeouts {
        connect: Duration::from_secs(5),
        idle_read: Duration::from_secs(20),
        total: Duration::from_secs(30),
    };
    config
}

/// An organisation and everything a test does to it.
pub struct StandIn {
    mock: Running,
    levers: Levers,
    pub vault: Arc<Vault>,
    pub notebook: Arc<MemoryNotebook>,
    session: tokio::sync::Mutex<Option<String>>,
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
        let Json::Object(config) = json!({ "rate_limits": false }) else { unreachable!() };
        let options = Options { records: Some(contacts), seed: 7, config, ..Options::default() };
        let mock = salesforce::serve(options).await.expect("the mock starts");
        let levers = Levers::on(mock.url());
        Self {
            mock,
            levers,
            vault: vault(),
            notebook: Arc::new(MemoryNotebook::new()),
            session: tokio::sync::Mutex::new(None),
        }
    }

    pub fn context(&self) -> Context {
        Context {
            connection: "salesforce".into(),
            clock: self.clock.clone(),
            entropy: Arc::new(SeededEntropy::new(7)),
            environment: self.vault.clone(),
            notebook: self.notebook.clone(),
        }
    }

    pub fn connector(&self) -> Salesforce {
        self.connector_with(config(self.url()))
    }

    pub fn connector_with(&self, config: Config) -> Salesforce {
        connect(config, self.context()).expect("the configuration is good")
    }

    /// An API call of the test's own, below `/services/data/v67.0`.
    pub async fn api(&self, method: Method, path: &str, body: Option<Json>) -> (u16, Json) {
        for _ in 0..2 {
            let token = self.token().await;
            self.count_own_call();
            let url = format!("{}/services/data/v67.0{path}", self.url());
            let mut request = self.http.request(method.clone(), url).bearer_auth(token);
            request = request.header("Sforce-Auto-Assign", "FALSE");
            if let Some(body) = &body {
                request = request.json(body);
            }
            let answer = request.send().await.expect("an answer");
            let status = answer.status().as_u16();
            if status != 401 {
                return (status, serde_json::from_str(&answer.text().await.unwrap_or_default()).unwrap_or(Json::Null));
            }
            *self.session.lock().await = None;
        }
        panic!("the test cannot sign in");
    }

    async fn token(&self) -> String {
        let mut session = self.session.lock().await;
        if let Some(token) = &*session {
            return token.clone();
        }
        self.count_own_sign_in();
        let form =
            [("grant_type", "client_credentials"), ("client_id", "mock-client"), ("client_secret", "mock-secret")];
        let answer = self.http.post(format!("{}{TOKEN}", self.url())).form(&form).send().await.expect("an answer");
        let granted: Json = answer.json().await.expect("a token");
        let token = granted["access_token"].as_str().expect("a token").to_owned();
        *session = Some(token.clone());
        token
    }

    /// Tokens the connector has asked for.
    pub async fn sign_ins(&self) -> u64 {
        self.sign_ins_at(TOKEN).await
    }

    /// Creates a record as a person does.
    pub async fn seed(&self, object: &Object, fields: &Fields) -> Result<RecordId, String> {
        let mut properties = properties(fields);
        for (needed, value) in needs(object) {
            properties.entry(needed.to_owned()).or_insert_with(|| json!(value));
        }
        let made = self.rep("edit", json!({ "object": kind(object), "properties": properties })).await?;
        Ok(RecordId::from(made["id"].as_str().unwrap_or_default()))
    }

    /// Creates contacts with these addresses, two hundred at a time.
    pub async fn seed_contacts(&self, emails: &[String]) -> Vec<RecordId> {
        self.seed_contacts_by("Email", emails).await
    }

    /// The same with the address in another field.
    pub async fn seed_contacts_by(&self, field: &str, emails: &[String]) -> Vec<RecordId> {
        let mut ids = Vec::with_capacity(emails.len());
        for emails in emails.chunks(200) {
            let record =
                |email: &String| json!({ "attributes": { "type": "Contact" }, "LastName": "Seeded", field: email });
            let records: Vec<Json> = emails.iter().map(record).collect();
            let body = json!({ "allOrNone": true, "records": records });
            let (status, answer) = self.api(Method::POST, "/composite/sobjects", Some(body)).await;
            assert_eq!(status, 200, "{answer}");
            for made in answer.as_array().expect("results") {
                ids.push(RecordId::from(made["id"].as_str().unwrap_or_else(|| panic!("{made}"))));
            }
        }
        ids
    }

    pub async fn edit(&self, object: &Object, ids: &[RecordId], fields: &Fields) -> Result<(), String> {
        self.rep_edit(kind(object), ids, fields).await
    }

    pub async fn mend(&self) {
        self.knobs(json!({ "faults": {}, "plan": [], "commit_delay_ms": 0, "next_records_host": "" })).await;
        self.vault.set("REFRESH", "mock-refresh");
    }
}

/// What Salesforce wants of a new record.
fn needs(object: &Object) -> &'static [(&'static str, &'static str)] {
    match object {
        Object::Contact => &[("LastName", "Seeded")],
        Object::Lead => &[("LastName", "Seeded"), ("Company", "Seeded Works")],
        Object::Company => &[("Name", "Seeded Works")],
        Object::Deal => &[("Name", "Seeded"), ("StageName", "Prospecting"), ("CloseDate", "2026-12-31")],
        _ => &[],
    }
}

pub fn kind(object: &Object) -> &str {
    match object {
        Object::Contact => "Contact",
        Object::Company => "Account",
        Object::Deal => "Opportunity",
        Object::Lead => "Lead",
        Object::User => "User",
        other => other.as_str(),
    }
}
