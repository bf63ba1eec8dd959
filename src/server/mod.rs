//! FLOOR 4 — faces for machines. One listener for admins: `/healthz` and `/readyz` for anyone who can reach it, `/metrics`
//! behind the token. One listener for the world, `events`.

mod admin;
pub mod events;
mod metrics;

pub use admin::{Vitals, serve};
pub use metrics::{Measure, Measurements, RunOutcomes, render};
