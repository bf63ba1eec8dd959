//! The model card for people.

use crate::cli::moment::count;
use crate::cli::terminal::{Terminal, Tone, cell};
use crate::learn::{Card, Decile, RecipeCard};

/// What weighs most is shown up to here.
const SHOWN: usize = 12;
/// Characters of the longest bar.
const BAR: f64 = 30.0;

pub fn print(card: &Card, terminal: &Terminal) {
    let quiet = |text: String| terminal.say(terminal.paint(Tone::Quiet, &text));
    terminal.say(format!(
        "{} rows, {} of them `{}` = {} ({:.1} %)",
        count(card.rows as u64),
        count(card.positives as u64),
        card.target,
        card.positive,
        card.base_rate * 100.0
    ));
    quiet(recipe(card));
    terminal.say("");
    let mut table = terminal.table(&["held out", ">value", "", "against"]);
    let metrics = card.metrics;
    let spread = spread(card);
    let rows = [
        ("AUC", metrics.auc, tone(metrics.auc, 0.65), format!("0.5 is chance; folds ±{spread:.3}")),
        ("PR-AUC", metrics.pr_auc, Tone::Plain, format!("{:.4} is chance", card.base_rate)),
        ("log-loss", metrics.log_loss, Tone::Plain, format!("{:.4} without a model", card.base_log_loss)),
        (
            "Brier",
            metrics.brier,
            Tone::Plain,
            format!("{:.4} without a model", card.base_rate * (1.0 - card.base_rate)),
        ),
        ("calibration", card.calibration_error, Tone::Plain, "how far chances are off, on average".to_owned()),
    ];
    for (name, value, tone, against) in rows {
        let value = cell(tone, format!("{value:.4}"));
        table.add_row([cell(Tone::Heading, name), value, cell(Tone::Plain, ""), cell(Tone::Quiet, against)]);
    }
    terminal.print(&table);
    terminal.say("");
    deciles(&card.deciles, card.base_rate, terminal);
    terminal.say("");
    let mut table = terminal.table(&["what weighs most", ">log-odds", ""]);
    let most = card.weights.first().map_or(1.0, |weight| weight.spread.max(1e-12));
    for weight in card.weights.iter().take(SHOWN).filter(|weight| weight.spread > 0.0) {
        let shown = format!("±{:.2}", weight.spread);
        table.add_row([cell(Tone::Heading, &weight.name), cell(Tone::Plain, shown), bar(weight.spread / most)]);
    }
    terminal.print(&table);
    if card.weights.len() > SHOWN {
        quiet(format!("and {} more", card.weights.len() - SHOWN));
    }
    for text in &card.left_out {
        quiet(format!("left out: {text}"));
    }
    for text in &card.warnings {
        terminal.say(format!("{} {text}", terminal.paint(Tone::Warn, "beware:")));
    }
}

fn recipe(card: &Card) -> String {
    let settled = if card.converged { "settled" } else { "not settled" };
    match card.recipe {
        RecipeCard::Plain { l2 } => {
            format!("plain logistic regression, λ = {l2}; {settled} after {} steps", card.steps)
        }
        RecipeCard::Rich(choice) => format!(
            "curves (λ {}, bends {}), levels (λ {:.2}), {} pairs, {} triples, {} trees ({:.0} %); {settled} after {} steps",
            choice.strength.curve,
            choice.strength.bend,
            choice.strength.level,
            choice.pairs.grids,
            choice.triples.grids,
            choice.trees.trees,
            choice.trees.share * 100.0,
            card.steps
        ),
    }
}

/// The standard deviation of the AUC over the folds.
fn spread(card: &Card) -> f64 {
    let count = card.folds.len().max(1) as f64;
    let mean = card.folds.iter().map(|fold| fold.auc).sum::<f64>() / count;
    (card.folds.iter().map(|fold| (fold.auc - mean).powi(2)).sum::<f64>() / count).sqrt()
}

fn tone(value: f64, good: f64) -> Tone {
    if value >= good { Tone::Good } else { Tone::Warn }
}

/// Lift by decile, with bars; a mark stands where chance is.
pub fn deciles(deciles: &[Decile], base_rate: f64, terminal: &Terminal) {
    let mut table = terminal.table(&[">decile", ">rows", ">yes", ">rate", ">expected", ">lift", ""]);
    let most = deciles.iter().map(|one| one.rate).fold(base_rate, f64::max).max(1e-12);
    for one in deciles {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        table.add_row([
            cell(Tone::Heading, one.decile),
            cell(Tone::Plain, count(one.rows as u64)),
            cell(Tone::Plain, count(one.positives as u64)),
            cell(Tone::Plain, percent(one.rate)),
            cell(Tone::Quiet, percent(one.expected)),
            cell(tone(one.lift, 1.0), format!("{:.2}", one.lift)),
            bar(one.rate / most),
        ]);
    }
    terminal.print(&table);
}

fn bar(share: f64) -> comfy_table::Cell {
    cell(Tone::Good, "█".repeat((share * BAR).round() as usize))
}
