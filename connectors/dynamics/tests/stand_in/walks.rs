//! Walking streams to their end.
#![allow(dead_code, unused_imports)]

use connector::{Object, PullRequest, Stream};
pub use connector_conformance::walks::*;

pub fn contacts() -> PullRequest {
    ask(Stream::Records(Object::Contact), &["emailaddress1", "lastname"])
}
