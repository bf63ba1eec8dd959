//! A running mock and a small client for it.

use mock_crm::{Options, Running, hubspot};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

pub const CONTACTS: &str = "/crm/objects/2026-09/contacts";

pub struct Portal {
    pub mock: Running,
    http: reqwest::Client,
}

impl Portal {
    /// `contacts` synthetic people, no rate limits, no search lag.
    pub async fn with(contacts: u64) -> Self {
        let quiet = json!({ "rate_limits": false, "search_lag_ms": 0 });
        let Value::Object(config) = quiet else { panic!("an object") };
        Self::start(Options { records: Some(contacts), seed: 7, config, ..Options::default() }).await
    }

    pub async fn start(options: Options) -> Self {
        let mock = hubspot::serve(options).await.expect("the mock starts");
        let http = reqwest::Client::builder().no_proxy().retry(reqwest::retry::never()).build().expect("a client");
        Self { mock, http }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.mock.url()))
    }

    pub fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth("mock-token")
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.call(Method::GET, path).send().await.expect("an answer")).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        read(self.call(Method::POST, path).json(&body).send().await.expect("an answer")).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> (StatusCode, Value) {
        read(self.call(Method::PATCH, path).json(&body).send().await.expect("an answer")).await
    }

    pub async fn delete(&self, path: &str) -> StatusCode {
        self.call(Method::DELETE, path).send().await.expect("an answer").status()
    }

    /// Sets knobs.
    pub async fn config(&self, patch: Value) -> Value {
        let answer = self.request(Method::PUT, "/__mock/config").json(&patch).send().await.expect("an answer");
        let (status, body) = read(answer).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Does what a person would.
    pub async fn rep(&self, action: &str, body: Value) -> Value {
        let answer = self.request(Method::POST, &format!("/__mock/{action}")).json(&body).send().await;
        let (status, body) = read(answer.expect("an answer")).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// The lines of `ledger` or `requests` after `since`.
    pub async fn lines(&self, what: &str, since: u64) -> Vec<Value> {
        let path = format!("/__mock/{what}?since={since}");
        let text = self.request(Method::GET, &path).send().await.expect("an answer").text().await.expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }

    /// The first `count` contacts.
    pub async fn contacts(&self, count: u64) -> Vec<Value> {
        let (_, page) = self.get(&format!("{CONTACTS}?limit={count}")).await;
        page["results"].as_array().expect("results").clone()
    }
}

pub async fn read(answer: Response) -> (StatusCode, Value) {
    let status = answer.status();
    let text = answer.text().await.expect("a body");
    (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") })
}

pub fn ids(page: &Value) -> Vec<String> {
    let rows = page["results"].as_array().expect("results");
    rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}
