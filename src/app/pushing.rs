//! Push as runs: one per object that the mapping writes.

use std::sync::Arc;

use connector::Object;

use super::running::{Ending, isolated};
use super::{App, Connection, Finished, Progress};
use crate::config::{ConnectionMode, SafetyMode};
use crate::mapping::{Assignment, ObjectMapping};
use crate::model::{Counts, Flow, RunId};
use crate::push::{End, FuseLimits, Push};
use crate::store::{Result, WaitingLeads};

/// What to push.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pushing<'a> {
    pub object: Option<&'a Object>,
    /// Looks at every linked record, not only at those marked.
    pub full: bool,
    /// Sends what is queued and stages nothing: an applied plan.
    pub only_queued: bool,
}

/// Calls under way at once: enough to use a quota of 19 calls a second at 150 ms each, the store's time between two calls
/// of one worker included.
const PARALLEL: usize = 8;

impl App {
    /// Pushes one connection. A connection that only pulls, or only plans, sends nothing and says so.
    pub async fn push(
        &self,
        connection: &Connection,
        what: Pushing<'_>,
        progress: &dyn Progress,
    ) -> Result<Vec<Finished>> {
        let mut finished = Vec::new();
        if connection.settings.mode == ConnectionMode::PullOnly {
            return Ok(finished);
        }
        for mapping in connection.settings.objects.iter().filter(|mapping| connection.writes_to(mapping)) {
            if what.object.is_some_and(|only| *only != mapping.object) {
                continue;
            }
            let run = self.start_run(Flow::Push, Some(connection.name()), Some(&mapping.object)).await?;
            if self.only_plans(connection) {
                let (counts, ending) = self.dry_run(connection, mapping, run.id).await;
                finished.push(self.end_run(run, counts, ending).await?);
                continue;
            }
            let is_full =
                what.full || (!what.only_queued && self.is_reconcile_due(connection, &mapping.object).await?);
            if is_full {
                self.store.mark_all(connection.name(), &mapping.object).await?;
            }
            let push = self.one_push(connection, mapping, run.id, what.only_queued);
            let (mut counts, mut ending) = delivered(&push, &|counts| progress.update(&run, counts)).await;
            // What is beside the fields goes out after them, unless the run is over for good.
            if !what.only_queued && goes_on(&ending) {
                self.wish_for_digests(connection, &mapping.object).await?;
                self.wish_for_tasks(connection, &mapping.object).await?;
                self.wish_for_lead_objects(connection, &mapping.object).await?;
                let compared = if is_full { self.compare_lists(connection, &mapping.object).await? } else { Ok(0) };
                let before = counts;
                let update = |beside: &Counts| progress.update(&run, &sum(&before, beside));
                let (more, end) = delivered_beside(&push, &update).await;
                counts.add(&more);
                if matches!((&ending, &end), (Ending::Waiting(_), Ending::Complete)) && more.pages > 0 {
                    // An erased person's record waits for what goes before it.
                    let before = counts;
                    let update = |again: &Counts| progress.update(&run, &sum(&before, again));
                    let (again, then) = delivered(&push, &update).await;
                    counts.add(&again);
                    ending = then;
                }
                ending = if matches!(end, Ending::Complete) { ending } else { end };
                match compared {
                    Ok(_) if is_full => self.note_reconciled(connection, &mapping.object).await?,
                    Err(error) if goes_on(&ending) => ending = Ending::Crm(error),
                    _ => {}
                }
            }
            finished.push(self.end_run(run, counts, ending).await?);
        }
        Ok(finished)
    }

    pub(super) fn one_push<'a>(
        &'a self,
        connection: &'a Connection,
        mapping: &ObjectMapping,
        run: RunId,
        only_queued: bool,
    ) -> Push<'a> {
        let safety = &self.settings.safety;
        Push {
            store: &*self.store,
            connector: &*connection.connector,
            clock: &*self.world.clock,
            entropy: &*self.world.entropy,
            connection: connection.name(),
            mapping: Arc::new(mapping.clone()),
            fuses: FuseLimits {
                max_creates: safety.max_creates_per_run,
                max_update_share: safety.max_update_share,
                max_clears: safety.never_clear_more_than,
                ..FuseLimits::default()
            },
            routing: self.settings.routing.clone().filter(|_| mapping.assignment == Assignment::Ours),
            run,
            lists: connection.lists(&mapping.object),
            worker: self.worker.clone(),
            parallel: PARALLEL,
            only_queued,
            stop: &self.stop,
        }
    }

    pub(super) fn only_plans(&self, connection: &Connection) -> bool {
        connection.settings.mode == ConnectionMode::DryRun || self.settings.safety.mode == SafetyMode::DryRun
    }

    async fn dry_run(&self, connection: &Connection, mapping: &ObjectMapping, run: RunId) -> (Counts, Ending) {
        let push = self.one_push(connection, mapping, run, false);
        match crate::push::forecast(&push).await {
            Ok(forecast) => {
                let places: u64 = forecast.lists.iter().map(|list| list.adds + list.removes).sum();
                let skipped = forecast.creates + forecast.updates + places;
                let counts = Counts { skipped, ..Counts::default() };
                (counts, Ending::Complete)
            }
            Err(end) => (Counts::default(), ending(end, 0)),
        }
    }
}

/// A push to its end, whatever the end is.
pub(super) async fn delivered(push: &Push<'_>, progress: &(dyn Fn(&Counts) + Sync)) -> (Counts, Ending) {
    match isolated(push.run(progress)).await {
        Ok(mut report) => {
            let held = match push.store.held(push.connection, &push.mapping.object).await {
                Ok(held) => held,
                Err(error) => return (report.counts, Ending::Store(error)),
            };
            // A lead that waits until somebody is there is no write that failed to go out.
            report.waiting = report.waiting.saturating_sub(held.map_or(0, |held| held.leads));
            match (ending(report.end, report.waiting), held) {
                (Ending::Complete, Some(held)) => (report.counts, Ending::Held(wait(held))),
                (ending, _) => (report.counts, ending),
            }
        }
        Err(panicked) => {
            // Nobody of this process is working on them any more. Where the store fails too, they come back when the lease ends.
            let _ = push.store.reclaim(push.connection, &push.mapping.object, &push.worker).await;
            (Counts::default(), panicked)
        }
    }
}

/// What is due beside the fields to its end, whatever the end is.
async fn delivered_beside(push: &Push<'_>, progress: &(dyn Fn(&Counts) + Sync)) -> (Counts, Ending) {
    match isolated(push.run_beside(progress)).await {
        Ok(report) => (report.counts, ending(report.end, report.waiting)),
        Err(panicked) => {
            let _ = push.store.reclaim_side(push.connection, &push.mapping.object, &push.worker).await;
            (Counts::default(), panicked)
        }
    }
}

fn wait(held: WaitingLeads) -> String {
    let (leads, wait) = if held.leads == 1 { ("lead", "waits") } else { ("leads", "wait") };
    let first = if held.leads == 1 { "" } else { "the first " };
    format!(
        "{} {leads} {wait} until somebody is there, {first}until {}; ferry route log says why",
        held.leads, held.until
    )
}

/// Whether what is beside the fields may follow.
fn goes_on(ending: &Ending) -> bool {
    matches!(ending, Ending::Complete | Ending::Held(_) | Ending::Waiting(_))
}

fn sum(before: &Counts, more: &Counts) -> Counts {
    let mut total = *before;
    total.add(more);
    total
}

fn ending(end: End, waiting: u64) -> Ending {
    match end {
        End::Complete if waiting > 0 => {
            Ending::Waiting(format!("{waiting} writes wait for a later try; the next push goes on with them"))
        }
        End::Complete => Ending::Complete,
        End::Stopped => Ending::Stopped,
        End::Fused(tripped) => Ending::Fused {
            why: format!("fuse: {tripped}; nothing was sent"),
            fix: "ferry plan --out plan.json shows what would be written; ferry apply plan.json confirms it".to_owned(),
        },
        End::Crm(error) => Ending::Crm(error),
        End::Store(error) => Ending::Store(error),
    }
}
