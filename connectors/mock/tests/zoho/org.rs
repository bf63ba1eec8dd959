//! A running mock and a small client for it, signed in.

use mock_crm::{Options, Running, zoho};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

pub struct Org {
    pub mock: Running,
    http: reqwest::Client,
    token: String,
}

impl Org {
    /// `contacts` synthetic people, no limits, no search lag.
    pub async fn with(contacts: u64) -> Self {
        let quiet = json!({ "rate_limits": false, "search_lag_ms": 0 });
        let Value::Object(config) = quiet else { panic!("an object") };
        Self::start(Options { records: Some(contacts), seed: 7, config, ..Options::default() }).await
    }

    pub async fn start(options: Options) -> Self {
        let mock = zoho::serve(options).await.expect("the mock starts");
        let http = reqwest::Client::builder().no_proxy().retry(reqwest::retry::never()).build().expect("a client");
        let mut org = Self { mock, http, token: String::new() };
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

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.mock.url()))
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
