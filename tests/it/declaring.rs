//! Our side of a test: what an identify call does to a profile.

use std::sync::Arc;

use connector::Timestamp;
use ferry::ingest::Resolver;
use ferry::model::IdentityRules;

/// Resolves events as the built-in rules of identity say; a trait wins by the rules of survivorship.
pub fn declared(now: Timestamp, identity: &Arc<IdentityRules>) -> Arc<Resolver> {
    Arc::new(Resolver { now, identity: identity.clone(), consent: Arc::default(), gpc: false })
}
