//! Replays what is kept under `fuzz/corpus` against the targets' bodies, and some mutations of it: what a fuzzer found once is
//! looked at by every run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use fuzzed::mutation::{Dice, input};

/// Mutations of each target's inputs in a test run.
const MUTATIONS: u64 = 300;

#[test]
fn every_kept_input_holds() {
    for (name, body) in fuzzed::TARGETS {
        let kept = fuzzed::kept(name);
        assert!(kept.len() >= 5, "{name} has a corpus of {} files: it would check nothing", kept.len());
        for data in kept {
            let held = std::panic::catch_unwind(|| body(&data));
            assert!(held.is_ok(), "`{name}` breaks on {}", String::from_utf8_lossy(&data));
        }
    }
}

#[test]
fn mutations_of_the_kept_inputs_hold() {
    for (name, body) in fuzzed::TARGETS {
        let kept = fuzzed::kept(name);
        for seed in 1..=MUTATIONS {
            let data = input(&kept, &mut Dice::new(seed));
            let held = std::panic::catch_unwind(|| body(&data));
            assert!(held.is_ok(), "`{name}` breaks on {}", String::from_utf8_lossy(&data));
        }
    }
}

#[test]
fn every_folder_has_its_target() {
    let folders: BTreeSet<String> = std::fs::read_dir(fuzzed::corpus())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let targets: BTreeSet<String> = fuzzed::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(folders, targets);
}
