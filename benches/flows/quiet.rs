//! A connection at rest: a cycle in which nothing happened, and one in which reps edited a tenth of the contacts.

use crate::crm::Crm;
use crate::measure::{Table, measure};
use crate::{UNLIMITED, floor, world};

pub async fn run(table: &mut Table, records: u64) {
    let crm = Crm::start(records).await;
    crm.control(UNLIMITED).await;
    let folder = tempfile::tempdir().unwrap();
    let app = world::app(folder.path(), &crm.url);
    world::create_fields(&app).await;
    let path = folder.path().join("events.jsonl");
    floor::write_events(&path, &crm, records).await;
    world::pull(&app, true).await;
    world::import(&app, &path).await;
    world::compute(&app, records).await;
    world::push(&app, records).await;
    // Two hours later at the CRM, so that our own writes lie behind what every poll looks back to; one poll brings the mark
    // there.
    crm.control(r#"{"clock_offset_s":7200}"#).await;
    world::cycle(&app).await;
    world::cycle(&app).await;

    let (before, writes, kept) = (crm.requests().await, crm.writes().await, sizes(&app).await);
    let measured = measure(1, world::cycle(&app)).await;
    table.add("idle cycle of one object", None, measured, crm.requests().await - before);
    assert_eq!(crm.writes().await, writes, "an idle cycle writes nothing at the CRM");
    assert_eq!(sizes(&app).await, kept, "an idle cycle writes nothing but its runs and checkpoint");

    let edited = crm.edit_every_tenth().await;
    // Past the lag of the search index, which the watermark stays behind.
    crm.control(r#"{"clock_offset_s":7400}"#).await;
    let before = crm.requests().await;
    let measured = measure(edited, world::pull(&app, false)).await;
    table.add("pull of a tenth, edited by reps", None, measured, crm.requests().await - before);
}

/// What an idle cycle must leave alone.
async fn sizes(app: &ferry::app::App) -> String {
    let (mut stats, sizes) = (app.store.stats().await.unwrap(), app.store.sizes().await.unwrap());
    // When a run last went through is read off the run rows, which an idle cycle does write.
    stats.connections.values_mut().for_each(|connection| connection.went_through.clear());
    format!("{stats:?} {}", sizes.journal_rows)
}
