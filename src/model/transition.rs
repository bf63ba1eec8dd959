//! Entering and leaving bands and segments.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use connector::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransitionKind {
    /// A score crossed a threshold.
    Band,
    Segment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crossing {
    In,
    Out,
}

/// Somebody entered or left a band or segment: an item of the timeline, and what activation tells other tools. At most one per
/// person, kind, name and instant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Transition {
    pub kind: TransitionKind,
    /// `lead.mql`, `churn_risk`
    pub name: Arc<str>,
    pub direction: Crossing,
    /// The instant of the pass that found it.
    pub at: Timestamp,
    /// Of a band: the score, unrounded.
    pub score: Option<f64>,
    /// `A3`; of a band of a score that is graded.
    pub grade: Option<Arc<str>>,
    /// Why the score is what it is; of a band.
    pub reasons: Option<Arc<str>>,
    /// Found while history was read or a rule was new: nothing acts on it.
    pub backfill: bool,
}

impl TransitionKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Band => "band",
            Self::Segment => "segment",
        }
    }
}

impl FromStr for TransitionKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Band, Self::Segment].into_iter().find(|kind| kind.as_str() == text).ok_or(())
    }
}

impl fmt::Display for TransitionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Crossing {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

impl FromStr for Crossing {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::In, Self::Out].into_iter().find(|direction| direction.as_str() == text).ok_or(())
    }
}

impl fmt::Display for Crossing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
