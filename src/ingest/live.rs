//! Events straight from their senders: taken only while there is room, durable before the answer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector::{Clock, Timestamp};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::flow::Resolver;
use super::{DecodeError, DecodeOptions, decode};
use crate::consent::Policy;
use crate::enrich::Model;
use crate::model::{DeadLetter, DeadLetterCode, DeadLetterId, Fact, Raw, RunId, SourceName, Subject};
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
    /// Permits of a KiB each: bytes of requests between their arrival and their commit.
    room: Arc<Semaphore>,
    patience: Duration,
    consent: Arc<Policy>,
}

/// One sender.
#[derive(Debug)]
pub struct LiveSource {
    pub options: DecodeOptions,
    pub tally: Tally,
}

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
/// How long a request waits for room before it is sent away.
const PATIENCE: Duration = Duration::from_secs(2);
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
        run: RunId,
        arrived: Arc<Notify>,
    ) -> Self {
        let room = Arc::new(Semaphore::new(ROOM / 1024));
        Self { store, model, clock, run, arrived, room, patience: PATIENCE, consent: Arc::default() }
    }

    /// How long a request waits for room before it is sent away; 2 s where it is not said.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// How consent is read; as built in where it is not said.
    pub fn with_consent(self, consent: Arc<Policy>) -> Self {
        Self { consent, ..self }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Room for a request of so many bytes; held until its answer. `None`: there is none, and the sender must come back.
    pub async fn room_for(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let permits = u32::try_from(bytes.div_ceil(1024).clamp(1, ROOM / 1024)).ok()?;
        let wanted = self.room.clone().acquire_many_owned(permits);
        tokio::time::timeout(self.patience, wanted).await.ok()?.ok()
    }

    /// Takes the messages of one request. When this returns, what was accepted is on disk. A message that cannot be taken
    /// never harms the others. `gpc`: they came with `Sec-GPC: 1`.
    pub async fn take(
        &self,
        source: &LiveSource,
        messages: &[impl AsRef<str>],
        received_at: Timestamp,
        gpc: bool,
    ) -> Result<Taken> {
        let mut taken = Taken::default();
        let mut batch = AppendEvents {
            run: self.run,
            now: received_at,
            events: Vec::with_capacity(messages.len()),
            dead_letters: Vec::new(),
        };
        let mut newest = None;
        for (place, message) in messages.iter().enumerate() {
            match decode(message.as_ref(), received_at, &source.options) {
                Ok(event) => {
                    let event = self.consent.minimised(event);
                    newest = newest.max(Some(event.at));
                    let facts: Vec<Fact> = self.model.facts(&event);
                    batch.events.push((event, facts));
                }
                Err(error) => {
                    if source.tally.note_rejected(error.code, received_at) {
                        batch.dead_letters.push(letter(&source.options.source, message.as_ref(), &error, received_at));
                    }
                    taken.rejected.push((place, error));
                }
            }
        }
        if !batch.events.is_empty() || !batch.dead_letters.is_empty() {
            let report = self
                .store
                .append_events(batch, Arc::new(Resolver { now: received_at, consent: self.consent.clone(), gpc }))
                .await?;
            (taken.accepted, taken.duplicate) = (report.accepted, report.duplicates);
            self.arrived.notify_one();
            source.tally.note_dropped(report.suppressed, report.withheld);
            source.tally.note_taken(report.accepted, report.duplicates, report.unattributed, newest);
        }
        Ok(taken)
    }
}

fn letter(source: &SourceName, text: &str, error: &DecodeError, at: Timestamp) -> DeadLetter {
    let kept = &text[..text.floor_char_boundary(RAW_KEPT)];
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

/// What one source has sent since this process started.
#[derive(Debug, Default)]
pub struct Tally {
    accepted: AtomicU64,
    duplicate: AtomicU64,
    unattributed: AtomicU64,
    suppressed: AtomicU64,
    withheld: AtomicU64,
    limited: AtomicU64,
    /// Event time of the newest message, in microseconds; 0 is none.
    newest: AtomicI64,
    rejected: Mutex<Rejected>,
}

#[derive(Debug, Default)]
struct Rejected {
    by_code: BTreeMap<&'static str, u64>,
    hour: i64,
    sampled: u64,
}

/// A [`Tally`] at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceCounts {
    pub accepted: u64,
    pub duplicate: u64,
    pub unattributed: u64,
    /// Dropped, because they name somebody on the suppression list.
    pub suppressed: u64,
    /// Dropped, because their person does not allow analytics.
    pub withheld: u64,
    /// Requests sent away because the source sends faster than it may.
    pub limited: u64,
    pub rejected: BTreeMap<&'static str, u64>,
    pub newest: Option<Timestamp>,
}

impl Tally {
    pub fn counts(&self) -> SourceCounts {
        let newest = self.newest.load(Ordering::Relaxed);
        SourceCounts {
            accepted: self.accepted.load(Ordering::Relaxed),
            duplicate: self.duplicate.load(Ordering::Relaxed),
            unattributed: self.unattributed.load(Ordering::Relaxed),
            suppressed: self.suppressed.load(Ordering::Relaxed),
            withheld: self.withheld.load(Ordering::Relaxed),
            limited: self.limited.load(Ordering::Relaxed),
            rejected: self.rejected.lock().unwrap_or_else(PoisonError::into_inner).by_code.clone(),
            newest: (newest != 0).then(|| Timestamp::from_micros(newest)),
        }
    }

    pub fn note_limited(&self) {
        self.limited.fetch_add(1, Ordering::Relaxed);
    }

    fn note_dropped(&self, suppressed: u64, withheld: u64) {
        self.suppressed.fetch_add(suppressed, Ordering::Relaxed);
        self.withheld.fetch_add(withheld, Ordering::Relaxed);
    }

    fn note_taken(&self, accepted: u64, duplicate: u64, unattributed: u64, newest: Option<Timestamp>) {
        self.accepted.fetch_add(accepted, Ordering::Relaxed);
        self.duplicate.fetch_add(duplicate, Ordering::Relaxed);
        self.unattributed.fetch_add(unattributed, Ordering::Relaxed);
        if let Some(newest) = newest {
            self.newest.fetch_max(newest.micros(), Ordering::Relaxed);
        }
    }

    /// Counts a rejected message, and says whether it is to be kept as a sample.
    fn note_rejected(&self, code: &'static str, now: Timestamp) -> bool {
        let mut rejected = self.rejected.lock().unwrap_or_else(PoisonError::into_inner);
        *rejected.by_code.entry(code).or_default() += 1;
        let hour = now.micros() / HOUR;
        if rejected.hour != hour {
            (rejected.hour, rejected.sampled) = (hour, 0);
        }
        rejected.sampled += 1;
        rejected.sampled <= SAMPLES
    }
}
