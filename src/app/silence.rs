//! Sources that have fallen silent: told once per silence, and again only after events have come.

use std::sync::Arc;
use std::time::Duration;

use super::App;
use crate::model::SourceName;
use crate::store::Result;

/// How often the sources are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);

impl App {
    /// Watches the sources that have `no_events` until `app.stop` is cancelled.
    pub(super) async fn watch_sources(self: Arc<Self>) {
        let watched: Vec<SourceName> = self.watched_sources().map(|(name, _)| name.clone()).collect();
        if watched.is_empty() {
            return;
        }
        if let Err(error) = self.store.watch_sources(watched, self.world.clock.now()).await {
            tracing::error!(%error, "the sources cannot be watched for silence");
        }
        loop {
            if let Err(error) = self.tell_silences().await {
                tracing::warn!(%error, "the store could not be asked how its sources do");
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.world.clock.sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Tells the log of each source that has newly fallen silent. Returns them.
    pub async fn tell_silences(&self) -> Result<Vec<SourceName>> {
        let now = self.world.clock.now();
        let all = self.store.source_health().await?;
        let mut told = Vec::new();
        for (name, limit) in self.watched_sources() {
            let Some(health) = all.get(name).filter(|health| health.silence_told_at.is_none()) else { continue };
            let Some(silent) = health.silent_for(limit, now) else { continue };
            tracing::warn!(
                source = %name,
                silent_secs = silent.as_secs(),
                no_events_secs = limit.as_secs(),
                "no events have come from a source: look whether it still sends, and whether its write key is right"
            );
            self.store.tell_silence(name, now).await?;
            told.push(name.clone());
        }
        Ok(told)
    }

    fn watched_sources(&self) -> impl Iterator<Item = (&SourceName, Duration)> {
        self.settings.sources.iter().filter_map(|source| Some((&source.name, source.no_events?)))
    }
}
