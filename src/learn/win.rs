//! The predictive win score as the daemon trains it: enough history or none, older rows to learn from, the newest to be held
//! against, and in the shadow until it is good enough (`cdp-semantics` §4.3).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::card::Card;
use super::crossval::Folds;
use super::evaluate::evaluate;
use super::guard::{TOO_GOOD, single_auc};
use super::leads::{LeadRow, Split, group_number, split, table};
use super::metrics::{self, Metrics};
use super::model::Model;
use super::table::Table;
use super::target::Target;
use super::train::Recipe;

/// `[scores.win]`, and what is asked of the test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Won and lost rows to learn from.
    pub min_won: usize,
    pub min_lost: usize,
    /// Won rows, and lost rows, to be held against.
    pub min_test: usize,
    pub min_auc: f64,
    pub max_calibration_error: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { min_won: 50, min_lost: 50, min_test: 20, min_auc: 0.65, max_calibration_error: 0.10 }
    }
}

/// Won rows that a column needs; with fewer the weakest columns are left out.
const WON_PER_COLUMN: usize = 10;
/// That many columns may always stay.
const FEWEST_COLUMNS: usize = 5;
/// A population or base rate that moved further than this is another one.
const DRIFTED: f64 = 0.2;

/// Whether its numbers may be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Active,
    /// Computed and kept, but not pushed; why.
    Shadow(Vec<String>),
}

impl LeadRow {
    /// What a model says of it.
    pub fn chance(&self, model: &Model) -> f64 {
        let fact = |name: &str| self.facts.iter().find(|(own, _)| **own == *name).map(|(_, fact)| fact.cell());
        model.score(|name| fact(name).unwrap_or(super::table::Cell::Gap)).chance
    }
}

/// The model held against the newest rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestReport {
    pub rows: usize,
    pub won: usize,
    pub metrics: Metrics,
    pub base_log_loss: f64,
    /// The share of won ones in the best tenth by that in all.
    pub lift_at_10: f64,
    pub calibration_error: f64,
    /// That of the rules on the same rows, where all of them have one.
    pub rule_auc: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum WinTraining {
    /// There is nothing to learn from yet; in words.
    NotEnough(String),
    Trained {
        model: Box<Model>,
        test: TestReport,
        standing: Standing,
    },
}

/// Trains on the older rows and holds the model against the newest fifth. `pushed` are names of facts that we write because
/// of an outcome; `trained_at` is an RFC 3339 instant.
pub fn train_win(rows: &[LeadRow], pushed: &BTreeSet<String>, limits: Limits, trained_at: String) -> WinTraining {
    let split = split(rows);
    if let Some(why) = not_enough(&split, limits) {
        return WinTraining::NotEnough(why);
    }
    let labels: Vec<bool> = split.training.iter().map(|row| row.won).collect();
    let mut facts = table(&split.training, pushed);
    let left_out = leave_out(&mut facts, &labels);
    let folds = Folds::ByGroup(split.training.iter().map(|row| group_number(&row.group)).collect());
    let target = Target {
        rows: (0..labels.len() as u32).collect(),
        labels,
        positive: "won".to_owned(),
        negative: Some("not won".to_owned()),
    };
    let mut model = evaluate(&facts, &target, "won", Recipe::Rich, &folds, split.straddling, trained_at);
    model.card.left_out.extend(left_out);
    let test = held_against(&model, &split);
    let standing = standing(&test, limits);
    WinTraining::Trained { model: Box::new(model), test, standing }
}

fn counts(rows: &[&LeadRow]) -> (usize, usize) {
    let won = rows.iter().filter(|row| row.won).count();
    (won, rows.len() - won)
}

fn not_enough(split: &Split<'_>, limits: Limits) -> Option<String> {
    let ((won, lost), (test_won, test_lost)) = (counts(&split.training), counts(&split.test));
    if won < limits.min_won || lost < limits.min_lost {
        return Some(format!(
            "not enough history (have {won} won / {lost} not won; need {} won / {} not won)",
            limits.min_won, limits.min_lost
        ));
    }
    (test_won < limits.min_test || test_lost < limits.min_test).then(|| {
        format!(
            "not enough recent history to hold a model against (the newest fifth has {test_won} won / {test_lost} not won; \
             need {} of each)",
            limits.min_test
        )
    })
}

/// Takes out columns that know the outcome, and the weakest where there are more than the won rows can carry.
fn leave_out(facts: &mut Table, labels: &[bool]) -> Vec<String> {
    let mut left_out = Vec::new();
    let mut worth: Vec<(f64, String)> =
        facts.columns.iter().map(|column| (single_auc(&column.data, labels), column.name.clone())).collect();
    worth.sort_by(|a, b| b.0.total_cmp(&a.0));
    let won = labels.iter().filter(|won| **won).count();
    let room = (won / WON_PER_COLUMN).max(FEWEST_COLUMNS);
    let mut stay: BTreeSet<String> = BTreeSet::new();
    for (auc, name) in worth {
        if auc > TOO_GOOD {
            left_out.push(format!("`{name}` ranks at {auc:.3} all by itself: it knows the outcome"));
        } else if stay.len() < room {
            stay.insert(name);
        } else {
            left_out.push(format!("`{name}` is one of the weakest, and {won} won rows carry {room} columns"));
        }
    }
    facts.columns.retain(|column| stay.contains(&column.name));
    left_out
}

fn held_against(model: &Model, split: &Split<'_>) -> TestReport {
    let labels: Vec<bool> = split.test.iter().map(|row| row.won).collect();
    let chances: Vec<f64> = split.test.iter().map(|row| row.chance(model)).collect();
    let rules: Option<Vec<f64>> = split.test.iter().map(|row| row.rule_score).collect();
    let base = model.card.base_rate;
    TestReport {
        rows: labels.len(),
        won: labels.iter().filter(|won| **won).count(),
        metrics: metrics::metrics(&chances, &labels),
        base_log_loss: metrics::log_loss(&vec![base; labels.len()], &labels),
        lift_at_10: metrics::deciles(&chances, &labels).first().map_or(0.0, |first| first.lift),
        calibration_error: metrics::calibration_error(&metrics::reliability(&chances, &labels)),
        rule_auc: rules.map(|rules| metrics::auc(&rules, &labels)),
    }
}

/// Active only if it ranks well, better than the rules, and its chances come true.
pub fn standing(test: &TestReport, limits: Limits) -> Standing {
    let mut why = Vec::new();
    let auc = test.metrics.auc;
    if auc < limits.min_auc {
        why.push(format!("its AUC is {auc:.3}; {} is needed", limits.min_auc));
    }
    if let Some(rules) = test.rule_auc.filter(|rules| auc <= *rules) {
        why.push(format!("it ranks no better than the rules do ({auc:.3} against {rules:.3})"));
    }
    if test.calibration_error > limits.max_calibration_error {
        why.push(format!(
            "its chances are off by {:.3} on average; at most {} is allowed",
            test.calibration_error, limits.max_calibration_error
        ));
    }
    if why.is_empty() { Standing::Active } else { Standing::Shadow(why) }
}

/// How far today's rows are from those that were learnt from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Population stability index over the deciles of the chances.
    pub psi: f64,
    /// The mean chance today less the base rate learnt from, by the base rate.
    pub base_rate_moved: f64,
    /// One of the two is above 0.2.
    pub alert: bool,
}

/// Compares the chances of today's rows with the card. No rows, no drift.
pub fn drift(card: &Card, chances: &[f64]) -> Drift {
    if chances.is_empty() {
        return Drift { psi: 0.0, base_rate_moved: 0.0, alert: false };
    }
    let mut counts = [0.0f64; 10];
    for chance in chances {
        if let Some(count) = counts.get_mut(usize::from(card.decile(*chance).saturating_sub(1))) {
            *count += 1.0;
        }
    }
    let psi = counts.iter().map(|count| {
        // Half a row where there is none: the logarithm of nothing is endless.
        let share = count.max(0.5) / chances.len() as f64;
        (share - 0.1) * (share / 0.1).ln()
    });
    let psi = psi.sum();
    let mean = metrics::mean(chances.iter().copied());
    let base_rate_moved = if card.base_rate > 0.0 { mean / card.base_rate - 1.0 } else { 0.0 };
    Drift { psi, base_rate_moved, alert: psi > DRIFTED || base_rate_moved.abs() > DRIFTED }
}

#[cfg(test)]
mod tests {
    use connector::Timestamp;

    use super::super::leads::Fact;
    use super::*;

    /// Rows of 300 companies over a year: visits and a demo make a win likelier, `amount_paid` is written after it.
    fn rows(count: usize) -> Vec<LeadRow> {
        let mixed = |at: usize, salt: u64| (group_number(&format!("{at}-{salt}")) >> 40) as f64 / f64::from(1 << 24);
        (0..count)
            .map(|at| {
                let visits = (mixed(at, 1) * 30.0).floor();
                let demo = mixed(at, 2) < 0.3;
                let z = -2.5 + 0.12 * visits + if demo { 1.5 } else { 0.0 };
                let won = mixed(at, 3) < 1.0 / (1.0 + f64::exp(-z));
                LeadRow {
                    group: format!("company-{}", at % 300 + at / 900 * 300),
                    at: Timestamp::from_secs(at as i64 * 3_600),
                    won,
                    facts: vec![
                        ("visits_30d".into(), Fact::Number(visits)),
                        ("demo".into(), Fact::Flag(demo)),
                        ("country".into(), Fact::Text(["DE", "AT", "CH"][at % 3].into())),
                        ("invoice".into(), Fact::Number(if won { 100.0 } else { 0.0 })),
                    ],
                    rule_score: Some(visits),
                }
            })
            .collect()
    }

    fn trained(rows: &[LeadRow]) -> (Model, TestReport, Standing) {
        match train_win(rows, &BTreeSet::new(), Limits::default(), "2026-11-26T00:00:00Z".into()) {
            WinTraining::Trained { model, test, standing } => (*model, test, standing),
            WinTraining::NotEnough(why) => panic!("{why}"),
        }
    }

    #[test]
    fn it_learns_from_older_rows_and_is_active_when_good_enough() {
        let rows = rows(1_800);
        let (model, test, standing) = trained(&rows);
        assert!(model.card.left_out.iter().any(|why| why.contains("`invoice`")), "{:?}", model.card.left_out);
        assert!(test.metrics.auc > 0.7 && test.rule_auc.unwrap() < test.metrics.auc, "{test:?}");
        assert_eq!(standing, Standing::Active);
        let row = &rows[1_790];
        let scored = model.score(|name| {
            row.facts
                .iter()
                .find(|(own, _)| **own == *name)
                .map_or(super::super::table::Cell::Gap, |(_, fact)| fact.cell())
        });
        let z = scored.base + scored.reasons.iter().map(|reason| reason.adds).sum::<f64>();
        assert!((scored.chance - 1.0 / (1.0 + (-z).exp())).abs() < 1e-12);
        assert_eq!(trained(&rows).0, model, "the same rows give the same model");
    }

    #[test]
    fn too_little_history_is_said_in_figures() {
        let why = match train_win(&rows(120), &BTreeSet::new(), Limits::default(), String::new()) {
            WinTraining::NotEnough(why) => why,
            WinTraining::Trained { .. } => panic!("trained"),
        };
        assert!(why.starts_with("not enough history (have ") && why.contains("need 50 won"), "{why}");
    }

    #[test]
    fn what_is_not_good_enough_stays_in_the_shadow_and_says_why() {
        let (_, mut test, _) = trained(&rows(1_800));
        test.metrics.auc = 0.6;
        test.rule_auc = Some(0.61);
        test.calibration_error = 0.2;
        let Standing::Shadow(why) = standing(&test, Limits::default()) else { panic!("active") };
        assert_eq!(why.len(), 3, "{why:?}");
    }

    #[test]
    fn other_people_than_those_learnt_from_raise_an_alert() {
        let (model, _, _) = trained(&rows(1_800));
        let like_before: Vec<f64> =
            model.card.decile_chances.iter().chain([&0.0]).flat_map(|lowest| [*lowest; 9]).collect();
        assert!(drift(&model.card, &like_before).psi < 0.2);
        assert!(drift(&model.card, &[0.95; 200]).alert);
        assert!(!drift(&model.card, &[]).alert);
    }
}
