//! A pair's probability, and the reasons for it field by field.

use super::Pair;
use super::estimate::{Weights, posterior};
use super::level::{Compare, Reached};
use super::table::Table;

/// A pair with the probability that it is one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoredPair {
    pub pair: Pair,
    pub probability: f64,
}

/// What one field says of a pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    pub field: String,
    /// The level reached, in words.
    pub level: String,
    /// log2 of how much more likely this is for one person than for strangers.
    pub weight: f64,
}

/// Scores pairs of one table.
#[derive(Debug)]
pub struct Scorer<'a> {
    pub table: &'a Table,
    pub compares: &'a [Compare<'a>],
    pub weights: &'a Weights,
}

/// A value that one record in a million holds is as telling as a value may be.
const RAREST: f64 = 1e-6;

impl Scorer<'_> {
    /// The probability that a pair with this evidence is one person.
    pub fn score(&self, pair: Pair, pattern: &[Reached]) -> ScoredPair {
        let factors = (0..self.compares.len()).map(|at| self.factor(at, pair, pattern));
        ScoredPair { pair, probability: posterior(self.weights.prior, factors.product()) }
    }

    /// The reasons, the most telling first.
    pub fn reasons(&self, pair: Pair, pattern: &[Reached]) -> Vec<Reason> {
        let mut reasons: Vec<Reason> = self
            .weights
            .comparisons
            .iter()
            .enumerate()
            .filter_map(|(at, weights)| {
                let level = weights.levels.get(*pattern.get(at)? as usize)?;
                let weight = self.factor(at, pair, pattern).log2();
                Some(Reason { field: weights.field.clone(), level: level.clone(), weight })
            })
            .collect();
        reasons.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
        reasons
    }

    fn factor(&self, at: usize, pair: Pair, pattern: &[Reached]) -> f64 {
        let (Some(weights), Some(level)) = (self.weights.comparisons.get(at), pattern.get(at)) else { return 1.0 };
        let plain = weights.factor(*level);
        match self.compares.get(at).and_then(|compare| self.rarity(compare, pair, *level)) {
            Some(rarity) => weights.m.first().map_or(plain, |m| m / rarity),
            None => plain,
        }
    }

    /// How often strangers hold this very value, where the comparison asks for it and the pair agrees exactly.
    fn rarity(&self, compare: &Compare<'_>, pair: Pair, level: Reached) -> Option<f64> {
        if !compare.comparison.term_frequency || level != 0 {
            return None;
        }
        let number = self.table.number(compare.field(), pair.0)?;
        Some(self.table.frequency(compare.field(), number)?.max(RAREST))
    }
}

#[cfg(test)]
mod tests {
    use super::super::estimate::ComparisonWeights;
    use super::*;

    /// The check value of `cdp-semantics` §2.7: three agreements, one disagreement, one pair in a thousand.
    #[test]
    fn the_check_value_of_the_specification() {
        let field = |name: &str, m: f64, u: f64| ComparisonWeights {
            field: name.into(),
            levels: vec!["exact".into(), "differs".into()],
            m: vec![m, 1.0 - m],
            u: vec![u, 1.0 - u],
        };
        let comparisons = vec![
            field("local", 0.9, 0.001),
            field("last", 0.9, 0.01),
            field("first", 0.85, 0.02),
            field("city", 0.8, 0.1),
        ];
        let weights = Weights { comparisons, prior: 1.0 / 1001.0 };
        let pattern = [0, 0, 0, 1];
        let weight: f64 = weights.comparisons.iter().zip(pattern).map(|(one, level)| one.factor(level).log2()).sum();
        assert!((weight - 19.55).abs() < 0.005, "{weight}");
        assert!((weights.probability(&pattern) - 0.9987).abs() < 0.00005);
    }
}
