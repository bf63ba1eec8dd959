//! A mock org, the connector that writes to it, and a small client of the test's own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use connector::{
    Clock, Connector, Context, Entropy, Environment, Fields, Hints, MemoryNotebook, Note, Notebook, Object, Operation,
    Outcome, RecordId, Rejection, Secret, SecretError, SeededEntropy, SystemClock, Timestamp, Value, Write,
};
use connector_conformance::LeapClock;
use connector_salesforce::{Config, Flow, Salesforce, Timeouts, connect};
use mock_crm::{Options, Running, salesforce};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value as Json, json};

pub const KEY: &str = "CDP_Profile_Id__c";
const DATA: &str = "/services/data/v67.0";
pub const JOBS: &str = "/services/data/v67.0/jobs/ingest";

struct Vault;

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl Environment for Vault {
    fn read(&self, _secret: &Secret) -> Result<SecretString, SecretError> {
        Ok(SecretString::from("mock-secret"))
    }
}

pub struct Org {
    mock: Running,
    http: reqwest::Client,
    token: String,
    pub clock: Arc<LeapClock>,
    pub notebook: Arc<MemoryNotebook>,
}

impl Org {
    /// An org with our key field on contacts and leads and a few fields to write.
    pub async fn start() -> Self {
        let Json::Object(config) = json!({ "field_permissions": false }) else { unreachable!() };
        let options = Options { records: Some(0), seed: 7, config, ..Options::default() };
        let mock = salesforce::serve(options).await.expect("the mock starts");
        let http = reqwest::Client::builder().no_proxy().retry(reqwest::retry::never()).build().expect("a client");
        let clock = Arc::new(LeapClock::new(SystemClock.now()));
        let mut org = Self { mock, http, token: String::new(), clock, notebook: Arc::new(MemoryNotebook::new()) };
        let form =
            [("grant_type", "client_credentials"), ("client_id", "mock-client"), ("client_secret", "mock-secret")];
        let answer = org.http.post(format!("{}/services/oauth2/token", org.mock.url())).form(&form).send().await;
        let answer: Json = answer.expect("an answer").json().await.expect("JSON");
        org.token = answer["access_token"].as_str().expect("a token").to_owned();
        let key = json!({ "type": "Text", "label": "CDP profile", "length": 64, "externalId": true, "unique": true });
        for object in ["Contact", "Lead", "Account"] {
            org.field(object, KEY, key.clone()).await;
            org.field(object, "CDP_Text__c", json!({ "type": "Text", "label": "CDP text", "length": 255 })).await;
            org.field(object, "CDP_Score__c", json!({ "type": "Number", "label": "S", "precision": 5, "scale": 2 }))
                .await;
        }
        org
    }

    async fn field(&self, object: &str, name: &str, metadata: Json) {
        let body = json!({ "FullName": format!("{object}.{name}"), "Metadata": metadata });
        let (status, answer) = self.api(Method::POST, "/tooling/sobjects/CustomField", Some(body)).await;
        assert_eq!(status, 201, "{answer}");
    }

    pub fn config(&self) -> Config {
        let client_secret = Secret::Env("SECRET".into());
        let mut config = Config::new(Flow::ClientCredentials { client_id: "mock-client".into(), client_secret });
        config.login_url = self.mock.url().into();
        // Small numbers show the same as large ones.
        config.limits.bulk_ingest_above = 20;
        config.timeouts = Timeouts {
            connect: Duration::from_secs(5),
            idle_read: Duration::from_secs(20),
            total: Duration::from_secs(30),
        };
        config
    }

    /// A connector that remembers what earlier ones of this org did.
    pub fn connector(&self) -> Salesforce {
        self.connector_with(self.config())
    }

    pub fn connector_with(&self, config: Config) -> Salesforce {
        let context = Context {
            connection: "salesforce".into(),
            clock: self.clock.clone(),
            entropy: Arc::new(SeededEntropy::new(7)),
            environment: Arc::new(Vault),
            notebook: self.notebook.clone(),
        };
        connect(config, context).expect("the configuration is good")
    }

    /// A call of the test's own, below the version's root.
    pub async fn api(&self, method: Method, path: &str, body: Option<Json>) -> (u16, Json) {
        let mut request =
            self.http.request(method, format!("{}{DATA}{path}", self.mock.url())).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap_or_default()).unwrap_or(Json::Null))
    }

    pub async fn create(&self, object: &str, body: Json) -> RecordId {
        let (status, answer) = self.api(Method::POST, &format!("/sobjects/{object}"), Some(body)).await;
        assert_eq!(status, 201, "{answer}");
        RecordId::from(answer["id"].as_str().expect("an id"))
    }

    /// Contacts named `Person 0` and so on.
    pub async fn people(&self, count: usize) -> Vec<RecordId> {
        let numbers: Vec<usize> = (0..count).collect();
        let mut ids = Vec::with_capacity(count);
        for some in numbers.chunks(200) {
            let record =
                |number: &usize| json!({ "attributes": { "type": "Contact" }, "LastName": format!("Person {number}") });
            let body = json!({ "records": some.iter().map(record).collect::<Vec<_>>() });
            let (status, answer) = self.api(Method::POST, "/composite/sobjects", Some(body)).await;
            assert_eq!(status, 200, "{answer}");
            let rows = answer.as_array().expect("rows");
            ids.extend(rows.iter().map(|row| RecordId::from(row["id"].as_str().expect("an id"))));
        }
        ids
    }

    pub async fn read(&self, object: &str, id: &RecordId) -> Json {
        self.api(Method::GET, &format!("/sobjects/{object}/{id}"), None).await.1
    }

    pub async fn text_of(&self, id: &RecordId) -> Json {
        self.read("Contact", id).await["CDP_Text__c"].clone()
    }

    pub async fn knobs(&self, patch: Json) {
        let answer = self.http.put(format!("{}/__mock/config", self.mock.url())).json(&patch).send().await;
        let answer = answer.expect("an answer");
        let status = answer.status();
        assert!(status.is_success(), "{status}: {}", answer.text().await.unwrap_or_default());
    }

    /// Requests that match this meet the fault, from the `nth` on, so many `times`.
    pub async fn plan(&self, method: &str, path: &str, fault: &str, times: u64) {
        let plan = json!([{ "method": method, "path": path, "fault": fault, "times": times }]);
        self.knobs(json!({ "plan": plan, "faults": { "slow_ms": 600_000 } })).await;
    }

    pub async fn mend(&self) {
        self.knobs(json!({ "plan": [], "faults": {}, "row_faults": [], "bulk": {} })).await;
    }

    /// Does what a person would in the CRM.
    pub async fn rep(&self, action: &str, body: Json) -> Json {
        let answer = self.http.post(format!("{}/__mock/{action}", self.mock.url())).json(&body).send().await;
        let answer = answer.expect("an answer");
        let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
        assert!(status.is_success(), "{action}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or(Json::Null)
    }

    async fn lines(&self, what: &str, since: u64) -> Vec<Json> {
        let url = format!("{}/__mock/{what}?since={since}", self.mock.url());
        let text = self.http.get(url).send().await.expect("an answer").text().await.expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }

    /// A mark in the request log.
    pub async fn mark(&self) -> u64 {
        self.lines("requests", 0).await.iter().filter_map(|line| line["seq"].as_u64()).max().unwrap_or(0)
    }

    /// Requests below the data API since the mark.
    pub async fn requests(&self, since: u64) -> Vec<Json> {
        let lines = self.lines("requests", since).await;
        let of_api = |line: &Json| line["path"].as_str().is_some_and(|path| path.starts_with("/services/data"));
        lines.into_iter().filter(|line| line["seq"].as_u64() > Some(since) && of_api(line)).collect()
    }

    /// How many requests with this method and path since the mark; `*` stands for anything at the path's end.
    pub async fn count(&self, since: u64, method: &str, path: &str) -> usize {
        let fits = |line: &&Json| {
            let told = line["path"].as_str().unwrap_or_default().split('?').next().unwrap_or_default();
            line["method"] == method && path.strip_suffix('*').map_or(told == path, |start| told.starts_with(start))
        };
        self.requests(since).await.iter().filter(fits).count()
    }

    /// Waits until a request meets the fault.
    pub async fn until_fault(&self, fault: &str) {
        for _ in 0..5_000 {
            if self.lines("requests", 0).await.iter().any(|line| line["fault"] == fault) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("no request met the fault");
    }

    /// States of all ingest jobs there are.
    pub async fn job_states(&self) -> Vec<String> {
        let (status, answer) = self.api(Method::GET, "/jobs/ingest", None).await;
        assert_eq!(status, 200, "{answer}");
        let rows = answer["records"].as_array().expect("records");
        rows.iter().map(|row| row["state"].as_str().unwrap_or_default().to_owned()).collect()
    }

    pub async fn notes(&self) -> Vec<Note> {
        self.notebook.notes().await.expect("notes")
    }

    /// How often this text was written to a contact, by the ledger of everything that happened.
    pub async fn times_written(&self, text: &str) -> usize {
        let written = |line: &&Json| {
            let after = line["after"]["CDP_Text__c"] == text;
            after && line["before"]["CDP_Text__c"] != text
        };
        self.lines("ledger", 0).await.iter().filter(written).count()
    }
}

pub fn write(object: Object, operation: Operation, fields: Fields) -> Write {
    let key = SeededEntropy::new(1).uuid(Timestamp::EPOCH);
    Write { key, object, operation, fields, hints: Hints::default() }
}

pub fn update(id: &RecordId, name: &str, value: impl Into<Value>) -> Write {
    write(Object::Contact, Operation::Update { id: id.clone() }, Fields::from([(name, value.into())]))
}

/// One text for everybody.
pub fn updates(ids: &[RecordId], text: &str) -> Vec<Write> {
    ids.iter().map(|id| update(id, "CDP_Text__c", text)).collect()
}

pub fn upsert(object: Object, key: &str, fields: Fields) -> Write {
    write(object, Operation::Upsert { field: KEY.into(), value: key.into() }, fields)
}

pub fn done(outcome: &Outcome) -> (RecordId, bool) {
    match outcome {
        Outcome::Done { id, created, .. } => (id.clone(), *created),
        other => panic!("not done: {other:?}"),
    }
}

pub fn all_done(outcomes: &[Outcome]) {
    for outcome in outcomes {
        done(outcome);
    }
}

pub fn rejected(outcome: &Outcome) -> &Rejection {
    match outcome {
        Outcome::Rejected(rejection) => rejection,
        other => panic!("not rejected: {other:?}"),
    }
}

pub fn all_ambiguous(outcomes: &[Outcome]) {
    for outcome in outcomes {
        assert!(matches!(outcome, Outcome::Ambiguous(_)), "{outcome:?}");
    }
}

/// One write pushed alone.
pub async fn push_one(connector: &Salesforce, write: Write) -> Outcome {
    let mut outcomes = connector.push(&[write]).await.expect("an outcome");
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0)
}
