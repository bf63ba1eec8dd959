//! What a score would have been worth: closed deals with the score of the day before, ranked (`ferry score backtest`).

use std::collections::BTreeMap;

use serde::Serialize;

use super::metrics::{self, Decile};

/// One closed deal: the score as known before, and what each rule did to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    pub score: f64,
    pub won: bool,
    /// In the order of the labels given to [`backtest`].
    pub rules: Vec<RuleEffect>,
}

/// What one rule did to one score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RuleEffect {
    /// It gave points, or took some.
    pub gave: bool,
    /// The score without it.
    pub without: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Backtest {
    pub rows: usize,
    pub won: usize,
    pub base_rate: f64,
    /// Half of all pairs of a won and a lost row is chance.
    pub auc: f64,
    /// Where the AUC of many more such rows would be in 95 of 100 cases (Hanley and McNeil, 1982).
    pub auc_between: (f64, f64),
    /// Average precision; the base rate is chance.
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
    /// How often a won row had it and how often a lost one.
    pub of_won: f64,
    pub of_lost: f64,
    /// The AUC without this rule.
    pub auc_without: f64,
    /// The AUC of all rules less that of all but this one.
    pub adds: f64,
    /// It gave points to nobody, or the ranking is as good without it.
    pub adds_nothing: bool,
}

/// An AUC closer than this is the same.
const SAME: f64 = 0.000_5;
/// Points of the curve of gains.
const POINTS: usize = 100;

/// Ranks the rows. `capacity` is how many of them there would have been time for; `rules` are the labels of all rules, in the
/// order of [`Replayed::rules`].
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
        auc_between: between(auc, won, rows.len() - won),
        pr_auc: metrics::pr_auc(&scores, &labels),
        deciles: tenths(&scores, &labels),
        gains: gains(&scores, &labels),
        threshold: capacity.and_then(|capacity| threshold(&scores, &labels, capacity)),
        rules: rules_worth(rows, rules, &labels, auc),
    }
}

/// Lift by decile. Rows of one score are equally likely to be anywhere among themselves, so each counts as their share of won
/// ones; `expected` is the mean score.
fn tenths(scores: &[f64], labels: &[bool]) -> Vec<Decile> {
    let mut by_score: Vec<(f64, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
    by_score.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut shares: Vec<f64> = Vec::with_capacity(by_score.len());
    for alike in by_score.chunk_by(|a, b| a.0 == b.0) {
        let won = alike.iter().filter(|(_, won)| *won).count();
        shares.extend(std::iter::repeat_n(won as f64 / alike.len() as f64, alike.len()));
    }
    let base = metrics::mean(shares.iter().copied());
    let mut from = 0;
    let tenth = |decile: u8| {
        let rows = by_score.len() / 10 + usize::from(usize::from(decile) <= by_score.len() % 10);
        let members = from..from + rows;
        from += rows;
        let rate = metrics::mean(shares.get(members.clone()).unwrap_or_default().iter().copied());
        let scores = by_score.get(members).unwrap_or_default().iter().map(|(score, _)| *score);
        Decile {
            decile,
            rows,
            positives: (rate * rows as f64).round() as usize,
            expected: metrics::mean(scores),
            rate,
            lift: if base > 0.0 { rate / base } else { 0.0 },
        }
    };
    (1..=10u8).map(tenth).collect()
}

/// The interval of an AUC of so many won and lost rows.
fn between(auc: f64, won: usize, lost: usize) -> (f64, f64) {
    const OF_95: f64 = 1.959_964;
    if won == 0 || lost == 0 {
        return (0.0, 1.0);
    }
    let (won, lost) = (won as f64, lost as f64);
    let (q1, q2) = (auc / (2.0 - auc), 2.0 * auc * auc / (1.0 + auc));
    let spread = auc * (1.0 - auc) + (won - 1.0) * (q1 - auc * auc) + (lost - 1.0) * (q2 - auc * auc);
    let error = (spread / (won * lost)).max(0.0).sqrt();
    ((auc - OF_95 * error).max(0.0), (auc + OF_95 * error).min(1.0))
}

/// The rows at or above a score.
pub fn at_or_above(rows: &[Replayed], score: f64) -> Threshold {
    let all = rows.iter().filter(|row| row.won).count();
    let above: Vec<&Replayed> = rows.iter().filter(|row| row.score >= score).collect();
    let won = above.iter().filter(|row| row.won).count();
    let share = |of: usize| if of == 0 { 0.0 } else { won as f64 / of as f64 };
    Threshold { score, rows: above.len(), precision: share(above.len()), recall: share(all) }
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
    let won = labels.iter().filter(|won| **won).count();
    let worth = rules.iter().enumerate().map(|(place, rule)| {
        let effect = |row: &Replayed| row.rules.get(place).copied();
        let without: Vec<f64> = rows.iter().map(|row| effect(row).map_or(row.score, |effect| effect.without)).collect();
        let gave = |won: bool| {
            let rows = rows.iter().filter(|row| row.won == won);
            rows.filter(|row| effect(row).is_some_and(|effect| effect.gave)).count()
        };
        let (to_won, to_lost) = (gave(true), gave(false));
        let share = |count: usize, of: usize| if of == 0 { 0.0 } else { count as f64 / of as f64 };
        let auc_without = metrics::auc(&without, labels);
        let adds = auc - auc_without;
        RuleWorth {
            rule: rule.clone(),
            rows: to_won + to_lost,
            of_won: share(to_won, won),
            of_lost: share(to_lost, rows.len() - won),
            auc_without,
            adds,
            adds_nothing: to_won + to_lost == 0 || adds < SAME,
        }
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
        let score = points.iter().map(|(_, points)| points).sum();
        let effect = |rule: &&str| {
            let of: f64 = points.iter().filter(|(own, _)| own == rule).map(|(_, points)| points).sum();
            RuleEffect { gave: of != 0.0, without: score - of }
        };
        Replayed { score, won, rules: RULES.iter().map(effect).collect() }
    }

    const RULES: [&str; 3] = ["demo", "page", "never"];

    #[test]
    fn rules_that_add_nothing_are_named() {
        let rows = [
            row(true, &[("demo", 30.0), ("page", 1.0)]),
            row(true, &[("demo", 30.0)]),
            row(false, &[("page", 1.0)]),
            row(false, &[]),
        ];
        let rules = RULES.map(str::to_owned);
        let found = backtest(&rows, &rules, Some(2));
        assert_eq!((found.auc, found.won), (1.0, 2));
        assert_eq!(found.rules.iter().map(|one| one.adds_nothing).collect::<Vec<_>>(), [false, true, true]);
        assert_eq!((found.rules[0].rule.as_str(), found.rules[0].adds), ("demo", 0.5));
        assert_eq!((found.rules[0].of_won, found.rules[0].of_lost, found.rules[0].auc_without), (1.0, 0.0, 0.5));
        assert_eq!(at_or_above(&rows, 30.0), Threshold { score: 30.0, rows: 2, precision: 1.0, recall: 1.0 });
        let threshold = found.threshold.unwrap();
        assert_eq!((threshold.score, threshold.rows, threshold.precision, threshold.recall), (30.0, 2, 1.0, 1.0));
    }

    #[test]
    fn time_for_fewer_than_share_the_best_score_is_time_for_none() {
        assert_eq!(threshold(&[5.0, 5.0, 1.0], &[true, false, false], 1), None);
        assert_eq!(threshold(&[5.0, -5.0, -1.0], &[true, false, true], 2).unwrap().score, -1.0);
        assert_eq!(backtest(&[], &[], Some(3)).threshold, None);
    }

    #[test]
    fn rows_of_one_score_share_their_luck() {
        // Twenty rows, four scores of five rows each; of those four, two, one and none were won.
        let won = [4, 2, 1, 0];
        let rows: Vec<(f64, bool)> =
            (0..20).map(|row| (f64::from(30 - row / 5), row % 5 < won[(row / 5) as usize])).collect();
        let (scores, labels): (Vec<f64>, Vec<bool>) = rows.into_iter().unzip();
        let tenths = tenths(&scores, &labels);
        let rates: Vec<f64> = tenths.iter().map(|one| (one.rate * 100.0).round() / 100.0).collect();
        assert_eq!(rates, [0.8, 0.8, 0.6, 0.4, 0.4, 0.2, 0.2, 0.1, 0.0, 0.0]);
        assert_eq!((tenths[0].rows, tenths[0].expected), (2, 30.0));
        assert!((tenths[0].lift - 0.8 / 0.35).abs() < 1e-9);
    }

    #[test]
    fn few_rows_leave_an_auc_uncertain() {
        // Hanley and McNeil's own example: 0.893 of 51 and 58 rows has a standard error of 0.032.
        let (low, high) = between(0.893, 51, 58);
        assert!((high - low - 2.0 * 1.96 * 0.032).abs() < 0.003, "{low} {high}");
        assert_eq!(between(0.5, 0, 3), (0.0, 1.0));
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
