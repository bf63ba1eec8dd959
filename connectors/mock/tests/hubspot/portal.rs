//! A running mock and a small client for it.

use std::ops::Deref;

use mock_crm::{Options, hubspot};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::desk::{Desk, options};

pub const CONTACTS: &str = "/crm/objects/2026-09/contacts";

pub struct Portal {
    pub desk: Desk,
}

impl Deref for Portal {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.desk
    }
}

impl Portal {
    /// `contacts` synthetic people, no rate limits, no search lag.
    pub async fn with(contacts: u64) -> Self {
        Self::start(options(contacts, json!({ "rate_limits": false, "search_lag_ms": 0 }))).await
    }

    pub async fn start(options: Options) -> Self {
        let desk = Desk::of(hubspot::serve(options).await.expect("the mock starts"));
        Self { desk }
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
