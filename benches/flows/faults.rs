//! A cycle through a faulty network beside a clean one: the same end, hardly more calls.

use crate::crm::Crm;
use crate::{UNLIMITED, floor, world};

const FAULTY: &str =
    r#"{"seed":7,"faults":{"502":0.01,"reset_before":0.01,"reset_after":0.01,"slow":0.01,"slow_ms":300}}"#;
const PROPERTIES: &str = "cdp_page_views_30d,cdp_last_page,cdp_profile_id";

struct Ending {
    calls: u64,
    /// Page views and last page by contact; profile ids differ from run to run, but each contact has one.
    contacts: Vec<(String, String, String, bool)>,
    stats: String,
}

pub async fn run(records: u64) {
    let clean = cycle(records, None).await;
    let faulty = cycle(records, Some(FAULTY)).await;
    let times = faulty.calls as f64 / clean.calls as f64;
    println!("{records} records: {} calls clean, {} through faults, {times:.3} times", clean.calls, faulty.calls);
    assert!(clean.contacts.iter().all(|(_, views, _, linked)| views == "1" && *linked), "the clean run is complete");
    println!("contacts end the same: {}", clean.contacts == faulty.contacts);
    println!("stores end the same: {}", clean.stats == faulty.stats);
    if clean.stats != faulty.stats {
        println!("clean  {}\nfaulty {}", clean.stats, faulty.stats);
    }
}

async fn cycle(records: u64, faults: Option<&'static str>) -> Ending {
    let crm = Crm::start(records).await;
    crm.control(UNLIMITED).await;
    let folder = tempfile::tempdir().unwrap();
    let app = world::app(folder.path(), &crm.url);
    world::create_fields(&app).await;
    let path = folder.path().join("events.jsonl");
    floor::write_events(&path, &crm, records).await;
    if let Some(faults) = faults {
        crm.control(faults).await;
    }
    let before = crm.requests().await;
    world::pull(&app, true).await;
    world::import(&app, &path).await;
    world::compute(&app, records).await;
    // What was lost on the way comes again within the run; a second cycle settles the rest.
    world::cycle(&app).await;
    world::cycle(&app).await;
    let calls = crm.requests().await - before;
    crm.control(r#"{"faults":{}}"#).await;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let contacts = crm
        .contacts(PROPERTIES)
        .await
        .into_iter()
        .map(|(id, values)| {
            let linked = !text(&values["cdp_profile_id"]).is_empty();
            (id, text(&values["cdp_page_views_30d"]), text(&values["cdp_last_page"]), linked)
        })
        .collect();
    let stats = format!("{:?}", app.store.stats().await.unwrap());
    Ending { calls, contacts, stats }
}
