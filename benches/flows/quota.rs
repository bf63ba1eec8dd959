//! Pace under a quota of 190 calls in ten seconds, at a short and at a long latency, both directions.

use crate::crm::Crm;
use crate::{floor, world};

/// Calls a second that the quota allows in the long run.
const IDEAL: f64 = 19.0;

pub async fn run(records: u64) {
    println!("{records} records, 190 calls in 10 s ({IDEAL} a second)");
    for config in [r#"{"burst_limit":190,"faults":{"delay_ms":5}}"#, r#"{"burst_limit":190,"faults":{"delay_ms":150}}"#]
    {
        let crm = Crm::start(records).await;
        crm.control(r#"{"rate_limits":false}"#).await;
        let folder = tempfile::tempdir().unwrap();
        let app = world::app(folder.path(), &crm.url);
        world::create_fields(&app).await;
        let path = folder.path().join("events.jsonl");
        floor::write_events(&path, &crm, records).await;
        crm.control(r#"{"rate_limits":true}"#).await;
        crm.control(config).await;
        println!("{config}");
        pace("pull", &crm, world::pull(&app, true)).await;
        world::import(&app, &path).await;
        world::compute(&app, records).await;
        pace("push", &crm, world::push(&app, records)).await;
        println!("  answers 429: {}", crm.throttled().await);
    }
}

/// The pace from the first call to the last, by the CRM's clock: what comes before the first (staging a push) is not paced.
async fn pace(what: &str, crm: &Crm, work: impl Future<Output = ()>) {
    let before = crm.arrivals().await.len();
    work.await;
    let arrivals = crm.arrivals().await.split_off(before);
    let (Some(first), Some(last)) = (arrivals.first(), arrivals.last()) else { return };
    let (calls, seconds) = (arrivals.len(), last.since(*first).as_secs_f64());
    let pace = calls as f64 / seconds;
    println!(
        "  {what}: {calls} calls in {seconds:.1} s, {pace:.2} a second, {:.1} % of the ideal",
        100.0 * pace / IDEAL
    );
}
