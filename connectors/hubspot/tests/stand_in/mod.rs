//! A mock HubSpot portal over real HTTP, the levers on it, and the connector that speaks to it.
// Each test binary uses a part of this.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector::{
    Clock, Context, Environment, Fields, MemoryNotebook, Object, RecordId, Secret, SecretError, SeededEntropy,
    SystemClock, Value,
};
use connector_conformance::LeapClock;
use connector_hubspot::{Auth, Config, HubSpot, Limits, Timeouts, connect};
use mock_crm::{Options, Running, hubspot};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Map, Value as Json, json};

/// Secrets by name, which a test may change.
#[derive(Default)]
pub struct Vault(Mutex<Vec<(String, String)>>);

impl Vault {
    pub fn set(&self, name: &str, value: &str) {
        let mut pairs = self.0.lock().unwrap();
        pairs.retain(|(have, _)| have != name);
        pairs.push((name.into(), value.into()));
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl Environment for Vault {
    fn read(&self, secret: &Secret) -> Result<SecretString, SecretError> {
        let Secret::Env(name) = secret else { panic!("only names are used here") };
        let pairs = self.0.lock().unwrap();
        let found = pairs.iter().find(|(have, _)| have == name);
        found.map(|(_, value)| SecretString::from(value.as_str())).ok_or_else(|| SecretError {
            code: "E021",
            message: format!("environment variable {name} is not set"),
            help: "export it".into(),
        })
    }
}

/// A portal and everything a test does to it.
pub struct StandIn {
    mock: Running,
    http: reqwest::Client,
    pub clock: Arc<LeapClock>,
    pub vault: Arc<Vault>,
    /// API calls of the test itself, which the connector's are counted without.
    own_calls: AtomicU64,
    offset_s: AtomicI64,
}

impl StandIn {
    /// A portal with this many synthetic contacts; no rate limits, no search lag.
    pub async fn start(contacts: u64) -> Self {
        let Json::Object(config) = json!({ "rate_limits": false, "search_lag_ms": 0 }) else { unreachable!() };
        Self::with(Options { records: Some(contacts), seed: 7, config, ..Options::default() }).await
    }

    pub async fn with(options: Options) -> Self {
        let mock = hubspot::serve(options).await.expect("the mock starts");
        let http = reqwest::Client::builder().no_proxy().retry(reqwest::retry::never()).build().expect("a client");
        let vault = Arc::new(Vault::default());
        for (name, value) in [("TOKEN", "mock-token"), ("SECRET", "mock-secret"), ("REFRESH", "mock-refresh")] {
            vault.set(name, value);
        }
        let clock = Arc::new(LeapClock::new(SystemClock.now()));
        Self { mock, http, clock, vault, own_calls: AtomicU64::new(0), offset_s: AtomicI64::new(0) }
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
        config.base_url = self.mock.url().into();
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

    /// Time passes for both sides.
    pub async fn advance(&self, by: Duration) {
        let seconds = i64::try_from(by.as_secs() + u64::from(by.subsec_nanos() > 0)).unwrap();
        let offset = self.offset_s.fetch_add(seconds, Ordering::SeqCst) + seconds;
        self.knobs(json!({ "clock_offset_s": offset })).await;
        self.clock.leap(Duration::from_secs(u64::try_from(seconds).unwrap()));
    }

    pub async fn knobs(&self, patch: Json) {
        let answer = self.http.put(format!("{}/__mock/config", self.mock.url())).json(&patch).send().await;
        let answer = answer.expect("an answer");
        let status = answer.status();
        assert!(status.is_success(), "{status}: {}", answer.text().await.unwrap_or_default());
    }

    /// Does what a person would in the CRM.
    pub async fn rep(&self, action: &str, body: Json) -> Result<Json, String> {
        let answer = self.http.post(format!("{}/__mock/{action}", self.mock.url())).json(&body).send().await;
        let answer = answer.map_err(|error| error.to_string())?;
        let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
        if status.is_success() {
            serde_json::from_str(&text).map_err(|error| error.to_string())
        } else {
            Err(format!("{action}: {status}: {text}"))
        }
    }

    /// An API call of the test's own.
    pub async fn api(&self, method: Method, path: &str, body: Option<Json>) -> (u16, Json) {
        self.own_calls.fetch_add(1, Ordering::SeqCst);
        let mut request = self.http.request(method, format!("{}{path}", self.mock.url())).bearer_auth("mock-token");
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap_or_default()).unwrap_or(Json::Null))
    }

    /// The lines of `ledger` or `requests`.
    pub async fn lines(&self, what: &str) -> Vec<Json> {
        let url = format!("{}/__mock/{what}", self.mock.url());
        let text = self.http.get(url).send().await.expect("an answer").text().await.expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }

    /// Requests the connector has sent.
    pub async fn requests(&self) -> u64 {
        let all = self.lines("requests").await.len() as u64;
        all - self.own_calls.load(Ordering::SeqCst)
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

    /// Every request meets this fault until [`Self::mend`].
    pub async fn fault(&self, name: &str) {
        self.knobs(json!({ "faults": { name: 1.0, "slow_ms": 600_000 } })).await;
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
