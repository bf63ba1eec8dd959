//! Trains a model and says all there is to know about it: cross-validated metrics, what weighs most, what to beware of.

use super::card::{Card, RecipeCard, Weight};
use super::crossval::{self, Folds, cross_validate};
use super::guard;
use super::metrics::{self, mean};
use super::model::Model;
use super::table::Table;
use super::target::Target;
use super::train::{Recipe, Trained, train};
use super::tune;

/// Above this many rows strengths are chosen once and not again in every fold: a few numbers cannot be fitted to so many rows.
const CHOOSE_ONCE: usize = 20_000;

/// Trains on the rows of a target. `table` holds these rows only, without the target's column; `rows_without_target` were
/// left out before. `trained_at` is an RFC 3339 instant.
pub fn evaluate(
    table: &Table,
    target: &Target,
    column: &str,
    recipe: Recipe,
    folds: &Folds,
    rows_without_target: usize,
    trained_at: String,
) -> Model {
    let labels = &target.labels;
    let mut table = table.clone();
    let mut left_out = Vec::new();
    if !matches!(recipe, Recipe::Plain { .. }) {
        table.columns.retain(|column| match guard::nothing_in(column) {
            Some(why) => {
                left_out.push(format!("`{}` {why}", column.name));
                false
            }
            None => true,
        });
    }
    let recipe = match recipe {
        Recipe::Rich if table.len() > CHOOSE_ONCE => Recipe::Chosen(tune::choose(&table, labels, folds)),
        other => other,
    };
    let held_out = cross_validate(&table, labels, recipe, folds);
    let trained = train(&table, labels, recipe, folds);
    let chances = &held_out.chances;
    let base_rate = mean(labels.iter().map(|yes| f64::from(u8::from(*yes))));
    let reliability = metrics::reliability(chances, labels);
    let (means, weights) = trained.contributions(&table);
    let deciles = metrics::deciles(chances, labels);
    let card = Card {
        trained_at,
        target: column.to_owned(),
        positive: target.positive.clone(),
        negative: target.negative.clone(),
        rows: labels.len(),
        positives: labels.iter().filter(|yes| **yes).count(),
        base_rate,
        rows_without_target,
        recipe: match (recipe, trained.choice) {
            (Recipe::Plain { l2 }, _) => RecipeCard::Plain { l2 },
            (Recipe::Chosen(choice), _) | (Recipe::Rich, Some(choice)) => RecipeCard::Rich(choice),
            (Recipe::Rich, None) => RecipeCard::Plain { l2: 0.0 },
        },
        converged: trained.converged,
        steps: trained.steps,
        metrics: metrics::metrics(chances, labels),
        base_log_loss: metrics::log_loss(&vec![base_rate; labels.len()], labels),
        folds: held_out.folds,
        decile_chances: lowest_chances(chances),
        deciles,
        calibration_error: metrics::calibration_error(&reliability),
        reliability,
        calibration: trained.calibration,
        weights,
        warnings: warnings(&table, labels, &trained),
        left_out,
    };
    Model::new(trained, means, card)
}

fn lowest_chances(chances: &[f64]) -> Vec<f64> {
    let mut sorted = chances.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    (1..10).filter_map(|decile| sorted.get((decile * sorted.len() / 10).saturating_sub(1)).copied()).collect()
}

fn warnings(table: &Table, labels: &[bool], trained: &Trained) -> Vec<String> {
    let mut warnings = Vec::new();
    for (name, auc) in guard::too_good(table, labels) {
        warnings.push(format!(
            "`{name}` ranks at {auc:.3} all by itself: leave it out if it is only known after the outcome"
        ));
    }
    for column in table.columns.iter().filter(|column| column.unreadable > 0) {
        warnings.push(format!(
            "`{}` has {} cells that are no numbers; they count as missing",
            column.name, column.unreadable
        ));
    }
    if table.ragged > 0 {
        warnings.push(format!("{} lines have fewer or more cells than the header", table.ragged));
    }
    if !trained.converged {
        warnings.push(
            "the coefficients had not settled: columns repeat each other, or tell the outcome apart entirely"
                .to_owned(),
        );
    }
    let rarer = labels.iter().filter(|yes| **yes).count();
    let rarer = rarer.min(labels.len() - rarer);
    if rarer < crossval::FOLDS * 10 {
        warnings.push(format!("only {rarer} rows have the rarer outcome: the metrics may be off by much"));
    }
    warnings
}

impl Trained {
    /// The mean of what each part and grid adds to the log-odds of the rows; and how far what is added under one name spreads,
    /// the widest first.
    pub fn contributions(&self, table: &Table) -> (Vec<f64>, Vec<Weight>) {
        let design = self.encoder.encode(table);
        let widths = self.encoder.parts.iter().map(super::encode::Part::width);
        let widths: Vec<u32> = widths.chain(self.encoder.together.iter().map(super::encode::Together::width)).collect();
        let owners: Vec<usize> =
            widths.iter().enumerate().flat_map(|(owner, width)| std::iter::repeat_n(owner, *width as usize)).collect();
        let (names, of_name) = self.encoder.terms_by_name();
        let (mut sums, mut squares) = (vec![0.0; widths.len()], vec![0.0; names.len()]);
        let (mut row, mut by_name) = (vec![0.0; widths.len()], vec![0.0; names.len()]);
        for (places, values) in design.iter() {
            row.fill(0.0);
            for (place, value) in places.iter().zip(values).skip(1) {
                let owner = owners.get((*place as usize).wrapping_sub(1)).and_then(|owner| row.get_mut(*owner));
                if let (Some(adds), Some(coefficient)) = (owner, self.coefficients.get(*place as usize)) {
                    *adds += coefficient * value;
                }
            }
            by_name.fill(0.0);
            for ((adds, place), sum) in row.iter().zip(&of_name).zip(&mut sums) {
                *sum += adds;
                if let Some(together) = by_name.get_mut(*place) {
                    *together += adds;
                }
            }
            by_name.iter().zip(&mut squares).for_each(|(adds, square)| *square += adds * adds);
        }
        let rows = design.rows().max(1) as f64;
        let means: Vec<f64> = sums.iter().map(|sum| sum / rows).collect();
        let mut means_by_name = vec![0.0; names.len()];
        for (mean, place) in means.iter().zip(&of_name) {
            if let Some(together) = means_by_name.get_mut(*place) {
                *together += mean;
            }
        }
        let spread =
            |(mean, square): (&f64, &f64)| (square / rows - mean * mean).max(0.0).sqrt() * self.calibration.slope;
        let mut weights: Vec<Weight> = names
            .into_iter()
            .zip(means_by_name.iter().zip(&squares).map(spread))
            .map(|(name, spread)| Weight { name, spread })
            .collect();
        weights.sort_by(|a, b| b.spread.total_cmp(&a.spread));
        (means, weights)
    }
}
