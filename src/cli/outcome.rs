//! How flows that ran to their end are told: one line each, and the one exit code that stands for all of them.

use serde::Serialize;

use crate::app::Finished;
use crate::cli::clean;
use crate::cli::exit::{Ended, Exit};
use crate::cli::moment;
use crate::cli::runs::{changes, name, tone};
use crate::cli::terminal::{Terminal, Tone};
use crate::model::{Run, RunState};

/// One run as `--json` shows it.
#[derive(Debug, Serialize)]
pub struct RunView<'a> {
    #[serde(flatten)]
    run: &'a Run,
    fix: Option<&'a str>,
}

#[derive(Serialize)]
struct View<'a> {
    runs: Vec<RunView<'a>>,
}

/// Runs as data.
pub fn views(runs: &[Finished]) -> Vec<RunView<'_>> {
    runs.iter().map(|finished| RunView { run: &finished.run, fix: finished.fix.as_deref() }).collect()
}

/// Shows the runs of one command and says how it ended.
pub fn tell(runs: &[Finished], terminal: &Terminal) -> Ended {
    terminal.show(&View { runs: views(runs) }, |terminal| print_all(runs, terminal))?;
    Ok(exit(runs))
}

/// The worst run names the command. A run is never green with a failed record.
pub fn exit(runs: &[Finished]) -> Exit {
    runs.iter().map(|finished| exit_of(&finished.run)).fold(Exit::Done, Exit::worst)
}

pub fn print_all(runs: &[Finished], terminal: &Terminal) {
    if runs.is_empty() {
        terminal.say("nothing to do: no [[crm]] connection of sync.toml maps that");
    }
    for finished in runs {
        print(finished, terminal);
    }
}

fn exit_of(run: &Run) -> Exit {
    match run.state {
        RunState::Done | RunState::Running if run.counts.failed == 0 => Exit::Done,
        RunState::Done | RunState::Running | RunState::Partial => Exit::Partial,
        RunState::Fused => Exit::Fused,
        RunState::Interrupted | RunState::Failed => Exit::Failed,
    }
}

fn print(finished: &Finished, terminal: &Terminal) {
    let run = &finished.run;
    let took = run.ended_at.map(|ended| format!(" in {}", moment::length(ended.since(run.started_at))));
    terminal.say(format!(
        "{} {}: {} seen, {}{}",
        terminal.paint(tone(run.state), run.state.as_str()),
        terminal.paint(Tone::Heading, &name(run)),
        moment::count(run.counts.seen),
        changes(&run.counts),
        took.unwrap_or_default(),
    ));
    if let Some(message) = &run.message {
        terminal.say(format!("  {}", clean::line(message)));
    }
    if let Some(fix) = &finished.fix {
        terminal.say(terminal.paint(Tone::Quiet, &format!("  fix: {}", clean::line(fix))));
    }
}

#[cfg(test)]
mod tests {
    use connector::Timestamp;

    use super::*;
    use crate::cli::terminal::tests::captured;
    use crate::model::{Counts, Flow, RunId};

    fn run(state: RunState, failed: u64) -> Finished {
        let run = Run {
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
        };
        Finished { run, fix: (failed > 0).then(|| "ferry failures lists them".to_owned()) }
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
  fix: ferry failures lists them
";
        assert_eq!(out.text(), want);
    }
}
