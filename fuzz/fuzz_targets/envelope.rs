//! Any bytes against `fuzzed::envelope`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::envelope::check(data));
