//! Zoho CRM connector: contacts, leads, accounts, deals, users, and activities with notes, over version 8 of its API, its
//! query language and its bulk jobs.
//!
//! [`connect`] makes a [`Zoho`], which only delegates: signing in lives in `auth` and `hosts`, reading in `records`,
//! `listing`, `coql`, `bulk_read`, `deletions`, `sweep`, `users` and `read`, the calls in `api`, what answers mean in pure
//! files beside them.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod account;
mod activities;
mod aliases;
mod api;
mod assignment;
mod auth;
mod bulk_read;
mod bulk_write;
mod config;
mod connect;
mod convert;
mod coql;
mod create;
mod cursor;
mod deletions;
mod dialect;
mod fields;
mod hosts;
mod instant;
mod listing;
mod paths;
mod push;
mod read;
mod records;
mod roles;
mod rows;
mod schema;
mod seen;
mod stages;
mod sweep;
mod users;
mod values;
mod wanted;
mod wire;
mod zip;

use async_trait::async_trait;
use connector::{
    Account, Budget, Capability, Connector, CreatedField, ListFacts, ListMembers, NewField, Object, Outcome, Page,
    PullRequest, ReadRequest, Record, Result, Schema, Stream, Write,
};

pub use config::{Config, Creation, Limits, Timeouts};
pub use connect::connect;
pub use hosts::DataCentre;

/// The word in `type = "…"` of `sync.toml`.
pub const VENDOR: &str = "zoho";

/// The unique field of contacts and leads that holds Ferry's own key. Zoho names it so for the label "CDP profile id".
pub const EXTERNAL_KEY: &str = "CDP_profile_id";

/// One Zoho CRM organisation.
#[derive(Debug)]
pub struct Zoho {
    api: api::Api,
    capability: Capability,
}

#[async_trait]
impl Connector for Zoho {
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
            Stream::Records(Object::User) => users::page(&self.api, request).await,
            Stream::Records(object) => records::page(&self.api, request, object).await,
            Stream::Deletions(object) => deletions::page(&self.api, request, object).await,
            Stream::Associations(object) => sweep::associations(&self.api, request, object).await,
        }
    }

    async fn read(&self, request: &ReadRequest) -> Result<Vec<Record>> {
        read::read(&self.api, request).await
    }

    async fn push(&self, writes: &[Write]) -> Result<Vec<Outcome>> {
        push::push(&self.api, &self.capability.creates, writes).await
    }

    async fn recover(&self) -> Result<()> {
        bulk_write::recover(&self.api).await
    }

    async fn list(&self, _: &Object, list: &str) -> Result<Option<ListFacts>> {
        Ok(push::tags::list(list))
    }

    async fn list_members(&self, object: &Object, list: &str, after: Option<&str>) -> Result<ListMembers> {
        push::tags::members(&self.api, object, list, after).await
    }

    async fn create_field(&self, object: &Object, field: &NewField) -> Result<CreatedField> {
        fields::create_field(&self.api, object, field).await
    }

    fn budget(&self) -> Budget {
        self.api.client.budget()
    }

    fn forecast(&self, writes: usize) -> usize {
        push::forecast(writes, &self.api.limits)
    }
}
