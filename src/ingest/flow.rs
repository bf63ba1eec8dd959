//! Records of a file → decode → dedupe → resolve → append, a transaction a batch.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use connector::{Clock, Timestamp};
use tokio_util::sync::CancellationToken;

use super::decode::{Nameless, decode_and, within_size};
use super::{BadLine, DecodeOptions, MAX_MESSAGE, Records, named, sample};
use crate::consent::Policy;
use crate::enrich::Model;
use crate::expr::Json;
use crate::model::{
    Attribute, Counts, DeadLetter, DeadLetterCode, DeadLetterId, Event, Fact, Graph, Identifier, IdentityRules,
    ProfileId, Raw, RunId, SourceName, Subject, TraitName, Whose,
};
use crate::resolution;
use crate::store::{AppendEvents, EventDecision, IngestReport, ResolveEvents, Store};

/// One import.
#[derive(Debug)]
pub struct Ingest<'a> {
    pub store: &'a dyn Store,
    pub clock: &'a dyn Clock,
    pub model: &'a Model,
    pub identity: Arc<IdentityRules>,
    pub source: SourceName,
    pub consent: &'a Arc<Policy>,
    pub run: RunId,
    pub stop: &'a CancellationToken,
}

/// Why an import ended early. What was counted is stored; a second import of the same file adds only the rest.
#[derive(Debug)]
pub enum Failed {
    Store(crate::store::Error),
    /// The file could not be read on.
    Read(io::Error),
    /// A refused record could not be written to where those are collected.
    Refuse(io::Error),
    Stopped,
}

/// Events appended in one transaction.
const BATCH: usize = 10_000;
/// Longest line of JSON read; the longest message plus room for white space.
pub const LINE_READ: usize = 1024 * 1024;
/// Of a line that cannot be taken, so much is kept for repair.
const RAW_KEPT: usize = 32 * 1024;

/// Takes each refused record in the format of its file, and before the first of them what such a file begins with.
pub type Refuse<'a> = dyn FnMut(&[u8]) -> io::Result<()> + Send + 'a;

impl Ingest<'_> {
    /// Imports a file. A record that cannot be taken is a dead letter and goes to `refuse`; the others go in. `progress` is
    /// told the counts and the bytes read after every batch.
    pub async fn records(
        &self,
        file: &str,
        records: &mut (impl Records + Send),
        refuse: &mut Refuse<'_>,
        counts: &mut Counts,
        progress: &(dyn Fn(&Counts, u64) + Sync),
    ) -> Result<(), Failed> {
        let mut storing: Option<Storing<'_>> = None;
        let mut refused = 0;
        loop {
            // Read while the store works on the batch before.
            let read = self.read_batch(file, records, refuse, &mut refused);
            if let Some(before) = storing.take() {
                let report = before.report.await.map_err(Failed::Store)?;
                note(counts, before.seen, &report);
                progress(counts, before.read);
            }
            let batch = read?;
            let seen = batch.events.len() + batch.dead_letters.len();
            if seen == 0 {
                return Ok(());
            }
            if self.stop.is_cancelled() {
                return Err(Failed::Stopped);
            }
            let (identity, consent) = (self.identity.clone(), self.consent.clone());
            let resolver = Arc::new(Resolver { now: batch.now, identity, consent, gpc: false });
            let mut report = self.store.append_events(batch, resolver);
            // Asked once, so that the batch is with the store before the next one is read.
            if let Poll::Ready(done) = futures::poll!(&mut report) {
                report = Box::pin(std::future::ready(done));
            }
            storing = Some(Storing { report, seen: seen as u64, read: records.bytes() });
        }
    }

    /// The next records, decoded and matched; empty at the end.
    fn read_batch(
        &self,
        file: &str,
        records: &mut impl Records,
        refuse: &mut Refuse<'_>,
        refused: &mut u64,
    ) -> Result<AppendEvents, Failed> {
        let options = DecodeOptions {
            source: self.source.clone(),
            max_message: MAX_MESSAGE,
            client: false,
            identity: self.identity.clone(),
        };
        let now = self.clock.now();
        let mut batch = AppendEvents {
            run: self.run,
            now,
            events: Vec::with_capacity(BATCH),
            dead_letters: Vec::new(),
            rejected: Vec::new(),
        };
        while batch.events.len() + batch.dead_letters.len() < BATCH {
            let Some(record) = records.next_record().map_err(Failed::Read)? else { break };
            let line = record.line;
            let arrived = |event, body: &Json<'_>| arrival(event, body, self.consent, self.model);
            let (code, bad) = match record.message.map(|text| {
                within_size(text.len(), &options)?;
                decode_and(&text, now, &options, Nameless::BySaying, arrived)
            }) {
                Ok(Ok(event_with_facts)) => {
                    batch.events.push(event_with_facts);
                    continue;
                }
                Ok(Err(error)) => (error.code, BadLine { cause: error.cause, fix: error.fix, raw: records.shown() }),
                Err(bad) => ("invalid_line", bad),
            };
            batch.reject(&self.source, code);
            if *refused == 0 {
                refuse(&records.heading()).map_err(Failed::Refuse)?;
            }
            *refused += 1;
            refuse(&records.refused(&format!("{}; {}", bad.cause, bad.fix))).map_err(Failed::Refuse)?;
            batch.dead_letters.push(self.letter(file, line, &bad, now));
        }
        Ok(batch)
    }

    fn letter(&self, file: &str, line: u64, bad: &BadLine, at: Timestamp) -> DeadLetter {
        let kept = sample::kept(&bad.raw, self.consent, RAW_KEPT);
        DeadLetter {
            id: DeadLetterId(0),
            at,
            code: DeadLetterCode::EventInvalid,
            subject: Subject {
                source: Some(self.source.clone()),
                record: Some(format!("{file}:{line}").into()),
                ..Subject::default()
            },
            cause: format!("{file}, line {line}: {}", bad.cause).into(),
            fix: bad.fix.as_str().into(),
            raw: Some(Raw { file: file.into(), line, text: kept.into() }),
            count: 1,
        }
    }
}

/// An event as it is kept, and what it means; `body` is the message that it was read from.
pub(super) fn arrival(event: Event, body: &Json<'_>, consent: &Policy, model: &Model) -> (Event, Vec<Fact>) {
    let said = event.body.clone();
    let event = consent.minimised(event);
    let facts = if Arc::ptr_eq(&said, &event.body) { model.facts_in(&event, body) } else { model.facts(&event) };
    (event, facts)
}

/// A batch with the store.
struct Storing<'a> {
    report: Pin<Box<dyn Future<Output = crate::store::Result<IngestReport>> + Send + 'a>>,
    seen: u64,
    /// Bytes read up to its end.
    read: u64,
}

fn note(counts: &mut Counts, seen: u64, report: &IngestReport) {
    counts.seen += seen;
    counts.pages += 1;
    counts.created += report.accepted;
    counts.duplicates += report.duplicates;
    counts.conflicts += report.identity_conflicts;
    counts.skipped += report.unattributed + report.suppressed + report.withheld;
    counts.failed += report.dead_letters;
}

/// Whose each event is, and which of its traits win over what is known.
#[derive(Debug)]
pub struct Resolver {
    pub now: Timestamp,
    pub identity: Arc<IdentityRules>,
    pub consent: Arc<Policy>,
    /// Whether the sender's browser asked with `Sec-GPC: 1` not to be sold or shared.
    pub gpc: bool,
}

impl ResolveEvents for Resolver {
    fn resolve(
        &self,
        event: &Event,
        graph: &dyn Graph,
        read: &dyn Fn(ProfileId) -> Option<Rc<BTreeMap<TraitName, Attribute>>>,
    ) -> EventDecision {
        let survivorship = &self.identity.survivorship;
        let resolution = resolution::resolve(event, &self.identity, graph);
        let known = match &resolution.whose {
            _ if event.traits.is_empty() => None,
            Whose::Existing(id) => read(*id),
            Whose::Merge { survivor, losers } => {
                let merged = std::iter::once(survivor).chain(losers).filter_map(|id| read(*id));
                resolution::joined_traits(merged.map(Rc::unwrap_or_clone), survivorship).map(Rc::new)
            }
            Whose::New | Whose::Nobody => None,
        };
        let attributes = resolution::won_traits(event, &resolution, known.as_deref(), self.now, survivorship);
        EventDecision { resolution, attributes, consent: self.consent.read(event, self.gpc) }
    }

    fn named_in(&self, text: &str) -> Vec<Identifier> {
        named::identifiers_in(text, &self.identity)
    }
}
