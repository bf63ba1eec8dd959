//! The same for people: the figures, the curve of gains, the deciles, where to work from, and what each rule adds.

use super::view::{Judged, View};
use crate::cli::clean;
use crate::cli::moment::count;
use crate::cli::terminal::{Terminal, Tone, cell};
use crate::learn::{self, Threshold};

/// Characters of the longest bar.
const BAR: f64 = 24.0;

pub fn print(view: &View, terminal: &Terminal) {
    let found = &view.found;
    let quiet = |text: String| terminal.say(terminal.paint(Tone::Quiet, &text));
    let when = match view.judged {
        Judged::WhenMade => "when each deal was made".to_owned(),
        Judged::DaysBeforeClose(days) => format!("{days:.0} days before each close"),
    };
    let day = |at: connector::Timestamp| at.to_utc().format("%Y-%m-%d").to_string();
    terminal.say(format!(
        "{}, as known {when}: {} deals closed from {} to {}, {} of them won ({})",
        terminal.paint(Tone::Heading, &clean::line(&view.score)),
        count(found.rows as u64),
        day(view.from),
        day(view.to),
        count(found.won as u64),
        percent(found.base_rate)
    ));
    terminal.say("");
    let mut table = terminal.table(&["ranking", ">value", "", "against"]);
    let good = if found.auc_between.0 > 0.5 { Tone::Good } else { Tone::Warn };
    let (low, high) = found.auc_between;
    let rows = [
        ("AUC", found.auc, good, format!("0.5 is chance; of many more such deals {low:.2} to {high:.2}")),
        ("PR-AUC", found.pr_auc, Tone::Plain, format!("{:.3} is chance", found.base_rate)),
    ];
    for (name, value, tone, against) in rows {
        let value = cell(tone, format!("{value:.3}"));
        table.add_row([cell(Tone::Heading, name), value, cell(Tone::Plain, ""), cell(Tone::Quiet, against)]);
    }
    terminal.print(&table);
    terminal.say("");
    quiet("won deals found (up), by share of all deals worked on, best score first; dots are chance".to_owned());
    for line in learn::gains_in_characters(&found.gains) {
        terminal.say(line);
    }
    terminal.say("");
    deciles(view, terminal);
    terminal.say("");
    thresholds(view, terminal);
    rules(view, terminal);
    let left_out = [
        (view.left_out.unknown_then, "nothing was known of their people before"),
        (view.left_out.nobodys, "nobody is tied to them"),
        (view.left_out.outside, "closed outside --from and --to"),
        (view.left_out.open, "still open"),
    ];
    for (deals, why) in left_out.into_iter().filter(|(deals, _)| *deals > 0) {
        quiet(format!("left out: {} {}: {why}", count(deals), if deals == 1 { "deal" } else { "deals" }));
    }
    for text in &view.warnings {
        terminal.say(format!("{} {text}", terminal.paint(Tone::Warn, "beware:")));
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn deciles(view: &View, terminal: &Terminal) {
    let mut table = terminal.table(&[">decile", ">deals", ">won", ">rate", ">mean score", ">lift", ""]);
    let most = view.found.deciles.iter().map(|one| one.lift).fold(1.0, f64::max);
    for one in view.found.deciles.iter().filter(|one| one.rows > 0) {
        let tone = if one.lift >= 1.0 { Tone::Good } else { Tone::Plain };
        table.add_row([
            cell(Tone::Heading, one.decile),
            cell(Tone::Plain, count(one.rows as u64)),
            cell(Tone::Plain, count(one.positives as u64)),
            cell(Tone::Plain, percent(one.rate)),
            cell(Tone::Quiet, format!("{:.1}", one.expected)),
            cell(tone, format!("{:.2}", one.lift)),
            cell(tone, "█".repeat((one.lift / most * BAR).round() as usize)),
        ]);
    }
    terminal.print(&table);
}

fn thresholds(view: &View, terminal: &Terminal) {
    let per_week = |at: &Threshold| at.rows as f64 / view.weeks;
    let worth = |at: &Threshold| {
        format!(
            "{:.1} leads a week, {} of them won, {} of all won ones",
            per_week(at),
            percent(at.precision),
            percent(at.recall)
        )
    };
    if let Some(weekly) = view.capacity_per_week {
        match &view.found.threshold {
            Some(at) => terminal.say(format!(
                "With time for {weekly:.0} leads a week, work from {} up: {}.",
                terminal.paint(Tone::Heading, &format!("{:.1}", at.score)),
                worth(at)
            )),
            None => terminal.say(format!(
                "With time for {weekly:.0} leads a week there is no score to work from: more share the best one."
            )),
        }
    }
    for band in &view.bands {
        terminal.say(format!("Band {} begins at {}: {}.", clean::line(&band.band), band.at.score, worth(&band.at)));
    }
    if view.capacity_per_week.is_some() || !view.bands.is_empty() {
        terminal.say("");
    }
}

fn rules(view: &View, terminal: &Terminal) {
    let mut table = terminal.table(&["rule", ">deals", ">won had it", ">lost had it", ">AUC without", ">adds", ""]);
    for rule in &view.found.rules {
        let (tone, verdict) = match (rule.rows, rule.adds_nothing) {
            (0, _) => (Tone::Warn, "never gave points"),
            (_, true) if rule.adds < -0.000_5 => (Tone::Bad, "ranks worse with it"),
            (_, true) => (Tone::Warn, "adds nothing"),
            (_, false) => (Tone::Plain, ""),
        };
        table.add_row([
            cell(Tone::Heading, clean::line(&rule.rule)),
            cell(Tone::Plain, count(rule.rows as u64)),
            cell(Tone::Plain, percent(rule.of_won)),
            cell(Tone::Plain, percent(rule.of_lost)),
            cell(Tone::Plain, format!("{:.3}", rule.auc_without)),
            cell(tone, format!("{:+.3}", rule.adds)),
            cell(tone, verdict),
        ]);
    }
    terminal.print(&table);
}
