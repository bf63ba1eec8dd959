//! One training: the recipe's shapes on these rows, the strength it is held back by, the coefficients.

use super::calibrate::Platt;
use super::crossval::Folds;
use super::encode::Encoder;
use super::logistic::{self, Patience};
use super::plain;
use super::table::Table;
use super::tune::{self, Choice};

/// What is made of the columns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Recipe {
    /// Numbers standardised, one coefficient per level, λ given.
    Plain { l2: f64 },
    /// Curves, levels and pairs; how strongly they are held back is chosen by cross-validation within the rows.
    Rich,
    /// The same with what was chosen before.
    Chosen(Choice),
}

/// A fitted encoder with its coefficients.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    pub encoder: Encoder,
    /// The intercept first.
    pub coefficients: Vec<f64>,
    pub calibration: Platt,
    pub converged: bool,
    pub steps: usize,
    /// What the rich recipe chose.
    pub choice: Option<Choice>,
}

impl Trained {
    /// The chances of every row of a table with the same columns.
    pub fn chances(&self, table: &Table) -> Vec<f64> {
        let z = self.encoder.encode(table).times(&self.coefficients);
        z.into_iter().map(|z| self.calibration.chance(z)).collect()
    }
}

/// Trains on all rows of the table; `labels` has one for each. What is chosen within is chosen by these folds.
pub fn train(table: &Table, labels: &[bool], recipe: Recipe, folds: &Folds) -> Trained {
    match recipe {
        Recipe::Plain { l2 } => {
            let encoder = plain::encoder(table);
            let design = encoder.encode(table);
            let penalty = plain::penalty(&encoder, l2);
            let fit = logistic::fit(&design, labels, &penalty, &[logistic::base(labels)], Patience::EXACT);
            Trained {
                encoder,
                coefficients: fit.coefficients,
                calibration: Platt::NONE,
                converged: fit.converged && !fit.raised,
                steps: fit.steps,
                choice: None,
            }
        }
        Recipe::Rich => tune::train(table, labels, folds),
        Recipe::Chosen(choice) => tune::finish(table, labels, &choice),
    }
}
