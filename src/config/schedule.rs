//! `[schedule]`: when things run, and when they rest.

use std::sync::Arc;

use crate::config::diagnostic::Diagnostic;
use crate::config::keys;
use crate::config::mask::quoted;
use crate::config::reader::{Bad, Reader};
use crate::config::settings::{Quiet, ScheduleSettings};
use crate::config::tree::{Node, Table, Value};
use crate::config::value;
use crate::expr::nearest;
use crate::schedule::CatchUp;

/// Jobs that may rest.
const JOBS: &[&str] = &["pull", "push", "recompute", "retention", "digest", "reconcile", "train"];

const QUIET: &str = "quiet = [{ from = \"2026-12-24\", to = \"2026-12-26\", jobs = [\"digest\"] }]";

pub fn schedule(root: &Reader<'_>) -> Option<ScheduleSettings> {
    const CATCH_UP: &[(&str, CatchUp)] = &[("once", CatchUp::Once), ("none", CatchUp::None)];
    let section = root.section("schedule")?;
    section.check(keys::SCHEDULE);
    let trigger = |key: &str, default: &str| section.value_or(key, Value::Text(default.into()), value::trigger);
    let (pull, push) = (trigger("pull", "5m"), trigger("push", "5m"));
    let (recompute, retention) = (trigger("recompute", "15 2 * * *"), trigger("retention", "45 3 * * *"));
    let train = trigger("train", "30 4 * * 0");
    let digest = trigger("digest", "0 7 * * *");
    let reconcile = trigger("reconcile", "30 3 * * 0");
    let jitter = section.value_or("jitter", Value::Text("30s".into()), value::duration_or_none);
    let catch_up =
        section.value_or("catch_up", Value::Text("once".into()), value::choice("E006", "catch_up", CATCH_UP));
    let windows = section.value("quiet", QUIET, quiet);
    if windows.is_none() && section.entry("quiet").is_some() {
        return None;
    }
    Some(ScheduleSettings {
        pull: pull?,
        push: push?,
        recompute: recompute?,
        retention: retention?,
        train: train?,
        digest: digest?,
        reconcile: reconcile?,
        jitter: jitter?,
        catch_up: catch_up?,
        quiet: windows.unwrap_or_default(),
    })
}

/// `[{ from = "2026-12-24", to = "2026-12-26", jobs = ["digest", "push"] }]`
fn quiet(node: &Node) -> Result<Vec<Quiet>, Bad> {
    let Value::Array(windows) = &node.value else { return Err(Bad::Shape("an array of windows")) };
    windows
        .iter()
        .map(|window| match &window.value {
            Value::Table(table) => one(table).map_err(|bad| bad.inside("quiet", window)),
            _ => Err(Bad::Shape("a window").inside("quiet", window)),
        })
        .collect()
}

fn one(table: &Table) -> Result<Quiet, Bad> {
    let known = keys::QUIET.accepted;
    if let Some(entry) = table.entries.iter().find(|entry| !known.contains(&entry.key.as_str())) {
        let problem = Diagnostic::new("E003", format!("unknown key {} in `quiet`", quoted(&entry.key)));
        let near = nearest(&entry.key, known.iter().copied());
        return Err(Bad::Value(problem.at(&entry.key_place).suggest_key(near).help(QUIET)));
    }
    let need = |key: &'static str| {
        let entry = table.get(key).map(|entry| &entry.node);
        entry.ok_or_else(|| Bad::value("E005", format!("missing `{key}` in `quiet`")).help(QUIET))
    };
    let day = |key: &'static str| {
        let node = need(key)?;
        value::date(node).map_err(|bad| bad.inside(key, node))
    };
    let (from, to, jobs) = (day("from")?, day("to")?, need("jobs")?);
    if from > to {
        return Err(Bad::value("E006", "a quiet window must begin before it ends").help(QUIET));
    }
    let names = value::texts(jobs).map_err(|bad| bad.inside("jobs", jobs))?;
    if let Some(wrong) = names.iter().find(|name| !JOBS.contains(&name.as_str())) {
        return Err(Bad::Value(value::not_valid("E006", "job", wrong, JOBS).at(&jobs.place)));
    }
    Ok(Quiet { from, to, jobs: names.into_iter().map(Arc::from).collect() })
}
