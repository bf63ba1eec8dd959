//! Inboxes: a file that is put there is imported once and moved aside, whatever happens in between.

use std::path::{Path, PathBuf};

use ferry::app::Inboxes;
use ferry::config::{self, Overrides};
use ferry::model::{Run, RunState};

use crate::files::{SALES, TILL};
use crate::world::World;

struct Folder(PathBuf);

impl Folder {
    fn of(world: &World) -> Self {
        let folder = world.folder().join("inbox");
        std::fs::create_dir_all(folder.join("done")).unwrap();
        std::fs::create_dir_all(folder.join("rejected")).unwrap();
        Self(folder)
    }

    fn put(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Every file below, sorted.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        for part in ["", "done", "rejected"] {
            for entry in std::fs::read_dir(self.0.join(part)).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_file() {
                    files.push(Path::new(part).join(entry.file_name()).to_str().unwrap().to_owned());
                }
            }
        }
        files.sort();
        files
    }
}

async fn look(world: &World, inboxes: &mut Inboxes) -> Vec<Run> {
    world.app.look_into(inboxes).await.unwrap().into_iter().map(|finished| finished.run).collect()
}

/// As many looks as a file that stands still needs.
async fn two_looks(world: &World, inboxes: &mut Inboxes) -> Vec<Run> {
    assert_eq!(look(world, inboxes).await, []);
    look(world, inboxes).await
}

#[tokio::test]
async fn a_file_is_taken_when_it_is_still_and_bad_rows_come_back() {
    let world = World::with(TILL);
    let (folder, mut inboxes) = (Folder::of(&world), world.app.inboxes());
    let (first, rest) = SALES.split_at(100);
    folder.put("sales.csv", first);
    assert_eq!(look(&world, &mut inboxes).await, []);
    folder.put("sales.csv", &format!("{first}{rest}"));
    let runs = two_looks(&world, &mut inboxes).await;
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].state, runs[0].counts.created, runs[0].counts.failed), (RunState::Partial, 2, 3));
    assert_eq!(folder.files(), ["done/sales.csv", "rejected/sales.csv"]);
    assert_eq!(folder.read("done/sales.csv"), SALES);
    let rejected = folder.read("rejected/sales.csv");
    let lines: Vec<&str> = rejected.lines().collect();
    assert_eq!(lines[0], "receipt_no;sold_at;email;net;city;reason");
    assert!(lines[1].starts_with("R-3;26.10.2026;ada@kiwi.example;12,50;;\"column `sold_at` (timestamp) is no time;"));
    assert_eq!(lines.len(), 4);
    assert_eq!(two_looks(&world, &mut inboxes).await, []);

    // Corrected and put back: only what was missing is added.
    let corrected = rejected.replace("26.10.2026", "2026-10-26").replace("12.50", "12,50");
    folder.put("sales.csv", &corrected);
    let runs = two_looks(&world, &mut inboxes).await;
    assert_eq!((runs[0].counts.created, runs[0].counts.failed), (2, 1));
    let files = ["done/sales-2.csv", "done/sales.csv", "rejected/sales-2.csv", "rejected/sales.csv"];
    assert_eq!(folder.files(), files);
}

#[tokio::test]
async fn a_file_that_is_none_of_its_source_goes_to_rejected_as_it_is() {
    let world = World::with(TILL);
    let (folder, mut inboxes) = (Folder::of(&world), world.app.inboxes());
    folder.put("sales.csv", "receipt_no,sold_at\n1,2\n");
    folder.put("other.csv", SALES);
    let runs = two_looks(&world, &mut inboxes).await;
    assert_eq!((runs.len(), runs[0].state), (1, RunState::Failed));
    assert_eq!(folder.files(), ["other.csv", "rejected/sales.csv"]);
    assert_eq!(folder.read("rejected/sales.csv"), "receipt_no,sold_at\n1,2\n");
    assert_eq!(two_looks(&world, &mut inboxes).await, []);
}

#[tokio::test]
async fn lines_of_json_are_rejected_as_they_are() {
    let world = World::with(TILL);
    let (folder, mut inboxes) = (Folder::of(&world), world.app.inboxes());
    let good = r#"{"type":"page","anonymousId":"a","timestamp":"2026-10-26T00:00:00Z"}"#;
    folder.put("march.jsonl", &format!("{good}\n{{\"type\":\"page\"}}\n{good}\n"));
    let runs = two_looks(&world, &mut inboxes).await;
    let counts = &runs[0].counts;
    assert_eq!((counts.created, counts.duplicates, counts.failed), (1, 1, 1));
    assert_eq!(folder.files(), ["done/march.jsonl", "rejected/march.jsonl"]);
    assert_eq!(folder.read("rejected/march.jsonl"), "{\"type\":\"page\"}\n");
}

#[tokio::test]
async fn a_process_that_died_after_storing_and_before_moving_adds_nothing_twice() {
    let mut world = World::with(TILL);
    let folder = Folder::of(&world);
    folder.put("sales.csv", SALES);
    let file = folder.0.join("sales.csv");
    world.app.import(&file, "till".into(), &(), &|_| ()).await.unwrap();
    folder.put("rejected/.sales.csv.part", "half a row");
    world.restart().await;
    let mut inboxes = world.app.inboxes();
    assert_eq!(folder.files(), ["sales.csv"]);
    let runs = two_looks(&world, &mut inboxes).await;
    assert_eq!((runs[0].counts.created, runs[0].counts.duplicates, runs[0].counts.failed), (0, 3, 3));
    assert_eq!(folder.files(), ["done/sales.csv", "rejected/sales.csv"]);
    assert_eq!(world.dead_letters().await.len(), 3);
}

#[tokio::test]
async fn a_process_that_died_after_moving_names_the_rejected_rows_at_the_next_start() {
    let world = World::with(TILL);
    let folder = Folder::of(&world);
    folder.put("done/sales.csv", SALES);
    folder.put("rejected/.sales.csv.part", "rows");
    let mut inboxes = world.app.inboxes();
    assert_eq!(folder.files(), ["done/sales.csv", "rejected/sales.csv"]);
    assert_eq!(folder.read("rejected/sales.csv"), "rows");
    assert_eq!(two_looks(&world, &mut inboxes).await, []);
}

#[tokio::test]
async fn what_is_stopped_stays_for_the_next_start() {
    let mut world = World::with(TILL);
    let (folder, mut inboxes) = (Folder::of(&world), world.app.inboxes());
    folder.put("sales.csv", SALES);
    look(&world, &mut inboxes).await;
    world.app.stop.cancel();
    assert_eq!(look(&world, &mut inboxes).await, []);
    assert_eq!(folder.files(), ["sales.csv"]);
    world.restart().await;
    let mut inboxes = world.app.inboxes();
    assert_eq!(two_looks(&world, &mut inboxes).await[0].counts.created, 2);
    assert_eq!(folder.files(), ["done/sales.csv", "rejected/sales.csv"]);
}

#[test]
fn check_says_that_no_file_was_ever_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.toml");
    std::fs::write(&path, TILL).unwrap();
    let warnings = || {
        let loaded = config::load(&path, &Overrides::none()).unwrap();
        let at = |warning: &config::Diagnostic| warning.place.as_ref().unwrap().position().line;
        loaded.warnings.iter().map(|warning| (warning.code, at(warning), warning.message.clone())).collect::<Vec<_>>()
    };
    let line = |text: &str| TILL.lines().position(|line| line.contains(text)).unwrap() + 1;
    let till = ("W102", line("sales*.csv"), "source \"till\" matched no file yet".to_owned());
    let archive = ("W102", line("*.jsonl"), "source \"archive\" matched no file yet".to_owned());
    assert_eq!(warnings(), [till, archive.clone()]);
    std::fs::create_dir_all(folder.path().join("inbox/done")).unwrap();
    std::fs::write(folder.path().join("inbox/done/sales-1.csv"), SALES).unwrap();
    assert_eq!(warnings(), [archive]);
}
