//! The state of one connection, decided from what the store knows. Pure: the same signs give the same word.

use std::time::Duration;

use connector::Timestamp;
use serde::Serialize;

use crate::cli::moment;
use crate::model::{Flow, Run, RunState};
use crate::schedule;
use crate::store::ScheduleRow;

/// One word per connection, worst last. A script may match on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The last run of every flow did all it had to.
    Ok,
    /// Nothing has run yet.
    NeverRun,
    /// Records need a person, or the CRM could not be reached last time.
    Degraded,
    /// A schedule is overdue: the daemon is not running, or it is stuck.
    Late,
    /// The CRM asked for a pause; work goes on by itself.
    Paused,
    /// The last run failed and the next one will too.
    Failed,
    /// A fuse or the pull guard stopped the last run.
    Fused,
    /// The CRM refuses the credential.
    NeedsReauth,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NeverRun => "never_run",
            Self::Degraded => "degraded",
            Self::Late => "late",
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Fused => "fused",
            Self::NeedsReauth => "needs_reauth",
        }
    }
}

/// What bears on a connection's state.
#[derive(Clone, Debug)]
pub struct Signs<'a> {
    pub connection: &'a str,
    pub now: Timestamp,
    /// The last run of each (flow, object) of this connection.
    pub last_runs: Vec<&'a Run>,
    pub schedules: Vec<&'a ScheduleRow>,
    pub dead_letters: u64,
    pub paused_until: Option<Timestamp>,
}

/// The state, and for a person: why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub state: State,
    pub why: Option<String>,
    pub fix: Option<String>,
}

/// The worst of all signs names the connection.
pub fn decide(signs: &Signs<'_>) -> Health {
    let mut findings: Vec<Health> = signs.last_runs.iter().filter_map(|run| of_run(signs, run)).collect();
    if let Some(until) = signs.paused_until.filter(|until| *until > signs.now) {
        findings.push(Health {
            state: State::Paused,
            why: Some(format!("the CRM asked for a pause; work goes on {}", moment::ago(signs.now, Some(until)))),
            fix: None,
        });
    }
    let overdue = signs.schedules.iter().filter_map(|row| Some((overdue(signs.now, row)?, row)));
    if let Some((by, row)) = overdue.max_by_key(|(by, _)| *by) {
        findings.push(Health {
            state: State::Late,
            why: Some(format!("{} is {} overdue", row.job, moment::length(by))),
            fix: Some("is the daemon up? `ferry run` starts it".into()),
        });
    }
    if signs.dead_letters > 0 {
        let letters = moment::count(signs.dead_letters);
        findings.push(Health {
            state: State::Degraded,
            why: Some(format!("{letters} failed {}", if signs.dead_letters == 1 { "record" } else { "records" })),
            fix: Some("`ferry failures` says why and what to do about each".into()),
        });
    }
    if signs.last_runs.is_empty() {
        findings.push(Health {
            state: State::NeverRun,
            why: Some("nothing has run yet".into()),
            fix: Some(format!("`ferry sync {}` runs everything once", signs.connection)),
        });
    }
    // Of two findings of one state the first, which names the run, is kept.
    findings.into_iter().rev().max_by_key(|finding| finding.state).unwrap_or(Health {
        state: State::Ok,
        why: None,
        fix: None,
    })
}

fn of_run(signs: &Signs<'_>, run: &Run) -> Option<Health> {
    let (state, fix) = match (run.state, run.error_kind.as_deref()) {
        (RunState::Running | RunState::Done, _) => return None,
        (RunState::Fused, _) if run.flow == Flow::Pull => (
            State::Fused,
            "look at the CRM's permissions and filters first; then a higher [safety] max_pull_loss lets it through"
                .into(),
        ),
        (RunState::Fused, _) => (
            State::Fused,
            format!(
                "`ferry plan {} --out plan.json` shows what it would do, `ferry apply plan.json` does it",
                signs.connection
            ),
        ),
        (_, Some("auth")) => {
            (State::NeedsReauth, "renew the credential in its place; Ferry reads it again at once".to_owned())
        }
        (RunState::Interrupted, Some("quota")) => (State::Paused, "it goes on when the quota starts again".to_owned()),
        (RunState::Interrupted, Some("transient" | "cancelled") | None) => {
            (State::Degraded, "the next run goes on where it stopped".to_owned())
        }
        (RunState::Partial, _) => (State::Degraded, "`ferry failures` says why and what to do about each".to_owned()),
        (RunState::Failed | RunState::Interrupted, _) => (State::Failed, format!("`ferry runs {}` has it all", run.id)),
    };
    let what = match &run.object {
        Some(object) => format!("{} {object}", run.flow.as_str()),
        None => run.flow.as_str().to_owned(),
    };
    let why = match &run.message {
        Some(message) => format!("{what}: {message}"),
        None => format!("{what} ended {}", run.state.as_str()),
    };
    Some(Health { state, why: Some(why), fix: Some(fix) })
}

/// By how much a schedule is past its time, once that is late by the scheduler's own rule.
pub fn overdue(now: Timestamp, row: &ScheduleRow) -> Option<Duration> {
    let due = row.next_due?;
    let interval = Duration::from_micros(u64::try_from(row.interval_micros).unwrap_or(0));
    schedule::is_late(due, interval, now).then(|| now.since(due))
}

#[cfg(test)]
mod tests {
    use connector::{ConnectionName, Object};

    use super::*;
    use crate::model::{Counts, RunId};

    fn run(flow: Flow, state: RunState, error_kind: Option<&str>) -> Run {
        Run {
            id: RunId(uuid::Uuid::nil()),
            flow,
            connection: Some(ConnectionName::new("acme")),
            object: Some(Object::Contact),
            state,
            started_at: Timestamp::from_secs(900),
            ended_at: Some(Timestamp::from_secs(910)),
            counts: Counts::default(),
            message: None,
            error_kind: error_kind.map(Into::into),
        }
    }

    fn signs<'a>(runs: &'a [Run], schedules: &'a [ScheduleRow]) -> Signs<'a> {
        Signs {
            connection: "acme",
            now: Timestamp::from_secs(1_000),
            last_runs: runs.iter().collect(),
            schedules: schedules.iter().collect(),
            dead_letters: 0,
            paused_until: None,
        }
    }

    #[test]
    fn each_ending_has_its_word() {
        let cases = [
            (RunState::Done, None, State::Ok),
            (RunState::Running, None, State::Ok),
            (RunState::Partial, None, State::Degraded),
            (RunState::Interrupted, Some("transient"), State::Degraded),
            (RunState::Interrupted, Some("quota"), State::Paused),
            (RunState::Interrupted, Some("auth"), State::NeedsReauth),
            (RunState::Failed, Some("auth"), State::NeedsReauth),
            (RunState::Interrupted, Some("forbidden"), State::Failed),
            (RunState::Failed, Some("protocol"), State::Failed),
            (RunState::Fused, None, State::Fused),
        ];
        for (state, kind, want) in cases {
            let runs = [run(Flow::Push, state, kind)];
            let health = decide(&signs(&runs, &[]));
            assert_eq!(health.state, want, "{state:?} {kind:?}");
            assert_eq!(health.why.is_none(), want == State::Ok, "{state:?} {kind:?}");
        }
    }

    #[test]
    fn a_stopped_pull_is_not_confirmed_by_a_plan() {
        let fix = |flow| decide(&signs(&[run(flow, RunState::Fused, None)], &[])).fix.unwrap_or_default();
        assert!(fix(Flow::Pull).contains("max_pull_loss"));
        assert!(fix(Flow::Push).contains("ferry plan acme"));
    }

    #[test]
    fn the_worst_sign_names_the_connection() {
        let runs = [run(Flow::Pull, RunState::Done, None), run(Flow::Push, RunState::Fused, None)];
        let mut all = signs(&runs, &[]);
        all.dead_letters = 3;
        all.paused_until = Some(Timestamp::from_secs(2_000));
        assert_eq!(decide(&all).state, State::Fused);
        all.last_runs.truncate(1);
        assert_eq!(decide(&all).state, State::Paused);
        all.paused_until = Some(Timestamp::from_secs(999));
        let health = decide(&all);
        assert_eq!((health.state, health.why.as_deref()), (State::Degraded, Some("3 failed records")));
        all.dead_letters = 0;
        assert_eq!(decide(&all).state, State::Ok);
        all.last_runs.clear();
        assert_eq!(decide(&all).state, State::NeverRun);
    }

    #[test]
    fn a_schedule_is_late_after_its_grace() {
        let row = |interval_secs: i64, next_due: i64| ScheduleRow {
            job: "pull/acme/contact".into(),
            last_due: None,
            last_started: None,
            last_finished: None,
            failures: 0,
            next_due: Some(Timestamp::from_secs(next_due)),
            interval_micros: interval_secs * 1_000_000,
        };
        let now = Timestamp::from_secs(10_000);
        let cases = [(300, 9_500, false), (300, 9_399, true), (10, 9_750, false), (86_400, 9_000, false)];
        for (interval, due, late) in cases {
            assert_eq!(overdue(now, &row(interval, due)).is_some(), late, "every {interval} s, due at {due}");
        }
        let runs = [run(Flow::Pull, RunState::Done, None)];
        let rows = [row(1, 500)];
        assert_eq!(decide(&signs(&runs, &rows)).state, State::Late);
    }
}
