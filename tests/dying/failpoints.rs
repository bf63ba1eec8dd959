//! The failpoints of the source text by name, and a death at the nth passing of one.

use std::fs;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures::FutureExt;

/// Every failpoint under this folder of the project, sorted.
pub fn named_in(folder: &str) -> Vec<String> {
    let mut names = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut names);
    names.sort();
    names.dedup();
    names
}

fn collect(folder: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, names);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let after = text.split("fail_point!(\"").skip(1);
            names.extend(after.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
}

/// Where what a flow does becomes visible outside the process: in the file, and at the CRM.
const VISIBLE: [&str; 2] = ["store.commit.before", "before_send"];

/// Lets a flow run until it passes the point for the nth time, and no further. Says whether it got there.
pub async fn die_at(point: &str, nth: u64, flow: impl Future<Output = ()>) -> bool {
    let (passed, dead) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    for name in VISIBLE.into_iter().filter(|name| *name != point) {
        let dead = dead.clone();
        // The program outlives a panic, as one job of many that failed. Nobody outlives a death.
        fail::cfg_callback(name, move || assert!(!dead.load(Ordering::SeqCst), "dead already")).unwrap();
    }
    let (counter, dies) = (passed.clone(), dead.clone());
    fail::cfg_callback(point, move || {
        if counter.fetch_add(1, Ordering::SeqCst) + 1 >= nth {
            dies.store(true, Ordering::SeqCst);
            panic!("dies here");
        }
    })
    .unwrap();
    let ended = AssertUnwindSafe(flow).catch_unwind().await;
    VISIBLE.into_iter().chain([point]).for_each(fail::remove);
    let died = dead.load(Ordering::SeqCst);
    assert!(died || ended.is_ok(), "the flow ended by itself, and badly");
    died
}
