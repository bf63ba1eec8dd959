//! What happens in the world between two kills: people visit, reps edit, delete and merge.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;

use crate::crm::Crm;
use crate::ferry::Ferry;

/// The model: what must be true in the end.
#[derive(Debug)]
pub struct World {
    folder: PathBuf,
    seed: u64,
    /// Page views by e-mail address.
    pub views: BTreeMap<String, u64>,
    /// Addresses that were not at the CRM at the start: each must be created exactly once.
    pub newcomers: Vec<String>,
    /// Addresses of contacts that a rep deleted.
    pub deleted: Vec<String>,
    /// Address of a merged-away contact → address of the survivor.
    pub merged: BTreeMap<String, String>,
    /// Contacts at the CRM from the start: id and address.
    contacts: Vec<(String, String)>,
    pub messages: u64,
    /// Files not acknowledged yet; importing one again must add nothing twice.
    waiting: Vec<PathBuf>,
}

impl World {
    pub fn new(folder: &std::path::Path, seed: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            seed,
            views: BTreeMap::new(),
            newcomers: Vec::new(),
            deleted: Vec::new(),
            merged: BTreeMap::new(),
            contacts: Vec::new(),
            messages: 0,
            waiting: Vec::new(),
        }
    }

    /// The address whose profile the views of `address` count for in the end.
    pub fn holder<'a>(&'a self, address: &'a str) -> &'a str {
        self.merged.get(address).map_or(address, String::as_str)
    }

    /// Learns who is at the CRM. To be done before any fault is planned: what looks on must not be hit by one.
    pub async fn meet(&mut self, crm: &Crm) -> Result<()> {
        let email = crm.vendor.email();
        for (id, fields) in crm.contacts(&[email]).await? {
            let address = fields.get(email).cloned().unwrap_or_default();
            if !address.is_empty() {
                self.contacts.push((id, address));
            }
        }
        Ok(())
    }

    pub async fn a_while_passes(&mut self, crm: &Crm, dice: &mut StdRng) -> Result<()> {
        self.reps_work(crm, dice).await?;
        self.people_visit(dice)
    }

    async fn reps_work(&mut self, crm: &Crm, dice: &mut StdRng) -> Result<()> {
        for _ in 0..dice.random_range(0..4) {
            let (id, _) = self.contacts[dice.random_range(0..self.contacts.len())].clone();
            let title = format!("Title {}", dice.random_range(0..1_000));
            crm.rep("edit", &json!({"object": "contact", "id": id, "properties": {crm.vendor.title(): title}})).await?;
        }
        // Deleting and merging is rare, and never touches a person twice.
        if dice.random_bool(0.15) && self.contacts.len() > 20 {
            let (id, address) = self.contacts.swap_remove(dice.random_range(0..self.contacts.len()));
            crm.rep("delete", &json!({"object": "contact", "id": id})).await?;
            self.deleted.push(address);
        }
        if dice.random_bool(0.15) && self.contacts.len() > 20 && crm.vendor.tells_merges() {
            let (loser, from) = self.contacts.swap_remove(dice.random_range(0..self.contacts.len()));
            let (survivor, into) = self.contacts.swap_remove(dice.random_range(0..self.contacts.len()));
            crm.rep("merge", &json!({"object": "contact", "primary": survivor, "secondary": loser})).await?;
            self.merged.insert(from, into);
        }
        Ok(())
    }

    fn people_visit(&mut self, dice: &mut StdRng) -> Result<()> {
        let mut lines = String::new();
        for _ in 0..dice.random_range(1..12) {
            let address = if dice.random_bool(0.1) {
                let address = format!("new{}@shop{}.example", self.newcomers.len(), self.seed % 1_000);
                self.newcomers.push(address.clone());
                address
            } else {
                self.contacts[dice.random_range(0..self.contacts.len())].1.clone()
            };
            for _ in 0..dice.random_range(1..4) {
                self.messages += 1;
                let message = json!({
                    "type": "page", "messageId": format!("m{}-{}", self.seed, self.messages),
                    "anonymousId": format!("visitor-of-{address}"), "timestamp": yesterday(),
                    "context": {"traits": {"email": address}, "page": {"path": "/pricing", "url": "https://shop.example/pricing"}},
                });
                writeln!(lines, "{message}")?;
                *self.views.entry(address.clone()).or_default() += 1;
            }
        }
        let path = self.folder.join(format!("events-{}.jsonl", self.messages));
        std::fs::write(&path, lines)?;
        self.waiting.push(path);
        Ok(())
    }

    /// Imports one waiting file, sometimes cut short by a kill; a file counts as taken in only when it was acknowledged.
    pub async fn import(&mut self, ferry: &Ferry, dice: &mut StdRng) -> Result<()> {
        let Some(path) = self.waiting.first().cloned() else { return Ok(()) };
        let cut = dice.random_bool(0.2).then(|| Duration::from_millis(dice.random_range(5..80)));
        if ferry.ingest(&path, cut).await? {
            self.waiting.remove(0);
        }
        Ok(())
    }

    pub async fn import_rest(&mut self, ferry: &Ferry) -> Result<()> {
        for path in std::mem::take(&mut self.waiting) {
            let taken = ferry.ingest(&path, None).await?;
            anyhow::ensure!(taken, "an import without faults failed: {}", path.display());
        }
        Ok(())
    }
}

/// An instant well inside every window, whatever the hour the experiment runs at.
#[allow(clippy::disallowed_methods)]
fn yesterday() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let at = connector::Timestamp::from_secs(i64::try_from(now.as_secs()).unwrap_or(0) - 86_400);
    at.to_rfc3339()
}
