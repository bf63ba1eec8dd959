//! A server that answers as a test tells it: what no faithful organisation would say, and the steps of bulk jobs.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Response};
use connector::{Context, MemoryNotebook, SeededEntropy, SystemClock};
use connector_conformance::LeapClock;
use connector_zoho::{Config, Zoho, connect};
use serde_json::{Value as Json, json};

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Hit {
    /// `GET /crm/v8/org`, with the query.
    pub line: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Hit {
    pub fn is(&self, start: &str) -> bool {
        self.line.starts_with(start)
    }

    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or(Json::Null)
    }
}

/// An answer.
pub struct Said {
    status: u16,
    body: Vec<u8>,
    headers: Vec<(&'static str, String)>,
}

impl Said {
    pub fn json(status: u16, body: Json) -> Self {
        Self::bytes(status, body.to_string().into_bytes())
    }

    pub fn bytes(status: u16, body: Vec<u8>) -> Self {
        Self { status, body, headers: Vec::new() }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// What a test does not answer itself.
fn usual(hit: &Hit) -> Said {
    if hit.is("POST /oauth/v2/token") {
        return Said::json(200, json!({ "access_token": "1000.a", "expires_in": 3_600, "token_type": "Bearer" }));
    }
    if hit.is("GET /crm/v8/org") {
        let license = json!({ "paid_type": "enterprise", "users_license_purchased": 10 });
        return Said::json(
            200,
            json!({ "org": [{ "id": "1", "zgid": "777", "iso_code": "EUR", "license_details": license }] }),
        );
    }
    if hit.is("GET /crm/v8/settings/fields") {
        let field = |name: &str, kind: &str| json!({ "api_name": name, "data_type": kind });
        let fields = [
            field("Last_Name", "text"),
            field("Email", "email"),
            field("Modified_Time", "datetime"),
            field("Worth", "double"),
            json!({ "api_name": "CDP_profile_id", "data_type": "text", "unique": { "case_sensitive": false } }),
            json!({ "api_name": "Card", "data_type": "text", "unique": { "case_sensitive": false } }),
        ];
        return Said::json(200, json!({ "fields": fields }));
    }
    Said::json(404, json!({ "code": "INVALID_URL_PATTERN", "details": {}, "message": "m", "status": "error" }))
}

/// A running server and what reached it.
pub struct Scripted {
    pub url: String,
    pub notebook: Arc<MemoryNotebook>,
    pub clock: Arc<LeapClock>,
    hits: Arc<Mutex<Vec<Hit>>>,
}

impl Scripted {
    /// `answer` sees every request; what it leaves open is answered as usual.
    pub async fn start(answer: impl Fn(&Hit) -> Option<Said> + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let hits: Arc<Mutex<Vec<Hit>>> = Arc::default();
        let (seen, answer) = (hits.clone(), Arc::new(answer));
        let router = Router::new().fallback(move |request: Request| {
            let (seen, answer) = (seen.clone(), answer.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = to_bytes(body, 1 << 26).await.unwrap().to_vec();
                let line = format!("{} {}", parts.method, parts.uri);
                let hit = Hit { line, headers: parts.headers, body };
                seen.lock().unwrap().push(hit.clone());
                let said = answer(&hit).unwrap_or_else(|| usual(&hit));
                let mut response = Response::builder().status(said.status);
                for (name, value) in said.headers {
                    response = response.header(name, value);
                }
                response.body(Body::from(said.body)).unwrap()
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        let clock = Arc::new(LeapClock::over(Arc::new(SystemClock)));
        Self { url, notebook: Arc::new(MemoryNotebook::new()), clock, hits }
    }

    pub fn hits(&self) -> Vec<Hit> {
        self.hits.lock().unwrap().clone()
    }

    pub fn count(&self, start: &str) -> usize {
        self.hits().iter().filter(|hit| hit.is(start)).count()
    }

    pub fn connector(&self, change: impl FnOnce(&mut Config)) -> Zoho {
        let mut config = super::config(&self.url);
        change(&mut config);
        let context = Context {
            connection: "zoho".into(),
            clock: self.clock.clone(),
            entropy: Arc::new(SeededEntropy::new(7)),
            environment: super::vault(),
            notebook: self.notebook.clone(),
        };
        connect(config, context).expect("the configuration is good")
    }
}
