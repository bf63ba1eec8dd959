//! What each level of agreement is worth, learnt from the table without labels.
//!
//! *u*, how often strangers agree, comes from random pairs (nearly all of which are strangers). *m*, how often the same
//! person's records agree, comes by expectation–maximisation over the pairs of one block at a time: inside a block its own keys
//! agree by construction, so they are left out there and learnt from the other blocks. The share of pairs that are one person
//! is what the scored candidates add up to.

use std::collections::HashMap;

use super::Pair;
use super::block::Candidates;
use super::level::{Compare, MISSING, Reached};
use super::pattern::{Evidence, evidence};
use super::spec::{Level, MatchSpec};
use super::table::Table;

/// *m* and *u* of one comparison, by level; the last is disagreement.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparisonWeights {
    pub field: String,
    pub levels: Vec<String>,
    pub m: Vec<f64>,
    pub u: Vec<f64>,
}

impl ComparisonWeights {
    /// P(level | one person) / P(level | strangers); 1 where nothing can be said.
    pub fn factor(&self, level: Reached) -> f64 {
        match (self.m.get(level as usize), self.u.get(level as usize)) {
            (Some(m), Some(u)) => m / u,
            _ => 1.0,
        }
    }
}

/// Everything that was learnt.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    pub comparisons: Vec<ComparisonWeights>,
    /// The share of all pairs that are one person.
    pub prior: f64,
}

impl Weights {
    /// The probability that a pair with this pattern is one person, without term frequencies.
    pub fn probability(&self, pattern: &[Reached]) -> f64 {
        let factors = self.comparisons.iter().zip(pattern).map(|(weights, level)| weights.factor(*level));
        posterior(self.prior, factors.product())
    }
}

/// Prior odds times the evidence, as a probability.
pub fn posterior(prior: f64, factor: f64) -> f64 {
    let odds = prior / (1.0 - prior) * factor;
    if odds.is_finite() { odds / (1.0 + odds) } else { 1.0 }
}

const ROUNDS: usize = 4;
const STEPS: usize = 60;
const SETTLED: f64 = 1e-7;
/// Added to every count, so that what was never seen is rare and not impossible.
const UNSEEN: f64 = 0.5;

/// Learns *m*, *u* and the prior. `found` is the evidence of `candidates.all`, in its order.
pub fn estimate(
    table: &Table,
    spec: &MatchSpec,
    compares: &[Compare<'_>],
    candidates: &Candidates,
    found: &Evidence,
) -> Weights {
    let strangers = evidence(table, compares, random_pairs(table, spec));
    let blocks: Vec<BlockEvidence> = spec
        .blocks
        .iter()
        .zip(&candidates.by_block)
        .map(|(block, pairs)| BlockEvidence {
            counts: pattern_counts(found, &candidates.all, pairs),
            free: compares
                .iter()
                .map(|compare| is_free(compare, &block.keys.iter().map(|key| key.field()).collect::<Vec<_>>()))
                .collect(),
        })
        .collect();
    let mut weights = Weights { comparisons: compares.iter().map(first_guess).collect(), prior: 1e-4 };
    for round in 0..ROUNDS {
        // From the second round on, what is surely one person no longer counts as strangers.
        learn_u(&mut weights, &strangers, round > 0);
        learn_m(&mut weights, &blocks);
        learn_prior(&mut weights, found, table.pairs());
    }
    weights
}

/// The patterns of one block's pairs, and which comparisons say something there.
struct BlockEvidence {
    counts: Vec<(Box<[Reached]>, f64)>,
    free: Vec<bool>,
}

fn pattern_counts(found: &Evidence, all: &[Pair], pairs: &[Pair]) -> Vec<(Box<[Reached]>, f64)> {
    let mut counts: HashMap<&[Reached], f64> = HashMap::new();
    for pair in pairs {
        if let Ok(at) = all.binary_search(pair) {
            *counts.entry(found.of(at)).or_default() += 1.0;
        }
    }
    let mut counts: Vec<_> = counts.into_iter().map(|(pattern, count)| (pattern.into(), count)).collect();
    // Sums of floating point depend on their order; the same table must give the same weights.
    counts.sort_unstable_by(|(a, _): &(Box<[Reached]>, f64), (b, _)| a.cmp(b));
    counts
}

fn is_free(compare: &Compare<'_>, keys: &[&str]) -> bool {
    let swaps = |level: &Level| matches!(level, Level::Swapped(other) if keys.contains(&other.as_str()));
    !keys.contains(&compare.comparison.field.as_str()) && !compare.comparison.levels.iter().any(swaps)
}

fn first_guess(compare: &Compare<'_>) -> ComparisonWeights {
    let outcomes = compare.outcomes();
    // Most of one person's records agree exactly; each weaker level is half as frequent as the one before.
    let m: Vec<f64> = (0..outcomes).map(|level| 0.5f64.powi(level as i32)).collect();
    let sum: f64 = m.iter().sum();
    ComparisonWeights {
        field: compare.comparison.field.clone(),
        levels: compare.comparison.levels.iter().map(ToString::to_string).chain(["differs".to_owned()]).collect(),
        m: m.into_iter().map(|share| share / sum).collect(),
        u: vec![1.0 / outcomes as f64; outcomes],
    }
}

fn learn_u(weights: &mut Weights, strangers: &Evidence, weighted: bool) {
    let mut sums: Vec<Vec<f64>> = weights.comparisons.iter().map(|one| vec![UNSEEN; one.u.len()]).collect();
    for (pattern, count) in strangers.patterns() {
        let stranger = if weighted { 1.0 - weights.probability(pattern) } else { 1.0 };
        add(&mut sums, pattern, count as f64 * stranger, &[]);
    }
    for (one, sums) in weights.comparisons.iter_mut().zip(sums) {
        one.u = shares(sums);
    }
}

fn learn_m(weights: &mut Weights, blocks: &[BlockEvidence]) {
    let mut learnt: Vec<Vec<f64>> = weights.comparisons.iter().map(|one| vec![0.0; one.m.len()]).collect();
    for block in blocks {
        let (m, matches) = maximise(weights, block);
        for ((sums, m), free) in learnt.iter_mut().zip(&m).zip(&block.free) {
            if *free {
                sums.iter_mut().zip(m).for_each(|(sum, share)| *sum += share * matches);
            }
        }
    }
    for (one, sums) in weights.comparisons.iter_mut().zip(learnt) {
        // What is a key of every block is never free: it keeps its first guess.
        if sums.iter().sum::<f64>() > 0.0 {
            one.m = shares(sums);
        }
    }
}

/// Expectation–maximisation inside one block: *m* of the free comparisons, and how many of its pairs are one person.
fn maximise(weights: &Weights, block: &BlockEvidence) -> (Vec<Vec<f64>>, f64) {
    let total: f64 = block.counts.iter().map(|(_, count)| count).sum();
    let mut inside = weights.clone();
    // Records that share a key are one person far more often than random ones.
    inside.prior = 0.2;
    let mut matches = 0.0;
    for _ in 0..STEPS {
        let mut sums: Vec<Vec<f64>> = inside.comparisons.iter().map(|one| vec![UNSEEN; one.m.len()]).collect();
        matches = 0.0;
        for (pattern, count) in &block.counts {
            let free = inside.comparisons.iter().zip(pattern.iter()).zip(&block.free);
            let factor = free.filter(|(_, free)| **free).map(|((one, level), _)| one.factor(*level)).product();
            let expected = count * posterior(inside.prior, factor);
            matches += expected;
            add(&mut sums, pattern, expected, &block.free);
        }
        let before = inside.prior;
        inside.prior = ((matches + UNSEEN) / (total + 2.0 * UNSEEN)).clamp(1e-9, 1.0 - 1e-9);
        for (one, sums) in inside.comparisons.iter_mut().zip(sums) {
            one.m = shares(sums);
        }
        if (inside.prior - before).abs() < SETTLED {
            break;
        }
    }
    (inside.comparisons.into_iter().map(|one| one.m).collect(), matches)
}

fn learn_prior(weights: &mut Weights, found: &Evidence, pairs: f64) {
    for _ in 0..STEPS {
        let matches: f64 = found.patterns().map(|(pattern, count)| count as f64 * weights.probability(pattern)).sum();
        let prior = ((matches + UNSEEN) / (pairs + 2.0 * UNSEEN)).clamp(1e-12, 0.5);
        let moved = (prior / weights.prior - 1.0).abs();
        weights.prior = prior;
        if moved < 1e-6 {
            break;
        }
    }
}

fn add(sums: &mut [Vec<f64>], pattern: &[Reached], amount: f64, free: &[bool]) {
    for (at, (sums, level)) in sums.iter_mut().zip(pattern).enumerate() {
        if *level != MISSING
            && free.get(at).copied().unwrap_or(true)
            && let Some(sum) = sums.get_mut(*level as usize)
        {
            *sum += amount;
        }
    }
}

fn shares(sums: Vec<f64>) -> Vec<f64> {
    let total: f64 = sums.iter().sum();
    sums.into_iter().map(|sum| sum / total).collect()
}

/// Random pairs by the file's own seed; every pair where there are fewer than asked for.
fn random_pairs(table: &Table, spec: &MatchSpec) -> Vec<Pair> {
    let rows = table.len() as u32;
    if table.pairs() <= spec.sample_pairs as f64 {
        return (0..rows).flat_map(|a| (a + 1..rows).map(move |b| (a, b))).collect();
    }
    let mut state = spec.seed;
    let mut draw = || {
        // SplitMix64; its high half scaled to the number of rows.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((((mixed ^ (mixed >> 31)) >> 32) * u64::from(rows)) >> 32) as u32
    };
    let mut pairs = Vec::with_capacity(spec.sample_pairs);
    while pairs.len() < spec.sample_pairs {
        let (a, b) = (draw(), draw());
        if a != b {
            pairs.push((a.min(b), a.max(b)));
        }
    }
    pairs
}
