//! A file of JSON lines imported: decoded, kept once, given to whose they are; and the same file again.

use std::path::Path;

use ferry::app::{App, Computing};

use crate::measure::{Table, measure};
use crate::{floor, traffic, world};

pub async fn run(table: &mut Table, records: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    traffic::write(&path, 0, records, records);
    floor::append(folder.path(), table, &path, records, records / traffic::EACH);
    let app = world::app(folder.path());
    // The rules have been matched with what is there, as those of a daemon have.
    app.compute(Computing::default(), &()).await.unwrap();
    let measured = measure(records, import(&app, &path, (records, 0))).await;
    table.add("import of JSON lines", Some("append"), measured, 0);
    let measured = measure(records, import(&app, &path, (0, records))).await;
    table.add("the same file again", Some("append"), measured, 0);
    let profiles = app.store.stats().await.unwrap().profiles;
    let measured = measure(profiles, async {
        app.compute(Computing::default(), &()).await.unwrap();
    })
    .await;
    table.add("scores of everybody in it", None, measured, 0);
    println!("{profiles} profiles");
}

/// Imports a file and checks how many of its events were new and how many were not.
pub async fn import(app: &App, path: &Path, (new, old): (u64, u64)) {
    let counts = app.import(path, "file".into(), &(), &|_| {}).await.unwrap().run.counts;
    assert_eq!((counts.created, counts.duplicates, counts.failed), (new, old, 0), "{counts:?}");
}
