//! What scores are made of, as configuration or a preset says it (`cdp-semantics` §4.2).

use std::sync::Arc;
use std::time::Duration;

use crate::enrich::spec::EventMatch;
use crate::expr::Expr;
use crate::model::TraitName;

/// One score. Gives the trait `score_<name>`, rounded half-up.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreSpec {
    /// `engagement`
    pub name: Arc<str>,
    /// Between 0 and this.
    pub max: f64,
    pub made: Made,
    pub grade: Option<GradeSpec>,
    /// From the lowest threshold to the highest.
    pub bands: Vec<BandSpec>,
}

/// How a score comes about.
#[derive(Clone, Debug, PartialEq)]
pub enum Made {
    /// Rules that give points, added up.
    Rules(Rules),
    /// Other scores, weighed and added up; each must stand before this one.
    Combination(Vec<Weighed>),
    /// The chance of a won deal, learnt from the past; stands after all others.
    Predicted(PredictedSpec),
}

/// What is learnt, and from how much at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PredictedSpec {
    /// A deal won within this is a win.
    pub horizon: Duration,
    pub min_won: u32,
    pub min_lost: u32,
}

/// Where the configuration says nothing (`cdp-semantics` §4.3).
impl Default for PredictedSpec {
    fn default() -> Self {
        Self { horizon: Duration::from_secs(90 * 86_400), min_won: 50, min_lost: 50 }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// For event rules without a decay of their own.
    pub decay: Decay,
    pub rules: Vec<ScoreRule>,
    pub groups: Vec<RuleGroup>,
}

/// Rules that together never give more.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleGroup {
    pub name: Arc<str>,
    /// The group's total never goes beyond this, in the direction of its sign.
    pub max: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRule {
    /// As a rep reads it.
    pub label: Arc<str>,
    pub gives: Gives,
    /// The rule's total never goes beyond this, in the direction of its points; the sign of the cap does not matter.
    pub max: Option<f64>,
    /// A place in [`Rules::groups`].
    pub group: Option<usize>,
}

/// What a rule gives points for.
#[derive(Clone, Debug, PartialEq)]
pub enum Gives {
    Events(EventPoints),
    /// Points while a condition on traits holds; the first row that does counts, once. They do not fade.
    Traits(Vec<TraitRow>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct EventPoints {
    pub on: EventMatch,
    pub points: f64,
    /// Only the first so many matches of a local day count.
    pub per_day: Option<u32>,
    pub decay: Option<Decay>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TraitRow {
    /// In place of the rule's.
    pub label: Option<Arc<str>>,
    /// Compiled for a profile.
    pub when: Expr,
    pub points: f64,
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

#[derive(Clone, Debug, PartialEq)]
pub struct Weighed {
    pub score: Arc<str>,
    pub weight: f64,
}

/// A letter by one score and a number by another: `A1` … `D4`. Gives the trait `grade`.
#[derive(Clone, Debug, PartialEq)]
pub struct GradeSpec {
    pub letter: GradeAxis,
    pub number: GradeAxis,
}

#[derive(Clone, Debug, PartialEq)]
pub struct GradeAxis {
    pub score: Arc<str>,
    /// Falling; at or above the first is the best.
    pub thresholds: Vec<f64>,
}

/// A threshold with a memory: entered at `enter` or above, left below `exit`.
#[derive(Clone, Debug, PartialEq)]
pub struct BandSpec {
    /// `mql`
    pub name: Arc<str>,
    pub enter: f64,
    pub exit: f64,
    /// Nothing acts on an entry sooner than this after something acted on another.
    pub cooldown: Duration,
}

/// The share of `enter` below which a band is left where the configuration says nothing.
pub const EXIT_SHARE: f64 = 0.7;

/// How long after an action on an entry nothing acts on another, where the configuration says nothing.
pub const COOLDOWN: Duration = Duration::from_secs(30 * 86_400);

impl ScoreSpec {
    /// `score_engagement`
    pub fn trait_name(&self) -> TraitName {
        format!("score_{}", self.name).into()
    }

    /// `lead.mql`
    pub fn band_name(&self, band: &BandSpec) -> Arc<str> {
        format!("{}.{}", self.name, band.name).into()
    }

    pub fn rules(&self) -> Option<&Rules> {
        match &self.made {
            Made::Rules(rules) => Some(rules),
            Made::Combination(_) | Made::Predicted(_) => None,
        }
    }
}

impl ScoreSpec {
    /// What is learnt for it, where it is learnt.
    pub fn predicted(&self) -> Option<&PredictedSpec> {
        match &self.made {
            Made::Predicted(spec) => Some(spec),
            Made::Rules(_) | Made::Combination(_) => None,
        }
    }
}

impl ScoreRule {
    /// Points for each event, without caps.
    pub fn events(label: &str, on: EventMatch, points: f64) -> Self {
        let gives = Gives::Events(EventPoints { on, points, per_day: None, decay: None });
        Self { label: label.into(), gives, max: None, group: None }
    }

    /// Points while the condition holds.
    pub fn when(label: &str, when: Expr, points: f64) -> Self {
        Self {
            label: label.into(),
            gives: Gives::Traits(vec![TraitRow { label: None, when, points }]),
            max: None,
            group: None,
        }
    }

    #[must_use]
    pub fn up_to(mut self, max: f64) -> Self {
        self.max = Some(max);
        self
    }

    #[must_use]
    pub fn fading(mut self, by: Decay) -> Self {
        if let Gives::Events(events) = &mut self.gives {
            events.decay = Some(by);
        }
        self
    }

    pub fn on(&self) -> Option<&EventMatch> {
        match &self.gives {
            Gives::Events(events) => Some(&events.on),
            Gives::Traits(_) => None,
        }
    }
}
