//! Any bytes against `fuzzed::csv`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::csv::check(data));
