//! `ferry score train --from FILE.csv --target COLUMN`: the predictive model on any table.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use serde::Serialize;

use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::learn::{self, Metrics, Recipe, Table, Target};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A CSV file with a header line
    #[arg(long, value_name = "FILE.csv")]
    pub from: PathBuf,
    /// The column to predict
    #[arg(long, value_name = "COLUMN")]
    pub target: String,
    /// The value of the target that counts as yes; needed where it has more than two
    #[arg(long, value_name = "VALUE")]
    pub positive: Option<String>,
    /// The value that counts as no; rows with any other are left out
    #[arg(long, value_name = "VALUE")]
    pub negative: Option<String>,
    /// A column to leave out; may be given again
    #[arg(long, value_name = "COLUMN")]
    pub exclude: Vec<String>,
    /// The plain recipe (numbers standardised, one coefficient per level) with this λ on the sum of squares
    #[arg(long, value_name = "LAMBDA", value_parser = strength)]
    pub l2: Option<f64>,
}

fn strength(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1e12).contains(&number) { Ok(number) } else { Err("must be from 0 to 1e12".to_owned()) }
}

/// `score train --json`.
#[derive(Debug, Serialize)]
struct View {
    #[serde(flatten)]
    metrics: Metrics,
    coefficients: BTreeMap<String, f64>,
}

pub fn run(args: &Args, cx: &Cx) -> Ended {
    let (table, target) = read(args)?;
    let recipe = args.l2.map_or(Recipe::Rich, |l2| Recipe::Plain { l2 });
    let held_out = learn::cross_validate(&table, &target.labels, recipe);
    let trained = learn::train(&table, &target.labels, recipe);
    let view = View {
        metrics: learn::metrics(&held_out.chances, &target.labels),
        coefficients: trained.encoder.names().into_iter().zip(trained.coefficients.iter().copied()).collect(),
    };
    cx.terminal.show(&view, |terminal| terminal.say(format!("AUC {:.4}", view.metrics.auc)))?;
    Ok(Exit::Done)
}

/// The rows with an answer, and their answers; the target is no longer among the columns.
fn read(args: &Args) -> Result<(Table, Target), Failure> {
    let shown = args.from.display();
    let file = File::open(&args.from).map_err(|error| Failure::usage(format!("read {shown}: {error}")))?;
    let mut table =
        learn::from_csv(file, |_| true).map_err(|error| Failure::usage(format!("read {shown}: {error}")))?;
    let column = column(&table, &args.target, args)?;
    let target = learn::target(column, args.positive.as_deref(), args.negative.as_deref())
        .map_err(|error| Failure::usage(format!("read {shown}: {error}")))?;
    for name in &args.exclude {
        column_exists(&table, name, args)?;
    }
    table.columns.retain(|column| column.name != args.target && !args.exclude.contains(&column.name));
    Ok((table.rows(&target.rows), target))
}

fn column<'a>(table: &'a Table, name: &str, args: &Args) -> Result<&'a learn::Column, Failure> {
    table.column(name).ok_or_else(|| {
        let present: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        Failure::usage(format!(
            "read {}: there is no column `{name}`; the file has {}",
            args.from.display(),
            present.join(", ")
        ))
    })
}

fn column_exists(table: &Table, name: &str, args: &Args) -> Result<(), Failure> {
    column(table, name, args).map(|_| ())
}
