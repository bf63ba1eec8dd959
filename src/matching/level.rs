//! At which level two values agree.

use super::spec::{Comparison, Level};
use super::table::Table;

/// The level at which a pair agrees, `levels.len()` for none, [`MISSING`] where either has no value.
pub type Reached = u8;

/// Nothing can be said: it counts neither for nor against.
pub const MISSING: Reached = u8::MAX;

/// A comparison with its field's place in the table.
#[derive(Debug)]
pub struct Compare<'a> {
    pub comparison: &'a Comparison,
    field: usize,
    /// The places of the fields that `swapped` levels name, by level.
    others: Vec<Option<usize>>,
}

impl<'a> Compare<'a> {
    pub fn new(comparison: &'a Comparison, table: &Table) -> Option<Self> {
        let other = |level: &Level| match level {
            Level::Swapped(name) => table.field(name),
            _ => None,
        };
        let others = comparison.levels.iter().map(other).collect();
        Some(Self { comparison, field: table.field(&comparison.field)?, others })
    }

    pub fn field(&self) -> usize {
        self.field
    }

    /// Levels, disagreement included.
    pub fn outcomes(&self) -> usize {
        self.comparison.levels.len() + 1
    }

    pub fn reach(&self, table: &Table, a: u32, b: u32) -> Reached {
        let (Some(left), Some(right)) = (table.text(self.field, a), table.text(self.field, b)) else {
            return MISSING;
        };
        let same = table.number(self.field, a) == table.number(self.field, b);
        let holds = |(level, other): (&Level, &Option<usize>)| match level {
            Level::Exact => same,
            Level::JaroWinkler(least) => same || strsim::jaro_winkler(left, right) >= *least,
            Level::Edits(most) => same || within_edits(left, right, *most),
            Level::Prefix(length) => same || same_prefix(left, right, *length),
            Level::Within(most) => same || within(left, right, *most),
            Level::Words => same || same_words(left, right),
            Level::Swapped(_) => other.is_some_and(|other| {
                table.text(other, b).is_some_and(|theirs| theirs == left)
                    && table.text(other, a).is_some_and(|ours| ours == right)
            }),
        };
        let level = self.comparison.levels.iter().zip(&self.others).position(holds);
        level.unwrap_or(self.comparison.levels.len()) as Reached
    }
}

fn within_edits(left: &str, right: &str, most: usize) -> bool {
    // Lengths that differ by more need more edits; this spares the matrix for most pairs.
    left.len().abs_diff(right.len()) <= 4 * most && strsim::osa_distance(left, right) <= most
}

fn same_prefix(left: &str, right: &str, length: usize) -> bool {
    let (mut left, mut right) = (left.chars(), right.chars());
    (0..length).all(|_| matches!((left.next(), right.next()), (Some(l), Some(r)) if l == r))
}

fn within(left: &str, right: &str, most: f64) -> bool {
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => (left - right).abs() <= most,
        _ => false,
    }
}

/// Every word of the one with fewer words is a word of the other, and there are at least two.
fn same_words(left: &str, right: &str) -> bool {
    let words = |text: &'_ str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let (left, right) = (words(left), words(right));
    let (few, many) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    few.len() >= 2 && few.iter().all(|word| many.contains(word))
}
