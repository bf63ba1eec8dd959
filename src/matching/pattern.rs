//! Pairs by what they agree on. Few patterns, many pairs: what is learnt and summed is learnt and summed over patterns.

use std::collections::HashMap;

use super::Pair;
use super::level::{Compare, Reached};
use super::table::Table;

/// The levels a set of pairs reached, in the order of the comparisons.
#[derive(Debug, Default)]
pub struct Evidence {
    patterns: Vec<Box<[Reached]>>,
    counts: Vec<u64>,
    /// The pattern of each pair, in the order the pairs were given.
    of_pair: Vec<u32>,
}

impl Evidence {
    /// Patterns with how many pairs show them.
    pub fn patterns(&self) -> impl Iterator<Item = (&[Reached], u64)> {
        self.patterns.iter().map(AsRef::as_ref).zip(self.counts.iter().copied())
    }

    /// The pattern of the pair at this place.
    pub fn of(&self, pair: usize) -> &[Reached] {
        self.of_pair.get(pair).and_then(|at| self.patterns.get(*at as usize)).map_or(&[], AsRef::as_ref)
    }
}

/// Compares every pair once.
pub fn evidence(table: &Table, compares: &[Compare<'_>], pairs: impl IntoIterator<Item = Pair>) -> Evidence {
    let mut found = Evidence::default();
    let mut known: HashMap<Box<[Reached]>, u32> = HashMap::new();
    for (a, b) in pairs {
        let pattern: Box<[Reached]> = compares.iter().map(|compare| compare.reach(table, a, b)).collect();
        let at = *known.entry(pattern.clone()).or_insert_with(|| {
            found.patterns.push(pattern);
            found.counts.push(0);
            (found.patterns.len() - 1) as u32
        });
        if let Some(count) = found.counts.get_mut(at as usize) {
            *count += 1;
        }
        found.of_pair.push(at);
    }
    found
}
