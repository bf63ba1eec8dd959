//! What is computed: the preset's traits and score, with the file's in their place or beside them.

use std::sync::Arc;

use chrono_tz::Tz;
use connector::FieldKind;

use crate::config::catalogue::{Catalogue, PROFILE_ID};
use crate::config::people::People;
use crate::config::reader::Reader;
use crate::config::settings::Preset;
use crate::config::{score, segments, traits};
use crate::enrich::{
    DEAL_COUNTS, GRADE, KNOWN, ModelSpec, Rates, SEGMENTS, TraitRule, TraitSpec, preset, segment_trait,
};
use crate::expr::{self, Scope};
use crate::mapping::Kind;
use crate::model::Purpose;

/// What was read of `[traits]`, `[scores]` and `[segments]`.
#[derive(Debug)]
pub struct Computation {
    pub spec: ModelSpec,
    /// Traits that are named and wrong: reported, and not misspelt where a mapping names them.
    broken: Vec<String>,
    /// Whether scores and segments are.
    is_right: bool,
}

impl Computation {
    /// The model, if nothing was wrong.
    pub fn complete(self) -> Option<ModelSpec> {
        (self.broken.is_empty() && self.is_right).then_some(self.spec)
    }

    /// Everything that can be mapped to a person's fields.
    pub fn people(&self) -> People {
        let outputs = self.spec.outputs().into_iter().map(|(name, kind)| (name.to_string(), mapped(&kind)));
        let broken = self.broken.iter().map(|name| (name.clone(), Kind::Number));
        People::new(Catalogue::person(outputs.chain(broken)), &self.spec)
    }
}

/// Traits, scores and segments.
pub fn model(root: &Reader<'_>, preset: Preset) -> Computation {
    let mut spec = match preset {
        Preset::B2b => preset::b2b(),
        Preset::Ecommerce => preset::ecommerce(),
        Preset::None => ModelSpec {
            time_zone: Tz::UTC,
            base_currency: "EUR".into(),
            rates: Rates::default(),
            own_domains: Vec::new(),
            traits: Vec::new(),
            scores: Vec::new(),
            segments: Vec::new(),
        },
    };
    let broken = traits::traits(root, preset, &mut spec);
    let names = Names::of(&spec, &broken);
    let scores_are_right = score::scores(root, preset, &mut spec, &names).is_some();
    let names = Names::of(&spec, &broken);
    let segments_are_right = segments::segments(root, preset, &mut spec, &names).is_some();
    Computation { spec, broken, is_right: scores_are_right && segments_are_right }
}

fn mapped(kind: &FieldKind) -> Kind {
    match kind {
        FieldKind::Integer => Kind::Integer,
        FieldKind::Decimal { .. } => Kind::Number,
        FieldKind::Bool => Kind::Bool,
        FieldKind::Date => Kind::Date,
        FieldKind::Instant => Kind::Instant,
        FieldKind::MultiChoice { .. } => Kind::List,
        FieldKind::Text | FieldKind::Choice { .. } | FieldKind::Reference | FieldKind::Other(_) => Kind::Text,
    }
}

/// The names that conditions on people may use, by kind.
#[derive(Debug)]
pub struct Names {
    /// Declared and computed traits, consents, what is known of deals.
    lasting: Vec<(String, expr::Kind)>,
    /// What scores give.
    scored: Vec<(String, expr::Kind)>,
}

impl Names {
    /// `broken` are traits that are named and wrong: nobody is told twice.
    pub fn of(spec: &ModelSpec, broken: &[String]) -> Self {
        let people =
            Catalogue::person(spec.outputs().into_iter().map(|(name, kind)| (name.to_string(), mapped(&kind))));
        let chances: Vec<String> = spec
            .scores
            .iter()
            .filter(|score| score.predicted().is_some())
            .flat_map(|score| ["probability", "decile", "reasons"].map(|what| format!("{}_{what}", score.name)))
            .collect();
        let is_chance = |name: &str| chances.iter().any(|chance| chance == name);
        let is_scored =
            |name: &str| name.starts_with("score_") || name == GRADE || name.starts_with(SEGMENTS) || is_chance(name);
        let is_lifecycle = |one: &&TraitSpec| matches!(one.rule, TraitRule::Lifecycle);
        let is_late = |name: &str| spec.traits.iter().filter(is_lifecycle).any(|one| *one.name == *name);
        let mut lasting: Vec<(String, expr::Kind)> = people
            .names()
            .filter(|name| *name != PROFILE_ID && !name.starts_with("consent.") && !is_scored(name) && !is_late(name))
            .filter_map(|name| people.get(name).map(|(kind, _)| (name.to_owned(), asked(kind))))
            .collect();
        lasting.extend(broken.iter().map(|name| (name.clone(), expr::Kind::Any)));
        lasting.extend(Purpose::NAMES.map(|purpose| (format!("consent.{purpose}"), expr::Kind::Text)));
        lasting.extend(DEAL_COUNTS.map(|name| (name.to_owned(), expr::Kind::Integer)));
        lasting.push((KNOWN.to_owned(), expr::Kind::Bool));
        // Conditions see what is not rounded yet.
        let numbers = spec.scores.iter().map(|score| (score.trait_name().to_string(), expr::Kind::Number));
        let bands = spec.scores.iter().flat_map(|score| &score.bands);
        let bands = bands.map(|band| (format!("bands.{}", band.name), expr::Kind::Bool));
        let mut scored: Vec<(String, expr::Kind)> = numbers.chain(bands).collect();
        scored.push((GRADE.to_owned(), expr::Kind::Text));
        let told = chances.iter().filter_map(|name| people.get(name).map(|(kind, _)| (name.clone(), asked(kind))));
        scored.extend(told);
        let late = spec.traits.iter().filter(is_lifecycle);
        scored.extend(late.map(|one| (one.name.to_string(), expr::Kind::Text)));
        Self { lasting, scored }
    }

    /// What is there before anything is scored.
    pub fn of_people(&self) -> Scope {
        Scope::profile(self.lasting.iter().map(|(name, kind)| (name.as_str(), *kind)))
    }

    /// Everything, with these segments.
    pub fn with_segments<'n>(&self, segments: impl Iterator<Item = &'n str>) -> Scope {
        let all = self.lasting.iter().chain(&self.scored).map(|(name, kind)| (name.clone(), *kind));
        Scope::profile(all.chain(segments.map(|name| (segment_trait(name).to_string(), expr::Kind::Bool))))
    }
}

fn asked(kind: Kind) -> expr::Kind {
    match kind {
        Kind::Text => expr::Kind::Text,
        Kind::Integer => expr::Kind::Integer,
        Kind::Number => expr::Kind::Number,
        Kind::Bool => expr::Kind::Bool,
        Kind::Date => expr::Kind::Date,
        Kind::Instant => expr::Kind::Instant,
        Kind::List => expr::Kind::List,
    }
}

/// Whether a name is taken by something that is not a computed trait of the file or the preset.
pub fn is_reserved(name: &str) -> bool {
    let declared = Catalogue::person(Vec::new());
    [PROFILE_ID, GRADE, SEGMENTS, KNOWN].contains(&name) || name.starts_with("score_") || declared.get(name).is_some()
}

/// The model with what it is told besides: where days begin, money, who is ours.
pub fn with_surroundings(
    spec: ModelSpec,
    time_zone: Tz,
    base_currency: Arc<str>,
    rates: Rates,
    own_domains: Vec<Arc<str>>,
) -> ModelSpec {
    ModelSpec { time_zone, base_currency, rates, own_domains, ..spec }
}
