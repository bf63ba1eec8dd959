//! A running mock and a small client for it.

use std::ops::Deref;

use mock_crm::{Options, salesforce};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::desk::{Desk, options};

/// The version's root.
pub const DATA: &str = "/services/data/v67.0";

pub struct Org {
    desk: Desk,
    pub token: String,
}

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

    /// Signed in by client credentials, unless the knobs forbid it.
    pub async fn start(options: Options) -> Self {
        let desk = Desk::of(salesforce::serve(options).await.expect("the mock starts"));
        let mut org = Self { desk, token: String::new() };
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
