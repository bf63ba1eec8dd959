//! The client over real HTTP, against small servers that misbehave on purpose. Time leaps where the client would wait.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod credentials;
mod faults;
mod quota;
mod secrecy;
mod world;
