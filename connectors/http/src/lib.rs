//! What every REST CRM connector needs once: tokens, throttle, retries, size caps, redaction.
//!
//! A connector describes its vendor's habits as a [`Dialect`], names its quotas as [`Bucket`]s, and sends [`Call`]s
//! through one [`Client`] per connection. What comes back is a vendor's answer, or a `connector::Error` that says what
//! the caller should do. Nothing in here knows a vendor.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod auth;
mod budget;
mod call;
mod checkpoint;
mod client;
mod dialect;
mod endpoint;
mod gate;
mod grant;
pub mod json;
mod ledger;
mod lock;
mod origin;
mod pace;
mod reach;
pub mod redact;
mod retry;
mod singly;
mod throttle;
mod transport;

pub use auth::{StaticToken, Token, TokenSource, read_secret};
pub use call::{Answer, Call, Priority, Repeat};
pub use checkpoint::{Checkpoint, is_default};
pub use client::{Client, ClientSpec};
pub use dialect::{DailyNotice, Dialect, Notice, Scope, Verdict, WindowNotice, retry_after};
pub use endpoint::TokenEndpoint;
pub use grant::RefreshGrant;
pub use origin::{Origin, OriginError};
pub use retry::RetryPolicy;
pub use singly::OneByOne;
pub use throttle::{Bucket, ThrottleSpec};
pub use transport::{Head, Pieces, Timeouts, Transport};
