//! Whole flows against a mock CRM in a process of its own, each beside a floor measured in the same run.
//!
//! `cargo bench -p ferry --bench flows -- --records 100000`; without the argument a smoke of 1,000 records. The first column
//! to trust is CPU per record: wall times are ratios inside one run at best. The mock's own CPU is not counted.
//!
//! Instead of the table: `--bulk` compares Salesforce by calls with Salesforce by bulk jobs, `--dynamics` and `--zoho` their
//! ways of reading and writing, `--quota` paces against a quota at two latencies, `--faults` compares a run through a faulty
//! network with a clean one, `--memory` measures memory and how soon the daemon is ready, `--fresh` how soon the CRM is
//! told of an event while a bulk pull runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arms;
mod crm;
mod dynamics;
mod faults;
mod floor;
mod fresh;
mod measure;
mod memory;
mod quiet;
mod quota;
mod salesforce;
mod world;
mod zoho;

use std::path::Path;

use ferry::app::App;

use crm::Crm;
use measure::{Table, measure};
use world::{argument, flag};

#[tokio::main]
async fn main() {
    let records = argument("--records");
    if flag("--bulk") {
        arms::run::<salesforce::Salesforce>(records.unwrap_or(1_000)).await;
    } else if flag("--dynamics") {
        arms::run::<dynamics::Dynamics>(records.unwrap_or(1_000)).await;
    } else if flag("--zoho") {
        arms::run::<zoho::Zoho>(records.unwrap_or(1_000)).await;
    } else if flag("--quota") {
        quota::run(records.unwrap_or(20_000)).await;
    } else if flag("--faults") {
        faults::run(records.unwrap_or(10_000)).await;
    } else if flag("--fresh") {
        fresh::run(records.unwrap_or(5_000)).await;
    } else if flag("--memory") {
        memory::run(records.unwrap_or(100_000)).await;
    } else {
        flows(records.unwrap_or(1_000)).await;
    }
}

async fn flows(records: u64) {
    let crm = Crm::start(records).await;
    crm.control(UNLIMITED).await;
    let folder = tempfile::tempdir().unwrap();
    let app = world::app(folder.path(), &crm.url);
    world::create_fields(&app).await;
    let mut table = Table::new(records);

    let pages = floor::fetch(&crm, &mut table, records).await;
    floor::insert(folder.path(), &mut table, records);
    pulls(&app, &crm, &mut table, records).await;
    floor::post(&crm, &mut table, pages).await;
    import(&app, &crm, &mut table, folder.path(), records).await;
    pushes(&app, &crm, &mut table, records).await;
    quiet::run(&mut table, records.min(MOST_QUIET)).await;
    table.print();
}

/// A quota that is no limit, told by the headers of the answers. Searches tell none: they stay at four a second.
const UNLIMITED: &str = r#"{"burst_limit":1000000000}"#;
/// Records of the world in which little happens: what it costs must not depend on them.
const MOST_QUIET: u64 = 5_000;

async fn pulls(app: &App, crm: &Crm, table: &mut Table, records: u64) {
    for (name, floor) in [("pull, fresh", "fetch + insert"), ("pull again, full, nothing changed", "fetch")] {
        let before = crm.requests().await;
        let measured = measure(records, world::pull(app, true)).await;
        table.add(name, Some(floor), measured, crm.requests().await - before);
    }
}

/// One page view for every contact, by the address the CRM knows.
async fn import(app: &App, crm: &Crm, table: &mut Table, folder: &Path, records: u64) {
    let path = folder.join("events.jsonl");
    let events = floor::write_events(&path, crm, records).await;
    floor::append(folder, table, &path, events);
    let before = crm.requests().await;
    let measured = measure(events, world::import(app, &path)).await;
    table.add("import of events", Some("append"), measured, crm.requests().await - before);
}

async fn pushes(app: &App, crm: &Crm, table: &mut Table, records: u64) {
    let measured = measure(records, world::compute(app, records)).await;
    table.add("compute, every profile stale", None, measured, 0);
    let before = crm.requests().await;
    let measured = measure(records, world::push(app, records)).await;
    let calls = crm.requests().await - before;
    table.add("push of three fields a record", Some("post"), measured, calls);
    // One call describes the fields; the rest are batches.
    assert_eq!(calls, records.div_ceil(100) + 1, "a push is exactly its batches");
}
