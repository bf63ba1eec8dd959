//! The part of the face that is about where people stand: bands, segments, what was entered and left.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use connector::Timestamp;
use serde::Serialize;

use crate::model::{BandEntry, Crossing, ProfileId, ProfileUid, Transition, TransitionKind};
use crate::store::{ComputeProfiles, Result};

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

/// How many people would cross, by band (full name) or segment and direction.
pub type Foreseen = BTreeMap<(TransitionKind, Arc<str>, Crossing), u64>;

/// As with [`crate::store::Store`], every operation is one transaction.
#[async_trait]
pub trait StandingData {
    /// Transitions after a place (0 starts), oldest first: for whoever tells other tools.
    async fn transitions(&self, after: i64, limit: usize) -> Result<Vec<TransitionRow>>;

    /// What a profile entered and left, newest first.
    async fn transitions_of(&self, id: ProfileId, limit: usize) -> Result<Vec<Transition>>;

    /// The latest entry of a profile into each band it ever entered, by name.
    async fn band_entries(&self, id: ProfileId) -> Result<Vec<BandEntry>>;

    /// People whose entry into some band was acted upon after an instant: a record was made for them, or given to somebody.
    async fn acted_since(&self, since: Timestamp) -> Result<Vec<ProfileId>>;

    /// Who is in a band (by full name) or segment, by number of profile, after one.
    async fn members(&self, kind: TransitionKind, name: &str, after: ProfileId, limit: usize) -> Result<Vec<Member>>;

    /// What a computation of everybody would let in and out, a chunk of profiles after one at a time; nothing is changed. Says how
    /// many would cross each band and segment, and where to go on.
    async fn foresee(
        &self,
        after: ProfileId,
        limit: usize,
        computing: Arc<dyn ComputeProfiles>,
    ) -> Result<(Foreseen, Option<ProfileId>)>;

    /// How many people are in each band and segment that has any.
    async fn member_counts(&self) -> Result<Vec<(TransitionKind, Arc<str>, u64)>>;
}
