//! One behavioural event, decoded and validated.

use std::sync::Arc;

use connector::{Timestamp, Value};
use serde::{Deserialize, Serialize};

use crate::model::{Identifier, ProfileId, SourceName, TraitName};

/// The Segment message types (`cdp-semantics` §1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    Track,
    Identify,
    Page,
    Screen,
    Group,
    Alias,
}

impl EventKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::Identify => "identify",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Group => "group",
            Self::Alias => "alias",
        }
    }
}

/// An event on its way into the log. `(source, message_id)` is its identity for ever.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub source: SourceName,
    pub message_id: Arc<str>,
    pub kind: EventKind,
    /// The track event's or page's name, as sent.
    pub name: Option<Arc<str>>,
    /// Event time (§1.2): what windows and ordering use.
    pub at: Timestamp,
    pub original_at: Option<Timestamp>,
    pub sent_at: Option<Timestamp>,
    pub received_at: Timestamp,
    /// Normalised, unblocked, de-duplicated, strongest first.
    pub identifiers: Vec<Identifier>,
    /// Person traits this event sets; weak ones (§2.5) come from `context.traits` of other than identify.
    pub traits: Vec<(TraitName, Value)>,
    pub traits_are_weak: bool,
    /// From a crawler (§1.6): kept, never counted.
    pub is_bot: bool,
    /// The message as received, canonical JSON.
    pub body: Arc<str>,
}

/// An event as the log holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// Place in the log; grows with arrival.
    pub row: i64,
    pub profile: Option<ProfileId>,
    pub event: Event,
}
