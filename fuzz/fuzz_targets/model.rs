//! Any bytes against `fuzzed::model`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::model::check(data));
