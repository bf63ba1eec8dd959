//! Dying on purpose, for the kill harness: `FERRY_KILL_AT=point:nth` ends the process at the nth passing of a failpoint,
//! without any good-bye. Compiled only with the feature `failpoints`, which no shipped build has.

use std::sync::atomic::{AtomicU64, Ordering};

/// Arms what the environment asks for; words that name nothing are an error, so that a harness cannot test nothing.
pub fn arm() -> Result<(), String> {
    let Ok(wanted) = std::env::var("FERRY_KILL_AT") else { return Ok(()) };
    let parsed = wanted.split_once(':').and_then(|(point, nth)| Some((point, nth.parse::<u64>().ok()?)));
    let Some((point, nth)) = parsed else {
        return Err(format!("FERRY_KILL_AT is `{wanted}`; it reads point:nth, as in before_send:3"));
    };
    let passed = AtomicU64::new(0);
    fail::cfg_callback(point, move || {
        if passed.fetch_add(1, Ordering::SeqCst) + 1 == nth {
            std::process::abort();
        }
    })
}
