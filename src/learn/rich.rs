//! The rich recipe: curves instead of lines, levels instead of words, and what they cost.

use serde::{Deserialize, Serialize};

use super::design::Penalty;
use super::encode::{Encoder, Part};
use super::plain::{level_shape, moments};
use super::shape::Shape;
use super::table::{Data, GAP, Table};

/// Knots of a curve: no more than this.
const KNOTS: usize = 32;
/// Rows between two knots.
const KNOT_ROWS: usize = 40;
/// Knots of all curves together: a wide table has stiffer ones.
const ALL_KNOTS: usize = 2_000;
/// Rows of a level that stands for itself; holding back keeps the small ones small.
const LEVEL_ROWS: usize = 5;

/// How strongly each kind of coefficient is held back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strength {
    pub curve: f64,
    pub bend: f64,
    pub level: f64,
}

/// Shapes for every column that says anything at all.
pub fn encoder(table: &Table) -> Encoder {
    let knots = (ALL_KNOTS / table.columns.len().max(1)).min(table.len() / KNOT_ROWS).clamp(4, KNOTS);
    let parts = table.columns.iter().filter_map(|column| {
        let (shape, gap) = match &column.data {
            Data::Numbers(numbers) => (curve(numbers, knots)?, numbers.iter().any(|number| number.is_nan())),
            Data::Texts { codes, levels } => (level_shape(codes, levels, LEVEL_ROWS), codes.contains(&GAP)),
        };
        let part = Part { column: column.name.clone(), shape, gap };
        (part.width() > 1).then_some(part)
    });
    Encoder { parts: parts.collect(), together: Vec::new() }
}

/// Knots at the values themselves where there are few, else at equal shares of the rows.
fn curve(numbers: &[f64], most: usize) -> Option<Shape> {
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|number| !number.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let rows = sorted.len();
    let (first, last) = (*sorted.first()?, *sorted.last()?);
    let mut distinct = sorted.clone();
    distinct.dedup();
    let mut knots: Vec<f64> = if distinct.len() <= most {
        distinct
    } else {
        // The outermost half per cent is not worth a slope of its own.
        let shares = (0..most).map(|at| 0.005 + 0.99 * at as f64 / (most - 1) as f64);
        shares.filter_map(|share| sorted.get((share * (rows - 1) as f64).round() as usize).copied()).collect()
    };
    knots.dedup();
    let middle = |knot: f64| {
        let below = sorted.partition_point(|x| *x < knot);
        let up_to = sorted.partition_point(|x| *x <= knot);
        (below + up_to) as f64 / (2 * rows) as f64
    };
    let quantiles = knots.iter().map(|knot| middle(*knot)).collect();
    // What spans orders of magnitude without going below zero is counted, paid or waited for.
    let median = sorted.get(rows / 2).copied()?;
    let log = first >= 0.0 && last > 20.0 * median.max(1.0);
    Some(Shape::Curve { log, knots, quantiles })
}

/// What coefficients cost. Steps along a curve cost by how few rows lie between, so that a straight line through
/// standardised values costs what it would in the plain recipe.
pub fn penalty(encoder: &Encoder, strength: Strength) -> Penalty {
    let mut penalty = Penalty::default();
    for (part, start) in encoder.part_starts() {
        match &part.shape {
            Shape::Line { .. } => penalty.square(strength.curve, [(start, 1.0)]),
            Shape::Curve { log, knots, quantiles } => {
                for (at, gap) in steps(quantiles).into_iter().enumerate() {
                    let at = start + at as u32;
                    penalty.square(strength.curve / (12.0 * gap.max(1e-4)), [(at, -1.0), (at + 1, 1.0)]);
                }
                if strength.bend > 0.0 {
                    bends(&mut penalty, strength.bend, *log, knots, start);
                }
                // Any weight keeps the curve's mean at zero: the intercept is free to take it.
                penalty.square(1.0, (0..quantiles.len() as u32).map(|at| (start + at, 1.0 / quantiles.len() as f64)));
            }
            Shape::Levels { .. } => {
                (0..part.shape.width()).for_each(|at| penalty.square(strength.level, [(start + at, 1.0)]));
            }
        }
        if part.gap {
            penalty.square(strength.level, [(start + part.shape.width(), 1.0)]);
        }
    }
    penalty
}

fn steps(of: &[f64]) -> Vec<f64> {
    of.iter().zip(of.iter().skip(1)).map(|(from, to)| to - from).collect()
}

/// What a change of slope costs, the way between knots measured in standard deviations: the integral of the second
/// derivative's square.
fn bends(penalty: &mut Penalty, strength: f64, log: bool, knots: &[f64], start: u32) {
    let ways: Vec<f64> = knots.iter().map(|knot| if log { knot.max(0.0).ln_1p() } else { *knot }).collect();
    let (_, sd) = moments(&ways);
    let steps = steps(&ways);
    for (at, (before, after)) in steps.iter().zip(steps.iter().skip(1)).enumerate() {
        let (before, after) = (before / sd, after / sd);
        if !(before.is_finite() && after.is_finite() && before > 1e-9 && after > 1e-9) {
            continue;
        }
        let at = start + at as u32;
        let slopes = [(at, 1.0 / before), (at + 1, -1.0 / before - 1.0 / after), (at + 2, 1.0 / after)];
        penalty.square(strength * 2.0 / (before + after), slopes);
    }
}
