//! `ferry score train [NAME]`: a score of `[scores]` learnt from the store's own past; with `--from FILE.csv --target COLUMN` the
//! same on any table.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::{card, models};
use crate::app::{Report, Training};
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::progress::Progress;
use crate::learn::{self, Card, Folds, Metrics, Model, Recipe, Table, Target, TargetError};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A score of sync.toml that is learnt; all of them if left out
    #[arg(conflicts_with = "from")]
    pub name: Option<String>,
    /// A CSV file with a header line, in place of the store
    #[arg(long, value_name = "FILE.csv", requires = "target")]
    pub from: Option<PathBuf>,
    /// The column of the file to predict
    #[arg(long, value_name = "COLUMN", requires = "from")]
    pub target: Option<String>,
    /// The value of the target that counts as yes; needed where it has more than two
    #[arg(long, value_name = "VALUE", requires = "from")]
    pub positive: Option<String>,
    /// The value that counts as no; rows with any other are left out
    #[arg(long, value_name = "VALUE", requires = "from")]
    pub negative: Option<String>,
    /// A column to leave out; may be given again
    #[arg(long, value_name = "COLUMN", requires = "from")]
    pub exclude: Vec<String>,
    /// The plain recipe (numbers standardised, one coefficient per level) with this λ on the sum of squares; without it,
    /// curves and columns together, held back as cross-validation within the rows says
    #[arg(long, value_name = "LAMBDA", value_parser = strength, requires = "from", allow_negative_numbers = true)]
    pub l2: Option<f64>,
    /// Write the model there, as JSON
    #[arg(long, value_name = "MODEL", requires = "from")]
    pub out: Option<PathBuf>,
}

fn strength(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1e12).contains(&number) { Ok(number) } else { Err("must be from 0 to 1e12".to_owned()) }
}

/// `score train --json`.
#[derive(Debug, Serialize)]
struct View<'a> {
    #[serde(flatten)]
    metrics: Metrics,
    coefficients: BTreeMap<String, f64>,
    model_card: &'a Card,
}

/// A score learnt from the store, `score train --json`.
#[derive(Debug, Serialize)]
struct Learnt<'a> {
    score: &'a str,
    model: i64,
    state: &'static str,
    report: &'a Report,
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    match (&args.from, &args.target) {
        (Some(file), Some(column)) => on_file(args, file, column, cx),
        _ => on_store(args.name.as_deref(), cx).await,
    }
}

/// Beside a daemon, which notices the new model by itself.
async fn on_store(name: Option<&str>, cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let wanted: Vec<Arc<str>> = match name {
        Some(name) => vec![models::learnt(name, &settings)?.name.clone()],
        None => {
            let learnt = settings.model.scores.iter().filter(|score| score.predicted().is_some());
            learnt.map(|score| score.name.clone()).collect()
        }
    };
    if wanted.is_empty() {
        return Err(Failure::usage("no score of sync.toml is learnt").with_fix(
            "add `[scores.win]` with `predictive = true`, or train on a file with --from FILE.csv --target COLUMN",
        ));
    }
    if !settings.store_path.exists() {
        return Err(Failure::new("there is no store yet, and so no past to learn from")
            .with_fix("`ferry pull` and `ferry ingest` fill it"));
    }
    let app = cx.assemble_offline(settings).await?;
    if app.unmatched_rules().await? > 0 {
        return Err(Failure::new(
            "rules of sync.toml were never held against the log, so their events would not count",
        )
        .with_fix("`ferry compute` does that; then try again"));
    }
    for score in wanted {
        let shown = Progress::start(&cx.terminal, &format!("learn {score}"));
        let trained = app.train(&score, &|people| shown.people(people)).await?;
        drop(shown);
        let Some(Training { kept, report }) = trained else { continue };
        let state = kept.state.as_str();
        let view = Learnt { score: &kept.score, model: kept.id, state, report: &report };
        cx.terminal.show(&view, |terminal| {
            terminal.say(format!("{} model {}: {}", kept.score, kept.id, state.replace('_', " ")));
            models::print_report(&report, terminal);
            if kept.model.is_some() {
                terminal.say(format!("`ferry score show {}` shows its card", kept.score));
            }
        })?;
    }
    Ok(Exit::Done)
}

fn on_file(args: &Args, file: &Path, column: &str, cx: &Cx) -> Ended {
    let (table, target, without_target) = read(args, file, column)?;
    let recipe = args.l2.map_or(Recipe::Rich, |l2| Recipe::Plain { l2 });
    let trained_at = cx.clock.now().to_rfc3339();
    let model = learn::evaluate(&table, &target, column, recipe, &Folds::ByRow, without_target, trained_at);
    if let Some(out) = &args.out {
        write(&model, out)?;
    }
    let view = View {
        metrics: model.card.metrics,
        coefficients: model.encoder.names().into_iter().zip(model.coefficients.iter().copied()).collect(),
        model_card: &model.card,
    };
    cx.terminal.show(&view, |terminal| card::print(&model.card, terminal))?;
    Ok(Exit::Done)
}

/// Beside the file first, so that a reader never sees half a model.
fn write(model: &Model, out: &PathBuf) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(format!("write the model {}: {error}", out.display()));
    let text = serde_json::to_vec(model).map_err(|error| failed(&error))?;
    let mut beside = out.clone().into_os_string();
    beside.push(".part");
    fs::write(&beside, text).and_then(|()| fs::rename(&beside, out)).map_err(|error| failed(&error))
}

/// The rows with an answer, their answers, and how many had none; the target is no longer among the columns.
fn read(args: &Args, from: &Path, named: &str) -> Result<(Table, Target, usize), Failure> {
    let shown = from.display();
    let refused = |error: &dyn std::fmt::Display| Failure::usage(format!("read {shown}: {error}"));
    let file = File::open(from).map_err(|error| refused(&error))?;
    let left_out = RefCell::new(BTreeSet::new());
    let is_wanted = |name: &str| {
        let out = args.exclude.iter().find(|out| *out == name);
        out.is_none_or(|out| {
            left_out.borrow_mut().insert(out);
            false
        })
    };
    let mut table = learn::from_csv(file, is_wanted).map_err(|error| refused(&error))?;
    // What is left out is left out because it tells the outcome: a name that is spelt wrong must not be passed over.
    if let Some(stray) = args.exclude.iter().find(|out| !left_out.borrow().contains(out)) {
        let present: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let why = format!("--exclude: there is no column `{stray}`; the file has {}", present.join(", "));
        return Err(refused(&why));
    }
    let Some(column) = table.column(named) else {
        let present: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let why = format!("there is no column `{named}`; the file has {}", present.join(", "));
        return Err(refused(&why));
    };
    let target = learn::target(column, args.positive.as_deref(), args.negative.as_deref()).map_err(|error| {
        let failure = refused(&error);
        match error {
            TargetError::ManyValues { .. } => failure.with_fix("name it with --positive VALUE, and --negative VALUE"),
            // The words were right: there is nothing to learn from.
            TargetError::OneValue { .. } | TargetError::Empty(_) => failure.with_exit(Exit::Failed),
            TargetError::Unknown { .. } => failure,
        }
    })?;
    let positives = target.labels.iter().filter(|yes| **yes).count();
    let fewest = positives.min(target.labels.len() - positives);
    if fewest < learn::FOLDS {
        let why = format!("only {fewest} of {} rows have the rarer outcome", target.labels.len());
        let fix = format!("every fold needs one: at least {} are needed, some hundred are useful", learn::FOLDS);
        return Err(Failure::new(format!("train on {shown}: {why}")).with_fix(fix));
    }
    table.columns.retain(|column| column.name != named);
    let without_target = table.len() - target.rows.len();
    Ok((table.rows(&target.rows), target, without_target))
}
