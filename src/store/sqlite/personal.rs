//! The face's part about people's rights, carried out by SQLite.

use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use connector::Timestamp;
use uuid::Uuid;

use super::gate::Gate;
use super::{SqliteStore, erase, profiles, retention};
use crate::model::{
    Consents, Erasing, ErasureStep, Identifier, Outlived, Privacy, ProfileId, Receipt, Retained, RetentionPlace,
};
use crate::store::{PersonalData, Result};

#[async_trait]
impl PersonalData for SqliteStore {
    fn set_privacy(&self, privacy: Privacy) {
        *self.privacy.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(privacy);
    }

    async fn consents(&self, id: ProfileId) -> Result<Consents> {
        let privacy = self.privacy();
        self.read("read consent", move |session| {
            let current = profiles::current(session, id.0)?;
            Gate::open(session, &privacy)?.consents(current)
        })
        .await
    }

    async fn begin_erasure(&self, erasing: Erasing, now: Timestamp) -> Result<Uuid> {
        let privacy = self.privacy();
        self.write("begin an erasure", move |session| erase::begin(session, &privacy, &erasing, now)).await
    }

    async fn erase_step(&self, id: Uuid, now: Timestamp, limit: usize) -> Result<ErasureStep> {
        let step = self.write("erase", move |session| erase::step(session, id, now, limit)).await?;
        if let (ErasureStep::Finished { .. }, Some(writer)) = (&step, &self.writer) {
            writer.truncate_log().await?;
        }
        Ok(step)
    }

    async fn erasures(&self) -> Result<Vec<Receipt>> {
        self.read("list erasures", erase::receipts).await
    }

    async fn suppress(&self, key: &str, named: Option<Identifier>, now: Timestamp) -> Result<u64> {
        let (key, privacy) = (key.to_owned(), self.privacy());
        self.write("suppress", move |session| erase::suppress(session, &privacy, &key, named.as_ref(), now)).await
    }

    async fn unsuppress(&self, key: &str, named: Option<Identifier>) -> Result<u64> {
        let (key, privacy) = (key.to_owned(), self.privacy());
        self.write("unsuppress", move |session| erase::unsuppress(session, &privacy, &key, named.as_ref())).await
    }

    async fn retain(
        &self,
        outlived: Outlived,
        place: RetentionPlace,
        limit: usize,
    ) -> Result<(Retained, Option<RetentionPlace>)> {
        self.write("delete what has outlived its time", move |session| {
            retention::step(session, &outlived, place, limit)
        })
        .await
    }
}
