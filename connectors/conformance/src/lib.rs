//! The contract, checked: the suite every connector must pass, and an in-memory reference connector that passes it.
//!
//! # Running the suite on a connector
//!
//! In the connector crate, `tests/conformance.rs` implements [`Subject`] over a stand-in for its CRM (a mock spoken to
//! over HTTP) and runs [`run`] with a function that makes a fresh one; every check gets its own:
//!
//! ```text
//! #[tokio::test(flavor = "multi_thread")]
//! async fn keeps_the_contract() {
//!     let report = connector_conformance::run(|| HubSpotSubject::start()).await;
//!     println!("{report}");
//!     assert!(report.is_green(), "{report}");
//!     assert_eq!(report.skipped(), ["more_than_a_search_can_walk_is_delivered"]);
//! }
//! ```
//!
//! * The connector is given a [`LeapClock`]: its waits pass at once, and nothing hangs on a clock nobody moves. Over
//!   `SystemClock` it goes with a stand-in in real time; [`Subject::advance`] leaps and sets the stand-in's clock ahead by
//!   [`LeapClock::leapt`], so that both stay together whatever the connector slept.
//! * Only what a stand-in can do need be implemented; a lever left at its default skips the checks that need it, with a
//!   reason. A skipped check is never counted as passed, and a connector's test names the ones it expects.
//! * Trouble ([`Subject::inject`]) lasts until [`Subject::mend`], so that a connector's own retries meet it again. Levers
//!   and the control plane itself must not be struck by it.
//! * Values are compared by what they mean in their field ([`same`]), so that a CRM that answers only text passes.
//! * Rate limits of a stand-in are switched off unless a check asks for [`Trouble::Quota`].
//!
//! Over a mock spoken to over HTTP most levers are the same: [`Levers`] pulls them, [`Vault`] holds the secrets, and a subject
//! that names its levers need not write the rest. [`walks`] is for tests beside the suite.
//!
//! [`memory::MemorySubject`] is a complete example. One check alone: `run_some(&checks, …)` with [`checks`] filtered by
//! name.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod checks;
mod clock;
mod levers;
pub mod memory;
mod subject;
mod suite;
mod value;
mod vault;
pub mod walks;

pub use checks::{checks, erase_checks, lead_object_checks, list_checks, note_checks, task_checks};
pub use clock::LeapClock;
pub use levers::{Levers, properties};
pub use memory::{MemoryConnector, MemoryCrm, MemorySubject};
pub use subject::{Checked, DealSeed, LeadSeen, Stop, Subject, TaskSeen, Trouble, Words, cannot};
pub use suite::{Check, Finding, Report, Verdict, run, run_some};
pub use value::{canonical, same};
pub use vault::Vault;
