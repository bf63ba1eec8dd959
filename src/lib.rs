//! Ferry: a two-way CDP–CRM sync daemon. The map of the house; no logic here.
//!
//! Floors, lowest first; a floor may use any floor below it, never a neighbour, never above (`tests/it/tidy.rs` reads
//! the arrows):
//!
//! 0. `connectors/contract` — the words shared with connectors
//! 1. `model` the nouns of a CDP · `expr` CEL expressions, pure
//! 2. `store` the only SQL · `mapping` CRM fields ↔ traits · `compare` the three-way compare · `consent` what may
//!    be used · `resolution` whose is this · `matching` could these be one · `learn` what the past says of the next ·
//!    `company` who works where · `enrich` behaviour → traits and scores · `routing` whose a lead is · `schedule` when
//!    things run
//! 3. `pull` CRM → store · `push` store → CRM · `ingest` events → store
//! 4. `config` sync.toml → settings · `server` faces for machines
//! 5. `app` where concrete things meet
//! 6. `cli` words to and from people
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod app;
pub mod cli;
pub mod company;
pub mod compare;
pub mod config;
pub mod consent;
pub mod enrich;
pub mod expr;
pub mod ingest;
pub mod learn;
pub mod mapping;
pub mod matching;
pub mod model;
pub mod pull;
pub mod push;
pub mod resolution;
pub mod routing;
pub mod schedule;
pub mod server;
pub mod store;
pub mod timeline;
