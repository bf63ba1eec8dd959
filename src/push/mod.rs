//! FLOOR 3 — store → CRM: desired minus mirror → fuses → outbox → lease → deliver → settle.
//!
//! Before a call a durable intent exists; after a lost answer the CRM is asked before anything is sent again. A record has
//! one live intent, and at most one call in flight. What the CRM kept becomes the mirror.

mod batch;
mod consent;
mod coverage;
mod deliver;
mod fuses;
mod in_deal;
mod lists;
mod look;
mod plan;
mod route;
mod settle;
mod side;
mod stage;
mod wish;

use std::sync::Arc;

use connector::{Clock, ConnectionName, Connector, Entropy, ErrorKind, FieldName, Schema};
use tokio_util::sync::CancellationToken;

pub use fuses::{FuseLimits, Tripped};
pub use lists::{ListRule, PlannedList};
pub use plan::{Forecast, PlannedChange, forecast};
pub use route::with_lead;
pub use stage::{Stager, missing_fields};

use crate::mapping::ObjectMapping;
use crate::model::{Counts, RunId};
use crate::routing::Rules;
use crate::store::Store;

/// One push of one object.
#[derive(Debug)]
pub struct Push<'a> {
    pub store: &'a dyn Store,
    pub connector: &'a dyn Connector,
    pub clock: &'a dyn Clock,
    pub entropy: &'a dyn Entropy,
    pub connection: &'a ConnectionName,
    pub mapping: Arc<ObjectMapping>,
    pub fuses: FuseLimits,
    /// Whose new records are; `None`: nobody's in particular.
    pub routing: Option<Arc<Rules>>,
    /// Lists at the CRM that segments keep.
    pub lists: Arc<[ListRule]>,
    pub run: RunId,
    /// Names this worker in leases.
    pub worker: Arc<str>,
    /// Calls under way at once.
    pub parallel: usize,
    /// Whether entries are sent as they are (an applied plan): nothing is staged and no fuse is asked.
    pub only_queued: bool,
    pub stop: &'a CancellationToken,
}

/// How a push ended.
#[derive(Debug)]
pub struct Report {
    pub counts: Counts,
    /// Entries still waiting for a later try.
    pub waiting: u64,
    pub end: End,
}

#[derive(Debug)]
pub enum End {
    /// Everything that was due has been settled.
    Complete,
    Stopped,
    Fused(Tripped),
    Crm(connector::Error),
    Store(crate::store::Error),
}

/// Marked records looked at in one transaction.
const STAGE_CHUNK: usize = 1_000;

impl Push<'_> {
    /// Stages, asks the fuses, delivers until nothing is due. `progress` is told the counts after every batch.
    pub async fn run(&self, progress: &(dyn Fn(&Counts) + Sync)) -> Report {
        let mut report = Report { counts: Counts::default(), waiting: 0, end: End::Complete };
        report.end = self.flow(&mut report, progress).await.unwrap_or_else(|end| end);
        report
    }

    async fn flow(&self, report: &mut Report, progress: &(dyn Fn(&Counts) + Sync)) -> Result<End, End> {
        // Even with nothing to send: an open bulk job of a dead run is not left lying about.
        self.connector.recover().await.map_err(End::Crm)?;
        report.counts.skipped += self.withhold().await?;
        if !self.has_work().await? {
            return Ok(End::Complete);
        }
        let schema = self.connector.describe(&self.mapping.object).await.map_err(End::Crm)?;
        let stager = Arc::new(self.stager(Some(Arc::new(schema)), &mut report.counts).await?);
        if !self.only_queued {
            self.catch_up(&stager.mapping).await?;
            self.stage(&stager, &mut report.counts).await?;
            self.note_coverage(&stager.mapping).await?;
            fail::fail_point!("after_stage");
            let tally = self.store.fuse_tally(self.connection, &self.mapping.object).await.map_err(End::Store)?;
            if let Some(tripped) = self.fuses.check(&tally) {
                return Err(End::Fused(tripped));
            }
        }
        fail::fail_point!("after_intent");
        deliver::Delivery::new(self, stager).run(report, progress).await
    }

    /// The planner of this push; mapped fields that the CRM lacks or will not let us write are paused and reported.
    async fn stager(&self, schema: Option<Arc<Schema>>, counts: &mut Counts) -> Result<Stager, End> {
        let capability = self.connector.capability();
        let key = capability.creates.iter().find(|key| key.object == self.mapping.object).map(|key| key.field.clone());
        let missing: Vec<FieldName> =
            schema.as_ref().map(|schema| missing_fields(&self.mapping, schema)).unwrap_or_default();
        let letters = stage::unusable(self.connection, &self.mapping, &missing, schema.as_deref(), self.clock.now());
        counts.failed += letters.len() as u64;
        if !letters.is_empty() {
            self.store.add_dead_letters(letters).await.map_err(End::Store)?;
        }
        let mapping = Arc::new(self.mapping.without(&missing));
        let mut stager = Stager::new(self.connection.clone(), mapping, schema, key, self.clock.now());
        stager.wishes = self.wishes();
        stager.lists = self.lists.clone();
        Ok(stager)
    }

    async fn has_work(&self) -> Result<bool, End> {
        let object = &self.mapping.object;
        let queued = self.store.outbox(self.connection, object, 1).await.map_err(End::Store)?;
        if !queued.is_empty() || self.only_queued {
            return Ok(!queued.is_empty());
        }
        let (items, _) = self.store.staged(self.connection, object, self.creates(), 0, 1).await.map_err(End::Store)?;
        Ok(!items.is_empty() || self.is_behind().await?)
    }

    /// Cancels what consent no longer lets out, before anything is staged and before the fuses count it.
    async fn withhold(&self) -> Result<u64, End> {
        let (mut cancelled, mut after) = (0, Some(0));
        while let Some(from) = after {
            let object = &self.mapping.object;
            let now = self.clock.now();
            let done = self.store.withhold(self.connection, object, self.run, now, from, STAGE_CHUNK).await;
            let (some, next) = done.map_err(End::Store)?;
            (cancelled, after) = (cancelled + some, next);
        }
        Ok(cancelled)
    }

    fn creates(&self) -> bool {
        self.mapping.create != crate::mapping::CreatePolicy::Never
    }

    async fn stage(&self, stager: &Arc<Stager>, counts: &mut Counts) -> Result<(), End> {
        loop {
            let staged = self
                .store
                .stage(
                    self.connection,
                    &self.mapping.object,
                    self.creates(),
                    self.clock.now(),
                    STAGE_CHUNK,
                    stager.clone(),
                )
                .await
                .map_err(End::Store)?;
            counts.seen += staged.looked_at;
            counts.failed += staged.failed;
            if !staged.more {
                return Ok(());
            }
            if self.stop.is_cancelled() {
                return Err(End::Stopped);
            }
        }
    }
}

/// Whether an error of a whole call ends the run, or only delays its entries.
fn ends_run(kind: ErrorKind) -> bool {
    !matches!(kind, ErrorKind::Transient | ErrorKind::Protocol)
}
