//! Telling other tools who entered and left: one task for each webhook, so that none waits for another's receiver.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use connector::{Error, ErrorKind, Secret, Timestamp};
use connector_webhook::{Answer, Config, Endpoint, Message};
use futures::future::join_all;
use tokio::sync::{OnceCell, watch};
use tokio::task::JoinHandle;

use super::{App, World};
use crate::activation::{Pace, Patience, body, message_id, sample, settled};
use crate::config::{Settings, WebhookSettings};
use crate::store::{MessageFate, MessageId, ReceiverHealth, Result, WebhookMessage};

/// Messages on their way to one receiver at once, each of another person.
const AT_ONCE: usize = 16;
/// Beyond what the sendings of one lease may take.
const SPARE: Duration = Duration::from_secs(120);
/// How often a webhook with nothing to do looks by itself.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// What all webhooks of one configuration share.
#[derive(Debug)]
pub struct Tellers {
    /// Counts computations: each may have brought crossings.
    computed: watch::Sender<u64>,
    paces: BTreeMap<Arc<str>, Pace>,
    watched: OnceCell<()>,
}

/// What one delivery did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub delivered: u64,
    /// Sent in vain, to be sent again.
    pub again: u64,
    /// Set aside for a person.
    pub dead: u64,
    /// When there is something to do next, if anything waits.
    pub next_due: Option<Timestamp>,
}

/// What became of a message that only tries a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    pub id: String,
    pub body: String,
    pub is_taken: bool,
    pub answer: String,
}

impl Tellers {
    pub fn new(settings: &Settings) -> Self {
        let paces = settings.webhooks.iter();
        let paces = paces.map(|one| (one.subscription.name.clone(), Pace::new(one.rate_limit))).collect();
        Self { computed: watch::Sender::new(0), paces, watched: OnceCell::new() }
    }

    /// There may be something to tell.
    pub fn poke(&self) {
        self.computed.send_modify(|computed| *computed = computed.wrapping_add(1));
    }
}

/// Why a delivery ended early.
#[derive(Debug)]
enum Stuck {
    Store(crate::store::Error),
    /// A secret or an address that cannot be used.
    Config(Error),
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Config(error) => match &error.fix {
                Some(fix) => write!(f, "{error} ({fix})"),
                None => error.fmt(f),
            },
        }
    }
}

impl App {
    /// Says once which webhooks there are, so that they are told of everything from then on.
    pub(super) async fn watch_webhooks(&self) -> Result<()> {
        let watch = || async {
            let all = self.settings.webhooks.iter().map(|one| (*one.subscription).clone()).collect();
            self.store.watch_webhooks(all).await
        };
        self.tellers.watched.get_or_try_init(watch).await.map(|_| ())
    }

    /// One task for each webhook, until `app.stop` is cancelled.
    pub(super) async fn start_telling(self: Arc<Self>) -> Result<Vec<JoinHandle<()>>> {
        self.watch_webhooks().await?;
        let all = self.settings.webhooks.clone();
        Ok(all.into_iter().map(|webhook| tokio::spawn(self.clone().keep_telling(webhook))).collect())
    }

    async fn keep_telling(self: Arc<Self>, webhook: WebhookSettings) {
        let name = &webhook.subscription.name;
        let mut computed = self.tellers.computed.subscribe();
        let mut complaint = String::new();
        while !self.stop.is_cancelled() {
            computed.mark_unchanged();
            let now = self.world.clock.now();
            let mut wait = LOOK_EVERY;
            match self.deliver_some(&webhook).await {
                Ok(told) => {
                    complaint.clear();
                    wait = told.next_due.map_or(wait, |due| due.since(now).min(wait));
                }
                Err(stuck) => {
                    // Said once, not every half minute.
                    let said = stuck.to_string();
                    if said != complaint {
                        tracing::error!(webhook = %name, "nothing is told: {said}");
                        complaint = said;
                    }
                }
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = computed.changed() => {}
                () = self.world.clock.sleep(wait) => {}
            }
        }
    }

    /// Tells a receiver everything that is due, and ends.
    ///
    /// # Errors
    /// Of the store, as they are; of kind config where the webhook's secret or address cannot be used.
    pub async fn deliver(&self, webhook: &WebhookSettings) -> connector::Result<Told> {
        let store = |error: crate::store::Error| Error::new(ErrorKind::Transient, "tell a receiver", error.to_string());
        self.watch_webhooks().await.map_err(store)?;
        self.deliver_some(webhook).await.map_err(|stuck| match stuck {
            Stuck::Store(error) => store(error),
            Stuck::Config(error) => error,
        })
    }

    async fn deliver_some(&self, webhook: &WebhookSettings) -> std::result::Result<Told, Stuck> {
        let mut told = Told::default();
        let mut kept = None;
        while !self.stop.is_cancelled() {
            let now = self.world.clock.now();
            let limit = AT_ONCE.min(usize::try_from(webhook.rate_limit).unwrap_or(AT_ONCE)).max(1);
            let until = now.saturating_add(webhook.timeout).saturating_add(SPARE);
            let subscription = webhook.subscription.clone();
            // Asked before anything is leased: a secret that cannot be read must not use up anybody's attempts.
            let receiver = match &kept {
                Some(receiver) => receiver,
                None => kept.insert(endpoint(&self.world, webhook).map_err(Stuck::Config)?),
            };
            let leased = self.store.lease_messages(subscription, self.worker.clone(), now, until, limit).await;
            let leased = leased.map_err(Stuck::Store)?;
            if leased.messages.is_empty() {
                told.next_due = leased.next_due;
                if leased.next_due.is_some_and(|due| due <= now) {
                    continue;
                }
                return Ok(told);
            }
            fail::fail_point!("webhook_before_send");
            let sent = leased.messages.iter().map(|message| self.send(webhook, receiver, message));
            let answers = join_all(sent).await;
            fail::fail_point!("webhook_after_send");
            self.settle(webhook, leased.health, leased.messages.iter().zip(answers), &mut told)
                .await
                .map_err(Stuck::Store)?;
        }
        Ok(told)
    }

    async fn send(&self, webhook: &WebhookSettings, receiver: &Endpoint, message: &WebhookMessage) -> Answer {
        if let Some(pace) = self.tellers.paces.get(&webhook.subscription.name) {
            let slot = pace.slot(self.world.clock.now());
            if slot > self.world.clock.now() {
                self.world.clock.sleep_until(slot).await;
            }
        }
        let (id, text) = (message_id(message.uid), body(message, &webhook.shape));
        receiver.send(Message { id: &id, at: self.world.clock.now(), body: &text }).await
    }

    async fn settle(
        &self,
        webhook: &WebhookSettings,
        mut health: ReceiverHealth,
        answers: impl Iterator<Item = (&WebhookMessage, Answer)>,
        told: &mut Told,
    ) -> Result<()> {
        let name = &webhook.subscription.name;
        let patience = Patience { give_up_after: webhook.give_up_after };
        let now = self.world.clock.now();
        let was_open = health.closed_until.is_some();
        let mut fates: Vec<(MessageId, MessageFate)> = Vec::new();
        for (message, answer) in answers {
            let one = settled(name, message, &answer, &health, patience, now, self.world.entropy.unit());
            health = one.health;
            match &one.fate {
                MessageFate::Delivered => told.delivered += 1,
                MessageFate::Again { .. } => told.again += 1,
                MessageFate::Dead(letter) => {
                    told.dead += 1;
                    tracing::warn!(webhook = %name, message = %message.uid, code = %letter.code, "a message was set aside: `ferry failures` says why and what to do");
                }
            }
            fates.push((message.id, one.fate));
        }
        match (&health.closed_until, was_open) {
            (Some(until), false) => {
                let result = health.last_result.as_deref().unwrap_or_default();
                tracing::warn!(webhook = %name, until = %until, result, "the receiver is left alone for a while; what it is to be told waits");
            }
            (None, true) => tracing::info!(webhook = %name, "the receiver takes messages again"),
            _ => {}
        }
        self.store.settle_messages(name.clone(), now, fates, health).await
    }
}

impl World {
    /// Sends a signed message about nobody. Nothing is remembered of it.
    pub async fn try_webhook(&self, webhook: &WebhookSettings) -> connector::Result<Tried> {
        let receiver = endpoint(self, webhook)?;
        let now = self.clock.now();
        let uid = self.entropy.uuid(now);
        let (id, body) = (message_id(uid), sample(uid, now, &webhook.shape));
        let answer = receiver.send(Message { id: &id, at: now, body: &body }).await;
        Ok(Tried { is_taken: matches!(answer, Answer::Taken { .. }), answer: answer.told(), id, body })
    }
}

/// The receiver, with its secrets as they are this instant.
fn endpoint(world: &World, webhook: &WebhookSettings) -> connector::Result<Endpoint> {
    let attempted = || format!("prepare webhook \"{}\"", webhook.subscription.name);
    let read = |secret: &Secret| {
        let read = world.environment.read(secret);
        read.map_err(|error| Error::new(ErrorKind::Config, attempted(), error.message).with_fix(error.help))
    };
    let secrets = [Some(&webhook.secret), webhook.previous_secret.as_ref()];
    let secrets = secrets.into_iter().flatten().map(read).collect::<connector::Result<Vec<_>>>()?;
    let (url, timeout, allow_private) = (webhook.url.clone(), webhook.timeout, webhook.allow_private);
    let config = Config { url, secrets, unsigned: false, timeout, allow_private };
    Endpoint::new(&config).map_err(|error| Error { attempted: attempted(), ..error })
}
