//! A mock Salesforce organisation over real HTTP, the levers on it, and the connector that speaks to it.
// Each test binary uses a part of this.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod scripted;
pub mod walks;

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector::{
    Clock, Context, Environment, Fields, MemoryNotebook, Object, RecordId, Secret, SecretError, SeededEntropy,
    SystemClock, Value,
};
use connector_conformance::LeapClock;
use connector_salesforce::{Config, Flow, Limits, Salesforce, Timeouts, connect};
use mock_crm::{Options, Running, salesforce};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Map, Value as Json, json};

/// Records of one page, so that several pages take few records.
pub const PAGE: usize = 200;
const TOKEN: &str = "/services/oauth2/token";

/// Secrets by name, which a test may change.
#[derive(Default)]
pub struct Vault(Mutex<Vec<(String, String)>>);

impl Vault {
    pub fn set(&self, name: &str, value: &str) {
        let mut pairs = self.0.lock().unwrap();
        pairs.retain(|(have, _)| have != name);
        pairs.push((name.into(), value.into()));
    }

    /// What a connection to the mock needs.
    pub fn for_the_mock() -> Arc<Self> {
        let vault = Arc::new(Self::default());
        for (name, value) in [("SECRET", "mock-secret"), ("REFRESH", "mock-refresh")] {
            vault.set(name, value);
        }
        vault
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
    http: reqwest::Client,
    pub clock: Arc<LeapClock>,
    pub vault: Arc<Vault>,
    pub notebook: Arc<MemoryNotebook>,
    /// Calls of the test itself, which the connector's are counted without: all of them, and sign-ins among them.
    own_calls: AtomicU64,
    own_sign_ins: AtomicU64,
    session: tokio::sync::Mutex<Option<String>>,
    offset_s: AtomicI64,
}

impl StandIn {
    /// An organisation with this many synthetic contacts; no rate limits.
    pub async fn start(contacts: u64) -> Self {
        let Json::Object(config) = json!({ "rate_limits": false }) else { unreachable!() };
        let options = Options { records: Some(contacts), seed: 7, config, ..Options::default() };
        let mock = salesforce::serve(options).await.expect("the mock starts");
        let http = reqwest::Client::builder().no_proxy().retry(reqwest::retry::never()).build().expect("a client");
        Self {
            mock,
            http,
            clock: Arc::new(LeapClock::new(SystemClock.now())),
            vault: Vault::for_the_mock(),
            notebook: Arc::new(MemoryNotebook::new()),
            own_calls: AtomicU64::new(0),
            own_sign_ins: AtomicU64::new(0),
            session: tokio::sync::Mutex::new(None),
            offset_s: AtomicI64::new(0),
        }
    }

    pub fn url(&self) -> &str {
        self.mock.url()
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

    /// An API call of the test's own, below `/services/data/v67.0`.
    pub async fn api(&self, method: Method, path: &str, body: Option<Json>) -> (u16, Json) {
        for _ in 0..2 {
            let token = self.token().await;
            self.own_calls.fetch_add(1, Ordering::SeqCst);
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
        self.own_calls.fetch_add(1, Ordering::SeqCst);
        self.own_sign_ins.fetch_add(1, Ordering::SeqCst);
        let form =
            [("grant_type", "client_credentials"), ("client_id", "mock-client"), ("client_secret", "mock-secret")];
        let answer = self.http.post(format!("{}{TOKEN}", self.url())).form(&form).send().await.expect("an answer");
        let granted: Json = answer.json().await.expect("a token");
        let token = granted["access_token"].as_str().expect("a token").to_owned();
        *session = Some(token.clone());
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
        let requests = self.lines("requests").await;
        let all = requests.iter().filter(|line| line["path"].as_str().is_some_and(|path| path == TOKEN)).count() as u64;
        all - self.own_sign_ins.load(Ordering::SeqCst)
    }

    /// Requests the connector has sent to paths that hold `part`.
    pub async fn requests_to(&self, part: &str) -> usize {
        let requests = self.lines("requests").await;
        requests.iter().filter(|line| line["path"].as_str().is_some_and(|path| path.contains(part))).count()
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
        let ids: Vec<&str> = ids.iter().map(RecordId::as_str).collect();
        let body = json!({ "object": kind(object), "ids": ids, "properties": properties(fields) });
        self.rep("edit", body).await.map(drop)
    }

    /// Every request meets this fault until [`Self::mend`].
    pub async fn fault(&self, name: &str) {
        self.knobs(json!({ "faults": { name: 1.0, "slow_ms": 600_000 } })).await;
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

/// Field values as JSON.
pub fn properties(fields: &Fields) -> Map<String, Json> {
    fields.iter().map(|(name, value)| (name.to_string(), json_of(value))).collect()
}

fn json_of(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => json!(flag),
        Value::Number(number) => serde_json::from_str(&number.to_string()).unwrap_or(Json::Null),
        other => json!(other.to_string()),
    }
}
