//! The world's listener: events in, by the wire format that the field's SDKs speak (`cdp-semantics` §1.4, §1.5). An unmodified
//! SDK works by changing only its host.
//!
//! `200` is said only when the messages are on disk, and nothing but `200` is said for success: some SDKs take any other
//! code for a failure. Every error has a JSON body with `code` and `message` as texts: some SDKs index them unasked.

mod answer;
mod body;
#[cfg(test)]
mod consent_tests;
mod cors;
mod door;
mod envelope;
mod face;
mod key;
mod member;
mod pace;
mod pixel;
mod route;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wire_tests;

pub use door::{Door, DoorSource, Limits};
pub use envelope::batch_of;
pub use face::serve;
