//! Any bytes against `fuzzed::condition`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::condition::check(data));
