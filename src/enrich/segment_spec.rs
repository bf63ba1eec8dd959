//! Segments, as configuration or a preset says them (`cdp-semantics` §5).

use std::sync::Arc;
use std::time::Duration;

use crate::expr::Expr;
use crate::model::TraitName;

/// People of whom a condition holds. Gives the trait `segments.<name>`.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentSpec {
    /// `churn_risk`
    pub name: Arc<str>,
    pub when: Expr,
    /// Left when this holds and `when` does not; without it, as soon as `when` does not.
    pub exit_when: Option<Expr>,
    /// Not left sooner than this after it was entered.
    pub min_stay: Duration,
}

/// The trait that lists a person's segments.
pub const SEGMENTS: &str = "segments";

impl SegmentSpec {
    /// `segments.churn_risk`
    pub fn trait_name(&self) -> TraitName {
        trait_of(&self.name)
    }
}

/// The trait that says whether a person is in a segment.
pub(super) fn trait_of(segment: &str) -> TraitName {
    format!("{SEGMENTS}.{segment}").into()
}
