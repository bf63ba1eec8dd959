//! The part of the face that is about people's rights: consent, suppression, erasure, retention.

use async_trait::async_trait;
use connector::Timestamp;
use uuid::Uuid;

use crate::model::{
    Consents, Erasing, ErasureStep, Identifier, Outlived, Privacy, ProfileId, Receipt, Retained, RetentionPlace,
};
use crate::store::Result;

/// As with [`crate::store::Store`], every operation is one transaction and returns after it is durable.
#[async_trait]
pub trait PersonalData {
    /// What of privacy holds from now on; the built-in defaults before.
    fn set_privacy(&self, privacy: Privacy);

    /// What a person has decided about the use of their data.
    async fn consents(&self, id: ProfileId) -> Result<Consents>;

    /// Begins an erasure: in one transaction the person is suppressed, the queue is purged and the profile emptied. The id of the
    /// receipt; [`PersonalData::erase_step`] does the rest.
    async fn begin_erasure(&self, erasing: Erasing, now: Timestamp) -> Result<Uuid>;

    /// Deletes up to `limit` rows of what is left. At the end the write-ahead log is cut.
    async fn erase_step(&self, id: Uuid, now: Timestamp, limit: usize) -> Result<ErasureStep>;

    /// Every erasure, oldest first; without an end those that are under way.
    async fn erasures(&self) -> Result<Vec<Receipt>>;

    /// Puts whoever a key means on the suppression list, and keeps what is known. How many hashes are new.
    async fn suppress(&self, key: &str, named: Option<Identifier>, now: Timestamp) -> Result<u64>;

    /// Takes them off it. How many hashes were on it.
    async fn unsuppress(&self, key: &str, named: Option<Identifier>) -> Result<u64>;

    /// Deletes up to about `limit` rows that have outlived their time, from a place on: what went, and where to go on.
    async fn retain(
        &self,
        outlived: Outlived,
        place: RetentionPlace,
        limit: usize,
    ) -> Result<(Retained, Option<RetentionPlace>)>;
}
