//! A score with its reasons, and everything one computation yields.

use std::sync::Arc;

use connector::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{Standings, TraitValues, Transition};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// `engagement`
    pub name: Arc<str>,
    /// Unrounded, clamped to the score's range. Thresholds compare this; people and CRMs see it rounded half-up.
    pub value: f64,
    /// Additive points, largest first (ties in configuration order).
    pub parts: Vec<ScorePart>,
    /// Whether the sum of the parts was clamped.
    pub capped: bool,
}

/// What one rule gave, after its caps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScorePart {
    pub label: Arc<str>,
    pub points: f64,
    /// How many matches count.
    pub matches: u32,
}

/// What a computation as of an instant found for one profile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Computed {
    pub traits: TraitValues,
    /// In the order of the configuration.
    pub scores: Vec<Score>,
    /// Bands and segments, for the next pass.
    pub standings: Standings,
    /// What was entered and left in this pass.
    pub transitions: Vec<Transition>,
    /// Bands the person is in at or above the threshold of entering, with new evidence in this pass: an entry that nothing came
    /// of is tried again.
    pub pressed: Vec<Arc<str>>,
    /// When this result changes by time alone, if it does.
    pub due_at: Option<Timestamp>,
}

/// As people and CRMs see points: rounded half-up.
pub fn rounded(points: f64) -> i64 {
    // Saturates; points are thousands at most.
    (points + 0.5).floor() as i64
}
