//! Which way writes go, and what that costs. Pure, but for the size that answers teach.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::config::{Limits, WriteMode};

/// The way of updates that no version ties down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Bulk,
    Batch,
    Single,
}

/// Ids in one look for records that go on as others.
const LOOKED_AT: usize = 400;

pub(crate) fn route(mode: WriteMode, rows: usize, has_bulk: bool) -> Route {
    match mode {
        WriteMode::Single => Route::Single,
        WriteMode::Batch => Route::Batch,
        WriteMode::Auto if rows <= 1 => Route::Single,
        WriteMode::Auto | WriteMode::Bulk if has_bulk => Route::Bulk,
        WriteMode::Auto | WriteMode::Bulk => Route::Batch,
    }
}

/// Calls for so many updates, where nothing is refused.
pub(crate) fn forecast(writes: usize, mode: WriteMode, limits: &Limits) -> usize {
    let looks = writes.div_ceil(LOOKED_AT);
    let calls = match route(mode, writes, true) {
        Route::Bulk => writes.div_ceil(limits.bulk.max(1)),
        Route::Batch => writes.div_ceil(limits.batch.max(1)),
        Route::Single => writes,
    };
    looks + calls
}

/// How many rows a bulk call takes: halved when the database cannot take that many, and grown again slowly.
#[derive(Debug, Default)]
pub(crate) struct BulkSize(AtomicUsize);

/// Fewer are not worth a bulk call.
const SMALLEST: usize = 10;

impl BulkSize {
    pub fn get(&self, most: usize) -> usize {
        match self.0.load(Ordering::Relaxed) {
            0 => most,
            size => size.min(most),
        }
    }

    pub fn halve(&self, most: usize) {
        self.0.store((self.get(most) / 2).max(SMALLEST.min(most)), Ordering::Relaxed);
    }

    pub fn grow(&self, most: usize) {
        let size = self.get(most);
        if size < most {
            self.0.store((size + size / 4 + 1).min(most), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_alone_and_many_together() {
        assert_eq!(route(WriteMode::Auto, 1, true), Route::Single);
        assert_eq!(route(WriteMode::Auto, 2, true), Route::Bulk);
        assert_eq!(route(WriteMode::Auto, 2, false), Route::Batch);
        assert_eq!(route(WriteMode::Bulk, 1, true), Route::Bulk);
        assert_eq!(route(WriteMode::Batch, 1, true), Route::Batch);
        assert_eq!(route(WriteMode::Single, 9, true), Route::Single);
    }

    #[test]
    fn a_thousand_updates_cost_eight_calls() {
        let limits = Limits::default();
        assert_eq!(forecast(1_000, WriteMode::Auto, &limits), 5 + 3);
        assert_eq!(forecast(1_000, WriteMode::Batch, &limits), 10 + 3);
        assert_eq!(forecast(1_000, WriteMode::Single, &limits), 1_000 + 3);
        assert_eq!(forecast(0, WriteMode::Auto, &limits), 0);
    }

    #[test]
    fn bulk_calls_shrink_and_grow_again() {
        let size = BulkSize::default();
        assert_eq!(size.get(200), 200);
        size.halve(200);
        size.halve(200);
        assert_eq!(size.get(200), 50);
        size.grow(200);
        assert_eq!(size.get(200), 63);
        (0..20).for_each(|_| size.halve(200));
        assert_eq!(size.get(200), SMALLEST);
        (0..20).for_each(|_| size.grow(200));
        assert_eq!(size.get(200), 200);
    }
}
