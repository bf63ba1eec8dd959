//! The face's part about where people stand, carried out by SQLite.

use std::sync::Arc;

use async_trait::async_trait;

use super::{SqliteStore, profiles, standing};
use crate::model::{BandEntry, ProfileId, Transition, TransitionKind};
use crate::store::{Member, Result, StandingData, TransitionRow};

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

    async fn members(&self, kind: TransitionKind, name: &str, after: ProfileId, limit: usize) -> Result<Vec<Member>> {
        let name = name.to_owned();
        self.read("read members", move |session| standing::members(session, kind, &name, after, limit)).await
    }

    async fn member_counts(&self) -> Result<Vec<(TransitionKind, Arc<str>, u64)>> {
        self.read("count members", standing::member_counts).await
    }
}
