//! How well chances rank and how true they are. The definitions are scikit-learn's, so that anybody can check them.

use serde::{Deserialize, Serialize};

/// Chances held against what happened.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// The chance that a yes ranks before a no; ties count half.
    pub auc: f64,
    /// Average precision: the area under precision over recall, by steps.
    pub pr_auc: f64,
    /// The mean square of what the chances are off by.
    pub brier: f64,
    /// The mean of −ln(chance of what happened).
    pub log_loss: f64,
}

/// One tenth of the rows, the best chances first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decile {
    pub decile: u8,
    pub rows: usize,
    pub positives: usize,
    /// The mean chance.
    pub expected: f64,
    /// The share of yes.
    pub rate: f64,
    /// `rate` by the share of yes among all.
    pub lift: f64,
}

/// One bin of a reliability diagram: rows whose chance is in a tenth of 0–1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    pub from: f64,
    pub rows: usize,
    pub expected: f64,
    pub rate: f64,
}

pub fn metrics(chances: &[f64], labels: &[bool]) -> Metrics {
    Metrics {
        auc: auc(chances, labels),
        pr_auc: pr_auc(chances, labels),
        brier: brier(chances, labels),
        log_loss: log_loss(chances, labels),
    }
}

/// Rows from the highest score to the lowest, equal ones by place.
fn ranked(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    let score = |at: &usize| scores.get(*at).copied().unwrap_or(f64::NAN);
    order.sort_by(|a, b| score(b).total_cmp(&score(a)));
    order
}

/// Groups of equal scores, best first: how many yes and how many no in each.
fn groups(scores: &[f64], labels: &[bool]) -> Vec<(f64, f64)> {
    let mut groups: Vec<(f64, f64)> = Vec::new();
    let mut last = f64::NAN;
    for at in ranked(scores) {
        let (Some(score), Some(yes)) = (scores.get(at), labels.get(at)) else { continue };
        if *score != last || groups.is_empty() {
            groups.push((0.0, 0.0));
            last = *score;
        }
        if let Some((yeses, noes)) = groups.last_mut() {
            *(if *yes { yeses } else { noes }) += 1.0;
        }
    }
    groups
}

/// 0.5 where there is only one kind.
pub fn auc(scores: &[f64], labels: &[bool]) -> f64 {
    let (mut above, mut pairs, mut noes_all) = (0.0, 0.0, 0.0);
    for (yes, no) in groups(scores, labels) {
        // Every yes so far stands before each of these no; equal ones count half.
        pairs += no * (above + yes / 2.0);
        above += yes;
        noes_all += no;
    }
    if above == 0.0 || noes_all == 0.0 { 0.5 } else { pairs / (above * noes_all) }
}

pub fn pr_auc(scores: &[f64], labels: &[bool]) -> f64 {
    let all = labels.iter().filter(|yes| **yes).count() as f64;
    let (mut yeses, mut taken, mut area) = (0.0, 0.0, 0.0);
    for (yes, no) in groups(scores, labels) {
        yeses += yes;
        taken += yes + no;
        area += yes / all * (yeses / taken);
    }
    if all == 0.0 { 0.0 } else { area }
}

pub fn brier(chances: &[f64], labels: &[bool]) -> f64 {
    mean(chances.iter().zip(labels).map(|(p, yes)| (p - f64::from(u8::from(*yes))).powi(2)))
}

pub fn log_loss(chances: &[f64], labels: &[bool]) -> f64 {
    mean(chances.iter().zip(labels).map(|(p, yes)| {
        let p = p.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        -(if *yes { p } else { 1.0 - p }).ln()
    }))
}

/// Ten groups of equal size (the first ones a row larger where it does not divide), best first.
pub fn deciles(chances: &[f64], labels: &[bool]) -> Vec<Decile> {
    let order = ranked(chances);
    let base = mean(labels.iter().map(|yes| f64::from(u8::from(*yes))));
    let mut deciles = Vec::new();
    let mut from = 0;
    for decile in 1..=10u8 {
        let rows = order.len() / 10 + usize::from(usize::from(decile) <= order.len() % 10);
        let members = order.get(from..from + rows).unwrap_or_default();
        from += rows;
        let positives = members.iter().filter(|at| labels.get(**at) == Some(&true)).count();
        let rate = if rows == 0 { 0.0 } else { positives as f64 / rows as f64 };
        deciles.push(Decile {
            decile,
            rows,
            positives,
            expected: mean(members.iter().filter_map(|at| chances.get(*at).copied())),
            rate,
            lift: if base > 0.0 { rate / base } else { 0.0 },
        });
    }
    deciles
}

/// Ten bins of equal width; empty ones are left out.
pub fn reliability(chances: &[f64], labels: &[bool]) -> Vec<Bin> {
    let mut sums = [(0usize, 0.0, 0.0); 10];
    for (p, yes) in chances.iter().zip(labels) {
        if let Some((rows, expected, rate)) = sums.get_mut(((p * 10.0) as usize).min(9)) {
            *rows += 1;
            *expected += p;
            *rate += f64::from(u8::from(*yes));
        }
    }
    let bins = sums.iter().enumerate().filter(|(_, (rows, ..))| *rows > 0);
    bins.map(|(at, (rows, expected, rate))| Bin {
        from: at as f64 / 10.0,
        rows: *rows,
        expected: expected / *rows as f64,
        rate: rate / *rows as f64,
    })
    .collect()
}

/// Expected calibration error: how far the bins of [`reliability`] are off, by their rows.
pub fn calibration_error(bins: &[Bin]) -> f64 {
    let rows: usize = bins.iter().map(|bin| bin.rows).sum();
    let off: f64 = bins.iter().map(|bin| (bin.expected - bin.rate).abs() * bin.rows as f64).sum();
    if rows == 0 { 0.0 } else { off / rows as f64 }
}

pub fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0usize, 0.0), |(count, sum), value| (count + 1, sum + value));
    if count == 0 { 0.0 } else { sum / count as f64 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_check_values_of_the_specification() {
        let labels = [true, false, true, false, false, true];
        let found = metrics(&[0.9, 0.8, 0.7, 0.3, 0.2, 0.2], &labels);
        assert!((found.auc - 0.6111).abs() < 5e-5, "{found:?}");
        assert!((found.brier - 0.2517).abs() < 5e-5 && (found.log_loss - 0.7101).abs() < 5e-5, "{found:?}");
    }

    #[test]
    fn deciles_hold_every_row_once_and_the_best_first() {
        let chances: Vec<f64> = (0..23).map(|at| f64::from(at) / 23.0).collect();
        let labels: Vec<bool> = (0..23).map(|at| at >= 20).collect();
        let found = deciles(&chances, &labels);
        assert_eq!(found.iter().map(|one| one.rows).sum::<usize>(), 23);
        assert_eq!((found[0].rows, found[0].positives, found[9].positives), (3, 3, 0));
        assert!((found[0].lift - 23.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn chances_that_come_true_have_no_calibration_error() {
        let labels: Vec<bool> = (0..100).map(|at| at % 4 == 0).collect();
        assert!(calibration_error(&reliability(&[0.25; 100], &labels)) < 1e-12);
        assert!((calibration_error(&reliability(&[0.75; 100], &labels)) - 0.5).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn the_rank_statistic_is_what_counting_pairs_gives(
            rows in proptest::collection::vec((0u8..12, any::<bool>()), 2..60)
        ) {
            let scores: Vec<f64> = rows.iter().map(|(score, _)| f64::from(*score)).collect();
            let labels: Vec<bool> = rows.iter().map(|(_, yes)| *yes).collect();
            let (mut won, mut pairs) = (0.0, 0.0);
            for (a, _) in rows.iter().filter(|(_, yes)| *yes) {
                for (b, _) in rows.iter().filter(|(_, yes)| !*yes) {
                    pairs += 1.0;
                    won += if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
                }
            }
            let oracle = if pairs == 0.0 { 0.5 } else { won / pairs };
            prop_assert!((auc(&scores, &labels) - oracle).abs() < 1e-12);
        }
    }
}
