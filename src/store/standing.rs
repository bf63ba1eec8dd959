//! The part of the face that is about where people stand: bands, segments, what was entered and left.

use std::sync::Arc;

use async_trait::async_trait;
use connector::Timestamp;
use serde::Serialize;

use crate::model::{BandEntry, ProfileId, ProfileUid, Transition, TransitionKind};
use crate::store::Result;

/// A transition with its place among all, which grows.
#[derive(Clone, Debug, PartialEq)]
pub struct TransitionRow {
    pub id: i64,
    pub profile: ProfileId,
    pub uid: ProfileUid,
    pub transition: Transition,
}

/// Somebody in a band or segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    #[serde(skip)]
    pub profile: ProfileId,
    #[serde(rename = "profile")]
    pub uid: ProfileUid,
    pub since: Timestamp,
}

/// As with [`crate::store::Store`], every operation is one transaction.
#[async_trait]
pub trait StandingData {
    /// Transitions after a place (0 starts), oldest first: for whoever tells other tools.
    async fn transitions(&self, after: i64, limit: usize) -> Result<Vec<TransitionRow>>;

    /// What a profile entered and left, newest first.
    async fn transitions_of(&self, id: ProfileId, limit: usize) -> Result<Vec<Transition>>;

    /// The latest entry of a profile into each band it ever entered, by name.
    async fn band_entries(&self, id: ProfileId) -> Result<Vec<BandEntry>>;

    /// Who is in a band (by full name) or segment, by number of profile, after one.
    async fn members(&self, kind: TransitionKind, name: &str, after: ProfileId, limit: usize) -> Result<Vec<Member>>;

    /// How many people are in each band and segment that has any.
    async fn member_counts(&self) -> Result<Vec<(TransitionKind, Arc<str>, u64)>>;
}
