//! What is computed, as configuration or a preset says it. Conditions arrive checked ([`crate::expr::Expr`]).

use std::sync::Arc;

use chrono_tz::Tz;
use connector::FieldKind;

use crate::enrich::Rates;
use crate::enrich::predicted;
use crate::enrich::score_spec::{BandSpec, Made, ScoreSpec};
use crate::enrich::segment_spec::{SEGMENTS, SegmentSpec};
use crate::enrich::trait_spec::TraitSpec;
use crate::expr::Expr;
use crate::model::TraitName;

/// Everything a [`crate::enrich::Model`] computes. Trait names must be unique; whoever reads the configuration checks that.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSpec {
    /// Where days begin and end: caps per day, the nightly wake-up of decaying scores.
    pub time_zone: Tz,
    /// ISO 4217.
    pub base_currency: Arc<str>,
    pub rates: Rates,
    /// The customer's own domains: a referrer among them, or below them, is no source.
    pub own_domains: Vec<Arc<str>>,
    pub traits: Vec<TraitSpec>,
    /// Each after those it is made of.
    pub scores: Vec<ScoreSpec>,
    pub segments: Vec<SegmentSpec>,
}

/// A property's place in the message: `category` is `properties.category`; `context.…`, `traits.…` and `properties.…`
/// are taken from the message itself.
pub type Property = Arc<str>;

/// Which events a rule is about.
#[derive(Clone, Debug, PartialEq)]
pub struct EventMatch {
    /// `page`, `screen`, `identify`, `group`, `alias`, or a track event's name. Case, spaces, `_` and `-` do not matter.
    pub events: Vec<Arc<str>>,
    /// Compiled in [`crate::expr::Scope::event`].
    pub condition: Option<Expr>,
}

impl EventMatch {
    /// Events by name, without a condition.
    pub fn events<N: Into<Arc<str>>>(names: impl IntoIterator<Item = N>) -> Self {
        Self { events: names.into_iter().map(Into::into).collect(), condition: None }
    }

    #[must_use]
    pub fn when(mut self, condition: Expr) -> Self {
        self.condition = Some(condition);
        self
    }
}

/// The trait that explains the score.
pub const SCORE_REASONS: &str = "score_reasons";

/// The trait that says how the score differs from what a CRM was told last.
pub const SCORE_CHANGE: &str = "score_change";

/// The score that leads are made by.
const LEAD: &str = "lead";

/// The trait of a graded score.
pub const GRADE: &str = "grade";

impl ModelSpec {
    /// Every trait the model gives, with its kind, in the order of the configuration. Traits of money have `<trait>_incomplete`
    /// beside them: whether an amount was left out because it has no rate; absent where there is nothing at all.
    pub fn outputs(&self) -> Vec<(TraitName, FieldKind)> {
        let mut outputs: Vec<(TraitName, FieldKind)> = Vec::with_capacity(self.traits.len());
        for spec in &self.traits {
            outputs.push((spec.name.clone(), spec.rule.kind(&self.base_currency)));
            outputs.extend(spec.incomplete().map(|name| (name, FieldKind::Bool)));
        }
        outputs.extend(self.scores.iter().map(|score| (score.trait_name(), FieldKind::Integer)));
        outputs.extend(self.scores.iter().flat_map(predicted::outputs));
        if !self.scores.is_empty() {
            outputs.push((SCORE_REASONS.into(), FieldKind::Text));
            outputs.push((SCORE_CHANGE.into(), FieldKind::Text));
        }
        if self.scores.iter().any(|score| score.grade.is_some()) {
            outputs.push((GRADE.into(), FieldKind::Text));
        }
        if !self.segments.is_empty() {
            outputs.push((SEGMENTS.into(), FieldKind::MultiChoice { options: Vec::new() }));
            outputs.extend(self.segments.iter().map(|segment| (segment.trait_name(), FieldKind::Bool)));
        }
        outputs
    }

    /// The score that a rep is told of, with its reasons: the one called `lead`, else the last combination, else the first.
    pub fn main_score(&self) -> Option<&ScoreSpec> {
        let named = self.scores.iter().find(|score| &*score.name == LEAD);
        let combined = || self.scores.iter().rfind(|score| matches!(score.made, Made::Combination(_)));
        named.or_else(combined).or_else(|| self.scores.iter().find(|score| score.rules().is_some()))
    }

    /// The band of this name, full (`lead.mql`) or short where that is enough (`mql`), with its full name and its score's.
    pub fn band(&self, name: &str) -> Option<(Arc<str>, &ScoreSpec, &BandSpec)> {
        let all = self.scores.iter().flat_map(|score| score.bands.iter().map(move |band| (score, band)));
        let mut named = all.filter(|(score, band)| &*band.name == name || &*score.band_name(band) == name);
        named.next().map(|(score, band)| (score.band_name(band), score, band))
    }
}
