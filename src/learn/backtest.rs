//! What a score would have been worth: closed deals with the score of the day before, ranked (`ferry score backtest`).

use std::collections::BTreeMap;

use serde::Serialize;

use super::metrics::{self, Decile};

/// One closed deal: the score as known before, and the points of each rule in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    pub score: f64,
    pub won: bool,
    /// By rule label, as far as a rule gave any.
    pub points: Vec<(String, f64)>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Backtest {
    pub rows: usize,
    pub won: usize,
    pub base_rate: f64,
    pub auc: f64,
    pub pr_auc: f64,
    pub deciles: Vec<Decile>,
    /// By share of the rows worked on, best first: the share of the won ones among them. From (0, 0) to (1, 1).
    pub gains: Vec<Gain>,
    pub threshold: Option<Threshold>,
    pub rules: Vec<RuleWorth>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Gain {
    pub worked: f64,
    pub won: f64,
}

/// A score to work from, for as many leads as there is time for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Threshold {
    pub score: f64,
    /// Rows at or above it.
    pub rows: usize,
    /// The share of won ones among them.
    pub precision: f64,
    /// The share of all won ones that are among them.
    pub recall: f64,
}

/// What one rule adds to the ranking.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleWorth {
    pub rule: String,
    /// Rows it gave points to.
    pub rows: usize,
    /// The AUC of all rules less that of all but this one.
    pub adds: f64,
    /// It gave points to nobody, or the ranking is as good without it.
    pub adds_nothing: bool,
}

/// An AUC closer than this is the same.
const SAME: f64 = 0.000_5;
/// Points of the curve of gains.
const POINTS: usize = 100;

/// Ranks the rows. `capacity` is how many of them there would have been time for; `rules` are all labels, so that one that
/// never gave points is found.
pub fn backtest(rows: &[Replayed], rules: &[String], capacity: Option<usize>) -> Backtest {
    let scores: Vec<f64> = rows.iter().map(|row| row.score).collect();
    let labels: Vec<bool> = rows.iter().map(|row| row.won).collect();
    let won = labels.iter().filter(|won| **won).count();
    let auc = metrics::auc(&scores, &labels);
    Backtest {
        rows: rows.len(),
        won,
        base_rate: if rows.is_empty() { 0.0 } else { won as f64 / rows.len() as f64 },
        auc,
        pr_auc: metrics::pr_auc(&scores, &labels),
        deciles: metrics::deciles(&scores, &labels),
        gains: gains(&scores, &labels),
        threshold: capacity.and_then(|capacity| threshold(&scores, &labels, capacity)),
        rules: rules_worth(rows, rules, &labels, auc),
    }
}

/// The won ones found by working down the ranking; rows of one score are worked on alike.
pub fn gains(scores: &[f64], labels: &[bool]) -> Vec<Gain> {
    let mut by_score: Vec<(f64, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
    by_score.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (rows, all) = (by_score.len() as f64, labels.iter().filter(|won| **won).count() as f64);
    let mut gains = vec![Gain { worked: 0.0, won: 0.0 }];
    let mut found = 0.0;
    for (at, (score, won)) in by_score.iter().enumerate() {
        found += f64::from(u8::from(*won));
        if by_score.get(at + 1).is_none_or(|(next, _)| next != score) {
            gains.push(Gain { worked: (at + 1) as f64 / rows, won: if all > 0.0 { found / all } else { 0.0 } });
        }
    }
    if gains.len() <= POINTS {
        return gains;
    }
    let step = |at: usize| gains.get(at * (gains.len() - 1) / POINTS).copied();
    (0..=POINTS).filter_map(step).collect()
}

/// The lowest score at or above which there are no more rows than there is time for.
pub fn threshold(scores: &[f64], labels: &[bool], capacity: usize) -> Option<Threshold> {
    let mut counts: BTreeMap<u64, (f64, usize, usize)> = BTreeMap::new();
    for (score, won) in scores.iter().zip(labels).filter(|(score, _)| !score.is_nan()) {
        // Descending by score: the order of the bits is that of the numbers, once the sign is taken care of.
        let bits = score.to_bits();
        let ascending = if bits >> 63 == 1 { !bits } else { bits | (1 << 63) };
        let entry = counts.entry(!ascending).or_insert((*score, 0, 0));
        entry.1 += 1;
        entry.2 += usize::from(*won);
    }
    let all = labels.iter().filter(|won| **won).count();
    let (mut rows, mut won, mut best) = (0, 0, None);
    for (score, count, wins) in counts.into_values() {
        rows += count;
        won += wins;
        if rows > capacity {
            break;
        }
        let recall = if all == 0 { 0.0 } else { won as f64 / all as f64 };
        best = Some(Threshold { score, rows, precision: won as f64 / rows as f64, recall });
    }
    best
}

fn rules_worth(rows: &[Replayed], rules: &[String], labels: &[bool], auc: f64) -> Vec<RuleWorth> {
    let worth = rules.iter().map(|rule| {
        let points =
            |row: &Replayed| row.points.iter().filter(|(own, _)| own == rule).map(|(_, points)| points).sum::<f64>();
        let without: Vec<f64> = rows.iter().map(|row| row.score - points(row)).collect();
        let matched = rows.iter().filter(|row| points(row) != 0.0).count();
        let adds = auc - metrics::auc(&without, labels);
        RuleWorth { rule: rule.clone(), rows: matched, adds, adds_nothing: matched == 0 || adds < SAME }
    });
    let mut worth: Vec<RuleWorth> = worth.collect();
    worth.sort_by(|a, b| b.adds.total_cmp(&a.adds));
    worth
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(won: bool, points: &[(&str, f64)]) -> Replayed {
        Replayed {
            score: points.iter().map(|(_, points)| points).sum(),
            won,
            points: points.iter().map(|(rule, points)| ((*rule).to_owned(), *points)).collect(),
        }
    }

    #[test]
    fn rules_that_add_nothing_are_named() {
        let rows = [
            row(true, &[("demo", 30.0), ("page", 1.0)]),
            row(true, &[("demo", 30.0)]),
            row(false, &[("page", 1.0)]),
            row(false, &[]),
        ];
        let rules = ["demo", "page", "never"].map(str::to_owned);
        let found = backtest(&rows, &rules, Some(2));
        assert_eq!((found.auc, found.won), (1.0, 2));
        assert_eq!(found.rules.iter().map(|one| one.adds_nothing).collect::<Vec<_>>(), [false, true, true]);
        assert_eq!((found.rules[0].rule.as_str(), found.rules[0].adds), ("demo", 0.5));
        let threshold = found.threshold.unwrap();
        assert_eq!((threshold.score, threshold.rows, threshold.precision, threshold.recall), (30.0, 2, 1.0, 1.0));
    }

    #[test]
    fn time_for_fewer_than_share_the_best_score_is_time_for_none() {
        assert_eq!(threshold(&[5.0, 5.0, 1.0], &[true, false, false], 1), None);
        assert_eq!(threshold(&[5.0, -5.0, -1.0], &[true, false, true], 2).unwrap().score, -1.0);
        assert_eq!(backtest(&[], &[], Some(3)).threshold, None);
    }

    proptest! {
        #[test]
        fn gains_rise_from_nothing_to_everything(rows in proptest::collection::vec((0u8..20, any::<bool>()), 1..300)) {
            let (scores, labels): (Vec<f64>, Vec<bool>) = rows.iter().map(|(s, won)| (f64::from(*s), *won)).unzip();
            let gains = gains(&scores, &labels);
            prop_assert!(gains.windows(2).all(|w| w[0].worked <= w[1].worked && w[0].won <= w[1].won));
            prop_assert!((gains[gains.len() - 1].worked - 1.0).abs() < 1e-12);
            if labels.contains(&true) && labels.contains(&false) {
                // The area under it is the AUC, once the won ones among the worked are taken out.
                let base = labels.iter().filter(|won| **won).count() as f64 / labels.len() as f64;
                let area: f64 = gains.windows(2).map(|w| (w[1].worked - w[0].worked) * (w[0].won + w[1].won) / 2.0).sum();
                prop_assert!(((area - base / 2.0) / (1.0 - base) - metrics::auc(&scores, &labels)).abs() < 1e-9);
            }
        }
    }
}
