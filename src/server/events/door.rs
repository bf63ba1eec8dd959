//! Who may come in, and how much at once.

use std::sync::Arc;

use connector::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::cors::Origins;
use super::key::Keys;
use super::pace::Pace;
use crate::ingest::{Live, LiveSource, Network};

/// What one request may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a request, unpacked.
    pub max_request: usize,
}

/// A source with its key.
#[derive(Debug)]
pub struct DoorSource {
    pub source: Arc<LiveSource>,
    pub write_key: SecretString,
    /// Messages a second; `None` is as many as come.
    pub rate_limit: Option<u32>,
}

/// Everything the listener needs.
#[derive(Debug)]
pub struct Door {
    pub(super) live: Live,
    pub(super) limits: Limits,
    pub(super) origins: Origins,
    /// Where browsers reach us, `https://events.acme.example`; the host they asked where it is not set.
    pub(super) public_url: Option<String>,
    pub(super) sources: Vec<(Arc<LiveSource>, Option<Pace>)>,
    pub(super) keys: Keys,
    /// Proxies whose word on where a request came from is taken.
    pub(super) trusted_proxies: Vec<Network>,
}

impl Door {
    pub fn new(
        live: Live,
        limits: Limits,
        origins: Vec<String>,
        public_url: Option<String>,
        sources: Vec<DoorSource>,
    ) -> Self {
        let now: Timestamp = live.now();
        let mut keys = Keys::default();
        let mut inside = Vec::with_capacity(sources.len());
        for (place, one) in sources.into_iter().enumerate() {
            keys.add(one.write_key.expose_secret(), place);
            inside.push((one.source, one.rate_limit.map(|rate| Pace::new(rate, now))));
        }
        Self { live, limits, origins: Origins(origins), public_url, sources: inside, keys, trusted_proxies: Vec::new() }
    }

    #[must_use]
    pub fn with_trusted_proxies(self, trusted_proxies: Vec<Network>) -> Self {
        Self { trusted_proxies, ..self }
    }
}
