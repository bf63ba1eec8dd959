//! How flows that ran to their end are told: one line each, and the one exit code that stands for all of them.

use serde::Serialize;

use crate::cli::clean;
use crate::cli::exit::{Exit, Failure};
use crate::cli::moment;
use crate::cli::runs::{changes, tone};
use crate::cli::terminal::{Terminal, Tone};
use crate::model::{Run, RunState};

#[derive(Serialize)]
struct View<'a> {
    runs: &'a [Run],
}

/// Shows the runs of one command and says how it ended.
pub fn tell(runs: &[Run], terminal: &Terminal) -> Result<Exit, Failure> {
    terminal.show(&View { runs }, |terminal| {
        for run in runs {
            print(run, terminal);
        }
    })?;
    Ok(exit(runs))
}

/// The worst run names the command. A run is never green with a failed record.
pub fn exit(runs: &[Run]) -> Exit {
    runs.iter().map(exit_of).fold(Exit::Done, Exit::worst)
}

fn exit_of(run: &Run) -> Exit {
    match run.state {
        RunState::Done | RunState::Running if run.counts.failed == 0 => Exit::Done,
        RunState::Done | RunState::Running | RunState::Partial => Exit::Partial,
        RunState::Fused => Exit::Fused,
        RunState::Interrupted | RunState::Failed => Exit::Failed,
    }
}

fn print(run: &Run, terminal: &Terminal) {
    let mut what = run.flow.as_str().to_owned();
    let parts = [run.connection.as_ref().map(|c| c.as_str()), run.object.as_ref().map(|o| o.as_str())];
    for part in parts.into_iter().flatten() {
        what.push(' ');
        what.push_str(part);
    }
    let took = run.ended_at.map(|ended| format!(" in {}", moment::length(ended.since(run.started_at))));
    terminal.say(format!(
        "{} {}: {} seen, {}{}",
        terminal.paint(tone(run.state), run.state.as_str()),
        terminal.paint(Tone::Heading, &what),
        moment::count(run.counts.seen),
        changes(&run.counts),
        took.unwrap_or_default(),
    ));
    if let Some(message) = &run.message {
        terminal.say(format!("  {}", clean::line(message)));
    }
    if run.counts.failed > 0 {
        terminal.say(terminal.paint(Tone::Quiet, "  `ferry failures` says why and what to do about each"));
    }
}

#[cfg(test)]
mod tests {
    use connector::Timestamp;

    use super::*;
    use crate::cli::terminal::tests::captured;
    use crate::model::{Counts, Flow, RunId};

    fn run(state: RunState, failed: u64) -> Run {
        Run {
            id: RunId(uuid::Uuid::nil()),
            flow: Flow::Push,
            connection: Some("acme".into()),
            object: Some(connector::Object::Contact),
            state,
            started_at: Timestamp::from_secs(0),
            ended_at: Some(Timestamp::from_secs(2)),
            counts: Counts { seen: 9, updated: 4, failed, ..Counts::default() },
            message: None,
            error_kind: None,
        }
    }

    #[test]
    fn the_exit_code_is_the_worst_run() {
        let cases = [
            (vec![], Exit::Done),
            (vec![run(RunState::Done, 0)], Exit::Done),
            (vec![run(RunState::Done, 1)], Exit::Partial),
            (vec![run(RunState::Done, 0), run(RunState::Partial, 2)], Exit::Partial),
            (vec![run(RunState::Partial, 2), run(RunState::Fused, 0)], Exit::Fused),
            (vec![run(RunState::Interrupted, 0), run(RunState::Fused, 0)], Exit::Failed),
        ];
        for (runs, want) in cases {
            assert_eq!(exit(&runs), want);
        }
    }

    #[test]
    fn each_run_is_one_line_and_failures_point_on() {
        let (terminal, out, _) = captured(false);
        assert_eq!(tell(&[run(RunState::Partial, 1)], &terminal).unwrap(), Exit::Partial);
        let want = "\
partial push acme contact: 9 seen, 4 updated, 1 failed in 2 s
  `ferry failures` says why and what to do about each
";
        assert_eq!(out.text(), want);
    }
}
