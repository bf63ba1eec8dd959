//! The contract between Ferry and one CRM: the words both sides share, and [`Connector`], the only door to a CRM.
//!
//! Nothing here talks to a network, a database or a clock of its own. The numbered promises of [`Connector`] are the
//! sentences that the conformance suite (`connectors/conformance`) checks against every connector.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod activity;
mod budget;
mod capability;
mod connector;
mod creation;
mod entropy;
mod error;
mod list;
mod notebook;
mod object;
mod pull;
mod record;
mod schema;
mod secret;
mod time;
mod value;
mod write;

pub use activity::{ActivityDirection, ActivityFacts, ActivityKind, has_own_mark, headline, own_mark};
pub use budget::{Budget, Pool};
pub use capability::{Capability, ExternalKey, NoteKind, OwnerField};
pub use connector::{Account, Connector, Context};
pub use creation::{Creation, LastName};
#[cfg(any(test, feature = "test-util"))]
pub use entropy::SeededEntropy;
pub use entropy::{Entropy, OsEntropy};
pub use error::{Error, ErrorKind, Result};
pub use list::{ListFacts, ListKind, ListMembers};
#[cfg(any(test, feature = "test-util"))]
pub use notebook::MemoryNotebook;
pub use notebook::{Note, Notebook};
pub use object::{ConnectionName, Object, RecordId};
pub use pull::{Cursor, Page, PullRequest, ReadKey, ReadRequest, Stream, Tombstone};
pub use record::{DealFacts, DealStatus, Link, Record, UserFacts};
pub use schema::{CreatedField, FieldKind, FieldName, FieldSpec, NewField, Schema};
pub use secret::{Environment, Secret, SecretError};
#[cfg(any(test, feature = "test-util"))]
pub use time::ManualClock;
pub use time::{Clock, SystemClock, Timestamp};
pub use value::{Fields, Value};
pub use write::{Hints, Operation, Outcome, Reason, Rejection, Write};
