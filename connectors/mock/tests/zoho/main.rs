//! The Zoho CRM mock over real HTTP: one module per part of the vendor's behaviour.
// The lint's own exception for tests does not reach functions that tests share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../desk/mod.rs"]
mod desk;
#[path = "../exports/mod.rs"]
mod exports;
mod org;

mod assignment;
mod bulk;
mod coql;
mod limits;
mod lists;
mod pages;
mod records;
mod rep;
mod search;
mod seeds;
mod sign_in;
mod watch;
