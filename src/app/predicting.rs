//! Models that were learnt, put to use: read back from the store, checked, and asked for chances.

use std::sync::Arc;

use super::App;
use crate::enrich::Predictors;
use crate::learn::{Cell, Fact, Model};
use crate::model::{Feature, KeptModel, ModelState, Predict, Predicted};
use crate::store::{Result, Store};

/// A model with what is to be said of it.
#[derive(Debug)]
struct Learnt {
    model: Model,
    columns: Vec<String>,
    fingerprint: String,
    about: String,
}

impl Learnt {
    /// `None` where the store holds nothing that can be believed; the log says so.
    fn of(kept: &KeptModel) -> Option<Self> {
        let model = match Model::from_json(kept.model.as_deref()?.as_bytes()) {
            Ok(model) => model,
            Err(error) => {
                tracing::warn!(score = &*kept.score, id = kept.id, %error, "a model cannot be read; `ferry score train` makes another");
                return None;
            }
        };
        let shadow = if kept.state == ModelState::Active { "" } else { "in the shadow, so its number goes nowhere; " };
        let day = kept.trained_at.to_utc().format("%Y-%m-%d");
        let card = &model.card;
        let about = format!("{shadow}learnt on {day} from {} leads, AUC {:.2}", card.rows, card.metrics.auc);
        let columns = model.columns().into_iter().map(str::to_owned).collect();
        Some(Self { columns, fingerprint: kept.id.to_string(), about, model })
    }
}

impl Predict for Learnt {
    fn predict(&self, feature: &dyn Fn(&str) -> Feature) -> Predicted {
        let held: Vec<Option<Fact>> = self.columns.iter().map(|column| fact(feature(column))).collect();
        let cell = |name: &str| {
            let place = self.columns.binary_search_by(|own| own.as_str().cmp(name)).ok();
            place.and_then(|at| held.get(at)).and_then(Option::as_ref).map_or(Cell::Gap, Fact::cell)
        };
        let scored = self.model.score(cell);
        let reasons = scored.reasons.iter().map(|reason| (in_words(&reason.name), reason.adds));
        Predicted {
            chance: scored.chance,
            average: 1.0 / (1.0 + (-scored.base).exp()),
            decile: self.model.card.decile(scored.chance),
            reasons: reasons.collect(),
        }
    }

    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn about(&self) -> &str {
        &self.about
    }
}

/// A feature as rows to learn from hold it.
pub(super) fn fact(feature: Feature) -> Option<Fact> {
    match feature {
        Feature::Gap => None,
        Feature::Number(number) => Some(Fact::Number(number)),
        Feature::Text(text) => Some(Fact::Text(text)),
    }
}

/// `Pricing views 30d`, as a rep reads it.
fn in_words(name: &str) -> Arc<str> {
    let spaced = name.replace(['_', '.'], " ");
    let mut letters = spaced.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect::<String>().into(),
        None => spaced.into(),
    }
}

/// The active models of these scores; with `shadows`, of a score without one its newest shadow.
pub async fn predictors(store: &dyn Store, scores: &[Arc<str>], shadows: bool) -> Result<Predictors> {
    let mut predictors = Predictors::new();
    let active = if scores.is_empty() { Vec::new() } else { store.active_models().await? };
    for score in scores {
        let mut wanted = active.iter().find(|(of, _)| of == score).map(|(_, id)| *id);
        if wanted.is_none() && shadows {
            let newest = store.models(Some(score), usize::MAX).await?;
            wanted = newest.iter().find(|kept| kept.state == ModelState::Shadow).map(|kept| kept.id);
        }
        let kept = match wanted {
            Some(id) => store.model(id).await?,
            None => None,
        };
        if let Some(learnt) = kept.as_ref().and_then(Learnt::of) {
            predictors.insert(score.clone(), Arc::new(learnt));
        }
    }
    Ok(predictors)
}

impl App {
    /// The names of scores that are learnt.
    pub fn learnt_scores(&self) -> Vec<Arc<str>> {
        let scores = self.settings.model.scores.iter();
        scores.filter(|score| score.predicted().is_some()).map(|score| score.name.clone()).collect()
    }

    /// The same with the models that are active now.
    pub async fn with_predictions(mut self) -> Result<Self> {
        let scores = self.learnt_scores();
        if scores.is_empty() {
            return Ok(self);
        }
        self.learnt = self.store.active_models().await?;
        let predictors = predictors(&*self.store, &scores, false).await?;
        self.model = Arc::new(crate::enrich::Model::new(self.settings.model.clone()).with_predictors(predictors));
        Ok(self)
    }

    /// Whether other models are active than those in use.
    pub(super) async fn has_other_models(&self) -> Result<bool> {
        Ok(!self.learnt_scores().is_empty() && self.store.active_models().await? != self.learnt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_words() {
        assert_eq!(&*in_words("pricing_views_30d"), "Pricing views 30d");
        assert_eq!(&*in_words("company.employees × country"), "Company employees × country");
        assert_eq!(&*in_words(""), "");
    }
}
