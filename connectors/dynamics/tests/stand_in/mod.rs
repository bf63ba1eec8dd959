//! A mock Dataverse environment over real HTTP, the levers on it, and the connector that speaks to it.
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
use connector_dynamics::{Config, Credential, Dynamics, Limits, Timeouts, connect};
use mock_crm::{Options, Running, dynamics};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Map, Value as Json, json};

/// Rows of one page, so that several pages take few records.
pub const PAGE: usize = 200;
const TOKEN: &str = "/acme/oauth2/v2.0/token";

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
        vault.set("SECRET", "mock-secret");
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

/// An environment at `url` with small pages, and time limits short enough to wait for.
pub fn config(url: &str) -> Config {
    let secret = Credential::Secret(Secret::Env("SECRET".into()));
    let mut config = Config::new(url.into(), format!("{url}{TOKEN}"), "mock-client".into(), secret);
    config.limits = Limits { page: PAGE, ..Limits::default() };
    config.timeouts = Timeouts {
        connect: Duration::from_secs(5),
        idle_read: Duration::from_secs(20),
        total: Duration::from_secs(30),
    };
    config
}

/// An environment and everything a test does to it.
pub struct StandIn {
    mock: Running,
    http: reqwest::Client,
    pub clock: Arc<LeapClock>,
    pub vault: Arc<Vault>,
    /// Calls of the test itself, which the connector's are counted without: all of them, and sign-ins among them.
    own_calls: AtomicU64,
    own_sign_ins: AtomicU64,
    session: tokio::sync::Mutex<Option<String>>,
    offset_s: AtomicI64,
}

impl StandIn {
    /// An environment with this many synthetic contacts; no rate limits.
    pub async fn start(contacts: u64) -> Self {
        let Json::Object(config) = json!({ "rate_limits": false }) else { unreachable!() };
        let options = Options { records: Some(contacts), seed: 7, config, ..Options::default() };
        let mock = dynamics::serve(options).await.expect("the mock starts");
        let http = reqwest::Client::builder().no_proxy().retry(reqwest::retry::never()).build().expect("a client");
        Self {
            mock,
            http,
            clock: Arc::new(LeapClock::new(SystemClock.now())),
            vault: Vault::for_the_mock(),
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
            connection: "dynamics".into(),
            clock: self.clock.clone(),
            entropy: Arc::new(SeededEntropy::new(7)),
            environment: self.vault.clone(),
            notebook: Arc::new(MemoryNotebook::new()),
        }
    }

    pub fn connector(&self) -> Dynamics {
        self.connector_with(config(self.url()))
    }

    pub fn connector_with(&self, config: Config) -> Dynamics {
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

    /// An API call of the test's own, below `/api/data/v9.2`.
    pub async fn api(&self, method: Method, path: &str, body: Option<Json>) -> (u16, Json) {
        for _ in 0..2 {
            let token = self.token().await;
            self.own_calls.fetch_add(1, Ordering::SeqCst);
            let url = format!("{}/api/data/v9.2{path}", self.url());
            let mut request = self.http.request(method.clone(), url).bearer_auth(token);
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
        let scope = format!("{}/.default", self.url());
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "mock-client"),
            ("client_secret", "mock-secret"),
            ("scope", scope.as_str()),
        ];
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
        self.requests_to(TOKEN).await as u64 - self.own_sign_ins.load(Ordering::SeqCst)
    }

    /// Requests to paths that hold `part`, of the test itself included.
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

    /// Creates contacts with these addresses.
    pub async fn seed_contacts(&self, emails: &[String]) -> Vec<RecordId> {
        self.seed_contacts_by("emailaddress1", emails).await
    }

    /// The same with the address in another column, five hundred in one transaction.
    pub async fn seed_contacts_by(&self, column: &str, emails: &[String]) -> Vec<RecordId> {
        let mut ids = Vec::with_capacity(emails.len());
        for emails in emails.chunks(500) {
            let target = |email: &String| json!({ "@odata.type": "Microsoft.Dynamics.CRM.contact", "firstname": "Seeded", column: email });
            let body = json!({ "Targets": emails.iter().map(target).collect::<Vec<Json>>() });
            let path = "/contacts/Microsoft.Dynamics.CRM.CreateMultiple";
            let (status, answer) = self.api(Method::POST, path, Some(body)).await;
            assert_eq!(status, 200, "{answer}");
            for id in answer["Ids"].as_array().expect("ids") {
                ids.push(RecordId::from(id.as_str().unwrap_or_else(|| panic!("{id}"))));
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
        self.knobs(json!({ "faults": {}, "plan": [], "commit_delay_ms": 0, "next_link_host": "" })).await;
        self.vault.set("SECRET", "mock-secret");
    }
}

/// What a person fills in on a new record.
fn needs(object: &Object) -> &'static [(&'static str, &'static str)] {
    match object {
        Object::Contact => &[("firstname", "Seeded")],
        Object::Lead => &[("lastname", "Seeded"), ("subject", "Seeded")],
        Object::Company | Object::Deal => &[("name", "Seeded Works")],
        _ => &[],
    }
}

pub fn kind(object: &Object) -> &str {
    match object {
        Object::Company => "account",
        Object::Deal => "opportunity",
        Object::User => "systemuser",
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
