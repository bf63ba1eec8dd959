//! How strongly to hold back: chosen by cross-validation within the rows.

use super::calibrate::Platt;
use super::logistic::{self, Patience};
use super::rich::{self, Strength};
use super::table::Table;
use super::train::Trained;

pub fn train(table: &Table, labels: &[bool]) -> Trained {
    let encoder = rich::encoder(table);
    let design = encoder.encode(table);
    let penalty = rich::penalty(&encoder, Strength { curve: 10.0, bend: 0.0, level: 3.0, cell: 10.0 });
    let fit = logistic::fit(&design, labels, &penalty, &[logistic::base(labels)], Patience::ROUGH);
    Trained {
        encoder,
        coefficients: fit.coefficients,
        calibration: Platt::NONE,
        converged: fit.converged && !fit.raised,
        steps: fit.steps,
    }
}
