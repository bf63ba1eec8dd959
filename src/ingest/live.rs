//! Events straight from their senders: taken only while there is room, durable before the answer.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector::{Clock, Entropy, Timestamp};
use tokio::sync::Notify;

use super::decode::{Nameless, decode_and, within_size};
use super::flow::{Resolver, arrival};
use super::room::Room;
use super::{DecodeError, DecodeOptions, sample};
use crate::consent::Policy;
use crate::enrich::Model;
use crate::model::{DeadLetter, DeadLetterCode, DeadLetterId, Raw, RunId, SourceName, Subject};
use crate::store::{AppendEvents, Result, Store};

/// The way in for events from senders.
#[derive(Debug)]
pub struct Live {
    store: Arc<dyn Store>,
    model: Arc<Model>,
    clock: Arc<dyn Clock>,
    run: RunId,
    /// Told when events are on disk.
    arrived: Arc<Notify>,
    /// Bytes of requests between their arrival and their commit.
    room: Room,
    consent: Arc<Policy>,
    entropy: Arc<dyn Entropy>,
}

/// One sender.
#[derive(Debug)]
pub struct LiveSource {
    pub options: DecodeOptions,
    pub tally: Tally,
}

/// A message of a request.
pub trait Sent: AsRef<str> {
    /// Bytes of it as its sender wrote it: what the request laid under it, or its path said of it, does not count.
    fn bytes_sent(&self) -> usize {
        self.as_ref().len()
    }
}

impl Sent for &str {}
impl Sent for String {}

/// What came of one request's messages.
#[derive(Debug, Default)]
pub struct Taken {
    pub accepted: u64,
    pub duplicate: u64,
    /// The messages that cannot be taken, by their place in the request.
    pub rejected: Vec<(usize, DecodeError)>,
}

/// Bytes of requests held at once, decoded or not.
const ROOM: usize = 64 << 20;
/// Of a rejected message, so much is kept.
const RAW_KEPT: usize = 4 * 1024;
/// Rejected messages kept per source and hour; the rest is counted.
const SAMPLES: u64 = 100;
const HOUR: i64 = 3_600_000_000;

impl Live {
    pub fn new(
        store: Arc<dyn Store>,
        model: Arc<Model>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        run: RunId,
        arrived: Arc<Notify>,
    ) -> Self {
        Self { store, model, clock, entropy, run, arrived, room: Room::new(ROOM), consent: Arc::default() }
    }

    /// How long a request waits for room before it is sent away; 2 s where it is not said.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { room: self.room.with_patience(patience), ..self }
    }

    /// How consent is read; as built in where it is not said.
    pub fn with_consent(self, consent: Arc<Policy>) -> Self {
        Self { consent, ..self }
    }

    /// What is kept of a sender's address; `None`: nothing.
    pub fn kept_of(&self, address: IpAddr) -> Option<IpAddr> {
        self.consent.kept_of(address)
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The room that requests share; what one claims it holds until its answer.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Takes the messages of one request. When this returns, what was accepted is on disk. A message that cannot be taken
    /// never harms the others. `gpc`: they came with `Sec-GPC: 1`.
    pub async fn take(
        &self,
        source: &LiveSource,
        messages: &[impl Sent],
        received_at: Timestamp,
        gpc: bool,
    ) -> Result<Taken> {
        let mut taken = Taken::default();
        let mut batch = AppendEvents {
            run: self.run,
            now: received_at,
            events: Vec::with_capacity(messages.len()),
            dead_letters: Vec::new(),
            rejected: Vec::new(),
        };
        for (place, message) in messages.iter().enumerate() {
            let drawn = Nameless::Drawn(&*self.entropy);
            let arrived = within_size(message.bytes_sent(), &source.options).and_then(|()| {
                decode_and(message.as_ref(), received_at, &source.options, drawn, |event, body| {
                    arrival(event, body, &self.consent, &self.model)
                })
            });
            match arrived {
                Ok(event_with_facts) => batch.events.push(event_with_facts),
                Err(error) => {
                    batch.reject(&source.options.source, error.code);
                    if source.tally.is_sample(received_at) {
                        batch.dead_letters.push(self.letter(
                            &source.options.source,
                            message.as_ref(),
                            &error,
                            received_at,
                        ));
                    }
                    taken.rejected.push((place, error));
                }
            }
        }
        if !batch.events.is_empty() || !batch.rejected.is_empty() {
            let (identity, consent) = (source.options.identity.clone(), self.consent.clone());
            let resolver = Resolver { now: received_at, identity, consent, gpc };
            let report = self.store.append_events(batch, Arc::new(resolver)).await?;
            (taken.accepted, taken.duplicate) = (report.accepted, report.duplicates);
            self.arrived.notify_one();
        }
        Ok(taken)
    }

    fn letter(&self, source: &SourceName, text: &str, error: &DecodeError, at: Timestamp) -> DeadLetter {
        let kept = sample::kept(text, &self.consent, RAW_KEPT);
        DeadLetter {
            id: DeadLetterId(0),
            at,
            code: DeadLetterCode::EventInvalid,
            subject: Subject { source: Some(source.clone()), ..Subject::default() },
            cause: format!("{} ({})", error.cause, error.code).into(),
            fix: error.fix.as_str().into(),
            raw: Some(Raw { file: "http".into(), line: 0, text: kept.into() }),
            count: 1,
        }
    }
}

/// What one source has sent since this process started, where the store does not count it.
#[derive(Debug, Default)]
pub struct Tally {
    limited: AtomicU64,
    sampled: Mutex<Sampled>,
}

#[derive(Debug, Default)]
struct Sampled {
    hour: i64,
    samples: u64,
}

impl Tally {
    /// Requests sent away because the source sends faster than it may.
    pub fn limited(&self) -> u64 {
        self.limited.load(Ordering::Relaxed)
    }

    pub fn note_limited(&self) {
        self.limited.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a message rejected now is to be kept as a sample.
    fn is_sample(&self, now: Timestamp) -> bool {
        let mut sampled = self.sampled.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = now.micros() / HOUR;
        if sampled.hour != hour {
            *sampled = Sampled { hour, samples: 0 };
        }
        sampled.samples += 1;
        sampled.samples <= SAMPLES
    }
}
