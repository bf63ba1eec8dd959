//! What is computed, as configuration or a preset says it. Conditions arrive checked ([`crate::expr::Expr`]).

use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use connector::FieldKind;

use crate::enrich::Rates;
use crate::enrich::rates::minor_digits;
use crate::enrich::score_spec::{BandSpec, ScoreSpec};
use crate::enrich::segment_spec::{SEGMENTS, SegmentSpec};
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

/// One computed trait.
#[derive(Clone, Debug, PartialEq)]
pub struct TraitSpec {
    pub name: TraitName,
    pub rule: TraitRule,
    /// Rolling: event time in (as_of − window, as_of]. Of no meaning for the deal traits.
    pub window: Option<Duration>,
}

/// How a trait comes about. Empty: counts and sums are 0, `Exists` is false, all others are null.
#[derive(Clone, Debug, PartialEq)]
pub enum TraitRule {
    /// Sessions with a page or screen view (`cdp-semantics` §1.7), by their start.
    Visits,
    /// The latest event that the person did (§3.2).
    LastSeen,
    /// Of the earliest session's touch that is not direct, else of the earliest (§1.8).
    FirstTouch(TouchPart),
    /// Of the latest touch of 90 days that is not direct, else direct (§1.8).
    LastTouch(TouchPart),
    Count(EventMatch),
    Exists(EventMatch),
    /// The sum of a numeric property; what is no number does not count.
    Sum(EventMatch, Property),
    /// The property of the earliest event that has it, as text.
    First(EventMatch, Property),
    /// The property of the latest event that has it, as text.
    Last(EventMatch, Property),
    /// How many different values the property has.
    UniqueCount(EventMatch, Property),
    /// Whole days of 24 hours since the latest event.
    DaysSince(EventMatch),
    WonDeals,
    /// In the base currency, converted at the close date, each deal rounded half-even to the minor unit.
    WonRevenue,
    /// The latest close date of a won deal.
    LastWon,
}

/// What of a touch a trait is. Of a direct one source and channel are `direct`, the others null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TouchPart {
    Source,
    Medium,
    Campaign,
    Channel,
}

impl TouchPart {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Medium => "medium",
            Self::Campaign => "campaign",
            Self::Channel => "channel",
        }
    }
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

impl TraitRule {
    /// The kind of the trait's values, for field mappings and expressions.
    pub fn kind(&self, base_currency: &str) -> FieldKind {
        match self {
            Self::Visits | Self::Count(_) | Self::UniqueCount(..) | Self::DaysSince(_) | Self::WonDeals => {
                FieldKind::Integer
            }
            Self::LastSeen | Self::LastWon => FieldKind::Instant,
            Self::FirstTouch(_) | Self::LastTouch(_) | Self::First(..) | Self::Last(..) => FieldKind::Text,
            Self::Exists(_) => FieldKind::Bool,
            Self::Sum(..) => FieldKind::Decimal { scale: None },
            Self::WonRevenue => FieldKind::Decimal { scale: Some(minor_digits(base_currency)) },
        }
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
    /// Every trait the model gives, with its kind, in the order of the configuration. Not among them: `<trait>_incomplete`,
    /// which is true where an amount had no rate and is absent otherwise.
    pub fn outputs(&self) -> Vec<(TraitName, FieldKind)> {
        let mut outputs: Vec<(TraitName, FieldKind)> =
            self.traits.iter().map(|spec| (spec.name.clone(), spec.rule.kind(&self.base_currency))).collect();
        outputs.extend(self.scores.iter().map(|score| (score.trait_name(), FieldKind::Integer)));
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
        let combined = || self.scores.iter().rfind(|score| score.rules().is_none());
        named.or_else(combined).or(self.scores.first())
    }

    /// The band of this name, full (`lead.mql`) or short where that is enough (`mql`), with its full name and its score's.
    pub fn band(&self, name: &str) -> Option<(Arc<str>, &ScoreSpec, &BandSpec)> {
        let all = self.scores.iter().flat_map(|score| score.bands.iter().map(move |band| (score, band)));
        let mut named = all.filter(|(score, band)| &*band.name == name || &*score.band_name(band) == name);
        named.next().map(|(score, band)| (score.band_name(band), score, band))
    }
}
