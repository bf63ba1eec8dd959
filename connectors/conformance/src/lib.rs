//! The contract, checked: an in-memory reference connector, and the suite every connector must pass.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod memory;

pub use memory::{MemoryConnector, MemoryCrm};
