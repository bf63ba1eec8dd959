//! A server that answers as a test tells it, where no faithful environment would.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use connector::{Context, MemoryNotebook, SeededEntropy, SystemClock};
use connector_conformance::LeapClock;
use connector_dynamics::{Config, Dynamics, connect};
use serde_json::{Value as Json, json};

use super::Vault;

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Hit {
    pub method: String,
    /// With its query.
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Hit {
    pub fn is_sign_in(&self) -> bool {
        self.path.ends_with("/oauth2/v2.0/token")
    }

    pub fn is_metadata(&self) -> bool {
        self.path.ends_with("/$batch") && self.body.contains("/EntityDefinitions")
    }
}

/// A running server and what reached it.
pub struct Scripted {
    pub url: String,
    hits: Arc<Mutex<Vec<Hit>>>,
}

impl Scripted {
    /// `answer` sees every request but sign-ins and questions about tables, how many of those came before it, and the
    /// server's own address.
    pub async fn start(answer: impl Fn(&Hit, usize, &str) -> Response<Body> + Send + Sync + 'static) -> Self {
        Self::start_with_tokens(|_, _| reply(200, &json!({ "access_token": "good", "expires_in": 3599 })), answer).await
    }

    /// The same with the sign-ins answered by the test.
    pub async fn start_with_tokens(
        token: impl Fn(&Hit, usize) -> Response<Body> + Send + Sync + 'static,
        answer: impl Fn(&Hit, usize, &str) -> Response<Body> + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let hits: Arc<Mutex<Vec<Hit>>> = Arc::default();
        let (seen, own, answer, token) = (hits.clone(), url.clone(), Arc::new(answer), Arc::new(token));
        let router = Router::new().fallback(move |request: Request| {
            let (seen, own, answer, token) = (seen.clone(), own.clone(), answer.clone(), token.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = to_bytes(body, 1 << 24).await.unwrap();
                let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
                let hit = Hit {
                    method: parts.method.to_string(),
                    path: parts.uri.to_string(),
                    headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
                    body: String::from_utf8_lossy(&body).into_owned(),
                };
                let (sign_ins, calls) = {
                    let mut seen = seen.lock().unwrap();
                    let sign_ins = seen.iter().filter(|hit: &&Hit| hit.is_sign_in()).count();
                    let others = |hit: &&Hit| !hit.is_sign_in() && !hit.is_metadata();
                    let calls = seen.iter().filter(others).count();
                    seen.push(hit.clone());
                    (sign_ins, calls)
                };
                match (hit.is_sign_in(), hit.is_metadata()) {
                    (true, _) => token(&hit, sign_ins),
                    (_, true) => metadata(&hit),
                    _ => answer(&hit, calls, &own),
                }
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, hits }
    }

    pub fn hits(&self) -> Vec<Hit> {
        self.hits.lock().unwrap().clone()
    }

    /// API calls; sign-ins and questions about tables left out.
    pub fn calls(&self) -> Vec<Hit> {
        self.hits().into_iter().filter(|hit| !hit.is_sign_in() && !hit.is_metadata()).collect()
    }

    pub fn sign_ins(&self) -> Vec<Hit> {
        self.hits().into_iter().filter(Hit::is_sign_in).collect()
    }

    pub fn connector(&self) -> Dynamics {
        self.connector_with(super::config(&self.url))
    }

    pub fn connector_with(&self, config: Config) -> Dynamics {
        connect(config, context(super::vault())).expect("the configuration is good")
    }
}

pub fn context(vault: Arc<Vault>) -> Context {
    Context {
        connection: "dynamics".into(),
        clock: Arc::new(LeapClock::over(Arc::new(SystemClock))),
        entropy: Arc::new(SeededEntropy::new(7)),
        environment: vault,
        notebook: Arc::new(MemoryNotebook::new()),
    }
}

pub fn answer(status: u16, body: impl Into<Body>) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap();
    Response::builder().status(status).header("content-type", "application/json").body(body.into()).unwrap()
}

pub fn reply(status: u16, body: &Json) -> Response<Body> {
    answer(status, body.to_string())
}

/// A table of contacts with a few columns of text; its changes are tracked.
fn metadata(hit: &Hit) -> Response<Body> {
    let asked = hit.body.lines().filter_map(|line| line.strip_prefix("GET "));
    let part = |target: &str| {
        format!(
            "--batchresponse_1\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}\r\n",
            about(target)
        )
    };
    let body: String = asked.map(part).chain(["--batchresponse_1--\r\n".to_owned()]).collect();
    let answer = Response::builder().header("content-type", "multipart/mixed; boundary=batchresponse_1");
    answer.body(Body::from(body)).unwrap()
}

fn about(target: &str) -> Json {
    let attribute = |name: &str, kind: &str| json!({ "LogicalName": name, "AttributeType": kind, "IsValidForUpdate": name != "contactid" });
    if target.contains("AttributeMetadata") || target.contains("/Keys") {
        return json!({ "value": [] });
    }
    if target.contains("sdkmessagefilters") {
        return json!({ "value": [{ "sdkmessagefilterid": "1" }] });
    }
    if target.contains("/Attributes") {
        let columns = [
            attribute("contactid", "Uniqueidentifier"),
            attribute("modifiedon", "DateTime"),
            attribute("emailaddress1", "String"),
            attribute("lastname", "String"),
        ];
        return json!({ "value": columns });
    }
    json!({ "EntitySetName": "contacts", "PrimaryIdAttribute": "contactid", "ChangeTrackingEnabled": true,
        "IsOptimisticConcurrencyEnabled": true })
}
