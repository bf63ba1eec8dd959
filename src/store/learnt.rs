//! The part of the face that keeps what was learnt from the past.

use std::sync::Arc;

use async_trait::async_trait;

use crate::model::KeptModel;
use crate::store::Result;

/// As with [`crate::store::Store`], every operation is one transaction.
#[async_trait]
pub trait LearntData {
    /// Keeps a model (its `id` is given here and returned). An active one retires the one before; of each score the newest few are
    /// kept, and the active one always.
    async fn keep_model(&self, model: KeptModel) -> Result<i64>;

    /// Models of a score, newest first; `None` is of every score. Without their bodies.
    async fn models(&self, score: Option<&str>, limit: usize) -> Result<Vec<KeptModel>>;

    /// One model with its body.
    async fn model(&self, id: i64) -> Result<Option<KeptModel>>;

    /// Ids and scores of the active ones, by score: cheap enough to ask every second.
    async fn active_models(&self) -> Result<Vec<(Arc<str>, i64)>>;
}
