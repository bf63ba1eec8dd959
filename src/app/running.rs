//! A flow as a run: a row when it starts, its counts and its end when it ends. A run is never green with a failed record.

use std::fmt::Debug;
use std::sync::Arc;

use connector::{ConnectionName, ErrorKind, Object};
use futures::FutureExt;

use super::App;
use crate::model::{Counts, Flow, Run, RunId, RunState};
use crate::store::Result;

/// Told what a flow has done so far.
pub trait Progress: Sync {
    fn update(&self, what: &Run, counts: &Counts);
}

/// Says nothing.
impl Progress for () {
    fn update(&self, _: &Run, _: &Counts) {}
}

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    pub run: Run,
    /// What a person can do about it, where it did not end well and something is known.
    pub fix: Option<String>,
}

/// How a flow ended, before it becomes a run's state.
#[derive(Debug)]
pub(super) enum Ending {
    Complete,
    /// Everything has been done that can be done before somebody is there: what waits is where it should be.
    Held(String),
    /// Something waits for a later try.
    Waiting(String),
    Stopped,
    Fused {
        why: String,
        fix: String,
    },
    Crm(connector::Error),
    Store(crate::store::Error),
    /// A file could not be read.
    File(String),
    /// Ferry itself, or a connector, failed.
    Defect(String),
}

/// Runs a part of a flow so that a panic in it (a connector's, say) fails its run and nobody else's. What it had leased
/// is looked at before it is sent again.
pub(super) async fn isolated<T>(flow: impl Future<Output = T>) -> std::result::Result<T, Ending> {
    std::panic::AssertUnwindSafe(flow).catch_unwind().await.map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Ending::Defect(format!("a defect stopped this run (panic: {text}); the others are not concerned"))
    })
}

impl App {
    /// Starts a run and makes it visible.
    pub(super) async fn start_run(
        &self,
        flow: Flow,
        connection: Option<&ConnectionName>,
        object: Option<&Object>,
    ) -> Result<Run> {
        let now = self.world.clock.now();
        let run = Run {
            id: RunId(self.world.entropy.uuid(now)),
            flow,
            connection: connection.cloned(),
            object: object.cloned(),
            state: RunState::Running,
            started_at: now,
            ended_at: None,
            counts: Counts::default(),
            message: None,
            error_kind: None,
        };
        self.store.save_run(run.clone()).await?;
        Ok(run)
    }

    /// Writes down how a run ended.
    pub(super) async fn end_run(&self, mut run: Run, counts: Counts, ending: Ending) -> Result<Finished> {
        let (state, message, kind, fix) = match ending {
            Ending::Complete | Ending::Held(_) if counts.failed > 0 => {
                let mut message =
                    format!("{} {} failed", counts.failed, if counts.failed == 1 { "record" } else { "records" });
                if let Ending::Held(held) = ending {
                    message = format!("{message}; {held}");
                }
                (RunState::Partial, Some(message), None, Some("ferry failures lists them".to_owned()))
            }
            Ending::Complete => (RunState::Done, None, None, None),
            Ending::Held(message) => (RunState::Done, Some(message), None, None),
            Ending::Waiting(message) => (RunState::Interrupted, Some(message), None, None),
            Ending::Stopped => {
                (RunState::Interrupted, Some("stopped; the next run goes on from here".to_owned()), None, None)
            }
            Ending::Fused { why, fix } => (RunState::Fused, Some(why), None, Some(fix)),
            Ending::Crm(error) => {
                let state = match error.kind {
                    ErrorKind::Transient | ErrorKind::Quota | ErrorKind::Cancelled => RunState::Interrupted,
                    _ => RunState::Failed,
                };
                (state, Some(error.to_string()), Some(error.kind.as_str()), error.fix)
            }
            Ending::Store(error) => (RunState::Failed, Some(error.to_string()), Some("store"), None),
            Ending::Defect(why) => {
                let fix = "please report it with the log around this instant; what was under way is looked at again";
                (RunState::Failed, Some(why), Some("defect"), Some(fix.to_owned()))
            }
            Ending::File(why) => (RunState::Failed, Some(why), Some("file"), None),
        };
        run.state = state;
        run.ended_at = Some(self.world.clock.now());
        run.counts = counts;
        run.message = message.map(Arc::from);
        run.error_kind = kind.map(Arc::from);
        let named = |part: Option<&str>| part.unwrap_or_default().to_owned();
        self.outcomes.count(
            run.flow.as_str(),
            &named(run.connection.as_ref().map(ConnectionName::as_str)),
            &named(run.object.as_ref().map(Object::as_str)),
            state.as_str(),
        );
        log(&run);
        self.store.save_run(run.clone()).await?;
        Ok(Finished { run, fix })
    }
}

/// One line per ended run; ids and counts, never a value.
fn log(run: &Run) {
    let connection = run.connection.as_ref().map_or("", |name| name.as_str());
    let object = run.object.as_ref().map_or("", |object| object.as_str());
    let (flow, state, message) = (run.flow.as_str(), run.state.as_str(), run.message.as_deref().unwrap_or(""));
    let Counts { seen, created, updated, deleted, failed, .. } = run.counts;
    match run.state {
        RunState::Done | RunState::Running => {
            tracing::info!(flow, connection, object, state, seen, created, updated, deleted, failed, "run ended");
        }
        _ => tracing::warn!(
            flow,
            connection,
            object,
            state,
            seen,
            created,
            updated,
            deleted,
            failed,
            message,
            "run ended"
        ),
    }
}
