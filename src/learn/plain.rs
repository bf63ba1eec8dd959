//! The plain recipe: numbers standardised, texts one coefficient per level, λ given. What any statistics package does, so that
//! the figures can be held against one.

use super::design::Penalty;
use super::encode::{Encoder, Part};
use super::shape::Shape;
use super::table::{Data, GAP, Table};

/// Fewer rows than this share the level of the rest.
pub const LEVEL_ROWS: usize = 20;

/// Shapes for every column but those not wanted.
pub fn encoder(table: &Table) -> Encoder {
    let parts = table.columns.iter().map(|column| match &column.data {
        Data::Numbers(numbers) => {
            let (mean, sd) = moments(numbers);
            Part {
                column: column.name.clone(),
                shape: Shape::Line { mean, sd },
                gap: numbers.iter().any(|number| number.is_nan()),
            }
        }
        Data::Texts { codes, levels } => Part {
            column: column.name.clone(),
            shape: level_shape(codes, levels, level_rows(table.len())),
            gap: codes.contains(&GAP),
        },
    });
    Encoder { parts: parts.collect(), together: Vec::new() }
}

/// ½·λ·‖β‖², the intercept free.
pub fn penalty(encoder: &Encoder, l2: f64) -> Penalty {
    let mut penalty = Penalty::default();
    (1..encoder.width()).for_each(|place| penalty.square(l2, [(place, 1.0)]));
    penalty
}

/// How many rows a level needs to stand for itself: fewer in a small table.
pub fn level_rows(rows: usize) -> usize {
    LEVEL_ROWS.min((rows / 50).max(3))
}

/// The mean and the population's standard deviation of what is there.
pub fn moments(numbers: &[f64]) -> (f64, f64) {
    let present = || numbers.iter().copied().filter(|number| !number.is_nan());
    let count = present().count().max(1) as f64;
    let mean = present().sum::<f64>() / count;
    // The second pass keeps what a difference of large sums would lose.
    let variance = present().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    let sd = variance.sqrt();
    // A column of one value has a spread of rounding errors only.
    (mean, if sd > mean.abs() * 1e-12 { sd } else { 0.0 })
}

/// The levels with enough rows, in order; the rest is one.
pub fn level_shape(codes: &[u32], levels: &[Box<str>], enough: usize) -> Shape {
    let mut counts = vec![0usize; levels.len()];
    let mut rare = 0;
    for code in codes.iter().filter(|code| **code != GAP) {
        match counts.get_mut(*code as usize) {
            Some(count) => *count += 1,
            None => rare += 1,
        }
    }
    let mut kept: Vec<String> = Vec::new();
    for (level, count) in levels.iter().zip(&counts) {
        if *count >= enough {
            kept.push(level.to_string());
        } else {
            rare += count;
        }
    }
    kept.sort_unstable();
    Shape::Levels { levels: kept, other: rare > 0 }
}
