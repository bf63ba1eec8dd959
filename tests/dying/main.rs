//! The process dies on the way from an event to a lead, at every failpoint there is, and starts again on the same file. A failpoint
//! is the whole process's, so that these tests are a binary of their own, and one at a time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, reason = "a kit")]
#[path = "../it/declaring.rs"]
mod declaring;
mod erasures;
mod failpoints;
#[path = "../it/harbour.rs"]
mod harbour;
mod leads;
#[path = "../it/mocks.rs"]
mod mocks;
#[path = "../it/tricks.rs"]
mod tricks;
#[path = "../it/world.rs"]
mod world;
