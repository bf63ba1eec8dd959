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
];

/// When everything arrives.
const NOW: connector::Timestamp = connector::Timestamp::from_secs(1_772_450_000);
