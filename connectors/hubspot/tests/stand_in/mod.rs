//! A mock HubSpot portal over real HTTP, the levers on it, and the connector that speaks to it.
// Each test binary uses a part of this.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use connector::{Context, Fields, MemoryNotebook, Object, RecordId, Secret, SeededEntropy, Value};
use connector_conformance::Levers;
pub use connector_conformance::Vault;
use connector_hubspot::{Auth, Config, HubSpot, Limits, Timeouts, connect};
use mock_crm::{Options, Running, hubspot};
use reqwest::Method;
use serde_json::{Map, Value as Json, json};

/// A portal and everything a test does to it.
pub struct StandIn {
    mock: Running,
    levers: Levers,
    pub vault: Arc<Vault>,
}

/// What a connection to the mock needs.
pub fn vault() -> Arc<Vault> {
    Vault::holding(&[("TOKEN", "mock-token"), ("SECRET", "mock-secret"), ("REFRESH", "mock-refresh")])
}

impl Deref for StandIn {
    type Target = Levers;

    fn deref(&self) -> &Levers {
        &self.levers
    }
}

impl StandIn {
    /// A portal with this many synthetic contacts; no rate limits, no search lag.
    pub async fn start(contacts: u64) -> Self {
        let Json::Object(config) = json!({ "rate_limits": false, "search_lag_ms": 0 }) else { unreachable!() };
        Self::with(Options { records: Some(contacts), seed: 7, config, ..Options::default() }).await
    }

    pub async fn with(options: Options) -> Self {
        let mock = hubspot::serve(options).await.expect("the mock starts");
        let levers = Levers::on(mock.url());
        Self { mock, levers, vault: vault() }
    }

    pub fn context(&self) -> Context {
        Context {
            connection: "hubspot".into(),
            clock: self.clock.clone(),
            entropy: Arc::new(SeededEntropy::new(7)),
            environment: self.vault.clone(),
            notebook: Arc::new(MemoryNotebook::new()),
        }
    }

    /// Signed in by OAuth, with time limits short enough to wait for.
    pub fn config(&self) -> Config {
        let mut config = Config::new(Auth::OAuth {
            client_id: "mock-client".into(),
            client_secret: Secret::Env("SECRET".into()),
            refresh_token: Secret::Env("REFRESH".into()),
            token_url: None,
        });
        config.base_url = self.url().into();
        config.limits = Limits::unlimited();
        config.timeouts = Timeouts {
            connect: Duration::from_secs(5),
            idle_read: Duration::from_secs(20),
            total: Duration::from_secs(30),
        };
        config
    }

    pub fn connector(&self) -> HubSpot {
        connect(self.config(), self.context()).expect("the configuration is good")
    }

    /// An API call of the test's own.
    pub async fn api(&self, method: Method, path: &str, body: Option<Json>) -> (u16, Json) {
        self.count_own_call();
        let mut request = self.http.request(method, format!("{}{path}", self.url())).bearer_auth("mock-token");
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap_or_default()).unwrap_or(Json::Null))
    }

    /// Creates a record as a person does.
    pub async fn seed(&self, object: &Object, fields: &Fields) -> Result<RecordId, String> {
        let made = self.rep("edit", json!({ "object": kind(object), "properties": properties(fields) })).await?;
        Ok(RecordId::from(made["id"].as_str().unwrap_or_default()))
    }

    /// Creates contacts with these addresses, a hundred at a time.
    pub async fn seed_contacts(&self, emails: &[String]) -> Vec<RecordId> {
        let mut ids = Vec::with_capacity(emails.len());
        for emails in emails.chunks(100) {
            let input = |(at, email): (usize, &String)| json!({ "objectWriteTraceId": at.to_string(), "properties": { "email": email } });
            let inputs: Vec<Json> = emails.iter().enumerate().map(input).collect();
            let path = "/crm/objects/2026-09/contacts/batch/create";
            let (status, answer) = self.api(Method::POST, path, Some(json!({ "inputs": inputs }))).await;
            assert_eq!(status, 201, "{answer}");
            let made = answer["results"].as_array().expect("results");
            for email in emails {
                let row = made.iter().find(|row| row["properties"]["email"] == email.as_str()).expect("a row");
                ids.push(RecordId::from(row["id"].as_str().expect("an id")));
            }
        }
        ids
    }

    pub async fn edit(&self, object: &Object, ids: &[RecordId], fields: &Fields) -> Result<(), String> {
        let ids: Vec<&str> = ids.iter().map(RecordId::as_str).collect();
        let body = json!({ "object": kind(object), "ids": ids, "properties": properties(fields) });
        self.rep("edit", body).await.map(drop)
    }

    pub async fn mend(&self) {
        self.knobs(json!({ "faults": {}, "plan": [], "search_lag_ms": 0 })).await;
        self.vault.set("REFRESH", "mock-refresh");
    }
}

pub fn kind(object: &Object) -> &str {
    match object {
        Object::Contact => "contacts",
        Object::Company => "companies",
        Object::Deal => "deals",
        other => other.as_str(),
    }
}

/// Field values as HubSpot takes them from a person's browser.
pub fn properties(fields: &Fields) -> Json {
    let pairs: Map<String, Json> = fields.iter().map(|(name, value)| (name.to_string(), text(value).into())).collect();
    Json::Object(pairs)
}

fn text(value: &Value) -> String {
    value.to_string()
}
