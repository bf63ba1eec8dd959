//! The mock CRM in a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

pub struct Crm {
    pub url: String,
    pub client: reqwest::Client,
    process: Child,
}

impl Crm {
    pub async fn start(records: u64) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ferry"));
        command.args(["mock", "hubspot", "--listen", "127.0.0.1:0", "--json", "--records", &records.to_string()]);
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

    async fn lines(&self, what: &str) -> u64 {
        let answer = self.client.get(format!("{}/__mock/{what}", self.url)).send().await.expect("an answer");
        let text = answer.bytes().await.expect("a body");
        text.iter().filter(|byte| **byte == b'\n').count() as u64
    }
}

impl Drop for Crm {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
