//! A full re-score: every profile's traits and scores computed anew from its compact facts, in a process of its own, so that
//! memory is the re-score's alone. Beside it the floor: a merge scan of the same profiles and facts that adds up one fading sum each.
//!
//! `--rescore --records N` makes N profiles with [`traffic::EACH`] events each on average; `--check` then computes everybody once
//! more by another way and holds every value against what is stored. `--rescored FOLDER` is the part with a process of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use connector::{Clock, SystemClock};
use ferry::app::Computing;
use rusqlite::{Connection, OpenFlags};

use crate::measure::{Measured, measure, measure_now, memory_of};
use crate::{import, traffic, world};

/// Messages of one file: on disk is one file at a time.
const FILE: u64 = 1_000_000;
/// Two weeks in microseconds: what a score of the preset fades by half in.
const HALF_LIFE: f64 = 14.0 * 86_400e6;

pub async fn run(profiles: u64, checks: bool) {
    let folder = tempfile::tempdir().unwrap();
    let records = profiles * traffic::EACH;
    {
        let app = world::app(folder.path());
        // Rules are matched on arrival, as a daemon's are.
        app.compute(Computing::default(), &()).await.unwrap();
        let path = folder.path().join("events.jsonl");
        for from in (0..records).step_by(usize::try_from(FILE).unwrap()) {
            let to = (from + FILE).min(records);
            traffic::write(&path, from, to, records);
            import::import(&app, &path, (to - from, 0)).await;
        }
        fs::remove_file(&path).unwrap();
        app.compute(Computing::default(), &()).await.unwrap();
        let stats = app.store.stats().await.unwrap();
        println!("{} profiles, {} events", stats.profiles, stats.events);
    }
    for what in ["floor", if checks { "checked" } else { "ferry" }] {
        let program = std::env::current_exe().unwrap();
        let ended = Command::new(program).args(["--rescored", what, "--folder"]).arg(folder.path()).status().unwrap();
        assert!(ended.success(), "{what} ended badly");
    }
}

/// One measurement in a process of its own.
pub async fn alone(what: &str, folder: &Path) {
    if what == "floor" {
        let mut people = 0;
        let measured = measure_now(0, || people = scan(&folder.join("ferry.db")));
        return told("floor: merge scan", Measured { items: people, ..measured });
    }
    let app = world::app(folder);
    let profiles = app.store.stats().await.unwrap().profiles;
    let mut seen = 0;
    let measured = measure(profiles, async {
        seen = app.compute(Computing { as_of: None, all: true }, &()).await.unwrap().run.counts.seen;
    })
    .await;
    assert!(seen >= profiles, "{seen} of {profiles} were computed");
    told("full re-score", measured);
    if what == "checked" {
        let checked = app.check_computed(SystemClock.now()).await.unwrap();
        assert_eq!(checked.different, 0, "{:?}", checked.differences);
        println!("checked: every value of {profiles} profiles is the same, computed the other way");
    }
}

/// Reads every profile and every fact in their order, and adds up one sum a profile that fades by half in two weeks.
fn scan(path: &Path) -> u64 {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the store");
    database.pragma_update(None, "cache_size", -65_536).expect("a setting");
    let now = SystemClock.now().micros();
    let mut people = database.prepare("SELECT id FROM profile ORDER BY id").expect("profiles");
    let mut facts = database
        .prepare(
            "SELECT profile, at, packed FROM fact UNION ALL SELECT profile, at, packed FROM recent_fact ORDER BY 1, 2",
        )
        .expect("facts");
    let (mut people, mut facts) = (people.query([]).expect("profiles"), facts.query([]).expect("facts"));
    let mut next = facts.next().expect("a fact");
    let (mut count, mut total) = (0, 0.0);
    while let Some(person) = people.next().expect("a profile") {
        let id: i64 = person.get(0).expect("its id");
        let mut sum = 0.0;
        while let Some(fact) = next {
            let of: i64 = fact.get(0).expect("whose it is");
            if of > id {
                break;
            }
            let age = (now - fact.get::<_, i64>(1).expect("when it was")) as f64;
            let packed = fact.get_ref(2).expect("what it was").as_blob().expect("bytes");
            sum += f64::from(u8::from(!packed.is_empty())) * 0.5f64.powf(age / HALF_LIFE);
            next = facts.next().expect("a fact");
        }
        (count, total) = (count + 1, total + sum);
    }
    assert!(total.is_finite());
    count
}

fn told(what: &str, measured: Measured) {
    let most = memory_of(std::process::id()).1;
    let cpu = measured.cpu.as_secs_f64() * 1e6 / measured.items.max(1) as f64;
    let seconds = measured.wall.as_secs_f64();
    println!("{what}: {} profiles in {seconds:.2} s, {cpu:.1} µs CPU each, {most} MiB at most", measured.items);
}
