//! Signed messages to other people's servers, by the Standard Webhooks convention (`webhook-id`, `webhook-timestamp`,
//! `webhook-signature`).
//!
//! An [`Endpoint`] sends one message once and says what the answer means. Whether and when it is sent again is the caller's.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod answer;
mod endpoint;
mod signature;

pub use answer::Answer;
pub use endpoint::{Config, Endpoint, Message};
pub use signature::{SecretFault, Signer};
