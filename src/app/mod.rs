//! FLOOR 5 — where concrete things meet: the machine's environment, the store, the connectors, the jobs.

mod environment;

pub use environment::SystemEnvironment;
