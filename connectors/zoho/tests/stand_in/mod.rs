//! A mock Zoho CRM organisation over real HTTP, the levers on it, and the connector that speaks to it.
// Each test binary uses a part of this.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod scripted;

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector::{
    Clock, Context, Environment, Fields, MemoryNotebook, Object, RecordId, Secret, SecretError, SeededEntropy,
    SystemClock, Value,
};
use connector_conformance::LeapClock;
use connector_zoho::{Config, Limits, Timeouts, Zoho, connect};
use mock_crm::{Options, Running, zoho};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Map, Value as Json, json};

/// Records of one page, so that several pages take few records.
pub const PAGE: usize = 100;
const TOKEN: &str = "/oauth/v2/token";

/// The refresh token as the environment keeps it; a test may change it.
#[derive(Default)]
pub struct Vault(Mutex<Option<String>>);

impl Vault {
    pub fn set_refresh_token(&self, token: &str) {
        *self.0.lock().unwrap() = Some(token.to_owned());
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl Environment for Vault {
    fn read(&self, secret: &Secret) -> Result<SecretString, SecretError> {
        Ok(match secret {
            Secret::Env(name) if name == "SECRET" => "mock-secret".into(),
            _ => self.0.lock().unwrap().clone().unwrap_or_else(|| "mock-refresh".to_owned()).into(),
        })
    }
}

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
    http: reqwest::Client,
    pub clock: Arc<LeapClock>,
    pub vault: Arc<Vault>,
    pub notebook: Arc<MemoryNotebook>,
    /// Calls of the test itself, which the connector's are counted without: all of them, and sign-ins among them.
    own_calls: AtomicU64,
    own_sign_ins: AtomicU64,
    token: tokio::sync::Mutex<Option<String>>,
    offset_s: AtomicI64,
}

impl StandIn {
    /// An organisation with this many synthetic contacts; no rate limits.
    pub async fn start(contacts: u64) -> Self {
        let config = json!({ "rate_limits": false, "refresh_limit": 1_000 }).as_object().cloned().unwrap();
        let options = Options { records: Some(contacts), seed: 7, config, ..Options::default() };
        let mock = zoho::serve(options).await.expect("the mock starts");
        let http = reqwest::Client::builder().no_proxy().retry(reqwest::retry::never()).build().expect("a client");
        Self {
            mock,
            http,
            clock: Arc::new(LeapClock::new(SystemClock.now())),
            vault: Arc::default(),
            notebook: Arc::new(MemoryNotebook::new()),
            own_calls: AtomicU64::new(0),
            own_sign_ins: AtomicU64::new(0),
            token: tokio::sync::Mutex::new(None),
            offset_s: AtomicI64::new(0),
        }
    }

    pub fn url(&self) -> &str {
        self.mock.url()
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

    /// Time passes for both sides.
    pub async fn advance(&self, by: Duration) {
        let seconds = i64::try_from(by.as_secs() + u64::from(by.subsec_nanos() > 0)).unwrap();
        let offset = self.offset_s.fetch_add(seconds, Ordering::SeqCst) + seconds;
        self.knobs(json!({ "clock_offset_s": offset })).await;
        self.clock.leap(Duration::from_secs(u64::try_from(seconds).unwrap()));
    }

    pub async fn knobs(&self, patch: Json) {
        let answer = self.http.put(format!("{}/__mock/config", self.url())).json(&patch).send().await;
        let answer = answer.expect("an answer");
        let status = answer.status();
        assert!(status.is_success(), "{status}: {}", answer.text().await.unwrap_or_default());
    }

    /// Does what a person would in the CRM.
    pub async fn rep(&self, action: &str, body: Json) -> Result<Json, String> {
        let answer = self.http.post(format!("{}/__mock/{action}", self.url())).json(&body).send().await;
        let answer = answer.map_err(|error| error.to_string())?;
        let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
        if status.is_success() {
            serde_json::from_str(&text).map_err(|error| error.to_string())
        } else {
            Err(format!("{action}: {status}: {text}"))
        }
    }

    /// An API call of the test's own, below `/crm/v8`.
    pub async fn api(&self, method: Method, path: &str, body: Option<Json>) -> (u16, Json) {
        for _ in 0..2 {
            let token = self.token().await;
            self.own_calls.fetch_add(1, Ordering::SeqCst);
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
        self.own_calls.fetch_add(1, Ordering::SeqCst);
        self.own_sign_ins.fetch_add(1, Ordering::SeqCst);
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

    /// The lines of `ledger` or `requests`.
    pub async fn lines(&self, what: &str) -> Vec<Json> {
        let url = format!("{}/__mock/{what}", self.url());
        let text = self.http.get(url).send().await.expect("an answer").text().await.expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }

    /// Requests the connector has sent.
    pub async fn requests(&self) -> u64 {
        let all = self.lines("requests").await.len() as u64;
        all - self.own_calls.load(Ordering::SeqCst)
    }

    /// Tokens the connector has asked for.
    pub async fn sign_ins(&self) -> u64 {
        self.requests_to(TOKEN).await as u64 - self.own_sign_ins.load(Ordering::SeqCst)
    }

    /// Requests to paths that hold `part`, the test's own included.
    pub async fn requests_to(&self, part: &str) -> usize {
        let requests = self.lines("requests").await;
        requests.iter().filter(|line| line["path"].as_str().is_some_and(|path| path.contains(part))).count()
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
        let ids: Vec<&str> = ids.iter().map(RecordId::as_str).collect();
        let body = json!({ "object": kind(object), "ids": ids, "properties": properties(fields) });
        self.rep("edit", body).await.map(drop)
    }

    /// Every request meets this fault until [`Self::mend`].
    pub async fn fault(&self, name: &str) {
        self.knobs(json!({ "faults": { name: 1.0, "slow_ms": 600_000 } })).await;
    }

    pub async fn mend(&self) {
        self.knobs(json!({ "faults": {}, "plan": [], "commit_delay_ms": 0 })).await;
        self.vault.set_refresh_token("mock-refresh");
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

/// Field values as JSON.
pub fn properties(fields: &Fields) -> Map<String, Json> {
    let json_of = |value: &Value| match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => json!(flag),
        Value::Number(number) => serde_json::from_str(&number.to_string()).unwrap_or(Json::Null),
        other => json!(other.to_string()),
    };
    fields.iter().map(|(name, value)| (name.to_string(), json_of(value))).collect()
}
