//! Microsoft Dynamics 365 connector: contacts, leads, accounts, opportunities, users and activities over the Dataverse Web
//! API.
//!
//! [`connect`] makes a [`Dynamics`], which only delegates: signing in lives in `auth`, reading in `walk`, `merges` and
//! `read`, writing in `push` and `beside`, the calls in `api`, what tables hold in `schema`, what answers mean in pure files beside them.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod account;
mod activities;
mod api;
mod auth;
mod beside;
mod bulk;
mod config;
mod connect;
mod convert;
mod currency;
mod cursor;
mod delivery;
mod dialect;
mod erase;
mod fields;
mod freed;
mod held;
mod link;
mod merges;
mod metadata;
mod multipart;
mod odata;
mod outgoing;
mod parts;
mod push;
mod read;
mod reject;
mod route;
mod rows;
mod schema;
mod tables;
mod values;
mod versions;
mod walk;
mod wanted;
mod wire;

use async_trait::async_trait;
use connector::{
    Account, Budget, Capability, Connector, CreatedField, NewField, Object, Outcome, Page, PullRequest, ReadRequest,
    Record, Result, Schema, Write,
};

pub use config::{Config, Credential, DEFAULT_AUTHORITY, DEFAULT_PREFIX, Limits, Timeouts, WriteMode};
pub use connect::connect;

/// The word in `type = "…"` of `sync.toml`.
pub const VENDOR: &str = "dynamics";

/// The name, behind the publisher's prefix, of the unique column that holds Ferry's own key.
pub const EXTERNAL_KEY: &str = "cdp_profile_id";

/// One Dataverse organisation.
#[derive(Debug)]
pub struct Dynamics {
    api: api::Api,
    capability: Capability,
}

#[async_trait]
impl Connector for Dynamics {
    fn capability(&self) -> &Capability {
        &self.capability
    }

    async fn check(&self) -> Result<Account> {
        self.api.check().await
    }

    async fn describe(&self, object: &Object) -> Result<Schema> {
        self.api.describe(object).await
    }

    async fn pull(&self, request: &PullRequest) -> Result<Page> {
        walk::page(&self.api, request).await
    }

    async fn read(&self, request: &ReadRequest) -> Result<Vec<Record>> {
        read::read(&self.api, request).await
    }

    async fn push(&self, writes: &[Write]) -> Result<Vec<Outcome>> {
        if writes.iter().any(|write| write.operation.is_erasure()) {
            return erase::push(&self.api, writes).await;
        }
        push::push(&self.api, &self.capability.creates, writes).await
    }

    async fn create_field(&self, object: &Object, field: &NewField) -> Result<CreatedField> {
        fields::create_field(&self.api, object, field).await
    }

    fn budget(&self) -> Budget {
        self.api.client.budget()
    }

    fn forecast(&self, writes: usize) -> usize {
        route::forecast(writes, self.api.write_mode, &self.api.limits)
    }
}
