//! A running mock and a small client for it, signed in.

use std::ops::Deref;

use mock_crm::{Options, zoho};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::desk::{Desk, options};

pub struct Org {
    desk: Desk,
    token: String,
}

impl Deref for Org {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.desk
    }
}

impl Org {
    /// `contacts` synthetic people, no limits, no search lag.
    pub async fn with(contacts: u64) -> Self {
        Self::start(options(contacts, json!({ "rate_limits": false, "search_lag_ms": 0 }))).await
    }

    pub async fn start(options: Options) -> Self {
        let desk = Desk::of(zoho::serve(options).await.expect("the mock starts"));
        let mut org = Self { desk, token: String::new() };
        org.sign_in().await;
        org
    }

    /// Takes a new access token.
    pub async fn sign_in(&mut self) {
        let (status, body) = self.refresh().await;
        assert_eq!(status, 200, "{body}");
        self.token = body["access_token"].as_str().expect("a token").to_owned();
    }

    /// What the accounts server answers to a refresh.
    pub async fn refresh(&self) -> (StatusCode, Value) {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "mock-client"),
            ("client_secret", "mock-secret"),
            ("refresh_token", "mock-refresh"),
        ];
        read(self.request(Method::POST, "/oauth/v2/token").form(&form).send().await.expect("an answer")).await
    }

    /// A call under `/crm/v8`.
    pub fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.signed(method, &format!("/crm/v8{path}"))
    }

    /// A call with the token under any path.
    pub fn signed(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).header("authorization", format!("Zoho-oauthtoken {}", self.token))
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.call(Method::GET, path).send().await.expect("an answer")).await
    }

    pub async fn since(&self, path: &str, since: &str) -> (StatusCode, Value) {
        let call = self.call(Method::GET, path).header("if-modified-since", since);
        read(call.send().await.expect("an answer")).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        read(self.call(Method::POST, path).json(&body).send().await.expect("an answer")).await
    }

    pub async fn put(&self, path: &str, body: Value) -> (StatusCode, Value) {
        read(self.call(Method::PUT, path).json(&body).send().await.expect("an answer")).await
    }

    pub async fn delete(&self, path: &str) -> (StatusCode, Value) {
        read(self.call(Method::DELETE, path).send().await.expect("an answer")).await
    }

    /// The first `count` records of a module in order of id, with the fields named.
    pub async fn first(&self, module: &str, count: u64, fields: &str) -> Vec<Value> {
        let path = format!("/{module}?fields={fields}&per_page={count}&sort_by=id&sort_order=asc");
        let (status, page) = self.get(&path).await;
        assert_eq!(status, 200, "{page}");
        page["data"].as_array().expect("data").clone()
    }

    /// One record whole.
    pub async fn whole(&self, module: &str, id: &str) -> Value {
        let (status, body) = self.get(&format!("/{module}/{id}")).await;
        assert_eq!(status, 200, "{body}");
        body["data"][0].clone()
    }
}

pub async fn read(answer: Response) -> (StatusCode, Value) {
    let status = answer.status();
    let text = answer.text().await.expect("a body");
    (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") })
}

pub fn ids(page: &Value) -> Vec<String> {
    let rows = page["data"].as_array().expect("data");
    rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}

/// Code, field and place of what a row was refused for.
pub fn refusal(row: &Value) -> (&str, &str, &str) {
    (
        row["code"].as_str().unwrap_or(""),
        row["details"]["api_name"].as_str().unwrap_or(""),
        row["details"]["json_path"].as_str().unwrap_or(""),
    )
}
