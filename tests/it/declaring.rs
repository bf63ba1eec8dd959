//! Our side of a test: what an identify call does to a profile.

use std::sync::Arc;

use connector::Timestamp;
use ferry::ingest::Resolver;

/// Resolves events as the built-in rules of identity say; a trait wins by the rules of survivorship.
pub fn declared(now: Timestamp) -> Arc<Resolver> {
    Arc::new(Resolver { now, identity: Arc::default(), consent: Arc::default(), gpc: false })
}
