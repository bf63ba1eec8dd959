//! The rich recipe: curves instead of lines, levels instead of words, and what they cost.

use super::design::Penalty;
use super::encode::{Encoder, Part};
use super::plain::{level_rows, level_shape};
use super::shape::Shape;
use super::table::{Data, GAP, Table};

/// Knots of a curve: no more than this.
const KNOTS: usize = 16;

/// How strongly each kind of coefficient is held back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength {
    pub curve: f64,
    pub bend: f64,
    pub level: f64,
    pub cell: f64,
}

/// Shapes for every column that says anything at all.
pub fn encoder(table: &Table) -> Encoder {
    let parts = table.columns.iter().filter_map(|column| {
        let (shape, gap) = match &column.data {
            Data::Numbers(numbers) => (curve(numbers)?, numbers.iter().any(|number| number.is_nan())),
            Data::Texts { codes, levels } => {
                (level_shape(codes, levels, level_rows(table.len())), codes.contains(&GAP))
            }
        };
        let part = Part { column: column.name.clone(), shape, gap };
        (part.width() > 1).then_some(part)
    });
    Encoder { parts: parts.collect(), pairs: Vec::new() }
}

/// Knots at the values themselves where there are few, else at equal shares of the rows.
fn curve(numbers: &[f64]) -> Option<Shape> {
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|number| !number.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let rows = sorted.len();
    let (first, last) = (*sorted.first()?, *sorted.last()?);
    let mut distinct = sorted.clone();
    distinct.dedup();
    let mut knots: Vec<f64> = if distinct.len() <= KNOTS {
        distinct
    } else {
        // The outermost half per cent is not worth a slope of its own.
        let shares = (0..KNOTS).map(|at| 0.005 + 0.99 * at as f64 / (KNOTS - 1) as f64);
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
            Shape::Curve { quantiles, .. } => {
                let gaps: Vec<f64> = quantiles
                    .windows(2)
                    .map(|w| (w.last().unwrap_or(&0.0) - w.first().unwrap_or(&0.0)).max(1e-4))
                    .collect();
                for (at, gap) in gaps.iter().enumerate() {
                    let at = start + at as u32;
                    penalty.square(strength.curve / (12.0 * gap), [(at, -1.0), (at + 1, 1.0)]);
                }
                for (at, pair) in gaps.windows(2).enumerate() {
                    let [a, b] = pair else { continue };
                    let at = start + at as u32;
                    let w = strength.bend / (12.0 * (a + b) / 2.0);
                    let s = (a + b) / 2.0;
                    penalty.square(w, [(at, s / a), (at + 1, -s / a - s / b), (at + 2, s / b)]);
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
    for (pair, start) in encoder.pair_starts() {
        let (lefts, rights) = (pair.left.groups(), pair.right.groups());
        for left in 0..lefts {
            for right in 0..rights {
                let at = start + pair.cell(left, right);
                penalty.square(strength.cell, [(at, 1.0)]);
            }
        }
    }
    penalty
}
