//! FLOOR 2 — consent, pure: what a message says of it, and what of a message is kept (`cdp-semantics` §7).
//!
//! The store keeps decisions and asks them wherever data is taken in, computed or sent; this room only reads messages.

mod address;
mod read;

use std::net::IpAddr;
use std::sync::Arc;

pub use address::StoreIp;

use crate::model::{ConsentDefaults, Event, MessageConsent, Purpose};

/// How messages are read. Built from `[privacy]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub defaults: ConsentDefaults,
    /// A sender's category, as its consent tool names it, and what it means here. Several may mean one purpose.
    pub categories: Vec<(Arc<str>, Purpose)>,
    /// Whether `Subscribed` waits for `Subscription Confirmed`.
    pub double_opt_in: bool,
    /// Whether a browser's `Sec-GPC: 1` denies `ads`.
    pub honour_gpc: bool,
    pub store_ip: StoreIp,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            defaults: ConsentDefaults::default(),
            categories: Vec::new(),
            double_opt_in: true,
            honour_gpc: true,
            store_ip: StoreIp::Truncated,
        }
    }
}

impl Policy {
    /// What a message says of consent. `gpc`: its sender's browser asked with `Sec-GPC: 1` not to be sold or shared.
    pub fn read(&self, event: &Event, gpc: bool) -> MessageConsent {
        read::message(self, event, gpc)
    }

    /// What is kept of an IP address; `None`: nothing.
    pub fn kept_of(&self, address: IpAddr) -> Option<IpAddr> {
        address::kept_of(address, self.store_ip)
    }

    /// The message with no more of an IP address than is kept.
    #[must_use]
    pub fn minimised(&self, event: Event) -> Event {
        match address::kept(&event.body, self.store_ip) {
            Some(body) => Event { body: body.into(), ..event },
            None => event,
        }
    }
}
