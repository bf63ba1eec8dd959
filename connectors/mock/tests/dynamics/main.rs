//! The Dynamics mock over real HTTP: one module per part of the vendor's behaviour.
// The lint's own exception for tests does not reach functions that tests share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../desk/mod.rs"]
mod desk;
#[path = "../exports/mod.rs"]
mod exports;
mod org;

mod batches;
mod bulk;
mod limits;
mod metadata;
mod pages;
mod rep;
mod rows;
mod seeds;
mod sign_in;
mod tracking;
mod values;
