//! What there is to know about a model before it is trusted: the model card.

use serde::{Deserialize, Serialize};

use super::calibrate::Platt;
use super::metrics::{Bin, Decile, Metrics};
use super::tune::Choice;

/// Everything but the coefficients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// RFC 3339.
    pub trained_at: String,
    pub target: String,
    pub positive: String,
    pub negative: Option<String>,
    pub rows: usize,
    pub positives: usize,
    pub base_rate: f64,
    /// Rows that say nothing of the outcome.
    pub rows_without_target: usize,
    pub recipe: RecipeCard,
    pub converged: bool,
    pub steps: usize,
    /// Of rows that were held out.
    pub metrics: Metrics,
    /// The log-loss of always saying the base rate.
    pub base_log_loss: f64,
    pub folds: Vec<Metrics>,
    pub deciles: Vec<Decile>,
    /// The lowest chance of each decile but the last.
    pub decile_chances: Vec<f64>,
    pub reliability: Vec<Bin>,
    pub calibration_error: f64,
    pub calibration: Platt,
    /// What moves the log-odds most first.
    pub weights: Vec<Weight>,
    /// Columns that were left out, and why.
    pub left_out: Vec<String>,
    pub warnings: Vec<String>,
}

/// How the columns were used.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RecipeCard {
    Plain { l2: f64 },
    Rich(Choice),
}

/// How much a column, or columns together, move the log-odds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    pub name: String,
    /// The standard deviation of its contribution over the rows.
    pub spread: f64,
}

impl Card {
    /// The tenth that a chance belongs to, 1 the best.
    pub fn decile(&self, chance: f64) -> u8 {
        let above = self.decile_chances.iter().take_while(|lowest| chance < **lowest).count();
        above.min(9) as u8 + 1
    }
}
