//! Leads that nobody has answered in time: told once each.

use std::sync::Arc;
use std::time::Duration;

use super::App;
use crate::store::{AssignmentRow, Result};

/// How often leads are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);

impl App {
    /// Watches the leads that were given to people until `app.stop` is cancelled, where `[routing] sla` asks for it.
    pub(super) async fn watch_leads(self: Arc<Self>) {
        if self.settings.routing.as_ref().is_none_or(|rules| rules.sla.is_none()) {
            return;
        }
        loop {
            if let Err(error) = self.tell_overdue().await {
                tracing::warn!(%error, "the store could not be asked which leads are overdue");
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.world.clock.sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Tells the log of each lead that has newly become overdue. Returns them.
    pub async fn tell_overdue(&self) -> Result<Vec<AssignmentRow>> {
        let late = self.store.overdue(self.world.clock.now()).await?;
        for row in &late {
            tracing::warn!(
                connection = %row.connection,
                object = %row.object,
                record = row.record.as_ref().map(|id| id.as_str()),
                owner = row.owner_id.as_ref().map(|id| id.as_str()),
                "sla_breach: a lead was not answered in time: `ferry route log` says whose it is and why"
            );
        }
        Ok(late)
    }
}
