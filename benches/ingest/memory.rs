//! Memory: of an import and a recompute of everybody, and of the daemon that has nothing to do.

use std::fs;

use connector::{Clock, SystemClock};
use ferry::app::Computing;

use crate::daemon::{Daemon, SETTLE};
use crate::measure::{measure, memory_of};
use crate::{import, traffic, world};

/// Messages of one file: on disk is one file at a time.
const FILE: u64 = 1_000_000;

pub async fn run(records: u64) {
    let folder = tempfile::tempdir().unwrap();
    println!("{records} events of {} visitors", records / traffic::EACH);
    {
        let app = world::app(folder.path());
        let path = folder.path().join("events.jsonl");
        for from in (0..records).step_by(usize::try_from(FILE).unwrap()) {
            let to = (from + FILE).min(records);
            traffic::write(&path, from, to, records);
            let measured = measure(to - from, import::import(&app, &path, (to - from, 0))).await;
            told("imported", to, &measured);
        }
        fs::remove_file(&path).unwrap();
        let profiles = app.store.stats().await.unwrap().profiles;
        let measured = measure(profiles, async {
            app.compute(Computing::default(), &()).await.unwrap();
        })
        .await;
        told("computed", profiles, &measured);
    }
    let store = fs::metadata(folder.path().join("ferry.db")).map_or(0, |file| file.len());
    println!("store: {} MiB", store / 1_048_576);
    for what in ["idle", "idle after kill -9"] {
        let daemon = Daemon::start(folder.path(), crate::http::client()).await;
        SystemClock.sleep(SETTLE).await;
        let (now, most) = memory_of(daemon.id());
        println!(
            "{what}: ready after {} ms; {now} MiB after {SETTLE:?}, {most} MiB at most",
            daemon.ready_after.as_millis()
        );
    }
}

fn told(what: &str, so_far: u64, measured: &crate::measure::Measured) {
    let (now, most) = memory_of(std::process::id());
    let pace = measured.items as f64 / measured.wall.as_secs_f64().max(1e-9);
    let cpu = measured.cpu.as_secs_f64() * 1e6 / measured.items.max(1) as f64;
    println!("{what} {so_far}: {pace:.0} a second, {cpu:.1} µs CPU each; {now} MiB now, {most} MiB at most");
}
