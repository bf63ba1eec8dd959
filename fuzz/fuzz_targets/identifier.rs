//! Any bytes against `fuzzed::identifier`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::identifier::check(data));
