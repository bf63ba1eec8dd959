//! FLOOR 2 — when things run. Generic: it knows no concrete job.
//!
//! A job is started by its timer and by a poke, and takes no input either way: it reads the state of the world and moves
//! it towards what it should be. If a poke could carry a hint ("this row changed"), there would be two paths, with the
//! hint and without, and the second would rot.
//!
//! * [`Trigger`]: an interval or cron text → the next instant after a given one, correct over clock changes (pure)
//! * [`Plan`]: what is due, what is late, when to look again (pure)
//! * [`drive`]: runs what is due, never the same job twice at once
//! * [`Poke`]: wakes jobs before their time
//!
//! What is remembered between two lives of the daemon is [`JobState`], plain data; where it is kept is not this floor's
//! business.

mod backoff;
mod cron_text;
mod driver;
mod error;
mod interval;
mod job;
mod plan;
mod poke;
#[cfg(test)]
mod tests;
mod trigger;

pub use driver::{Work, drive};
pub use error::TriggerError;
pub use interval::parse_duration;
pub use job::{CatchUp, Direction, Job, JobKey, JobState, is_late};
pub use plan::{DEBOUNCE, Finish, Late, Plan, Start, Tick, Why};
pub use poke::Poke;
pub use trigger::{Cron, Trigger};
