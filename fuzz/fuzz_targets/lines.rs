//! Any bytes against `fuzzed::lines`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::lines::check(data));
