//! A score that is a chance (`cdp-semantics` §4.3): 0 to 100, with what each feature adds to it. There is none while no model is good
//! enough.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::{FieldKind, Value};
use rust_decimal::Decimal;

use crate::enrich::compute::Model;
use crate::enrich::person::Person;
use crate::enrich::reasons;
use crate::enrich::score_spec::{Made, ScoreSpec};
use crate::model::{Computed, Predict, Score, ScorePart, TraitName};

/// The models of scores by name.
pub type Predictors = BTreeMap<Arc<str>, Arc<dyn Predict>>;

/// Labels the part of a score that everybody has.
pub const AVERAGE: &str = "Average person";
const OUT_OF: f64 = 100.0;
/// Log-odds that add up to less than this move nothing.
const STILL: f64 = 1e-9;

/// The traits beside `score_<name>`, with their kinds.
pub fn outputs(score: &ScoreSpec) -> Vec<(TraitName, FieldKind)> {
    let Made::Predicted(_) = score.made else { return Vec::new() };
    vec![
        (named(score, "probability"), FieldKind::Decimal { scale: Some(2) }),
        (named(score, "decile"), FieldKind::Integer),
        (named(score, "reasons"), FieldKind::Text),
    ]
}

/// `win_probability`
fn named(score: &ScoreSpec, what: &str) -> TraitName {
    format!("{}_{what}", score.name).into()
}

impl Model {
    /// The same with these models for its predictive scores.
    #[must_use]
    pub fn with_predictors(mut self, predictors: Predictors) -> Self {
        for (name, predictor) in &predictors {
            self.fingerprint.push_str(&format!(" {name}:{}", predictor.fingerprint()));
        }
        self.predictors = predictors;
        self
    }

    /// What is known of the model of a score, where it has one.
    pub fn predictor(&self, score: &str) -> Option<&Arc<dyn Predict>> {
        self.predictors.get(score)
    }

    /// Adds the chances: last of all, for they may ask for any trait. Without a model the traits are there and hold nothing.
    pub(super) fn predict(&self, person: &Person<'_>, computed: &mut Computed) {
        for spec in self.spec.scores.iter().filter(|spec| matches!(spec.made, Made::Predicted(_))) {
            let [mut number, mut probability, mut decile, mut why] = [const { Value::Null }; 4];
            if let Some(predictor) = self.predictors.get(&spec.name) {
                let said = predictor.predict(&|name| self.feature(name, person, &computed.traits));
                let score = scored(spec, said.chance, said.average, &said.reasons);
                number = Value::from(crate::model::rounded(score.value));
                probability = Value::Number(hundredths(said.chance));
                decile = Value::from(i64::from(said.decile));
                let own = Score {
                    parts: score.parts.iter().filter(|part| &*part.label != AVERAGE).cloned().collect(),
                    ..score.clone()
                };
                why = reasons::reasons(&own).map_or(Value::Null, Value::Text);
                computed.scores.push(score);
            }
            computed.traits.insert(spec.trait_name(), number);
            computed.traits.insert(named(spec, "probability"), probability);
            computed.traits.insert(named(spec, "decile"), decile);
            computed.traits.insert(named(spec, "reasons"), why);
        }
    }
}

/// Points that add up: the average chance, and what each reason moves it by, in proportion to what it adds to the log-odds.
fn scored(spec: &ScoreSpec, chance: f64, average: f64, reasons: &[(Arc<str>, f64)]) -> Score {
    let adds: f64 = reasons.iter().map(|(_, adds)| adds).sum();
    let scale = scale(chance, average, adds);
    let part = |label: Arc<str>, points: f64| ScorePart { label, points, matches: 1 };
    let mut parts: Vec<ScorePart> = vec![part(AVERAGE.into(), OUT_OF * average)];
    parts.extend(reasons.iter().filter(|(_, adds)| *adds != 0.0).map(|(name, adds)| part(name.clone(), adds * scale)));
    parts.sort_by(|a, b| b.points.abs().total_cmp(&a.points.abs()));
    Score { name: spec.name.clone(), value: (OUT_OF * chance).clamp(0.0, OUT_OF), parts, capped: false }
}

/// Points of a hundred for one unit of log-odds.
fn scale(chance: f64, average: f64, adds: f64) -> f64 {
    if adds.abs() < STILL { OUT_OF * average * (1.0 - average) } else { OUT_OF * (chance - average) / adds }
}

fn hundredths(chance: f64) -> Decimal {
    Decimal::new((chance.clamp(0.0, 1.0) * 100.0).round() as i64, 2)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use connector::Timestamp;

    use super::*;
    use crate::enrich::preset;
    use crate::enrich::score_spec::PredictedSpec;
    use crate::model::{Feature, Predicted};

    /// `cdp-semantics` §4.3: β0 = −2 of centred features, visits 0.4, demo 1.5, fit 0.02.
    #[derive(Debug)]
    struct Worked;

    impl Predict for Worked {
        fn predict(&self, feature: &dyn Fn(&str) -> Feature) -> Predicted {
            assert_eq!(feature("visits_30d"), Feature::Number(0.0));
            let adds = [("demo", 1.35), ("visits", 1.20), ("fit", 0.60)];
            let logistic = |z: f64| 1.0 / (1.0 + f64::exp(-z));
            Predicted {
                chance: logistic(-2.0 + 3.15),
                average: logistic(-2.0),
                decile: 1,
                reasons: adds.map(|(name, adds)| (name.into(), adds)).to_vec(),
            }
        }

        fn fingerprint(&self) -> &'static str {
            "worked"
        }

        fn about(&self) -> &'static str {
            "worked by hand"
        }
    }

    fn model() -> Model {
        let mut spec = preset::b2b();
        let made =
            Made::Predicted(PredictedSpec { horizon: Duration::from_secs(90 * 86_400), min_won: 50, min_lost: 50 });
        spec.scores.push(ScoreSpec { name: "win".into(), max: 100.0, made, grade: None, bands: Vec::new() });
        Model::new(spec)
    }

    #[test]
    fn a_chance_is_a_score_whose_points_add_up() {
        let plain = model();
        let with = plain.clone().with_predictors([("win".into(), Arc::new(Worked) as Arc<dyn Predict>)].into());
        assert_ne!(plain.fingerprint(), with.fingerprint());
        let person = Person::of(&[], &[], Timestamp::from_secs(1_800_000_000));
        let computed = with.compute(&person);
        let value = |name: &str| computed.traits.get(name).cloned().unwrap();
        assert_eq!((value("score_win"), value("win_probability")), (76.into(), Value::Number(Decimal::new(76, 2))));
        assert_eq!(value("win_decile"), 1.into());
        assert_eq!(value("win_reasons"), "demo +27.4; visits +24.4; fit +12.2".into());
        let score = computed.scores.last().unwrap();
        assert!((score.value - 75.95).abs() < 0.01);
        assert!((score.parts.iter().map(|part| part.points).sum::<f64>() - score.value).abs() < 1e-9);
    }

    #[test]
    fn without_a_model_there_is_no_number() {
        let computed = model().compute(&Person::of(&[], &[], Timestamp::from_secs(1_800_000_000)));
        assert_eq!(computed.traits.get("score_win"), Some(&Value::Null));
        assert!(computed.scores.iter().all(|score| &*score.name != "win"));
        let names: Vec<TraitName> = model().spec().outputs().into_iter().map(|(name, _)| name).collect();
        assert!(
            ["score_win", "win_probability", "win_decile", "win_reasons"]
                .iter()
                .all(|own| names.iter().any(|name| &**name == *own))
        );
    }
}
