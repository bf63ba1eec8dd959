//! The world's listener, put together from the settings.

use std::collections::HashSet;
use std::sync::Arc;

use connector::SecretError;
use secrecy::ExposeSecret;

use super::App;
use crate::ingest::{DecodeOptions, Live, LiveSource, Tally};
use crate::model::{IdentityRules, RunId, SourceName};
use crate::server::events::{Door, DoorSource, Limits};

/// Why the listener cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    #[error("source {source_name}: {}", .why.message)]
    Secret { source_name: SourceName, why: SecretError },
    #[error("source {0}: its write key is also that of another source, or empty")]
    Key(SourceName),
}

impl App {
    /// What the listener needs; `None` where no source sends over HTTP. Reads the write keys.
    pub fn door(&self) -> Result<Option<Arc<Door>>, DoorError> {
        let (server, world) = (&self.settings.server, &self.world);
        let mut sources = Vec::new();
        let mut seen = HashSet::new();
        for (name, http) in self.settings.http_sources() {
            let read = world.environment.read(&http.write_key);
            let write_key = read.map_err(|why| DoorError::Secret { source_name: name.clone(), why })?;
            if write_key.expose_secret().is_empty() || !seen.insert(write_key.expose_secret().to_owned()) {
                return Err(DoorError::Key(name.clone()));
            }
            let source = self.live_sources.iter().find(|source| source.options.source == *name);
            let source = source
                .cloned()
                .unwrap_or_else(|| Arc::new(live_source(name, http.client, http.max_message, &self.settings.identity)));
            sources.push(DoorSource { source, write_key, rate_limit: http.rate_limit });
        }
        if sources.is_empty() {
            return Ok(None);
        }
        let run = RunId(world.entropy.uuid(world.clock.now()));
        let (store, model) = (self.store.clone(), self.model.clone());
        let live = Live::new(store, model, world.clock.clone(), world.entropy.clone(), run, self.arrived.clone());
        let live = live.with_consent(self.settings.privacy.consent.clone());
        let limits = Limits { max_request: server.max_request };
        let door = Door::new(live, limits, server.cors_origins.clone(), server.public_url.clone(), sources);
        Ok(Some(Arc::new(door.with_trusted_proxies(server.trusted_proxies.clone()))))
    }
}

pub(super) fn live_source(
    name: &SourceName,
    client: bool,
    max_message: usize,
    identity: &Arc<IdentityRules>,
) -> LiveSource {
    let options = DecodeOptions { source: name.clone(), max_message, client, identity: identity.clone() };
    LiveSource { options, tally: Tally::default() }
}
