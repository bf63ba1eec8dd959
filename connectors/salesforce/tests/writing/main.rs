//! Writing, against a mock org over real HTTP: how many calls things cost, what each row is told, and that nothing is lost
//! or left open when an answer is, or when the writer dies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod calls;
mod fields;
mod jobs;
mod leads;
mod lives;
mod lost;
mod org;
mod single;
