//! The schedule as a whole: triggers in real time zones, the plan under the failure catalogue, and the running driver.

mod running;
mod scenarios;
mod zones;
