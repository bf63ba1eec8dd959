//! One call from a table to scored pairs and clusters.

use super::block::{Candidates, candidates};
use super::cluster::clusters;
use super::estimate::{Weights, estimate};
use super::level::Compare;
use super::metrics::{Quality, Rates, quality, rates};
use super::pattern::{Evidence, evidence};
use super::score::{Reason, ScoredPair, Scorer};
use super::spec::MatchSpec;
use super::table::Table;

/// A table after matching.
#[derive(Debug)]
pub struct Assessment<'a> {
    table: &'a Table,
    compares: Vec<Compare<'a>>,
    found: Evidence,
    pub candidates: Candidates,
    pub weights: Weights,
    /// Every candidate pair, in the order of `candidates.all`.
    pub scored: Vec<ScoredPair>,
    /// The cluster of every record at the file's threshold.
    pub clusters: Vec<u32>,
}

/// How good an assessment is, where the truth is known.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    pub quality: Quality,
    /// Over the pairs at or above the threshold themselves, before chains are closed.
    pub scored: Rates,
    /// The share of true pairs that were compared at all: no threshold can find the others.
    pub blocking_recall: f64,
}

/// Blocks, compares, learns, scores and clusters.
pub fn assess<'a>(table: &'a Table, spec: &'a MatchSpec) -> Assessment<'a> {
    judged(table, spec, None)
}

/// The same with weights that are given instead of learnt.
pub fn assess_with<'a>(table: &'a Table, spec: &'a MatchSpec, weights: Weights) -> Assessment<'a> {
    judged(table, spec, Some(weights))
}

fn judged<'a>(table: &'a Table, spec: &'a MatchSpec, given: Option<Weights>) -> Assessment<'a> {
    let compares: Vec<Compare<'a>> = spec.comparisons.iter().filter_map(|one| Compare::new(one, table)).collect();
    let candidates = candidates(table, spec);
    let found = evidence(table, &compares, candidates.all.iter().copied());
    let weights = given.unwrap_or_else(|| estimate(table, spec, &compares, &candidates, &found));
    let scorer = Scorer { table, compares: &compares, weights: &weights };
    let scored: Vec<ScoredPair> =
        candidates.all.iter().enumerate().map(|(at, pair)| scorer.score(*pair, found.of(at))).collect();
    let accepted = scored.iter().filter(|one| one.probability >= spec.threshold).map(|one| one.pair);
    let clusters = clusters(table.len(), accepted);
    Assessment { table, compares, found, candidates, weights, scored, clusters }
}

impl Assessment<'_> {
    /// Why the pair at this place of `scored` has its probability, the most telling first.
    pub fn reasons(&self, at: usize) -> Vec<Reason> {
        let scorer = Scorer { table: self.table, compares: &self.compares, weights: &self.weights };
        self.scored.get(at).map_or_else(Vec::new, |one| scorer.reasons(one.pair, self.found.of(at)))
    }

    /// Holds the result against the table's truth column; `None` where it has none.
    pub fn verdict(&self, threshold: f64) -> Option<Verdict> {
        if self.table.truth.len() != self.table.len() {
            return None;
        }
        let truth: Vec<Option<&str>> =
            self.table.truth.iter().map(|who| Some(&**who).filter(|who| !who.is_empty())).collect();
        let same = |(a, b): (u32, u32)| match (truth.get(a as usize), truth.get(b as usize)) {
            (Some(Some(a)), Some(Some(b))) => Some(a == b),
            _ => None,
        };
        let mut people = std::collections::HashMap::new();
        for person in truth.iter().flatten() {
            *people.entry(*person).or_insert(0u64) += 1;
        }
        let true_pairs: u64 = people.values().map(|n| n * (n - 1) / 2).sum();
        let (mut right, mut claimed, mut compared) = (0, 0, 0);
        for one in &self.scored {
            let Some(same) = same(one.pair) else { continue };
            let accepted = one.probability >= threshold;
            compared += u64::from(same);
            claimed += u64::from(accepted);
            right += u64::from(accepted && same);
        }
        Some(Verdict {
            quality: quality(&self.clusters, &truth),
            scored: rates(right, claimed, true_pairs),
            blocking_recall: rates(compared, compared, true_pairs).recall,
        })
    }
}
