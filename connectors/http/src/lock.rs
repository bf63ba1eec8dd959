//! A mutex that goes on after a panic elsewhere: what is guarded here are counters, and a stale counter is better than
//! a connection that stays dead.

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
