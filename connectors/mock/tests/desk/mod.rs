//! What the tests of every mock do alike: start it with people they know, ask it over HTTP, and pull the levers of the
//! control plane.

use mock_crm::{Options, Running};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

/// A running mock and who asks it.
pub struct Desk {
    pub mock: Running,
    http: Client,
}

/// `contacts` synthetic people, with these knobs from the start.
pub fn options(contacts: u64, knobs: Value) -> Options {
    let Value::Object(config) = knobs else { panic!("knobs are an object") };
    Options { records: Some(contacts), seed: 7, config, ..Options::default() }
}

impl Desk {
    pub fn of(mock: Running) -> Self {
        let http = Client::builder().no_proxy().retry(reqwest::retry::never()).build().expect("a client");
        Self { mock, http }
    }

    /// A call to a path of the mock's, or to a whole address.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.mock.url()) };
        self.http.request(method, url)
    }

    /// Sets knobs.
    pub async fn config(&self, patch: Value) -> Value {
        lever(self.request(Method::PUT, "/__mock/config").json(&patch)).await
    }

    /// Does what a person would.
    pub async fn rep(&self, action: &str, body: Value) -> Value {
        lever(self.request(Method::POST, &format!("/__mock/{action}")).json(&body)).await
    }

    /// The lines of `ledger` or `requests` after `since`.
    pub async fn lines(&self, what: &str, since: u64) -> Vec<Value> {
        let path = format!("/__mock/{what}?since={since}");
        let text = self.request(Method::GET, &path).send().await.expect("an answer").text().await.expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }
}

async fn lever(call: RequestBuilder) -> Value {
    let answer = call.send().await.expect("an answer");
    let status = answer.status();
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!(status, 200, "{body}");
    body
}
