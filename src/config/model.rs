//! What is computed: the preset's traits and score, with the file's in their place or beside them.

use std::sync::Arc;

use chrono_tz::Tz;
use connector::FieldKind;

use crate::config::catalogue::{Catalogue, PROFILE_ID};
use crate::config::people::People;
use crate::config::reader::Reader;
use crate::config::settings::Preset;
use crate::config::{score, traits};
use crate::enrich::{ModelSpec, Rates, preset};
use crate::mapping::Kind;

/// What was read of `[traits]` and `[scores]`.
#[derive(Debug)]
pub struct Computation {
    pub spec: ModelSpec,
    /// Traits that are named and wrong: reported, and not misspelt where a mapping names them.
    broken: Vec<String>,
    score_is_right: bool,
}

impl Computation {
    /// The model, if nothing was wrong.
    pub fn complete(self) -> Option<ModelSpec> {
        (self.broken.is_empty() && self.score_is_right).then_some(self.spec)
    }

    /// Everything that can be mapped to a person's fields.
    pub fn people(&self) -> People {
        let outputs = self.spec.outputs().into_iter().map(|(name, kind)| (name.to_string(), mapped(&kind)));
        let broken = self.broken.iter().map(|name| (name.clone(), Kind::Number));
        People::new(Catalogue::person(outputs.chain(broken)), &self.spec)
    }
}

/// Traits and score.
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
    let score_is_right = score::scores(root, preset, &mut spec).is_some();
    Computation { spec, broken, score_is_right }
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

/// Whether a name is taken by something that is not a computed trait of the file or the preset.
pub fn is_reserved(name: &str) -> bool {
    let declared = Catalogue::person(Vec::new());
    name == PROFILE_ID || name.starts_with("score_") || declared.get(name).is_some()
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
