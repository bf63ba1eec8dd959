//! Any bytes against `fuzzed::instant`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::instant::check(data));
