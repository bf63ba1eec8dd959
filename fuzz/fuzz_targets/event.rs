//! Any bytes against `fuzzed::event`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::event::check(data));
