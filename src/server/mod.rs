//! FLOOR 4 — faces for machines. One listener for admins: `/healthz` and `/readyz` for anyone who can reach it, `/metrics`
//! behind the token. The world's listener (events in) will be a folder of its own beside this one.

mod admin;
mod metrics;

pub use admin::{Vitals, serve};
pub use metrics::{Measure, Measurements, RunOutcomes, render};
