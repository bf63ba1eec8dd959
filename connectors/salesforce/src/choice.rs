//! Which of Salesforce's ways of writing a number of rows goes by, and what it will cost. Pure.

use connector::Pool;

/// Most records of one Collections call.
pub(crate) const COLLECTION: usize = 200;
/// Calls a job needs beside its polls: create, upload, close, two results, delete.
const JOB_CALLS: usize = 6;
/// Polls of an ordinary job: 1 s, 1.5 s, 2.25 s … is more than a minute and a half after ten of them.
const POLLS: usize = 10;
/// Below this share of the day's calls left, calls are saved before anything else.
const LOW_SHARE: u64 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Single,
    Collections,
    Bulk,
}

/// How `rows` rows go. `threshold` is the configured number above which a job is worth its calls; a job is only an
/// answer for rows that `may_bulk`.
pub(crate) fn route(rows: usize, may_bulk: bool, threshold: usize, daily: Option<&Pool>) -> Route {
    match rows {
        0 | 1 => Route::Single,
        rows if may_bulk && rows > effective_threshold(threshold, daily) => Route::Bulk,
        _ => Route::Collections,
    }
}

/// The configured threshold; when little of the day's allowance is left, no more than where a job becomes the cheaper way.
fn effective_threshold(threshold: usize, daily: Option<&Pool>) -> usize {
    let break_even = JOB_CALLS.saturating_add(2).saturating_mul(COLLECTION);
    match daily {
        Some(pool) if is_low(pool) => threshold.min(break_even),
        _ => threshold,
    }
}

/// Whether less than a fifth of the day's calls is left.
pub(crate) fn is_low(pool: &Pool) -> bool {
    pool.limit.saturating_sub(pool.used) < pool.limit / LOW_SHARE
}

/// Calls needed to write so many rows of one kind, for the plan's forecast.
pub(crate) fn forecast(rows: usize, threshold: usize, daily: Option<&Pool>) -> usize {
    match route(rows, true, threshold, daily) {
        Route::Single => rows,
        Route::Collections => rows.div_ceil(COLLECTION),
        Route::Bulk => JOB_CALLS + POLLS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(limit: u64, used: u64) -> Pool {
        Pool { name: "api".into(), limit, used, resets_at: None }
    }

    #[test]
    fn the_number_of_rows_decides() {
        let check = |rows, expected| assert_eq!(route(rows, true, 2_000, None), expected, "{rows}");
        check(1, Route::Single);
        check(2, Route::Collections);
        check(2_000, Route::Collections);
        check(2_001, Route::Bulk);
        assert_eq!(route(50_000, false, 2_000, None), Route::Collections);
        assert_eq!(route(1, true, 0, None), Route::Single);
        assert_eq!(route(2, true, 1, None), Route::Bulk);
    }

    #[test]
    fn little_left_of_the_day_saves_calls() {
        let (plenty, low) = (pool(15_000, 100), pool(15_000, 12_500));
        assert_eq!(route(5_000, true, 10_000, Some(&plenty)), Route::Collections);
        assert_eq!(route(5_000, true, 10_000, Some(&low)), Route::Bulk);
        assert_eq!(route(1_800, true, 2_000, Some(&low)), Route::Bulk);
        // A job of few rows costs more calls than it saves.
        assert_eq!(route(1_600, true, 2_000, Some(&low)), Route::Collections);
    }

    #[test]
    fn a_thousand_rows_are_five_calls_and_a_job_is_a_constant() {
        assert_eq!(forecast(0, 2_000, None), 0);
        assert_eq!(forecast(1, 2_000, None), 1);
        assert_eq!(forecast(1_000, 2_000, None), 5);
        assert_eq!(forecast(2_001, 2_000, None), forecast(25_000, 2_000, None));
        assert!(forecast(25_000, 2_000, None) < 20);
    }
}
