//! The mock CRM as a process of its own, so that no kill can hide evidence.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::vendor::Vendor;

#[derive(Debug)]
pub struct Crm {
    pub url: String,
    pub vendor: Vendor,
    client: reqwest::Client,
    _process: Child,
}

impl Crm {
    pub async fn start(binary: &Path, vendor: Vendor, seed: u64, records: u32) -> Result<Self> {
        let mut command = Command::new(binary);
        command.args(["mock", vendor.word(), "--listen", "127.0.0.1:0", "--json"]);
        command.args(["--records", &records.to_string(), "--seed", &seed.to_string()]);
        command.stdout(Stdio::piped()).stdin(Stdio::null()).kill_on_drop(true);
        let mut process = command.spawn().context("start the mock")?;
        let stdout = process.stdout.take().context("the mock has no output")?;
        let line = BufReader::new(stdout).lines().next_line().await?.context("the mock said nothing")?;
        let said: Value = serde_json::from_str(&line).with_context(|| format!("the mock said {line}"))?;
        let url = said["url"].as_str().context("the mock named no url")?.to_owned();
        let client = reqwest::Client::builder().no_proxy().build()?;
        let crm = Self { url, vendor, client, _process: process };
        crm.configure(vendor.mock_config()).await?;
        Ok(crm)
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

    /// All live contacts by id, with these fields as texts, through the public API.
    pub async fn contacts(&self, fields: &[&str]) -> Result<Vec<(String, BTreeMap<String, String>)>> {
        match self.vendor {
            Vendor::Hubspot => self.listed(fields).await,
            Vendor::Salesforce => self.queried(fields).await,
            Vendor::Dynamics => self.linked(fields).await,
            Vendor::Zoho => self.paged(fields).await,
        }
    }

    async fn listed(&self, fields: &[&str]) -> Result<Vec<(String, BTreeMap<String, String>)>> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let properties = fields.join(",");
            let mut url = format!("{}/crm/v3/objects/contacts?limit=100&properties={properties}", self.url);
            if !after.is_empty() {
                url.push_str(&format!("&after={after}"));
            }
            let answer = self.client.get(url).bearer_auth("mock-token").send().await?;
            let page: Value = answer.json().await?;
            for record in page["results"].as_array().with_context(|| format!("no contacts in {page}"))? {
                all.push((text(&record["id"]), texts(&record["properties"], fields)));
            }
            match page["paging"]["next"]["after"].as_str() {
                Some(next) => after = next.to_owned(),
                None => return Ok(all),
            }
        }
    }

    async fn queried(&self, fields: &[&str]) -> Result<Vec<(String, BTreeMap<String, String>)>> {
        let token = self.token().await?;
        let query = format!("SELECT Id,{} FROM Contact", fields.join(","));
        let mut url =
            reqwest::Url::parse_with_params(&format!("{}/services/data/v67.0/query", self.url), [("q", &query)])?;
        let mut all = Vec::new();
        loop {
            let page: Value = self.client.get(url).bearer_auth(&token).send().await?.json().await?;
            for record in page["records"].as_array().with_context(|| format!("no contacts in {page}"))? {
                all.push((text(&record["Id"]), texts(record, fields)));
            }
            match page["nextRecordsUrl"].as_str() {
                Some(next) => url = reqwest::Url::parse(&format!("{}{next}", self.url))?,
                None => return Ok(all),
            }
        }
    }

    async fn linked(&self, fields: &[&str]) -> Result<Vec<(String, BTreeMap<String, String>)>> {
        let scope = format!("{}/.default", self.url);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "mock-client"),
            ("client_secret", "mock-secret"),
            ("scope", scope.as_str()),
        ];
        let request = self.client.post(format!("{}/acme/oauth2/v2.0/token", self.url)).form(&form);
        let said: Value = request.send().await?.json().await?;
        let token = said["access_token"].as_str().with_context(|| format!("no token in {said}"))?.to_owned();
        let mut url =
            format!("{}/api/data/v9.2/contacts?$select={}&$filter=merged ne true", self.url, fields.join(","));
        let mut all = Vec::new();
        loop {
            let page: Value = self.client.get(url).bearer_auth(&token).send().await?.json().await?;
            for record in page["value"].as_array().with_context(|| format!("no contacts in {page}"))? {
                all.push((text(&record["contactid"]), texts(record, fields)));
            }
            match page["@odata.nextLink"].as_str() {
                Some(next) => url = next.to_owned(),
                None => return Ok(all),
            }
        }
    }

    async fn paged(&self, fields: &[&str]) -> Result<Vec<(String, BTreeMap<String, String>)>> {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "mock-client"),
            ("client_secret", "mock-secret"),
            ("refresh_token", "mock-refresh"),
        ];
        let request = self.client.post(format!("{}/oauth/v2/token", self.url)).form(&form);
        let said: Value = request.send().await?.json().await?;
        let token = said["access_token"].as_str().with_context(|| format!("no token in {said}"))?.to_owned();
        let list = format!("{}/crm/v8/Contacts?fields={}", self.url, fields.join(","));
        let mut url = list.clone();
        let mut all = Vec::new();
        loop {
            let request = self.client.get(url).header("authorization", format!("Zoho-oauthtoken {token}"));
            let page: Value = request.send().await?.json().await?;
            for record in page["data"].as_array().with_context(|| format!("no contacts in {page}"))? {
                all.push((text(&record["id"]), texts(record, fields)));
            }
            match page["info"]["next_page_token"].as_str().filter(|_| page["info"]["more_records"] == true) {
                Some(next) => url = format!("{list}&page_token={next}"),
                None => return Ok(all),
            }
        }
    }

    /// Bulk jobs that are neither ended nor aborted: what a killed run must not leave behind.
    pub async fn unfinished_jobs(&self) -> Result<Vec<String>> {
        if self.vendor != Vendor::Salesforce {
            return Ok(Vec::new());
        }
        let token = self.token().await?;
        let url = format!("{}/services/data/v67.0/jobs/ingest?jobType=V2Ingest", self.url);
        let list: Value = self.client.get(url).bearer_auth(token).send().await?.json().await?;
        let jobs = list["records"].as_array().with_context(|| format!("no jobs in {list}"))?;
        let ended = |job: &&Value| matches!(job["state"].as_str(), Some("JobComplete" | "Aborted" | "Failed"));
        Ok(jobs.iter().filter(|job| !ended(job)).map(|job| format!("{} {}", job["id"], job["state"])).collect())
    }

    async fn token(&self) -> Result<String> {
        let form =
            [("grant_type", "client_credentials"), ("client_id", "mock-client"), ("client_secret", "mock-secret")];
        let request = self.client.post(format!("{}/services/oauth2/token", self.url)).form(&form);
        let said: Value = request.send().await?.json().await?;
        Ok(said["access_token"].as_str().with_context(|| format!("no token in {said}"))?.to_owned())
    }
}

fn texts(record: &Value, fields: &[&str]) -> BTreeMap<String, String> {
    fields.iter().map(|field| ((*field).to_owned(), text(&record[*field]))).collect()
}

/// Texts as they are, whole numbers without a point, nothing as nothing.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string().trim_end_matches(".0").to_owned(),
    }
}
