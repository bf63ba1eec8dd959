//! The checker: the mock's ledger against the model. It trusts nothing the daemon says of its writes.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::Tally;
use crate::crm::Crm;
use crate::ferry::Ferry;
use crate::vendor::Vendor;
use crate::work::World;

/// Live contacts: id, and fields as texts.
type Contacts = Vec<(String, BTreeMap<String, String>)>;

#[derive(Debug, Default)]
pub struct Verdict {
    lines: Vec<String>,
    broken: Vec<String>,
}

impl Verdict {
    pub fn holds(&self) -> bool {
        self.broken.is_empty()
    }

    fn must(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(what());
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "kill: {line}")?;
        }
        for line in self.broken.iter().take(20) {
            writeln!(f, "kill: BROKEN {line}")?;
        }
        write!(f, "kill: {}", if self.holds() { "everything holds" } else { "something is broken" })
    }
}

/// Fields that only Ferry writes.
fn is_ours(field: &str) -> bool {
    let field = field.to_ascii_lowercase();
    field.strip_prefix("new_").unwrap_or(&field).starts_with("cdp_")
}

pub async fn everything(crm: &Crm, ferry: &Ferry, world: &World, tally: &Tally) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let ledger = crm.ledger().await?;
    let requests = crm.requests().await?;
    let faulted = requests.iter().filter(|request| !request["fault"].is_null()).count();
    verdict.lines.push(format!(
        "{} kills at random, {} at failpoints, {} runs ended first; {} requests, {faulted} with a fault",
        tally.at_random,
        tally.at_failpoints,
        tally.survived,
        requests.len(),
    ));
    let vendor = crm.vendor;
    let contacts: Contacts = crm.contacts(&[vendor.email(), vendor.page_views(), vendor.key()]).await?;
    writes(&ledger, vendor, &mut verdict, u64::from(tally.at_random + tally.at_failpoints) + faulted as u64);
    creates(&ledger, world, vendor, &contacts, &mut verdict);
    values(world, vendor, &contacts, &mut verdict);
    let unfinished = crm.unfinished_jobs().await?;
    verdict.must(unfinished.is_empty(), || format!("bulk jobs were left behind: {}", unfinished.join(", ")));
    jobs(&requests, vendor, &mut verdict);
    store(ferry, world, contacts.len(), &mut verdict).await?;
    Ok(verdict)
}

/// Updates of ours: only our fields, never to a deleted record, and none in vain beyond the resends after a lost answer.
fn writes(ledger: &[Value], vendor: Vendor, verdict: &mut Verdict, ambiguous_at_most: u64) {
    let mut deleted: HashSet<String> = HashSet::new();
    let (mut updates, mut vain) = (0u64, 0u64);
    let mut vain_of: BTreeMap<String, u64> = BTreeMap::new();
    for line in ledger {
        let record = line["record"].as_str().unwrap_or_default().to_owned();
        match line["op"].as_str() {
            Some("delete") => {
                deleted.insert(record);
            }
            Some("update") if line["by"] == "api" && line["object"] == vendor.contacts() => {
                updates += 1;
                verdict.must(!deleted.contains(&record), || format!("a deleted record was written: {line}"));
                let fields: Vec<&String> = line["after"].as_object().map(|o| o.keys().collect()).unwrap_or_default();
                let mapped = |field: &&&String| is_ours(field) || vendor.pushed().contains(&field.as_str());
                let named: Vec<&&String> = fields.iter().filter(mapped).collect();
                let strange = fields.iter().find(|field| !vendor.is_moved_along(field) && !mapped(field));
                verdict.must(strange.is_none(), || format!("a field that is not ours was written: {line}"));
                if named.is_empty() {
                    vain += 1;
                    *vain_of.entry(record).or_default() += 1;
                }
            }
            _ => {}
        }
    }
    verdict.lines.push(format!("{updates} updates, {vain} of them of unchanged values"));
    verdict.must(vain <= ambiguous_at_most, || format!("{vain} updates changed nothing"));
    for (record, count) in vain_of {
        verdict.must(count <= 1, || format!("record {record} was written {count} times with unchanged values"));
    }
}

/// Bulk jobs: how many were made and how many uploads they took. A job that is uploaded twice is a job sent twice.
fn jobs(requests: &[Value], vendor: Vendor, verdict: &mut Verdict) {
    let Some(jobs) = vendor.bulk_writes() else { return };
    let path = |request: &Value| request["path"].as_str().unwrap_or_default().trim_end_matches('/').to_owned();
    let made = requests.iter().filter(|r| r["method"] == "POST" && path(r).ends_with(jobs)).count();
    if vendor == Vendor::Zoho {
        verdict.must(made > 0, || "nothing was written by a bulk job".to_owned());
        let files = requests.iter().filter(|r| r["method"] == "POST" && path(r).ends_with("/upload")).count();
        verdict.lines.push(format!("{made} bulk jobs asked for, {files} files"));
        return;
    }
    let mut uploads: BTreeMap<String, u64> = BTreeMap::new();
    for request in requests.iter().filter(|r| r["method"] == "PUT" && r["status"] == 201) {
        *uploads.entry(path(request)).or_default() += 1;
    }
    if made > 0 {
        verdict.lines.push(format!("{made} bulk jobs asked for, {} uploaded", uploads.len()));
    }
    for (job, times) in uploads {
        verdict.must(times <= 1, || format!("{job} was uploaded {times} times"));
    }
}

/// At most one create per key, one for every newcomer, none for anybody else.
fn creates(ledger: &[Value], world: &World, vendor: Vendor, contacts: &Contacts, verdict: &mut Verdict) {
    let mut by_key: BTreeMap<String, u64> = BTreeMap::new();
    for line in ledger {
        if line["op"] == "create" && line["by"] == "api" && line["object"] == vendor.contacts() {
            let key = line["after"][vendor.key()].as_str().unwrap_or("none").to_owned();
            *by_key.entry(key).or_default() += 1;
        }
    }
    let twice = by_key.values().filter(|count| **count > 1).count();
    verdict.lines.push(format!(
        "{} newcomers, {} contacts created, {twice} created twice",
        world.newcomers.len(),
        by_key.len()
    ));
    verdict.must(twice == 0, || "a contact was created twice".to_owned());
    verdict.must(by_key.len() == world.newcomers.len(), || "not every newcomer was created exactly once".to_owned());
    let mut addresses: HashSet<&str> = HashSet::new();
    for (_, fields) in contacts {
        let address = fields.get(vendor.email()).map_or("", String::as_str);
        verdict
            .must(address.is_empty() || addresses.insert(address), || "two live contacts share an address".to_owned());
    }
}

/// The CRM holds what the model says: nothing lost, nothing counted twice.
fn values(world: &World, vendor: Vendor, contacts: &Contacts, verdict: &mut Verdict) {
    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    for (address, views) in &world.views {
        *expected.entry(world.holder(address)).or_default() += views;
    }
    let live: BTreeMap<&str, &BTreeMap<String, String>> =
        contacts.iter().filter_map(|(_, fields)| Some((fields.get(vendor.email())?.as_str(), fields))).collect();
    let mut checked = 0;
    for (address, views) in expected {
        if world.deleted.iter().any(|gone| gone == address) {
            verdict.must(!live.contains_key(address), || "a deleted contact came back".to_owned());
            continue;
        }
        let held = live.get(address).and_then(|fields| fields.get(vendor.page_views()));
        verdict.must(held == Some(&views.to_string()), || {
            format!("{address}: {views} page views were sent, the CRM holds {held:?}")
        });
        checked += 1;
    }
    verdict.lines.push(format!("{checked} people with the page views the model counted"));
}

/// The store agrees: every message once, every live contact, nothing stuck.
async fn store(ferry: &Ferry, world: &World, live: usize, verdict: &mut Verdict) -> Result<()> {
    let status = ferry.json(&["status"]).await?;
    let connection = status["connections"].get(0).context("status names no connection")?;
    let (events, records) = (status["events"].as_u64(), connection["objects"]["contact"]["records"].as_u64());
    verdict.lines.push(format!("{} messages sent, {} events held", world.messages, events.unwrap_or(0)));
    verdict.must(events == Some(world.messages), || format!("{} messages became {events:?} events", world.messages));
    verdict.must(records == Some(live as u64), || format!("{live} live contacts, {records:?} linked"));
    verdict.must(connection["outbox"] == 0, || format!("{} writes are stuck", connection["outbox"]));
    verdict.must(connection["dead_letters"] == 0, || format!("{} dead letters", connection["dead_letters"]));
    Ok(())
}
