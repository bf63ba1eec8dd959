//! What a fitted model says of somebody: the words between what is computed of a person and whatever learnt from the past.

use std::fmt;
use std::sync::Arc;

use connector::Timestamp;

/// A value as a model takes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Feature {
    Gap,
    Number(f64),
    Text(Arc<str>),
}

/// A chance, and what it is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicted {
    /// 0 to 1.
    pub chance: f64,
    /// That of the average person.
    pub average: f64,
    /// The tenth among those learnt from, 1 the best.
    pub decile: u8,
    /// What each feature adds to the log-odds of the average person, the largest first.
    pub reasons: Vec<(Arc<str>, f64)>,
}

/// Something that was fitted to the past.
pub trait Predict: fmt::Debug + Send + Sync {
    /// Asks for features by name.
    fn predict(&self, feature: &dyn Fn(&str) -> Feature) -> Predicted;

    /// Another text for another model.
    fn fingerprint(&self) -> &str;

    /// How good it is, for people: `learnt from 812 leads up to 2026-11-01, AUC 0.74`.
    fn about(&self) -> &str;
}

/// A model as it is kept, with what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptModel {
    /// Given by the store.
    pub id: i64,
    pub score: Arc<str>,
    pub trained_at: Timestamp,
    pub state: ModelState,
    /// `ferry-model/1`; nothing where there was too little to learn from.
    pub model: Option<Arc<str>>,
    /// How it came about and was judged, as JSON.
    pub report: Arc<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelState {
    /// Nothing was learnt.
    None,
    /// Kept to be looked at: its numbers are not used.
    Shadow,
    Active,
    /// Another one took its place.
    Retired,
}

impl ModelState {
    pub const ALL: [Self; 4] = [Self::None, Self::Shadow, Self::Active, Self::Retired];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "no_model",
            Self::Shadow => "shadow",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }
}
