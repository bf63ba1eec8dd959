//! Salesforce CRM connector: contacts, leads, accounts, opportunities, users and activities over the REST and Bulk 2.0
//! APIs.
//!
//! [`connect`] makes a [`Salesforce`], which only delegates: signing in lives in `auth`, reading in `records`, `bulk_query`,
//! `deletions`, `roles` and `read`, the calls in `api` and `query`, what answers mean in pure files beside them.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod account;
mod activities;
mod answer;
mod api;
mod auth;
mod bulk_csv;
mod bulk_query;
mod campaigns;
mod choice;
mod collections;
mod config;
mod connect;
mod convert;
mod create;
mod cursor;
mod deletions;
mod delivery;
mod dialect;
mod duplicates;
mod erase;
mod fields;
mod ids;
mod ingest;
mod instant;
mod leftover;
mod lines;
mod locks;
mod lookup;
mod outgoing;
mod paths;
mod permissions;
mod push;
mod query;
mod read;
mod records;
mod refusal;
mod reject;
mod roles;
mod rows;
mod schema;
mod single;
mod soql;
mod task;
mod values;
mod wanted;
mod whereabouts;
mod window;
mod wire;
mod write_paths;

use async_trait::async_trait;
use connector::{
    Account, Budget, Capability, Connector, CreatedField, ListFacts, ListMembers, NewField, Object, Outcome, Page,
    PullRequest, ReadRequest, Record, Result, Schema, Stream, Write,
};

pub use config::{Config, Creation, DEFAULT_API_VERSION, DEFAULT_LOGIN_URL, Flow, Limits, Timeouts};
pub use connect::connect;

/// The word in `type = "…"` of `sync.toml`.
pub const VENDOR: &str = "salesforce";

/// The unique field of contacts, leads and accounts that holds Ferry's own key.
pub const EXTERNAL_KEY: &str = "CDP_Profile_Id__c";

/// One Salesforce organisation.
#[derive(Debug)]
pub struct Salesforce {
    api: api::Api,
    capability: Capability,
}

#[async_trait]
impl Connector for Salesforce {
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
            Stream::Records(object) => records::page(&self.api, request, object).await,
            Stream::Deletions(object) => deletions::page(&self.api, request, object).await,
            Stream::Associations(object) => roles::associations(&self.api, request, object).await,
        }
    }

    async fn read(&self, request: &ReadRequest) -> Result<Vec<Record>> {
        read::read(&self.api, request).await
    }

    async fn push(&self, writes: &[Write]) -> Result<Vec<Outcome>> {
        if task::is_task(writes) {
            return task::push(&self.api, writes).await;
        }
        if campaigns::is_membership(writes) {
            return campaigns::push(&self.api, writes).await;
        }
        if writes.iter().any(|write| write.operation.is_erasure()) {
            return erase::push(&self.api, writes).await;
        }
        push::push(&self.api, &self.capability.creates, writes).await
    }

    async fn recover(&self) -> Result<()> {
        ingest::recover(&self.api).await
    }

    async fn list(&self, _: &Object, list: &str) -> Result<Option<ListFacts>> {
        campaigns::list(&self.api, list).await
    }

    async fn list_members(&self, object: &Object, list: &str, after: Option<&str>) -> Result<ListMembers> {
        campaigns::members(&self.api, object, list, after).await
    }

    async fn create_field(&self, object: &Object, field: &NewField) -> Result<CreatedField> {
        fields::create_field(&self.api, object, field).await
    }

    fn budget(&self) -> Budget {
        self.api.client.budget()
    }

    fn forecast(&self, writes: usize) -> usize {
        let daily = self.api.client.budget().daily;
        choice::forecast(writes, self.api.limits.bulk_ingest_above, daily.as_ref())
    }
}
