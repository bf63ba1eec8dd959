//! `ferry identity evaluate FILE.csv --truth COLUMN --config MATCH.toml`: the record matcher on any table.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::moment;
use crate::cli::terminal::{Terminal, Tone, cell};
use crate::matching::{self, Assessment, MatchSpec, Quality, Rates, Table};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A CSV file with a header line
    #[arg(value_name = "FILE.csv")]
    pub file: PathBuf,
    /// The column that tells who is who; without it only the pairs are counted
    #[arg(long, value_name = "COLUMN")]
    pub truth: Option<String>,
}

/// `identity evaluate --json`.
#[derive(Debug, Serialize)]
struct View {
    records: usize,
    threshold: f64,
    candidate_pairs: usize,
    /// Blocking keys too frequent to compare by.
    oversized_blocks: u64,
    accepted_pairs: usize,
    predicted_clusters: usize,
    /// The share of all pairs that the matcher takes for one person.
    prior: f64,
    #[serde(flatten)]
    quality: Option<Quality>,
    /// Of the accepted pairs themselves, before chains are closed.
    scored_pairs: Option<Rates>,
    blocking_recall: Option<f64>,
    comparisons: Vec<Learnt>,
}

#[derive(Debug, Serialize)]
struct Learnt {
    field: String,
    levels: Vec<LearntLevel>,
}

#[derive(Debug, Serialize)]
struct LearntLevel {
    level: String,
    m: f64,
    u: f64,
    /// log2(m/u).
    weight: f64,
}

pub fn run(args: &Args, cx: &Cx) -> Ended {
    let spec = spec(&cx.config)?;
    let shown = args.file.display();
    let file = File::open(&args.file).map_err(|error| Failure::usage(format!("read {shown}: {error}")))?;
    let table = Table::from_csv(BufReader::new(file), &spec, args.truth.as_deref())
        .map_err(|error| Failure::usage(format!("read {shown}: {error}")))?;
    if table.len() < 2 {
        let why = format!("it has {} records: there is no pair to compare", table.len());
        return Err(Failure::usage(format!("evaluate {shown}: {why}")));
    }
    let assessment = matching::assess(&table, &spec);
    let view = view(&spec, &table, &assessment);
    cx.terminal.show(&view, |terminal| print(&view, terminal))?;
    Ok(Exit::Done)
}

fn spec(path: &Path) -> Result<MatchSpec, Failure> {
    let shown = path.display();
    let fix = "give a match file with --config: [field.…], [[compare]], [[block]]; examples/identity has one";
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("read the match file {shown}: {error}")).with_fix(fix))?;
    MatchSpec::parse(&text).map_err(|error| Failure::usage(format!("{shown}: {error}")).with_fix(fix))
}

fn view(spec: &MatchSpec, table: &Table, assessment: &Assessment<'_>) -> View {
    let verdict = assessment.verdict(spec.threshold);
    let mut heads = assessment.clusters.clone();
    heads.sort_unstable();
    heads.dedup();
    let comparisons = assessment.weights.comparisons.iter().map(|one| Learnt {
        field: one.field.clone(),
        levels: one
            .levels
            .iter()
            .zip(one.m.iter().zip(&one.u))
            .map(|(level, (m, u))| LearntLevel { level: level.clone(), m: *m, u: *u, weight: (m / u).log2() })
            .collect(),
    });
    View {
        records: table.len(),
        threshold: spec.threshold,
        candidate_pairs: assessment.scored.len(),
        oversized_blocks: assessment.candidates.oversized,
        accepted_pairs: assessment.scored.iter().filter(|one| one.probability >= spec.threshold).count(),
        predicted_clusters: heads.len(),
        prior: assessment.weights.prior,
        quality: verdict.map(|verdict| verdict.quality),
        scored_pairs: verdict.map(|verdict| verdict.scored),
        blocking_recall: verdict.map(|verdict| verdict.blocking_recall),
        comparisons: comparisons.collect(),
    }
}

fn print(view: &View, terminal: &Terminal) {
    let count = |n: usize| moment::count(n as u64);
    terminal.say(format!(
        "{} records, {} pairs compared, {} at {} or above: {} people",
        count(view.records),
        count(view.candidate_pairs),
        count(view.accepted_pairs),
        view.threshold,
        count(view.predicted_clusters),
    ));
    if view.oversized_blocks > 0 {
        terminal.say(terminal.paint(
            Tone::Quiet,
            &format!("{} blocking values are shared by too many records and were left out", view.oversized_blocks),
        ));
    }
    if let (Some(quality), Some(scored), Some(recall)) = (view.quality, view.scored_pairs, view.blocking_recall) {
        let mut table = terminal.table(&["", "precision", "recall", "F1"]);
        let rows = [
            ("pairs, chains closed", quality.pairwise),
            ("pairs as scored", scored),
            ("whole clusters", quality.cluster),
            ("B-cubed", quality.b_cubed),
        ];
        for (name, rates) in rows {
            let figures = [rates.precision, rates.recall, rates.f1].map(|rate| cell(Tone::Plain, format!("{rate:.4}")));
            table.add_row([cell(Tone::Heading, name)].into_iter().chain(figures));
        }
        terminal.print(&table);
        terminal.say(format!("{:.2} % of the true pairs were compared at all", recall * 100.0));
    }
    let mut table = terminal.table(&["field", "agreement", "one person", "strangers", "weight"]);
    for one in &view.comparisons {
        for (at, level) in one.levels.iter().enumerate() {
            let field = if at == 0 { one.field.as_str() } else { "" };
            let share = |value: f64| {
                cell(Tone::Plain, if value < 0.001 { format!("{value:.1e}") } else { format!("{value:.3}") })
            };
            table.add_row([
                cell(Tone::Heading, field),
                cell(Tone::Plain, &level.level),
                share(level.m),
                share(level.u),
                cell(Tone::Plain, format!("{:+.1}", level.weight)),
            ]);
        }
    }
    terminal.print(&table);
}
