//! What must hold for any bytes that come in by a door: the bodies of the fuzz targets. Each takes bytes and panics where
//! something does not hold. `fuzz/` runs them under a fuzzer; the tests of this crate replay what is kept of its finds.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod condition;
pub mod csv;
pub mod envelope;
pub mod event;
pub mod identifier;
pub mod instant;
pub mod lines;
pub mod model;
pub mod mutation;

use std::path::PathBuf;

/// A target's body.
pub type Body = fn(&[u8]);

/// Every target, by the name of its folder under `fuzz/corpus`.
pub const TARGETS: &[(&str, Body)] = &[
    ("condition", condition::check),
    ("csv", csv::check),
    ("envelope", envelope::check),
    ("event", event::check),
    ("identifier", identifier::check),
    ("instant", instant::check),
    ("lines", lines::check),
    ("model", model::check),
];

/// When everything arrives.
const NOW: connector::Timestamp = connector::Timestamp::from_secs(1_772_450_000);

/// Where inputs are kept, a folder a target.
pub fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
}

/// The kept inputs of a target, by the names of their files.
pub fn kept(target: &str) -> Vec<Vec<u8>> {
    let folder = corpus().join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}
