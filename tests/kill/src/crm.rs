//! The mock CRM as a process of its own, so that no kill can hide evidence.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

#[derive(Debug)]
pub struct Crm {
    pub url: String,
    client: reqwest::Client,
    _process: Child,
}

impl Crm {
    pub async fn start(binary: &Path, seed: u64, records: u32) -> Result<Self> {
        let mut command = Command::new(binary);
        command.args(["mock", "hubspot", "--listen", "127.0.0.1:0", "--json"]);
        command.args(["--records", &records.to_string(), "--seed", &seed.to_string()]);
        command.stdout(Stdio::piped()).stdin(Stdio::null()).kill_on_drop(true);
        let mut process = command.spawn().context("start the mock")?;
        let stdout = process.stdout.take().context("the mock has no output")?;
        let line = BufReader::new(stdout).lines().next_line().await?.context("the mock said nothing")?;
        let said: Value = serde_json::from_str(&line).with_context(|| format!("the mock said {line}"))?;
        let url = said["url"].as_str().context("the mock named no url")?.to_owned();
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { url, client, _process: process })
    }

    pub async fn configure(&self, json: &str) -> Result<()> {
        self.control(self.client.put(format!("{}/__mock/config", self.url)), json).await
    }

    /// Acts as a rep would: `edit`, `merge`, `delete`.
    pub async fn rep(&self, verb: &str, json: &Value) -> Result<()> {
        self.control(self.client.post(format!("{}/__mock/{verb}", self.url)), &json.to_string()).await
    }

    async fn control(&self, request: reqwest::RequestBuilder, json: &str) -> Result<()> {
        let answer = request.header("content-type", "application/json").body(json.to_owned()).send().await?;
        let status = answer.status();
        if !status.is_success() {
            bail!("the mock refused {json}: {status} {}", answer.text().await?);
        }
        Ok(())
    }

    /// Every change ever applied, in order.
    pub async fn ledger(&self) -> Result<Vec<Value>> {
        self.lines("ledger").await
    }

    /// Every request ever seen, in order.
    pub async fn requests(&self) -> Result<Vec<Value>> {
        self.lines("requests").await
    }

    async fn lines(&self, what: &str) -> Result<Vec<Value>> {
        let text = self.client.get(format!("{}/__mock/{what}", self.url)).send().await?.text().await?;
        text.lines().filter(|line| !line.is_empty()).map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// All live contacts, with these properties, through the public API.
    pub async fn contacts(&self, properties: &str) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let mut url = format!("{}/crm/v3/objects/contacts?limit=100&properties={properties}", self.url);
            if !after.is_empty() {
                url.push_str(&format!("&after={after}"));
            }
            let answer = self.client.get(url).bearer_auth("mock-token").send().await?;
            let page: Value = answer.json().await?;
            let results = page["results"].as_array().with_context(|| format!("no contacts in {page}"))?;
            all.extend(results.iter().cloned());
            match page["paging"]["next"]["after"].as_str() {
                Some(next) => after = next.to_owned(),
                None => return Ok(all),
            }
        }
    }
}
