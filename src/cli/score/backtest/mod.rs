//! `ferry score backtest [SCORE]`: what a score would have been worth. Each closed deal with the score of its people as known
//! before, ranked, and held against how it ended.

mod print;
mod view;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use connector::Timestamp;

use crate::app::{App, Replay, Replaying};
use crate::cli::clean;
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::moment;
use crate::cli::progress::Progress;
use crate::enrich::{ModelSpec, ScoreSpec};
use crate::expr::nearest;
use crate::learn;
use crate::model::Reading;
use crate::schedule::parse_duration;
use view::View;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The score; the one that reps are told if left out
    pub score: Option<String>,
    /// Only deals closed from this day on
    #[arg(long, value_name = "DATE", value_parser = moment::parse)]
    pub from: Option<Timestamp>,
    /// Only deals closed before this day
    #[arg(long, value_name = "DATE", value_parser = moment::parse)]
    pub to: Option<Timestamp>,
    /// How many leads there is time for, like 20/week or 4/day: suggests the score to work from
    #[arg(long, value_name = "N/week", value_parser = capacity)]
    pub capacity: Option<f64>,
    /// Judge so long before each close, like 30d, and not when the deal was made
    #[arg(long, value_name = "TIME", value_parser = lead)]
    pub lead: Option<Duration>,
    /// Of a trait that nothing was known of then, take the first value that ever was: for a store that is younger than its deals.
    /// Kinder than life
    #[arg(long)]
    pub first_values: bool,
    /// Write the chart there
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

/// Fewer won or lost deals than these say little.
const TOO_FEW: usize = 20;

/// Leads a week.
fn capacity(text: &str) -> Result<f64, String> {
    let wrong = || format!("`{text}` is no capacity; write 20/week or 4/day");
    let (number, per) = text.split_once('/').unwrap_or((text, "week"));
    let weekly = match per.trim() {
        "week" | "w" => 1.0,
        // Working days.
        "day" | "d" => 5.0,
        "month" | "m" => 12.0 / 52.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    if number > 0.0 && number <= 1e6 { Ok(number * weekly) } else { Err(wrong()) }
}

fn lead(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| format!("{}; like 12h, 30d or 8w", error.message))
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let score = meant(args.score.as_deref(), &settings.model)?.name.clone();
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from >= to
    {
        return Err(Failure::usage("--from must be before --to"));
    }
    let Some(store) = cx.reading(&settings)? else {
        return Err(Failure::new("there is no store yet, and so no deal that was ever closed")
            .with_fix("`ferry pull` takes deals in from the CRM"));
    };
    let app = App::with_connections(settings, Arc::from(store), cx.world(), Vec::new())?;
    if app.unmatched_rules().await? > 0 {
        return Err(Failure::new(
            "rules of sync.toml were never held against the log, so their events would not count",
        )
        .with_fix("`ferry compute` does that; then try again"));
    }
    let reading = if args.first_values { Reading::FirstValues } else { Reading::AsKnown };
    let what = Replaying { score: score.clone(), from: args.from, to: args.to, lead: args.lead, reading };
    let shown = Progress::start(&cx.terminal, &format!("replay {score}"));
    let replay = app.replay(&what, &|deals| shown.deals(deals)).await?;
    drop(shown);
    let view = judged(args, &what, &replay, &app.settings.model)?;
    if let Some(file) = &args.svg {
        let title = format!("{score}, before {} closed deals", moment::count(view.found.rows as u64));
        write(&learn::svg(&title, &view.found.gains, &view.found.deciles), file)?;
    }
    cx.terminal.show(&view, |terminal| print::print(&view, terminal))?;
    Ok(Exit::Done)
}

/// The score of this name, or the one that reps are told.
fn meant<'s>(name: Option<&str>, spec: &'s ModelSpec) -> Result<&'s ScoreSpec, Failure> {
    let Some(name) = name else {
        return spec.main_score().ok_or_else(|| {
            Failure::new("sync.toml has no score").with_fix("add `[scores.NAME]`, or `preset = \"b2b\"`")
        });
    };
    let bare = name.strip_prefix("score_").unwrap_or(name);
    if let Some(found) = spec.scores.iter().find(|score| &*score.name == bare) {
        return Ok(found);
    }
    let failure = Failure::usage(format!("there is no score `{}`", clean::line(name)));
    let known: Vec<&str> = spec.scores.iter().map(|score| &*score.name).collect();
    Err(match nearest(bare, known.iter().copied()) {
        Some(near) => failure.with_fix(format!("did you mean `{near}`?")),
        None => failure.with_fix(format!("there are {}", known.join(", "))),
    })
}

fn judged(args: &Args, what: &Replaying, replay: &Replay, spec: &ModelSpec) -> Result<View, Failure> {
    let won = replay.rows.iter().filter(|row| row.won).count();
    let lost = replay.rows.len() - won;
    let (Some((first, last)), true) = (replay.closes, won > 0 && lost > 0) else {
        return Err(nothing_to_rank(replay, won, lost));
    };
    let (from, to) = (args.from.unwrap_or(first), args.to.unwrap_or(last));
    let weeks = (to.since(from).as_secs_f64() / (7.0 * 86_400.0)).max(1.0);
    let labels: Vec<String> = replay.rules.iter().map(ToString::to_string).collect();
    let capacity = args.capacity.map(|weekly| (weekly * weeks).floor() as usize);
    let found = learn::backtest(&replay.rows, &labels, capacity);
    let bands = spec.scores.iter().filter(|score| score.name == what.score).flat_map(|score| &score.bands);
    let bands = bands.map(|band| view::Band::new(&band.name, learn::at_or_above(&replay.rows, band.enter), weeks));
    let mut warnings = Vec::new();
    if won.min(lost) < TOO_FEW {
        warnings.push(format!(
            "{won} won and {lost} lost deals are few; from {TOO_FEW} of each on the figures say something"
        ));
    }
    if what.reading == Reading::FirstValues {
        warnings.push(
            "traits that were only written down later were taken as known: the score is shown kinder than it was"
                .into(),
        );
    }
    let missing = replay.unknown_then + replay.nobodys;
    if missing > replay.rows.len() as u64 {
        warnings.push("of most closed deals nothing was known before; what is ranked here may be unlike them".into());
    }
    Ok(View {
        score: what.score.to_string(),
        judged: view::Judged::of(what.lead),
        first_values: what.reading == Reading::FirstValues,
        from,
        to,
        weeks,
        left_out: view::LeftOut {
            open: replay.open,
            outside: replay.outside,
            nobodys: replay.nobodys,
            unknown_then: replay.unknown_then,
        },
        capacity_per_week: args.capacity,
        bands: bands.collect(),
        warnings,
        found,
    })
}

fn nothing_to_rank(replay: &Replay, won: usize, lost: usize) -> Failure {
    let mut why =
        format!("there are {won} won and {lost} lost deals with a score before they closed; it takes some of each");
    let also = [
        (replay.unknown_then, "closed, but nothing was known of their people before"),
        (replay.nobodys, "closed, but nobody is tied to them"),
        (replay.outside, "closed outside --from and --to"),
        (replay.open, "still open"),
    ];
    for (count, text) in also.into_iter().filter(|(count, _)| *count > 0) {
        why.push_str(&format!("\n{} {text}", moment::count(count)));
    }
    let failure = Failure::new(why);
    match (replay.unknown_then, replay.nobodys) {
        (0, 0) => failure,
        (0, _) => failure
            .with_fix("`ferry pull` takes in which contacts and companies a deal belongs to, where the CRM says so"),
        _ => failure.with_fix(
            "`ferry ingest` takes in events of before; --first-values takes the first known traits as known all along",
        ),
    }
}

fn write(svg: &str, file: &Path) -> Result<(), Failure> {
    std::fs::write(file, svg).map_err(|error| Failure::new(format!("write the chart {}: {error}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capacity_is_leads_a_week() {
        assert_eq!((capacity("20/week"), capacity("4/day"), capacity("15")), (Ok(20.0), Ok(20.0), Ok(15.0)));
        for wrong in ["", "many/week", "-3/week", "0", "5/year", "inf/week", "nan"] {
            assert!(capacity(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_score_is_found_by_its_name_or_its_trait() {
        let spec = crate::enrich::preset::b2b();
        assert_eq!(&*meant(None, &spec).unwrap().name, "lead");
        assert_eq!(&*meant(Some("score_fit"), &spec).unwrap().name, "fit");
        assert_eq!(meant(Some("engagment"), &spec).unwrap_err().fix.as_deref(), Some("did you mean `engagement`?"));
    }

    #[test]
    fn where_nothing_can_be_ranked_it_is_said_why() {
        let replay = Replay { unknown_then: 1_200, open: 3, ..Replay::default() };
        let failure = nothing_to_rank(&replay, 0, 0);
        assert!(failure.message.contains("1,200 closed, but nothing was known"), "{failure}");
        assert!(failure.fix.unwrap().contains("--first-values"));
    }
}
