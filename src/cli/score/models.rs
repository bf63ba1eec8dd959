//! `ferry score list` and `ferry score show NAME`: the scores there are, and the models behind those that are learnt.

use std::sync::Arc;

use connector::Timestamp;
use serde::Serialize;

use super::card;
use crate::app::Report;
use crate::cli::clean;
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::moment::{self, count};
use crate::cli::terminal::{Terminal, Tone, cell};
use crate::config::Settings;
use crate::enrich::{Made, ScoreSpec};
use crate::expr::nearest;
use crate::learn::{Card, Model};
use crate::model::{KeptModel, ModelState};
use crate::store::Store;

#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// A score that is learnt
    pub name: String,
    /// A model by its number, in place of the one in use or the newest
    #[arg(long, value_name = "ID")]
    pub model: Option<i64>,
}

/// Models shown of one score.
const SHOWN: usize = 10;

#[derive(Debug, Serialize)]
struct List {
    scores: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    score: String,
    made: String,
    #[serde(rename = "trait")]
    trait_name: String,
    /// Of one that is learnt: whether its numbers are used; null before anything was tried.
    state: Option<&'static str>,
    model: Option<i64>,
    trained_at: Option<Timestamp>,
    auc: Option<f64>,
    why: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    score: &'a str,
    model: i64,
    state: &'static str,
    trained_at: Timestamp,
    report: &'a Report,
    model_card: Option<&'a Card>,
    /// Earlier and later ones, newest first.
    models: Vec<Line>,
}

pub async fn list(cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let store = cx.reading(&settings)?;
    let mut scores = Vec::new();
    for spec in &settings.model.scores {
        let kept = match (&store, spec.predicted()) {
            (Some(store), Some(_)) => in_use(&**store, &spec.name).await?,
            _ => None,
        };
        scores.push(line(spec, kept.as_ref()));
    }
    let list = List { scores };
    cx.terminal.show(&list, |terminal| print_list(&list, terminal))?;
    Ok(Exit::Done)
}

pub async fn show(args: &ShowArgs, cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let spec = learnt(&args.name, &settings)?;
    let nothing = || {
        let fix = format!("`ferry score train {}` tries now; the daemon does so by `[schedule] train`", spec.name);
        Failure::new(format!("nothing was learnt for `{}` yet", spec.name)).with_fix(fix)
    };
    let store = cx.reading(&settings)?.ok_or_else(nothing)?;
    let kept = match args.model {
        None => in_use(&*store, &spec.name).await?.ok_or_else(nothing)?,
        Some(id) => store.model(id).await?.filter(|kept| kept.score == spec.name).ok_or_else(|| {
            Failure::usage(format!("`{}` has no model {id}", spec.name))
                .with_fix("leave --model out to see which there are")
        })?,
    };
    let report = report(&kept);
    let model = match &kept.model {
        Some(text) => Some(Model::from_json(text.as_bytes()).map_err(|error| {
            Failure::new(format!("read model {} of `{}`: {error}", kept.id, spec.name))
                .with_fix(format!("`ferry score train {}` makes another", spec.name))
        })?),
        None => None,
    };
    let all = store.models(Some(&spec.name), SHOWN).await?;
    let shown = Shown {
        score: &spec.name,
        model: kept.id,
        state: kept.state.as_str(),
        trained_at: kept.trained_at,
        report: &report,
        model_card: model.as_ref().map(|model| &model.card),
        models: all.iter().map(|kept| line(spec, Some(kept))).collect(),
    };
    cx.terminal.show(&shown, |terminal| print_shown(&shown, terminal))?;
    Ok(Exit::Done)
}

/// The score of this name, if it is learnt.
pub fn learnt<'s>(name: &str, settings: &'s Settings) -> Result<&'s ScoreSpec, Failure> {
    let all = || settings.model.scores.iter().filter(|score| score.predicted().is_some());
    let bare = name.strip_prefix("score_").unwrap_or(name);
    if let Some(found) = all().find(|score| &*score.name == bare) {
        return Ok(found);
    }
    let known: Vec<Arc<str>> = all().map(|score| score.name.clone()).collect();
    let failure = Failure::usage(format!("`{}` is no score that is learnt", clean::line(name)));
    Err(match (known.is_empty(), nearest(bare, known.iter().map(|name| &**name))) {
        (true, _) => failure.with_fix("add `[scores.win]` with `predictive = true`"),
        (false, Some(near)) => failure.with_fix(format!("did you mean `{near}`?")),
        (false, None) => failure.with_fix(format!("there are {}", known.join(", "))),
    })
}

/// The active model, else the newest that there is.
async fn in_use(store: &dyn Store, score: &str) -> Result<Option<KeptModel>, Failure> {
    let all = store.models(Some(score), usize::MAX).await?;
    let chosen = all.iter().find(|kept| kept.state == ModelState::Active).or(all.first()).map(|kept| kept.id);
    Ok(match chosen {
        Some(id) => store.model(id).await?,
        None => None,
    })
}

/// What is kept beside a model; of an older form nothing.
pub fn report(kept: &KeptModel) -> Report {
    serde_json::from_str(&kept.report).unwrap_or_else(|_| Report::unreadable())
}

fn line(spec: &ScoreSpec, kept: Option<&KeptModel>) -> Line {
    let made = match &spec.made {
        Made::Rules(rules) => format!("{} rules", rules.rules.len()),
        Made::Combination(of) => {
            let of: Vec<String> = of.iter().map(|one| format!("{} × {}", one.weight, one.score)).collect();
            of.join(" + ")
        }
        Made::Predicted(of) => format!("learnt: a deal won within {} days", of.horizon.as_secs() / 86_400),
    };
    let report = kept.map(report);
    Line {
        score: spec.name.to_string(),
        made,
        trait_name: spec.trait_name().to_string(),
        state: kept.map(|kept| kept.state.as_str()),
        model: kept.map(|kept| kept.id),
        trained_at: kept.map(|kept| kept.trained_at),
        auc: report.as_ref().and_then(|report| report.test.as_ref()).map(|test| test.metrics.auc),
        why: report.map(|report| report.why).unwrap_or_default(),
    }
}

fn print_list(list: &List, terminal: &Terminal) {
    let mut table = terminal.table(&["score", "made of", "state", ">model", "learnt (UTC)", ">AUC"]);
    for line in &list.scores {
        let tone = if line.state == Some(ModelState::Active.as_str()) { Tone::Good } else { Tone::Warn };
        table.add_row([
            cell(Tone::Heading, clean::line(&line.score)),
            cell(Tone::Plain, clean::line(&line.made)),
            cell(tone, line.state.unwrap_or_default()),
            cell(Tone::Quiet, line.model.map(|id| id.to_string()).unwrap_or_default()),
            cell(Tone::Quiet, line.trained_at.map(moment::at).unwrap_or_default()),
            cell(Tone::Plain, line.auc.map(|auc| format!("{auc:.3}")).unwrap_or_default()),
        ]);
    }
    terminal.print(&table);
    for line in &list.scores {
        for why in &line.why {
            terminal.say(terminal.paint(Tone::Quiet, &format!("{}: {why}", clean::line(&line.score))));
        }
    }
}

fn print_shown(shown: &Shown<'_>, terminal: &Terminal) {
    terminal.say(format!(
        "{} model {} of {} UTC: {}",
        terminal.paint(Tone::Heading, &clean::line(shown.score)),
        shown.model,
        moment::at(shown.trained_at),
        shown.state.replace('_', " ")
    ));
    print_report(shown.report, terminal);
    if let Some(card) = shown.model_card {
        terminal.say("");
        card::print(card, terminal);
    }
    if shown.models.len() > 1 {
        terminal.say("");
        let mut table = terminal.table(&[">model", "learnt (UTC)", "state", ">AUC", "why"]);
        for line in &shown.models {
            table.add_row([
                cell(Tone::Heading, line.model.map(|id| id.to_string()).unwrap_or_default()),
                cell(Tone::Quiet, line.trained_at.map(moment::at).unwrap_or_default()),
                cell(Tone::Plain, line.state.unwrap_or_default()),
                cell(Tone::Plain, line.auc.map(|auc| format!("{auc:.3}")).unwrap_or_default()),
                cell(Tone::Quiet, line.why.join("; ")),
            ]);
        }
        terminal.print(&table);
    }
}

/// What a training came to.
pub fn print_report(report: &Report, terminal: &Terminal) {
    let day = |at: Option<Timestamp>| at.map(|at| at.to_utc().format("%Y-%m-%d").to_string()).unwrap_or_default();
    let thinned =
        if report.one_in > 1 { format!("; one company in {} was looked at", report.one_in) } else { String::new() };
    terminal.say(format!(
        "{} leads from {} to {}, {} of them won within {:.0} days; {} may still be won{thinned}",
        count(report.leads as u64),
        day(report.from),
        day(report.to),
        count(report.won as u64),
        report.horizon_days,
        count(report.open as u64),
    ));
    if let Some(test) = &report.test {
        let mut table = terminal.table(&["newest fifth", ">value", "", "against"]);
        let rules = test.rule_auc.map_or_else(|| "0.5 is chance".to_owned(), |auc| format!("{auc:.3} by the rules"));
        let rows = [
            ("AUC", test.metrics.auc, rules),
            ("PR-AUC", test.metrics.pr_auc, format!("{:.3} is chance", test.won as f64 / test.rows.max(1) as f64)),
            ("log-loss", test.metrics.log_loss, format!("{:.3} without a model", test.base_log_loss)),
            ("lift, best tenth", test.lift_at_10, "1 is chance".to_owned()),
            ("calibration", test.calibration_error, "how far chances are off, on average".to_owned()),
        ];
        for (name, value, against) in rows {
            let value = cell(Tone::Plain, format!("{value:.3}"));
            table.add_row([cell(Tone::Heading, name), value, cell(Tone::Plain, ""), cell(Tone::Quiet, against)]);
        }
        terminal.print(&table);
    }
    for why in &report.why {
        terminal.say(format!("{} {why}", terminal.paint(Tone::Warn, "not in use:")));
    }
    if let Some(drift) = &report.drift {
        let (tone, verdict) = if drift.drift.alert {
            (Tone::Warn, "the leads of late are unlike those that the model in use was learnt from")
        } else {
            (Tone::Quiet, "the leads of late are like those that the model in use was learnt from")
        };
        let moved = drift.drift.base_rate_moved * 100.0;
        terminal.say(terminal.paint(
            tone,
            &format!("{verdict}: PSI {:.2}, mean chance {moved:+.0} % ({} leads)", drift.drift.psi, drift.leads),
        ));
    }
}
