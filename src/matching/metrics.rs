//! How good a partition is, held against the truth (`cdp-semantics` §2.8).

use std::collections::HashMap;
use std::hash::Hash;

use serde::Serialize;

/// Precision, recall and their harmonic mean, each 0–1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rates {
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
}

impl Rates {
    fn new(precision: f64, recall: f64) -> Self {
        let sum = precision + recall;
        Self { precision, recall, f1: if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 } }
    }
}

/// Rates from what was claimed, what is true, and what of it was both. Nothing claimed is never wrong.
pub fn rates(right: u64, claimed: u64, true_: u64) -> Rates {
    let share = |of: u64| if of == 0 { 1.0 } else { right as f64 / of as f64 };
    Rates::new(share(claimed), share(true_))
}

/// A partition against the truth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quality {
    /// Over pairs of records that share a cluster.
    pub pairwise: Rates,
    /// Over whole clusters: right is one that is exactly a true one.
    pub cluster: Rates,
    /// Over records: the share of each one's cluster that is truly its own, and of its own that it has.
    pub b_cubed: Rates,
}

/// Compares two labelings of the same records; records of which the truth is not known (`None`) are left out.
pub fn quality<T: Eq + Hash>(predicted: &[u32], truth: &[Option<T>]) -> Quality {
    let mut clusters: HashMap<u32, u64> = HashMap::new();
    let mut people: HashMap<&T, u64> = HashMap::new();
    let mut both: HashMap<(u32, &T), u64> = HashMap::new();
    for (cluster, person) in predicted.iter().zip(truth) {
        let Some(person) = person else { continue };
        *clusters.entry(*cluster).or_default() += 1;
        *people.entry(person).or_default() += 1;
        *both.entry((*cluster, person)).or_default() += 1;
    }
    let pairs = |n: &u64| n * n.saturating_sub(1) / 2;
    let pairwise =
        rates(both.values().map(pairs).sum(), clusters.values().map(pairs).sum(), people.values().map(pairs).sum());
    let (mut exact, mut precision, mut recall) = (0, 0.0, 0.0);
    let records: u64 = both.values().sum();
    for ((cluster, person), shared) in &both {
        let (of_cluster, of_person) =
            (clusters.get(cluster).copied().unwrap_or(1), people.get(*person).copied().unwrap_or(1));
        exact += u64::from(*shared == of_cluster && *shared == of_person);
        let square = (shared * shared) as f64;
        precision += square / of_cluster as f64;
        recall += square / of_person as f64;
    }
    let of_records = |sum: f64| if records == 0 { 1.0 } else { sum / records as f64 };
    Quality {
        pairwise,
        cluster: rates(exact, clusters.len() as u64, people.len() as u64),
        b_cubed: Rates::new(of_records(precision), of_records(recall)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_values_of_the_specification() {
        let quality = quality(&[0, 0, 2, 2, 2], &[1, 1, 1, 2, 2].map(Some));
        assert_eq!((quality.pairwise.precision, quality.pairwise.recall), (0.5, 0.5));
        let near = |value: f64| (value - 0.7333).abs() < 1e-4;
        assert!(near(quality.b_cubed.precision) && near(quality.b_cubed.recall), "{quality:?}");
        assert_eq!(quality.cluster.precision, 0.0);
    }

    #[test]
    fn the_truth_itself_is_perfect_and_the_unknown_is_left_out() {
        let quality = quality(&[0, 0, 2, 3], &[Some("a"), Some("a"), Some("b"), None]);
        assert_eq!((quality.pairwise.f1, quality.cluster.f1, quality.b_cubed.f1), (1.0, 1.0, 1.0));
    }
}
