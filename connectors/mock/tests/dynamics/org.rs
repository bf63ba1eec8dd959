//! A running mock and a small client for it.

use std::ops::Deref;

use mock_crm::{Options, dynamics};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::desk::{Desk, options};

/// The version's root.
pub const DATA: &str = "/api/data/v9.2";

pub struct Org {
    desk: Desk,
    pub token: String,
}

/// A request under construction, until it is sent.
pub type Asking = RequestBuilder;

impl Deref for Org {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.desk
    }
}

impl Org {
    /// `contacts` synthetic people.
    pub async fn with(contacts: u64) -> Self {
        Self::knobs(contacts, json!({})).await
    }

    /// With these knobs from the start.
    pub async fn knobs(contacts: u64, config: Value) -> Self {
        Self::start(options(contacts, config)).await
    }

    /// Signed in by client secret, unless the knobs forbid it.
    pub async fn start(options: Options) -> Self {
        let desk = Desk::of(dynamics::serve(options).await.expect("the mock starts"));
        let mut org = Self { desk, token: String::new() };
        org.sign_in().await;
        org
    }

    pub async fn sign_in(&mut self) {
        let scope = format!("{}/.default", self.mock.url());
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "mock-client"),
            ("client_secret", "mock-secret"),
            ("scope", scope.as_str()),
        ];
        let (_, body) = self.token(&form).await;
        self.token = body["access_token"].as_str().unwrap_or("none").to_owned();
    }

    /// The token endpoint.
    pub async fn token(&self, form: &[(&str, &str)]) -> (StatusCode, Value) {
        read(self.request(Method::POST, "/any-tenant/oauth2/v2.0/token").form(form).send().await.expect("an answer"))
            .await
    }

    /// Signed in; `path` is under the version's root unless it starts with a slash or is a whole address.
    pub fn call(&self, method: Method, path: &str) -> Asking {
        let whole = path.starts_with('/') || path.starts_with("http");
        let path = if whole { path.to_owned() } else { format!("{DATA}/{path}") };
        self.request(method, &path).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.call(Method::GET, path).send().await.expect("an answer")).await
    }

    /// With a `Prefer` header.
    pub async fn prefer(&self, path: &str, prefer: &str) -> (StatusCode, Value) {
        read(self.call(Method::GET, path).header("prefer", prefer).send().await.expect("an answer")).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        read(self.call(Method::POST, path).json(&body).send().await.expect("an answer")).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> (StatusCode, Value) {
        read(self.call(Method::PATCH, path).json(&body).send().await.expect("an answer")).await
    }

    /// `PATCH` with `If-Match: *`, as an integration sends it.
    pub async fn change(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let call = self.call(Method::PATCH, path).header("if-match", "*");
        read(call.json(&body).send().await.expect("an answer")).await
    }

    pub async fn delete(&self, path: &str) -> (StatusCode, Value) {
        read(self.call(Method::DELETE, path).send().await.expect("an answer")).await
    }

    /// Makes a row and returns its id.
    pub async fn create(&self, set: &str, body: Value) -> String {
        let answer = self.call(Method::POST, set).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), 204, "{set} {body}: {}", answer.status());
        let place = answer.headers()["odata-entityid"].to_str().expect("text").to_owned();
        place.rsplit_once('(').expect("a key").1.trim_end_matches(')').to_owned()
    }

    /// A row, whole.
    pub async fn read(&self, set: &str, id: &str) -> Value {
        let (status, answer) = self.get(&format!("{set}({id})")).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// The rows of a query that must succeed.
    pub async fn rows(&self, path: &str) -> Vec<Value> {
        let (status, answer) = self.get(path).await;
        assert_eq!(status, 200, "{path} {answer}");
        answer["value"].as_array().expect("rows").clone()
    }
}

/// The id of the generated row at `index` of a table.
pub fn id(tag: char, index: u64) -> String {
    format!("{tag}0000000-0000-4000-8000-{:012x}", index + 1)
}

pub async fn read(answer: Response) -> (StatusCode, Value) {
    let status = answer.status();
    let text = answer.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(if text.is_empty() { Value::Null } else { json!(text) }))
}

/// The code of a refusal.
pub fn code(body: &Value) -> &str {
    body["error"]["code"].as_str().unwrap_or("none")
}

/// The sentence of a refusal.
pub fn message(body: &Value) -> &str {
    body["error"]["message"].as_str().unwrap_or("none")
}
