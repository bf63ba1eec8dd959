//! The face's part about where people stand, carried out by SQLite.

use std::sync::Arc;

use async_trait::async_trait;
use connector::Timestamp;

use super::gate::Gate;
use super::purge::numbers;
use super::{SqliteStore, compute, profiles, standing};
use crate::model::{BandEntry, ProfileId, Transition, TransitionKind};
use crate::store::{ComputeProfiles, Foreseen, Member, Result, StandingData, TransitionRow};

#[async_trait]
impl StandingData for SqliteStore {
    async fn transitions(&self, after: i64, limit: usize) -> Result<Vec<TransitionRow>> {
        self.read("read transitions", move |session| standing::transitions(session, after, limit)).await
    }

    async fn transitions_of(&self, id: ProfileId, limit: usize) -> Result<Vec<Transition>> {
        self.read("read transitions of a profile", move |session| match profiles::current(session, id.0)? {
            Some(id) => standing::transitions_of(session, id, limit),
            None => Ok(Vec::new()),
        })
        .await
    }

    async fn band_entries(&self, id: ProfileId) -> Result<Vec<BandEntry>> {
        self.read("read entries into bands", move |session| match profiles::current(session, id.0)? {
            Some(id) => Ok(standing::entries(session, id)?.into_values().collect()),
            None => Ok(Vec::new()),
        })
        .await
    }

    async fn acted_since(&self, since: Timestamp) -> Result<Vec<ProfileId>> {
        self.read("read entries that were acted upon", move |session| {
            let sql = "SELECT DISTINCT profile FROM band_entry WHERE acted_at > ?1";
            Ok(numbers(session, sql, [since.micros()])?.into_iter().map(ProfileId).collect())
        })
        .await
    }

    async fn members(&self, kind: TransitionKind, name: &str, after: ProfileId, limit: usize) -> Result<Vec<Member>> {
        let name = name.to_owned();
        self.read("read members", move |session| standing::members(session, kind, &name, after, limit)).await
    }

    async fn foresee(
        &self,
        after: ProfileId,
        limit: usize,
        computing: Arc<dyn ComputeProfiles>,
    ) -> Result<(Foreseen, Option<ProfileId>)> {
        let privacy = self.privacy();
        self.read("foresee a computation", move |session| {
            compute::foresee(&Gate::open(session, &privacy)?, after, limit, &*computing)
        })
        .await
    }

    async fn member_counts(&self) -> Result<Vec<(TransitionKind, Arc<str>, u64)>> {
        self.read("count members", standing::member_counts).await
    }
}
