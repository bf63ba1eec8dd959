//! The mock CRM in a process of its own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

pub struct Crm {
    pub url: String,
    pub client: reqwest::Client,
    process: Child,
}

impl Crm {
    pub async fn start(records: u64) -> Self {
        Self::start_of("hubspot", records).await
    }

    pub async fn start_of(kind: &str, records: u64) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ferry"));
        command.args(["mock", kind, "--listen", "127.0.0.1:0", "--json", "--records", &records.to_string()]);
        let mut process = command.stdout(Stdio::piped()).spawn().expect("start the mock");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("its first line");
        let said: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { url: said["url"].as_str().expect("an address").to_owned(), client, process }
    }

    pub async fn control(&self, json: &'static str) {
        let request = self.client.put(format!("{}/__mock/config", self.url)).body(json);
        assert!(request.send().await.expect("an answer").status().is_success());
    }

    /// Requests answered so far.
    pub async fn requests(&self) -> u64 {
        self.lines("requests").await
    }

    /// Changes applied so far.
    pub async fn writes(&self) -> u64 {
        self.lines("ledger").await
    }

    /// Requests refused for going too fast.
    pub async fn throttled(&self) -> u64 {
        let text = self.text("requests").await;
        text.lines().filter(|line| line.contains("\"status\":429")).count() as u64
    }

    /// When each request came, by the mock's clock, in order.
    pub async fn arrivals(&self) -> Vec<connector::Timestamp> {
        let at = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            line["at"].as_str().and_then(connector::Timestamp::parse_rfc3339).expect("an instant")
        };
        self.text("requests").await.lines().map(at).collect()
    }

    /// When a property of each record was first given a value, by the record's id and the mock's clock.
    pub async fn told(&self, property: &str, value: &str) -> BTreeMap<String, connector::Timestamp> {
        let mut told = BTreeMap::new();
        for line in self.text("ledger").await.lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let (Some(id), Some(at)) = (line["record"].as_str(), line["at"].as_str()) else { continue };
            if line["after"][property] == value {
                let at = connector::Timestamp::parse_rfc3339(at).expect("an instant");
                told.entry(id.to_owned()).or_insert(at);
            }
        }
        told
    }

    async fn lines(&self, what: &str) -> u64 {
        self.text(what).await.bytes().filter(|byte| *byte == b'\n').count() as u64
    }

    async fn text(&self, what: &str) -> String {
        let answer = self.client.get(format!("{}/__mock/{what}", self.url)).send().await.expect("an answer");
        answer.text().await.expect("a body")
    }

    /// Every contact's values of some properties, by id.
    pub async fn contacts(&self, properties: &str) -> BTreeMap<String, serde_json::Value> {
        let mut found = BTreeMap::new();
        let mut after = String::new();
        loop {
            let url = format!("{}/crm/objects/2026-09/contacts?limit=100&properties={properties}{after}", self.url);
            let answer = self.client.get(url).bearer_auth("mock-token").send().await.expect("an answer");
            let page: serde_json::Value = answer.json().await.expect("JSON");
            for record in page["results"].as_array().expect("results") {
                found.insert(record["id"].as_str().expect("an id").to_owned(), record["properties"].clone());
            }
            match page["paging"]["next"]["after"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return found,
            }
        }
    }

    /// Edits the city of every tenth contact in batches; returns how many. Waits until the search index shows it.
    pub async fn edit_every_tenth(&self) -> u64 {
        let ids: Vec<String> = self.contacts("email").await.into_keys().step_by(10).collect();
        for batch in ids.chunks(100) {
            let inputs: Vec<serde_json::Value> =
                batch.iter().map(|id| serde_json::json!({"id": id, "properties": {"city": "Elsewhere"}})).collect();
            let url = format!("{}/crm/objects/2026-09/contacts/batch/update", self.url);
            let body = serde_json::json!({"inputs": inputs});
            let answer = self.client.post(url).bearer_auth("mock-token").json(&body).send().await.expect("an answer");
            assert!(answer.status().is_success());
        }
        ids.len() as u64
    }

    /// The mock's memory in MiB: now, and at most.
    pub fn memory(&self) -> (u64, u64) {
        crate::measure::memory_of(self.process.id())
    }
}

impl Drop for Crm {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
