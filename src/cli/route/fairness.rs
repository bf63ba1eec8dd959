//! `ferry route fairness [--last 90d]`: what each member of each pool was given, beside their share by weight.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::routing::Rules;
use crate::store::{AssignmentRow, AssignmentState};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Of this time up to now
    #[arg(long, default_value = "90d", value_parser = super::span)]
    pub last: Duration,
}

#[derive(Debug, Serialize)]
pub(super) struct Report {
    pools: Vec<Member>,
    /// Leads that no pool gave: by owner, company, rule or fallback.
    others: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize)]
struct Member {
    pool: String,
    member: String,
    weight: u32,
    given: u64,
    given_back: u64,
    /// Of what the pool gave, 0 to 1.
    share: f64,
    /// By weight, 0 to 1.
    due: f64,
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let Some(rules) = settings.routing.clone() else { return Err(without_rules()) };
    let since = cx.clock.now().saturating_sub(args.last);
    let rows = match cx.reading(&settings)? {
        Some(store) => store.assignments(None, since, usize::MAX).await?,
        None => Vec::new(),
    };
    let report = report(&rules, &rows);
    cx.terminal.show(&report, |terminal| {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let rows = report.pools.iter().map(|member| {
            vec![
                member.pool.clone(),
                member.member.clone(),
                member.weight.to_string(),
                member.given.to_string(),
                percent(member.share),
                percent(member.due),
                member.given_back.to_string(),
            ]
        });
        crate::cli::identity::table(
            terminal,
            &["pool", "member", "weight", "given", "share", "by weight", "given back"],
            rows.collect(),
        );
        for (step, count) in &report.others {
            terminal.say(format!("{count} by {step}"));
        }
    })?;
    Ok(Exit::Done)
}

pub(super) fn without_rules() -> Failure {
    Failure::usage("sync.toml has no [routing]: nobody is given leads")
}

fn report(rules: &Rules, rows: &[AssignmentRow]) -> Report {
    let counts = |row: &&AssignmentRow| matches!(row.state, AssignmentState::Underway | AssignmentState::Made);
    let mut pools = Vec::new();
    for (name, pool) in &rules.pools {
        let of_pool: Vec<&AssignmentRow> = rows.iter().filter(|row| row.pool.as_deref() == Some(&**name)).collect();
        let total = of_pool.iter().copied().filter(counts).count() as f64;
        let weights: u32 = pool.members.iter().map(|member| member.weight).sum();
        for member in &pool.members {
            let mine = |row: &&&AssignmentRow| row.member.as_deref() == Some(&*member.user);
            let given = of_pool.iter().filter(mine).copied().filter(counts).count() as u64;
            let all = of_pool.iter().filter(mine).count() as u64;
            pools.push(Member {
                pool: name.to_string(),
                member: member.user.to_string(),
                weight: member.weight,
                given,
                given_back: all - given,
                share: if total > 0.0 { given as f64 / total } else { 0.0 },
                due: f64::from(member.weight) / f64::from(weights.max(1)),
            });
        }
    }
    let mut others = BTreeMap::new();
    for row in rows.iter().filter(counts).filter(|row| row.pool.is_none()) {
        *others.entry(row.step.map_or("nobody", |step| step.as_str())).or_insert(0) += 1;
    }
    Report { pools, others }
}
