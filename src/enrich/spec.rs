//! What is computed, as configuration or a preset says it. Conditions arrive checked ([`crate::expr::Expr`]).

use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use connector::FieldKind;

use crate::enrich::Rates;
use crate::enrich::rates::minor_digits;
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
    pub score: Option<ScoreSpec>,
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

/// The engagement score: rules that give points, added up and clamped to 0…`max`. Gives the traits `score_<name>`
/// (rounded half-up) and `score_reasons`.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreSpec {
    /// `engagement`
    pub name: Arc<str>,
    pub max: f64,
    /// For rules without a decay of their own.
    pub decay: Decay,
    pub rules: Vec<ScoreRule>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRule {
    /// As a rep reads it.
    pub label: Arc<str>,
    pub on: EventMatch,
    pub points: f64,
    /// The rule's total never goes beyond this, in the direction of its points; the sign of the cap does not matter.
    pub max: Option<f64>,
    /// Only the first so many matches of a local day count.
    pub per_day: Option<u32>,
    pub decay: Option<Decay>,
}

/// How points fade with the event's age.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decay {
    /// Halved after each such time.
    HalfLife(Duration),
    /// `50%/30d`: loses this share of the points in each such time, until nothing is left.
    Linear {
        share: f64,
        every: Duration,
    },
    /// All points while younger, none from then on.
    Expires(Duration),
    Never,
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

impl ScoreSpec {
    /// `score_engagement`
    pub fn trait_name(&self) -> TraitName {
        format!("score_{}", self.name).into()
    }
}

/// The trait that explains the score.
pub const SCORE_REASONS: &str = "score_reasons";

impl ModelSpec {
    /// Every trait the model gives, with its kind, in the order of the configuration. Not among them: `<trait>_incomplete`,
    /// which is true where an amount had no rate and is absent otherwise.
    pub fn outputs(&self) -> Vec<(TraitName, FieldKind)> {
        let mut outputs: Vec<(TraitName, FieldKind)> =
            self.traits.iter().map(|spec| (spec.name.clone(), spec.rule.kind(&self.base_currency))).collect();
        if let Some(score) = &self.score {
            outputs.push((score.trait_name(), FieldKind::Integer));
            outputs.push((SCORE_REASONS.into(), FieldKind::Text));
        }
        outputs
    }
}
