//! A mock Dataverse environment over real HTTP, the levers on it, and the connector that speaks to it.
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
use connector_dynamics::{Config, Credential, Dynamics, Limits, Timeouts, connect};
use mock_crm::{Options, Running, dynamics};
use reqwest::Method;
use serde_json::{Value as Json, json};

/// Rows of one page, so that several pages take few records.
pub const PAGE: usize = 200;
const TOKEN: &str = "/acme/oauth2/v2.0/token";

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
    levers: Levers,
    pub vault: Arc<Vault>,
    session: tokio::sync::Mutex<Option<String>>,
}

/// What a connection to the mock needs.
pub fn vault() -> Arc<Vault> {
    Vault::holding(&[("SECRET", "mock-secret")])
}

impl Deref for StandIn {
    type Target = Levers;

    fn deref(&self) -> &Levers {
        &self.levers
    }
}

impl StandIn {
    /// An environment with this many synthetic contacts; no rate limits.
    pub async fn start(contacts: u64) -> Self {
        let Json::Object(config) = json!({ "rate_limits": false }) else { unreachable!() };
        let options = Options { records: Some(contacts), seed: 7, config, ..Options::default() };
        let mock = dynamics::serve(options).await.expect("the mock starts");
        let levers = Levers::on(mock.url());
        Self { mock, levers, vault: vault(), session: tokio::sync::Mutex::new(None) }
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

    /// An API call of the test's own, below `/api/data/v9.2`.
    pub async fn api(&self, method: Method, path: &str, body: Option<Json>) -> (u16, Json) {
        for _ in 0..2 {
            let token = self.token().await;
            self.count_own_call();
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
        self.count_own_sign_in();
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
        self.rep_edit(kind(object), ids, fields).await
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
