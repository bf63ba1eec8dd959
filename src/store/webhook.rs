//! Telling other tools who entered and left: the part of the face behind outbound webhooks.
//!
//! The log of transitions is the queue. Each webhook has its own place in it; what it has taken out and not delivered yet is a
//! bounded number of messages, so that a receiver that is down costs nothing but its lag.

use std::sync::Arc;

use async_trait::async_trait;
use connector::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::model::{Crossing, DeadLetter, Identifier, Profile, ProfileUid, Purpose, TransitionKind};
use crate::store::Result;

/// What one webhook is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub name: Arc<str>,
    /// Bands by full name, segments by name; `None` is every one of the kind.
    pub on: Vec<(TransitionKind, Option<Arc<str>>)>,
    /// `None` is both ways.
    pub direction: Option<Crossing>,
    /// What a person must allow for the receiver to hear of them.
    pub purpose: Purpose,
}

impl Subscription {
    /// Whether it is told of a band or segment at all.
    pub fn covers(&self, kind: TransitionKind, name: &str) -> bool {
        self.on.iter().any(|(one, of)| *one == kind && of.as_deref().is_none_or(|of| of == name))
    }

    pub fn wants(&self, kind: TransitionKind, name: &str, direction: Crossing) -> bool {
        self.direction.is_none_or(|wanted| wanted == direction) && self.covers(kind, name)
    }
}

/// Why a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageCause {
    /// Somebody crossed.
    Crossed,
    /// The person no longer allows what the receiver needs: what it was told of is taken back.
    Withdrawn,
}

/// A message out on lease, with what is known of the person at this instant.
#[derive(Clone, Debug)]
pub struct WebhookMessage {
    pub id: MessageId,
    /// What the receiver recognises it by: the same on every sending.
    pub uid: Uuid,
    pub cause: MessageCause,
    pub kind: TransitionKind,
    pub name: Arc<str>,
    pub direction: Crossing,
    pub at: Timestamp,
    pub score: Option<f64>,
    pub grade: Option<Arc<str>>,
    pub reasons: Option<Arc<str>>,
    /// Whether the person is in at this instant, whatever the message says of another.
    pub inside: bool,
    pub profile: Profile,
    /// Ids of those that became part of this person.
    pub formerly: Vec<ProfileUid>,
    pub identifiers: Vec<Identifier>,
    /// Whether traits may be told: not of a person who does not allow it any more.
    pub may_tell: bool,
    /// Sendings before this one.
    pub attempts: u32,
    /// When it was first sent, this time counted.
    pub first_sent_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub i64);

/// What became of a message out on lease.
#[derive(Clone, Debug)]
pub enum MessageFate {
    Delivered,
    /// Again, not before the instant.
    Again {
        not_before: Timestamp,
    },
    /// Set aside for a person.
    Dead(Box<DeadLetter>),
}

/// How a receiver does, kept so that a restart does not run against a wall.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiverHealth {
    /// Sendings that failed since the last that was taken.
    pub failures: u32,
    /// Nothing is sent before this instant, and then one message alone.
    pub closed_until: Option<Timestamp>,
    /// Of the last sending, in words without anything of a person.
    pub last_result: Option<Arc<str>>,
    pub last_at: Option<Timestamp>,
}

/// What is known of one webhook.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookState {
    pub name: Arc<str>,
    pub health: ReceiverHealth,
    pub delivered: u64,
    /// Messages not sent because a person does not allow it.
    pub withheld: u64,
    /// Messages set aside.
    pub dead: u64,
    /// Not delivered yet: messages and transitions not looked at; counted up to a hundred thousand.
    pub waiting: u64,
    /// Of what waits, the oldest instant.
    pub oldest: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    /// When the next message is due, if any waits.
    pub next_due: Option<Timestamp>,
}

/// Leased messages and how the receiver has done so far.
#[derive(Debug)]
pub struct LeasedMessages {
    pub messages: Vec<WebhookMessage>,
    pub health: ReceiverHealth,
    /// Where none is leased: when to come back, if any waits.
    pub next_due: Option<Timestamp>,
}

/// As with [`crate::store::Store`], every operation is one transaction and returns after it is durable.
#[async_trait]
pub trait Webhooks {
    /// Says which webhooks there are. One that is new begins with what happens from now on; of one that is no longer named
    /// everything is forgotten.
    async fn watch_webhooks(&self, webhooks: Vec<Subscription>) -> Result<()>;

    /// Takes new transitions into the queue of a webhook and leases up to `limit` messages that are due: at most one of a person,
    /// and never a later one before an earlier one. Consent is read here; an entry of somebody who does not allow it is not
    /// sent, and what a receiver was told of before can still be taken back. What a dead worker held is leased again.
    async fn lease_messages(
        &self,
        subscription: Arc<Subscription>,
        worker: Arc<str>,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<LeasedMessages>;

    /// Records what became of leased messages, and how the receiver does.
    async fn settle_messages(
        &self,
        webhook: Arc<str>,
        now: Timestamp,
        fates: Vec<(MessageId, MessageFate)>,
        health: ReceiverHealth,
    ) -> Result<()>;

    /// Every webhook that is watched, by name.
    async fn webhook_states(&self) -> Result<Vec<WebhookState>>;
}
