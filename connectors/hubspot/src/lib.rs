//! HubSpot CRM connector: contacts, companies, deals, owners and activities, over HubSpot's dated API or v3.
//!
//! [`connect`] makes a [`HubSpot`], which only delegates: reading lives in `records`, `sweep`, `owners` and `read`,
//! writing in `push`, the calls in `api`, and what answers mean in pure files beside them.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod account;
mod activities;
mod api;
mod associations;
mod beside;
mod config;
mod connect;
mod convert;
mod create;
mod cursor;
mod dialect;
mod erase;
mod fields;
mod instant;
mod lines;
mod lists;
mod owners;
mod paths;
mod push;
mod read;
mod records;
mod reject;
mod rows;
mod schema;
mod settle;
mod spans;
mod stages;
mod sweep;
mod values;
mod wanted;
mod wire;

use async_trait::async_trait;
use connector::{
    Account, Budget, Capability, Connector, CreatedField, Error, ErrorKind, ListFacts, ListMembers, NewField, Object,
    Outcome, Page, PullRequest, ReadRequest, Record, Result, Schema, Stream, Write,
};

pub use config::{ApiVersion, Auth, Config, DEFAULT_BASE_URL, Limits, Timeouts};
pub use connect::connect;

/// The word in `type = "…"` of `sync.toml`.
pub const VENDOR: &str = "hubspot";

/// The unique contact property that holds Ferry's own key.
pub const EXTERNAL_KEY: &str = "cdp_profile_id";

/// One HubSpot account.
#[derive(Debug)]
pub struct HubSpot {
    api: api::Api,
    capability: Capability,
}

#[async_trait]
impl Connector for HubSpot {
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
        match &request.stream {
            Stream::Records(Object::User) => owners::page(&self.api, request).await,
            Stream::Records(Object::Activity) | Stream::Deletions(Object::Activity) => {
                activities::page(&self.api, request).await
            }
            Stream::Records(object) => records::page(&self.api, request, object).await,
            Stream::Deletions(Object::User) | Stream::Associations(Object::User) => Err(Error::new(
                ErrorKind::Unsupported,
                "pull users",
                "deactivated owners come with the stream of users itself",
            )),
            Stream::Deletions(object) => sweep::deletions(&self.api, request, object).await,
            Stream::Associations(object) => sweep::associations(&self.api, request, object).await,
        }
    }

    async fn read(&self, request: &ReadRequest) -> Result<Vec<Record>> {
        read::read(&self.api, request).await
    }

    async fn push(&self, writes: &[Write]) -> Result<Vec<Outcome>> {
        if beside::is_beside(writes) {
            return beside::push(&self.api, writes).await;
        }
        if lists::is_membership(writes) {
            return lists::push(&self.api, writes).await;
        }
        if erase::is_erasure(writes) {
            return erase::push(&self.api, writes).await;
        }
        push::push(&self.api, EXTERNAL_KEY, writes).await
    }

    async fn list(&self, object: &Object, list: &str) -> Result<Option<ListFacts>> {
        lists::list(&self.api, object, list).await
    }

    async fn list_members(&self, _: &Object, list: &str, after: Option<&str>) -> Result<ListMembers> {
        lists::members(&self.api, list, after).await
    }

    async fn create_field(&self, object: &Object, field: &NewField) -> Result<CreatedField> {
        self.api.create_property(object, field).await
    }

    fn budget(&self) -> Budget {
        if let Some(Some(portal)) = self.api.portal.get() {
            self.api.learn_midnight(portal);
        }
        self.api.client.budget()
    }
}
