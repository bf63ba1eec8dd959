//! A running mock and a small client for it.

use mock_crm::{Options, Running, salesforce};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

/// The version's root.
pub const DATA: &str = "/services/data/v67.0";

pub struct Org {
    pub mock: Running,
    http: reqwest::Client,
    pub token: String,
}

impl Org {
    /// `contacts` synthetic people.
    pub async fn with(contacts: u64) -> Self {
        Self::start(Options { records: Some(contacts), seed: 7, ..Options::default() }).await
    }

    /// With these knobs from the start.
    pub async fn knobs(contacts: u64, config: Value) -> Self {
        let Value::Object(config) = config else { panic!("an object") };
        Self::start(Options { records: Some(contacts), seed: 7, config, ..Options::default() }).await
    }

    /// Signed in by client credentials, unless the knobs forbid it.
    pub async fn start(options: Options) -> Self {
        let mock = salesforce::serve(options).await.expect("the mock starts");
        let http = reqwest::Client::builder().no_proxy().retry(reqwest::retry::never()).build().expect("a client");
        let mut org = Self { mock, http, token: String::new() };
        org.sign_in().await;
        org
    }

    pub async fn sign_in(&mut self) {
        let form =
            [("grant_type", "client_credentials"), ("client_id", "mock-client"), ("client_secret", "mock-secret")];
        let (_, body) = self.token(&form).await;
        self.token = body["access_token"].as_str().unwrap_or("none").to_owned();
    }

    /// The token endpoint.
    pub async fn token(&self, form: &[(&str, &str)]) -> (StatusCode, Value) {
        read(self.request(Method::POST, "/services/oauth2/token").form(form).send().await.expect("an answer")).await
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.mock.url()))
    }

    /// Signed in; `path` is under the version's root unless it starts with `/services`.
    pub fn call(&self, method: Method, path: &str) -> RequestBuilder {
        let path = if path.starts_with("/services") { path.to_owned() } else { format!("{DATA}/{path}") };
        self.request(method, &path).bearer_auth(&self.token)
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

    pub async fn delete(&self, path: &str) -> (StatusCode, Value) {
        read(self.call(Method::DELETE, path).send().await.expect("an answer")).await
    }

    /// Makes a record and returns its Id.
    pub async fn create(&self, object: &str, body: Value) -> String {
        let (status, answer) = self.post(&format!("sobjects/{object}"), body).await;
        assert_eq!(status, 201, "{answer}");
        answer["id"].as_str().expect("an id").to_owned()
    }

    /// A record, whole.
    pub async fn read(&self, object: &str, id: &str) -> Value {
        let (status, answer) = self.get(&format!("sobjects/{object}/{id}")).await;
        assert_eq!(status, 200, "{answer}");
        answer
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

    /// The body of a 200 as text.
    pub async fn text(&self, path: &str) -> String {
        let answer = self.call(Method::GET, path).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        answer.text().await.expect("a body")
    }

    /// `query?q=…`, encoded.
    pub fn soql_path(&self, soql: &str) -> String {
        let encoded: String = url::form_urlencoded::byte_serialize(soql.as_bytes()).collect();
        format!("query?q={encoded}")
    }

    pub async fn soql(&self, soql: &str) -> (StatusCode, Value) {
        self.get(&self.soql_path(soql)).await
    }

    /// The records of a query that has one page.
    pub async fn rows(&self, soql: &str) -> Vec<Value> {
        let (status, body) = self.soql(soql).await;
        assert_eq!(status, 200, "{soql}: {body}");
        assert_eq!(body["done"], true, "{soql}");
        body["records"].as_array().expect("records").clone()
    }

    /// The code and message of a query that is refused with 400.
    pub async fn refused(&self, soql: &str) -> (String, String) {
        let (status, body) = self.soql(soql).await;
        assert_eq!(status, 400, "{soql}: {body}");
        (code(&body).to_owned(), body[0]["message"].as_str().unwrap_or("").to_owned())
    }

    /// Stops the clock at an instant.
    pub async fn freeze(&self, at: &str) {
        self.config(json!({ "frozen_at": at })).await;
    }
}

pub async fn read(answer: Response) -> (StatusCode, Value) {
    let status = answer.status();
    let text = answer.text().await.expect("a body");
    (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) })
}

/// The first error's code, in either spelling.
pub fn code(body: &Value) -> &str {
    let first = &body[0];
    first["errorCode"].as_str().or_else(|| first["statusCode"].as_str()).unwrap_or("none")
}

/// The Id, in fifteen characters, of the `at`th record an org begins with; `at` is below ten.
pub fn nth(prefix: &str, at: u8) -> String {
    format!("{prefix}xx000004Tmi{}", char::from(b'Q' + at))
}
