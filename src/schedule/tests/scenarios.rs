//! The failure catalogue's scenarios about scheduling, each by its number, decided by the plan.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use connector::{Object, SeededEntropy, Timestamp};

use crate::schedule::{CatchUp, Direction, Finish, Job, JobKey, JobState, Late, Plan, Trigger, Why};

pub(super) const NOON: Timestamp = Timestamp::from_secs(1_790_000_000 - 1_790_000_000 % 86_400 + 43_200);
pub(super) const MINUTE: Duration = Duration::from_secs(60);

fn after(minutes: u64) -> Timestamp {
    NOON.saturating_add(MINUTE * u32::try_from(minutes).unwrap())
}

pub(super) fn pull() -> JobKey {
    JobKey::of(Direction::Pull, "hubspot".into(), Object::Contact)
}

fn job(trigger: &str, catch_up: CatchUp) -> Job {
    Job { key: pull(), trigger: Trigger::parse(trigger).unwrap(), catch_up, jitter: Duration::ZERO }
}

fn plan_with(jobs: Vec<Job>, state: Option<JobState>, now: Timestamp) -> Plan {
    let states: BTreeMap<_, _> = state.into_iter().map(|state| (pull(), state)).collect();
    Plan::new(Tz::UTC, jobs, &states, now, Arc::new(SeededEntropy::new(7)))
}

pub(super) fn plan(trigger: &str) -> Plan {
    plan_with(vec![job(trigger, CatchUp::Once)], None, NOON)
}

/// Starts what is due and ends it at once; says why each started.
fn run_due(plan: &mut Plan, now: Timestamp) -> Vec<Why> {
    let tick = plan.tick(now);
    for start in &tick.start {
        plan.started(&start.key, now);
        plan.finished(&start.key, now, Finish::Done);
    }
    tick.start.into_iter().map(|start| start.why).collect()
}

/// Runs the plan from one instant to another, second by second; the instants of starts, in seconds from the first.
fn run_through(plan: &mut Plan, from: Timestamp, seconds: u64) -> Vec<u64> {
    let at = |second| from.saturating_add(Duration::from_secs(second));
    (0..=seconds).filter(|second| !run_due(plan, at(*second)).is_empty()).collect()
}

#[test]
fn a_job_that_never_ran_starts_at_once_by_interval_and_at_its_time_by_cron() {
    assert_eq!(run_due(&mut plan("5m"), NOON), [Why::CatchUp]);
    let mut daily = plan("0 15 * * *");
    let tick = daily.tick(NOON);
    assert_eq!((tick.start.len(), tick.wake), (0, Some(after(180))));
}

#[test]
fn intervals_keep_their_grid_whatever_the_jitter() {
    let jobs = vec![Job { jitter: Duration::from_secs(30), ..job("5m", CatchUp::Once) }];
    let starts = run_through(&mut plan_with(jobs, None, NOON), NOON, 3_630);
    assert_eq!(starts.len(), 13);
    for (index, start) in starts.iter().enumerate() {
        let grid = 300 * index as u64;
        assert!((grid..=grid + 30).contains(start), "start {index} at {start}");
    }
}

#[test]
fn scenario_55_a_wall_clock_set_forward_makes_one_run_and_no_burst() {
    let mut plan = plan("5m");
    assert_eq!(run_through(&mut plan, NOON, 300), [0, 300]);
    let jumped = after(600);
    assert_eq!(run_due(&mut plan, jumped), [Why::Timer]);
    assert_eq!(run_through(&mut plan, jumped, 299), [0u64; 0]);
    assert_eq!(run_due(&mut plan, jumped.saturating_add(MINUTE * 5)), [Why::Timer]);
}

#[test]
fn scenario_55_a_wall_clock_set_back_stalls_no_job() {
    for (trigger, within) in [("5m", 300), ("*/10 * * * *", 600)] {
        let mut plan = plan(trigger);
        run_through(&mut plan, NOON, 900);
        let back = Timestamp::from_micros(NOON.micros() - 6 * 3_600_000_000);
        let starts = run_through(&mut plan, back, within);
        assert!(!starts.is_empty(), "{trigger} did not start within {within} s of the new time");
        assert!(starts.len() <= 2, "{trigger} started {} times", starts.len());
    }
}

#[test]
fn scenario_55_a_small_correction_backwards_does_not_run_a_daily_job_twice() {
    let mut daily = plan("0 12 * * *");
    run_due(&mut daily, NOON);
    let due = after(24 * 60);
    assert_eq!(run_due(&mut daily, due), [Why::Timer]);
    let corrected = Timestamp::from_micros(due.micros() - 2_000_000);
    assert_eq!(run_through(&mut daily, corrected, 3_600), [0u64; 0]);
}

#[test]
fn scenario_55_a_wait_after_a_failure_does_not_outlive_a_clock_set_back() {
    let mut plan = plan("5m");
    let _ = plan.tick(NOON);
    plan.started(&pull(), NOON);
    plan.finished(&pull(), NOON, Finish::Failed { not_before: None });
    let back = Timestamp::from_micros(NOON.micros() - 6 * 3_600_000_000);
    assert!(!run_through(&mut plan, back, 300).is_empty());
}

fn down_since(due: Timestamp) -> JobState {
    JobState { last_due: Some(due), last_started: Some(due), last_finished: Some(due), ..JobState::default() }
}

#[test]
fn scenario_57_missed_starts_are_made_up_for_once() {
    for trigger in ["5m", "*/5 * * * *"] {
        let state = down_since(Timestamp::from_micros(NOON.micros() - 86_400_000_000));
        let mut plan = plan_with(vec![job(trigger, CatchUp::Once)], Some(state), NOON);
        assert_eq!(run_due(&mut plan, NOON), [Why::CatchUp], "{trigger}");
        assert_eq!(run_through(&mut plan, NOON, 600), [300, 600], "{trigger}");
    }
}

#[test]
fn scenario_57_catch_up_none_waits_for_the_next_start() {
    let state = down_since(Timestamp::from_micros(NOON.micros() - 3 * 86_400_000_000));
    let mut plan = plan_with(vec![job("0 13 * * *", CatchUp::None)], Some(state), NOON);
    assert_eq!(run_through(&mut plan, NOON, 7_200), [3_600]);
}

#[test]
fn scenario_57_a_restart_before_the_next_start_changes_nothing() {
    let mut first = plan("5m");
    run_due(&mut first, NOON);
    let state = first.state(&pull());
    let mut second = plan_with(vec![job("5m", CatchUp::Once)], state, after(2));
    assert_eq!(run_through(&mut second, after(2), 300), [180]);
}

#[test]
fn scenario_57_a_run_cut_off_by_the_end_of_the_daemon_is_made_up_for() {
    let mut first = plan("0 12 * * *");
    run_due(&mut first, NOON);
    let due = after(24 * 60);
    run_due(&mut first, due);
    let next = after(48 * 60);
    let _ = first.tick(next);
    first.started(&pull(), next);
    let state = first.state(&pull());
    let later = after(48 * 60 + 3);
    let mut second = plan_with(vec![job("0 12 * * *", CatchUp::Once)], state, later);
    assert_eq!(run_due(&mut second, later), [Why::CatchUp]);
    assert_eq!(run_through(&mut second, later, 3_600), [0u64; 0]);
}

#[test]
fn scenario_58_a_run_longer_than_its_interval_leaves_starts_out_and_counts_them() {
    let mut plan = plan("5m");
    let _ = plan.tick(NOON);
    plan.started(&pull(), NOON);
    for minute in 0..17 {
        assert_eq!(plan.tick(after(minute)).start, [], "started again while it runs");
    }
    plan.finished(&pull(), after(17), Finish::Done);
    assert_eq!(plan.state(&pull()).unwrap().skipped, 3);
    assert_eq!(run_through(&mut plan, after(17), 180), [180]);
}

#[test]
fn scenario_58_a_poke_during_a_run_is_not_lost() {
    let mut plan = plan("1h");
    let _ = plan.tick(NOON);
    plan.started(&pull(), NOON);
    plan.poke(&pull(), after(1));
    plan.poke(&pull(), after(2));
    assert_eq!(plan.tick(after(3)).start, []);
    plan.finished(&pull(), after(3), Finish::Done);
    assert_eq!(run_through(&mut plan, after(3), 600), [1]);
}

#[test]
fn scenario_59_starts_are_spread() {
    let state = down_since(Timestamp::from_micros(NOON.micros() - 86_400_000_000));
    let keys: Vec<_> =
        (0..20).map(|n| JobKey::of(Direction::Pull, format!("crm{n}").as_str().into(), Object::Contact)).collect();
    let jobs = keys.iter().map(|key| Job { key: key.clone(), jitter: MINUTE, ..job("5m", CatchUp::Once) }).collect();
    let states = keys.iter().map(|key| (key.clone(), state.clone())).collect();
    let mut plan = Plan::new(Tz::UTC, jobs, &states, NOON, Arc::new(SeededEntropy::new(7)));
    let starts = run_through(&mut plan, NOON, 60);
    assert!(starts.len() >= 10, "20 jobs started in {} different seconds", starts.len());
}

#[test]
fn a_start_is_late_after_twice_its_interval_and_at_least_five_minutes() {
    let mut plan = plan("5m");
    let _ = plan.tick(NOON);
    plan.started(&pull(), NOON);
    // It hangs: the start at +5 min cannot be, and is late at +15 min.
    assert_eq!(plan.tick(after(15)).late, []);
    let wake = plan.tick(after(15)).wake.unwrap();
    assert!(wake > after(15) && wake < after(16), "nobody would look when it becomes late");
    assert_eq!(plan.tick(wake).late, [Late { key: pull(), due: after(5), running: true }]);
}

#[test]
fn failures_wait_longer_and_longer_and_success_ends_that() {
    let mut plan = plan("1m");
    let mut now = NOON;
    let mut waits = Vec::new();
    for _ in 0..6 {
        let tick = plan.tick(now);
        assert_eq!(tick.start.len(), 1);
        plan.started(&pull(), now);
        plan.finished(&pull(), now, Finish::Failed { not_before: None });
        plan.poke(&pull(), now);
        let retry = plan.tick(now).wake.unwrap();
        waits.push(retry.since(now).as_secs());
        now = retry;
    }
    for (wait, whole) in waits.iter().zip([30, 60, 120, 240, 480, 960]) {
        assert!((whole / 2..=whole).contains(wait), "{waits:?}");
    }
    assert_eq!(run_due(&mut plan, now), [Why::Retry]);
    assert_eq!(plan.state(&pull()).unwrap().failures, 0);
}

#[test]
fn a_quota_is_waited_out() {
    let mut plan = plan("5m");
    let _ = plan.tick(NOON);
    plan.started(&pull(), NOON);
    plan.finished(&pull(), NOON, Finish::Failed { not_before: Some(after(90)) });
    assert_eq!(plan.state(&pull()).unwrap().next_due, Some(after(90)));
    assert_eq!(run_through(&mut plan, NOON, 90 * 60), [90 * 60]);
}
