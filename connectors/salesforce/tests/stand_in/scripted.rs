//! A server that answers as a test tells it, where no faithful organisation would.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use connector::{Context, MemoryNotebook, SeededEntropy, SystemClock};
use connector_conformance::LeapClock;
use connector_salesforce::{Config, Salesforce, connect};
use serde_json::{Value as Json, json};

use super::Vault;

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Hit {
    pub method: String,
    /// With its query.
    pub path: String,
    pub authorization: Option<String>,
    pub body: String,
}

impl Hit {
    pub fn is_sign_in(&self) -> bool {
        self.path == "/services/oauth2/token"
    }
}

/// A running server and what reached it.
pub struct Scripted {
    pub url: String,
    hits: Arc<Mutex<Vec<Hit>>>,
}

impl Scripted {
    /// `answer` sees every request, how many came before it, and the server's own address.
    pub async fn start(answer: impl Fn(&Hit, usize, &str) -> Response<Body> + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let hits: Arc<Mutex<Vec<Hit>>> = Arc::default();
        let (seen, own, answer) = (hits.clone(), url.clone(), Arc::new(answer));
        let router = Router::new().fallback(move |request: Request| {
            let (seen, own, answer) = (seen.clone(), own.clone(), answer.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = to_bytes(body, 1 << 20).await.unwrap();
                let authorization = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
                let hit = Hit {
                    method: parts.method.to_string(),
                    path: parts.uri.to_string(),
                    authorization: authorization.map(str::to_owned),
                    body: String::from_utf8_lossy(&body).into_owned(),
                };
                let before = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(hit.clone());
                    seen.len() - 1
                };
                answer(&hit, before, &own)
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, hits }
    }

    pub fn hits(&self) -> Vec<Hit> {
        self.hits.lock().unwrap().clone()
    }

    /// API calls, sign-ins left out.
    pub fn calls(&self) -> usize {
        self.hits().iter().filter(|hit| !hit.is_sign_in()).count()
    }

    pub fn sign_ins(&self) -> usize {
        self.hits().iter().filter(|hit| hit.is_sign_in()).count()
    }

    pub fn connector(&self) -> Salesforce {
        self.connector_with(super::config(&self.url), super::vault())
    }

    pub fn connector_with(&self, config: Config, vault: Arc<Vault>) -> Salesforce {
        let context = Context {
            connection: "salesforce".into(),
            clock: Arc::new(LeapClock::over(Arc::new(SystemClock))),
            entropy: Arc::new(SeededEntropy::new(7)),
            environment: vault,
            notebook: Arc::new(MemoryNotebook::new()),
        };
        connect(config, context).expect("the configuration is good")
    }
}

pub fn answer(status: u16, body: impl Into<Body>) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap();
    Response::builder().status(status).header("content-type", "application/json").body(body.into()).unwrap()
}

pub fn reply(status: u16, body: &Json) -> Response<Body> {
    answer(status, body.to_string())
}

/// What a good sign-in answers.
pub fn token(instance: &str) -> Response<Body> {
    reply(200, &json!({ "access_token": "00Dxx!token", "instance_url": instance, "token_type": "Bearer" }))
}

/// A description of contacts with these text fields beside their own.
pub fn described(fields: &[&str]) -> Response<Body> {
    let field = |name: &str, kind: &str| json!({ "name": name, "type": kind, "label": name });
    let mut all = vec![field("Id", "id"), field("SystemModstamp", "datetime"), field("Email", "email")];
    all.extend(fields.iter().map(|name| field(name, "string")));
    reply(200, &json!({ "replicateable": true, "fields": all }))
}
