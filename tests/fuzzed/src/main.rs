//! Blind mutations of the kept inputs against every target, on a stable toolchain and for as long as is wished:
//! `cargo run --release -p fuzzed -- --seconds 600 --seed 1`. Stops at the first input that breaks a target and writes it down.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use fuzzed::mutation::{Dice, input};

/// Inputs of one target before the next has its turn.
const TURN: u64 = 500;

#[allow(clippy::disallowed_methods)]
fn main() {
    let (seconds, seed) = (argument("--seconds").unwrap_or(10), argument("--seed").unwrap_or(1));
    let begun = Instant::now();
    let corpora: Vec<_> = fuzzed::TARGETS.iter().map(|(name, body)| (*name, *body, fuzzed::kept(name))).collect();
    let mut turns = 0;
    while begun.elapsed() < Duration::from_secs(seconds) {
        for (name, body, kept) in &corpora {
            for nth in 0..TURN {
                let bytes = input(kept, &mut Dice::new(seed ^ (turns * TURN + nth + 1)));
                if std::panic::catch_unwind(|| body(&bytes)).is_err() {
                    let file = PathBuf::from(format!("{name}-{seed}-{turns}-{nth}"));
                    std::fs::write(&file, &bytes).unwrap();
                    panic!("{} breaks `{name}`", file.display());
                }
            }
        }
        turns += 1;
    }
    println!("{} inputs for each of {} targets, seed {seed}: everything holds", turns * TURN, corpora.len());
}

fn argument(name: &str) -> Option<u64> {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1)?.parse().ok()
}
