//! The HubSpot mock over real HTTP: one module per part of the vendor's behaviour.
// The lint's own exception for tests does not reach functions that tests share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../desk/mod.rs"]
mod desk;
#[path = "../exports/mod.rs"]
mod exports;
mod portal;

mod associations;
mod batches;
mod control;
mod faults;
mod leads;
mod lists;
mod merges;
mod objects;
mod pages;
mod properties;
mod search;
mod seeds;
mod sign_in;
mod workflows;
