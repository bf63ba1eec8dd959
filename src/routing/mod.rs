//! FLOOR 2 — whose a new lead is, and why (`cdp-semantics` §4.4). Pure.
//!
//! One pipeline, first hit wins: the owner of an open deal, who is only told, the record's own owner, the company's owner, the named rules, the general pool, the fallback.
//! Every step leaves a line in the trail, so that a rep can read why the lead is theirs. What is known of the CRM's people and of
//! what they were given before is asked of an [`Office`](crate::model::Office); nothing here counts anything. The caller keeps the counters, in the
//! transaction that lets the lead out, so that a retry never advances a pool.

mod choose;
mod deal;
mod hours;
mod route;
mod rules;
mod simulate;
#[cfg(test)]
mod tests;

pub use deal::told;
pub use hours::{Calendar, Hours, Span, Week};
pub use route::{Lead, route};
pub use rules::{Breach, Member, Method, NamedRule, Pool, Rules, Sla, Target, WhenClosed};
pub use simulate::Simulation;
