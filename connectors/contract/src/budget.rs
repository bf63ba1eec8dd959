//! How much of a CRM's quota is used, as the CRM itself reports it.

use std::sync::Arc;

use serde::Serialize;

use crate::Timestamp;

/// The state of a connection's quotas. Everything is `None` until the CRM has said something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// The daily pool: calls allowed, used by everyone, and when it starts again.
    pub daily: Option<Pool>,
    /// Nothing is sent before this instant: the CRM asked for a pause.
    pub paused_until: Option<Timestamp>,
    /// How far the CRM's clock is ahead of ours, in milliseconds, by its `Date` headers.
    pub clock_skew_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pool {
    /// The pool's name at the CRM.
    pub name: Arc<str>,
    pub limit: u64,
    pub used: u64,
    pub resets_at: Option<Timestamp>,
}
