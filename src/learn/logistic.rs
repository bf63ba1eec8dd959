//! Penalised logistic regression by Newton's method (iteratively reweighted least squares), `cdp-semantics` §4.3.
//!
//! What is minimised is the summed log-loss plus the [`Penalty`]; with ½·λ·‖β‖² that is scikit-learn's objective at C = 1/λ.
//! No chance is involved: equal data gives equal coefficients, to the bit.

use super::cholesky::Symmetric;
use super::design::{Design, Penalty};
use super::hessian::{Guide, Hessian};

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// No coefficient moves further than this.
    pub settled: f64,
    pub steps: usize,
    /// Up to this many columns the Hessian is written out and factored; beyond, only its first columns are.
    pub dense: usize,
}

impl Patience {
    /// Exact to the eye of any other tool.
    pub const EXACT: Self = Self { settled: 1e-8, steps: 50, dense: 3_000 };
    /// Enough to compare candidates.
    pub const ROUGH: Self = Self { settled: 1e-2, steps: 12, dense: 60 };
    /// Enough to keep.
    pub const FINE: Self = Self { settled: 1e-3, steps: 40, dense: 60 };
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The intercept first.
    pub coefficients: Vec<f64>,
    pub steps: usize,
    /// Whether the last step was smaller than asked for.
    pub converged: bool,
    /// The diagonal of the Hessian was raised by hand: columns repeat each other and no penalty tells them apart.
    pub raised: bool,
}

/// Steps that one guide is good for.
const GUIDE_STEPS: usize = 5;

/// P(yes) at log-odds z.
pub fn probability(z: f64) -> f64 {
    if z >= 0.0 {
        1.0 / (1.0 + (-z).exp())
    } else {
        let odds = z.exp();
        odds / (1.0 + odds)
    }
}

/// −ln P(what happened) at log-odds z.
pub fn loss(z: f64, yes: bool) -> f64 {
    let against = if yes { -z } else { z };
    against.max(0.0) + (-against.abs()).exp().ln_1p()
}

/// The log-odds of the base rate: where every fit may begin.
pub fn base(labels: &[bool]) -> f64 {
    let yes = labels.iter().filter(|yes| **yes).count() as f64;
    let no = labels.len() as f64 - yes;
    ((yes + 0.5) / (no + 0.5)).ln()
}

/// Fits from `start` (shorter is filled with zeros).
pub fn fit(design: &Design, labels: &[bool], penalty: &Penalty, start: &[f64], patience: Patience) -> Fit {
    let mut beta = start.to_vec();
    beta.resize(design.columns(), 0.0);
    let mut z = design.times(&beta);
    let mut height = objective(&z, labels, penalty, &beta);
    let mut fitted = Fit { coefficients: Vec::new(), steps: 0, converged: false, raised: false };
    let mut guide = None;
    while fitted.steps < patience.steps {
        // The weights move most in the first steps; after some more the guide is made anew.
        if fitted.steps.is_multiple_of(GUIDE_STEPS) {
            guide = None;
        }
        fitted.steps += 1;
        let Some((step, raised)) = newton_step(design, labels, penalty, &beta, &z, patience.dense, &mut guide) else {
            break;
        };
        fitted.raised |= raised;
        // A step may overshoot where the curve is flat; halves of it go down in the end.
        let mut share = 1.0;
        let along = design.times(&step);
        let went = loop {
            let tried: Vec<f64> = beta.iter().zip(&step).map(|(at, by)| at - share * by).collect();
            let tried_z: Vec<f64> = z.iter().zip(&along).map(|(at, by)| at - share * by).collect();
            let tried_height = objective(&tried_z, labels, penalty, &tried);
            if tried_height <= height + 1e-12 * height.abs() {
                (beta, z, height) = (tried, tried_z, tried_height);
                break true;
            }
            share *= 0.5;
            if share < 1e-8 {
                break false;
            }
        };
        let furthest = step.iter().fold(0.0f64, |most, by| most.max((share * by).abs()));
        fitted.converged = furthest < patience.settled;
        if fitted.converged || !went {
            break;
        }
    }
    fitted.coefficients = beta;
    fitted
}

fn objective(z: &[f64], labels: &[bool], penalty: &Penalty, beta: &[f64]) -> f64 {
    z.iter().zip(labels).map(|(z, yes)| loss(*z, *yes)).sum::<f64>() + penalty.cost(beta)
}

/// H⁻¹·g, and whether H had to be raised to be solved at all.
fn newton_step(
    design: &Design,
    labels: &[bool],
    penalty: &Penalty,
    beta: &[f64],
    z: &[f64],
    dense: usize,
    guide: &mut Option<Guide>,
) -> Option<(Vec<f64>, bool)> {
    let chances: Vec<f64> = z.iter().map(|z| probability(*z)).collect();
    let off: Vec<f64> = chances.iter().zip(labels).map(|(p, yes)| p - f64::from(u8::from(*yes))).collect();
    let weights: Vec<f64> = chances.iter().map(|p| p * (1.0 - p)).collect();
    let mut gradient = design.transposed_times(&off);
    penalty.add_gradient(beta, &mut gradient);
    if design.columns() > dense {
        if guide.is_none() {
            *guide = Guide::new(design, penalty, &weights);
        }
        let hessian = Hessian { design, penalty, weights: &weights, guide: guide.as_ref()? };
        return Some((hessian.solve(&gradient), false));
    }
    let mut hessian = Symmetric::zero(design.columns());
    design.add_gram(&weights, 1, &mut hessian);
    penalty.add_to(&mut hessian);
    if let Some(factor) = hessian.clone().factor() {
        return Some((factor.solve(&gradient), false));
    }
    let largest = hessian.diagonal().fold(0.0f64, f64::max).max(1e-6);
    let mut raise = largest * 1e-10;
    while raise <= largest {
        let mut raised = hessian.clone();
        (0..raised.size()).for_each(|at| raised.add(at, at, raise));
        if let Some(factor) = raised.factor() {
            return Some((factor.solve(&gradient), true));
        }
        raise *= 100.0;
    }
    None
}
