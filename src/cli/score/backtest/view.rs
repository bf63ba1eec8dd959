//! What `score backtest` found, as data: the shape of `--json`.

use std::time::Duration;

use connector::Timestamp;
use serde::Serialize;

use crate::learn::{Backtest, Threshold};

#[derive(Debug, Serialize)]
pub struct View {
    pub score: String,
    pub judged: Judged,
    /// Traits that were only written down later were taken as known.
    pub first_values: bool,
    /// The span of the closes looked at: as asked for, else from the first to the last.
    pub from: Timestamp,
    pub to: Timestamp,
    pub weeks: f64,
    pub left_out: LeftOut,
    pub capacity_per_week: Option<f64>,
    /// The bands of the score: what working from their threshold would have been.
    pub bands: Vec<Band>,
    pub warnings: Vec<String>,
    #[serde(flatten)]
    pub found: Backtest,
}

/// The instant that each deal's score is of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    WhenMade,
    DaysBeforeClose(f64),
}

impl Judged {
    pub fn of(lead: Option<Duration>) -> Self {
        lead.map_or(Self::WhenMade, |lead| Self::DaysBeforeClose(lead.as_secs_f64() / 86_400.0))
    }
}

/// Deals that are not ranked.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LeftOut {
    pub open: u64,
    pub outside: u64,
    /// Closed, but tied to nobody.
    pub nobodys: u64,
    /// Closed, but nothing was known of their people before.
    pub unknown_then: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct Band {
    pub band: String,
    pub per_week: f64,
    #[serde(flatten)]
    pub at: Threshold,
}

impl Band {
    pub fn new(name: &str, at: Threshold, weeks: f64) -> Self {
        Self { band: name.to_owned(), per_week: at.rows as f64 / weeks, at }
    }
}
