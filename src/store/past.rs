//! The part of the face that is about the past: what the log tells of people and deals, for whoever asks what was known on a day.

use std::sync::Arc;

use async_trait::async_trait;

use crate::model::{CompanyRules, DealCase, PersonPast, ProfileId, RuleId};
use crate::store::Result;

/// As with [`crate::store::Store`], every operation is one transaction; none of these changes anything.
#[async_trait]
pub trait PastData {
    /// Live deals after a place (0 starts), by place, each with its people; fewer than `limit` are the last ones.
    async fn deals_after(&self, after: i64, limit: usize) -> Result<Vec<DealCase>>;

    /// People after one (0 starts), by number: who is known by more than a device and is not shared. Fewer than `limit` are the
    /// last ones.
    async fn known_people(&self, after: ProfileId, limit: usize) -> Result<Vec<ProfileId>>;

    /// Everything that was ever written down of a person; facts of these rules only. `None` for nobody, and for whoever may not be
    /// profiled.
    async fn past_of(
        &self,
        id: ProfileId,
        rules: Vec<RuleId>,
        companies: Arc<dyn CompanyRules>,
    ) -> Result<Option<PersonPast>>;
}
