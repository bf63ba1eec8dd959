//! The levers on a mock CRM that is spoken to over HTTP: its clock, its knobs, what a person does in it, and what it saw.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use connector::{Clock, Fields, RecordId, SystemClock, Value};
use serde_json::{Map, Value as Json, json};

use crate::LeapClock;

/// Everything a test does to a mock beside the vendor's own API. A lever that does not move is the test's failure: it
/// panics.
#[derive(Debug)]
pub struct Levers {
    url: String,
    /// For the test's own calls.
    pub http: reqwest::Client,
    /// The connector's clock, which goes with the mock's.
    pub clock: Arc<LeapClock>,
    /// Calls of the test itself, which the connector's are counted without: all of them, and sign-ins among them.
    own_calls: AtomicU64,
    own_sign_ins: AtomicU64,
    offset_s: AtomicI64,
    /// Connections made to the host that answers point to when they point elsewhere.
    strangers: Arc<AtomicU64>,
}

impl Levers {
    /// # Panics
    /// Where no client can be made.
    #[allow(clippy::expect_used)]
    pub fn on(url: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().retry(reqwest::retry::never()).build().expect("a client");
        Self {
            url: url.to_owned(),
            http,
            clock: Arc::new(LeapClock::new(SystemClock.now())),
            own_calls: AtomicU64::new(0),
            own_sign_ins: AtomicU64::new(0),
            offset_s: AtomicI64::new(0),
            strangers: Arc::default(),
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// To be said of every call of the test's own to the vendor's API.
    pub fn count_own_call(&self) {
        self.own_calls.fetch_add(1, Ordering::SeqCst);
    }

    /// A sign-in of the test's own is a call, too.
    pub fn count_own_sign_in(&self) {
        self.count_own_call();
        self.own_sign_ins.fetch_add(1, Ordering::SeqCst);
    }

    /// Time passes for both sides.
    pub async fn advance(&self, by: Duration) {
        let seconds = by.as_secs() + u64::from(by.subsec_nanos() > 0);
        let whole = i64::try_from(seconds).unwrap_or(i64::MAX);
        let offset = self.offset_s.fetch_add(whole, Ordering::SeqCst) + whole;
        self.knobs(json!({ "clock_offset_s": offset })).await;
        self.clock.leap(Duration::from_secs(seconds));
    }

    /// # Panics
    /// Where the mock refuses.
    #[allow(clippy::expect_used)]
    pub async fn knobs(&self, patch: Json) {
        let answer = self.http.put(format!("{}/__mock/config", self.url)).json(&patch).send().await;
        let answer = answer.expect("an answer");
        let status = answer.status();
        assert!(status.is_success(), "{status}: {}", answer.text().await.unwrap_or_default());
    }

    /// Does what a person would in the CRM.
    ///
    /// # Errors
    /// The mock's words where it refuses.
    pub async fn rep(&self, action: &str, body: Json) -> Result<Json, String> {
        let answer = self.http.post(format!("{}/__mock/{action}", self.url)).json(&body).send().await;
        let answer = answer.map_err(|error| error.to_string())?;
        let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
        if status.is_success() {
            serde_json::from_str(&text).map_err(|error| error.to_string())
        } else {
            Err(format!("{action}: {status}: {text}"))
        }
    }

    /// Edits records of a kind as a person does.
    ///
    /// # Errors
    /// The mock's words where it refuses.
    pub async fn rep_edit(&self, kind: &str, ids: &[RecordId], fields: &Fields) -> Result<(), String> {
        let ids: Vec<&str> = ids.iter().map(RecordId::as_str).collect();
        let body = json!({ "object": kind, "ids": ids, "properties": properties(fields) });
        self.rep("edit", body).await.map(drop)
    }

    /// The lines of `ledger` or `requests`.
    ///
    /// # Panics
    /// Where they cannot be read.
    #[allow(clippy::expect_used)]
    pub async fn lines(&self, what: &str) -> Vec<Json> {
        let url = format!("{}/__mock/{what}", self.url);
        let text = self.http.get(url).send().await.expect("an answer").text().await.expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }

    /// Requests the connector has sent.
    pub async fn requests(&self) -> u64 {
        self.lines("requests").await.len() as u64 - self.own_calls.load(Ordering::SeqCst)
    }

    /// Requests to paths that hold `part`, of the test itself included.
    pub async fn requests_to(&self, part: &str) -> usize {
        let requests = self.lines("requests").await;
        requests.iter().filter(|line| line["path"].as_str().is_some_and(|path| path.contains(part))).count()
    }

    /// Tokens the connector has asked for at this path.
    pub async fn sign_ins_at(&self, path: &str) -> u64 {
        let requests = self.lines("requests").await;
        let all = requests.iter().filter(|line| line["path"] == path).count() as u64;
        all - self.own_sign_ins.load(Ordering::SeqCst)
    }

    /// Opens the host that the fault `elsewhere` points to, and counts who comes.
    ///
    /// # Panics
    /// Where no port can be had.
    #[allow(clippy::expect_used)]
    pub async fn watch_elsewhere(&self) {
        let host = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = host.local_addr().expect("its address");
        self.knobs(json!({ "elsewhere": format!("http://{address}/steal") })).await;
        let count = self.strangers.clone();
        tokio::spawn(async move {
            while host.accept().await.is_ok() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
    }

    /// How many came there.
    pub fn strangers(&self) -> u64 {
        self.strangers.load(Ordering::SeqCst)
    }

    /// Every request meets this fault until the knob `faults` is emptied.
    pub async fn fault(&self, name: &str) {
        self.knobs(json!({ "faults": { name: 1.0, "slow_ms": 600_000 } })).await;
    }
}

/// Field values as JSON.
pub fn properties(fields: &Fields) -> Map<String, Json> {
    fields.iter().map(|(name, value)| (name.to_string(), json_of(value))).collect()
}

fn json_of(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => json!(flag),
        Value::Number(number) => serde_json::from_str(&number.to_string()).unwrap_or(Json::Null),
        other => json!(other.to_string()),
    }
}
