//! One outcome → what becomes of the entry, its fields and the run. Pure.

mod erased;

use std::sync::Arc;
use std::time::Duration;

use connector::{ErrorKind, FieldName, Link, Operation, Outcome, Reason, Rejection, Timestamp, Value};

use super::stage::letter;
use crate::compare::is_normalisation;
use crate::mapping::ObjectMapping;
use crate::model::{DeadLetter, DeadLetterCode, FieldWritten, JournalOutcome, OutboxEntry, Subject};
use crate::store::{Delivered, Fate};

/// Tries before an entry becomes a dead letter (`cdp-semantics` §8.7: poison rows are parked after 8).
pub(super) const MOST_ATTEMPTS: u32 = 8;

/// How a settled entry is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tally {
    Created,
    Updated,
    /// Linked to a record that was there already, found merged, or nothing left to write.
    Skipped,
    Gone,
    Failed,
    /// Comes again.
    Waiting,
}

/// Decides what an outcome means. `chance` in `[0, 1)` spreads retries.
pub(super) fn settle(
    mapping: &ObjectMapping,
    entry: &OutboxEntry,
    outcome: Outcome,
    now: Timestamp,
    chance: f64,
) -> (Delivered, Tally) {
    if entry.intent.deletes() {
        return erased::settle(entry, outcome, now, chance);
    }
    match outcome {
        Outcome::Done { id, created, kept, modified_at } => {
            let written = entry
                .intent
                .changes
                .iter()
                .map(|change| {
                    let kept = kept
                        .get(&change.field)
                        .and_then(|delivered| canonical(mapping, &change.field, delivered))
                        .unwrap_or_else(|| change.to.clone());
                    let fought = kept != change.to && !is_normalisation(&change.to, &kept);
                    let outcome = if kept == change.to { JournalOutcome::Written } else { JournalOutcome::KeptOther };
                    FieldWritten {
                        field: change.field.clone(),
                        from: change.from.clone(),
                        sent: change.to.clone(),
                        kept,
                        outcome,
                        fought,
                    }
                })
                .collect();
            let (fate, tally) = match &entry.intent.record {
                None => (Fate::Linked { id, url: None }, if created { Tally::Created } else { Tally::Updated }),
                Some(record) if record.id != id => {
                    let into = Link { object: record.object.clone(), id };
                    (Fate::Merged { into }, Tally::Updated)
                }
                Some(_) => (Fate::Finished, Tally::Updated),
            };
            let settled = delivered(entry, fate, written, Some(JournalOutcome::Cancelled), Vec::new());
            (Delivered { modified_at, ..settled }, tally)
        }
        Outcome::Rejected(rejection) => rejected(entry, &rejection, now, chance),
        Outcome::Ambiguous(error) => unclear(entry, &error, now, chance),
        Outcome::Deferred(error) => again(entry, &error, now, chance),
    }
}

fn unclear(entry: &OutboxEntry, error: &connector::Error, now: Timestamp, chance: f64) -> (Delivered, Tally) {
    // The first look is due at once; a record that stays unclear waits, and is parked in the end like any other.
    let wait = if entry.attempts == 0 { Duration::ZERO } else { backoff(entry.attempts, chance) };
    let (mut delivered, tally) = later(entry, now.saturating_add(wait), &error.cause, now);
    if let Fate::Again { not_before, counts } = delivered.fate {
        delivered.fate = Fate::Ambiguous { not_before, counts };
    }
    (delivered, tally)
}

/// A delivered value in the terms of the mapping that wrote the field.
pub(super) fn canonical(mapping: &ObjectMapping, field: &FieldName, delivered: &Value) -> Option<Value> {
    mapping.of_field(field).find(|mapping| mapping.direction.pushes())?.canonical(delivered).ok()
}

fn rejected(entry: &OutboxEntry, rejection: &Rejection, now: Timestamp, chance: f64) -> (Delivered, Tally) {
    let code = match &rejection.reason {
        Reason::Gone => {
            let fate = Fate::Gone;
            return (delivered(entry, fate, Vec::new(), Some(JournalOutcome::Cancelled), Vec::new()), Tally::Gone);
        }
        Reason::Merged { into: Some(into) } => {
            let fate = Fate::Merged { into: into.clone() };
            return (delivered(entry, fate, Vec::new(), Some(JournalOutcome::Cancelled), Vec::new()), Tally::Skipped);
        }
        Reason::Duplicate { existing: Some(existing) } if entry.intent.record.is_none() => {
            let fate = Fate::Linked { id: existing.clone(), url: None };
            return (delivered(entry, fate, Vec::new(), Some(JournalOutcome::Cancelled), Vec::new()), Tally::Skipped);
        }
        Reason::Locked { retry_after } => {
            let delay = retry_after.unwrap_or_else(|| backoff(entry.attempts, chance));
            return later(entry, now.saturating_add(delay), "the record stayed locked", now);
        }
        Reason::Conflict | Reason::Merged { into: None } => {
            let at = now.saturating_add(backoff(entry.attempts, chance));
            return later(entry, at, "the record kept changing under the write", now);
        }
        Reason::UnknownField | Reason::ReadOnly | Reason::Unsupported => DeadLetterCode::FieldUnusable,
        Reason::Duplicate { .. } => DeadLetterCode::DuplicateRecord,
        Reason::AmbiguousMatch => DeadLetterCode::AmbiguousMatch,
        _ => DeadLetterCode::WriteRejected,
    };
    let named = |field: &FieldName| rejection.fields.is_empty() || rejection.fields.contains(field);
    let written: Vec<FieldWritten> = entry
        .intent
        .changes
        .iter()
        .filter(|change| named(&change.field))
        .map(|change| FieldWritten {
            field: change.field.clone(),
            from: change.from.clone(),
            sent: change.to.clone(),
            kept: change.from.clone(),
            outcome: JournalOutcome::Rejected,
            fought: false,
        })
        .collect();
    let letters = refusal_letters(entry, rejection, code, now);
    (delivered(entry, Fate::Finished, written, Some(JournalOutcome::Rejected), letters), Tally::Failed)
}

/// One letter per refused field where the CRM names fields, else one for the record.
fn refusal_letters(
    entry: &OutboxEntry,
    rejection: &Rejection,
    code: DeadLetterCode,
    now: Timestamp,
) -> Vec<DeadLetter> {
    let cause = |about: &str| {
        format!("{} refused {about}: {} ({})", entry.intent.connection, rejection.message, rejection.code)
    };
    let fix = match code {
        DeadLetterCode::FieldUnusable => {
            "run ferry check --live; correct the mapping or the credential's rights, then ferry failures retry ID"
        }
        DeadLetterCode::DuplicateRecord => "merge the two records at the CRM; the next pull links the survivor",
        DeadLetterCode::AmbiguousMatch => {
            "merge the records that share the key at the CRM, then ferry failures retry ID"
        }
        _ => "correct the value's source or the field's rules at the CRM, then ferry failures retry ID",
    };
    let mine: Vec<&FieldName> =
        rejection.fields.iter().filter(|field| entry.intent.fields.get(field).is_some()).collect();
    if mine.is_empty() {
        let about = if entry.intent.record.is_some() { "the write" } else { "to create the record" };
        return vec![letter(now, code, subject(entry, None), cause(about), fix)];
    }
    mine.into_iter()
        .map(|field| letter(now, code, subject(entry, Some(field)), cause(&format!("field \"{field}\"")), fix))
        .collect()
}

/// Not sent or not applied, through no fault of the write: it comes again.
pub(super) fn again(entry: &OutboxEntry, error: &connector::Error, now: Timestamp, chance: f64) -> (Delivered, Tally) {
    let counts = matches!(error.kind, ErrorKind::Transient | ErrorKind::Protocol);
    let at = error.retry_at.unwrap_or_else(|| now.saturating_add(backoff(entry.attempts, chance)));
    if counts {
        return later(entry, at, &error.cause, now);
    }
    let not_before = if error.kind == ErrorKind::Quota { at } else { now };
    let fate = Fate::Again { not_before, counts: false };
    (delivered(entry, fate, Vec::new(), None, Vec::new()), Tally::Waiting)
}

fn later(entry: &OutboxEntry, at: Timestamp, why: &str, now: Timestamp) -> (Delivered, Tally) {
    if entry.attempts + 1 < MOST_ATTEMPTS {
        let fate = Fate::Again { not_before: at, counts: true };
        return (delivered(entry, fate, Vec::new(), None, Vec::new()), Tally::Waiting);
    }
    let cause = format!("{} did not take the write in {MOST_ATTEMPTS} tries: {why}", entry.intent.connection);
    let fix = "look at the connection (ferry status), then ferry failures retry ID";
    let code = if entry.intent.deletes() { DeadLetterCode::EraseRefused } else { DeadLetterCode::AttemptsExhausted };
    let letters = vec![letter(now, code, subject(entry, None), cause, fix)];
    (delivered(entry, Fate::Finished, Vec::new(), Some(JournalOutcome::Cancelled), letters), Tally::Failed)
}

/// An answer is lost and the connector cannot tell yet whether the call has ended: nothing was tried, nothing is counted.
pub(super) fn still_unclear(entry: &OutboxEntry, error: &connector::Error, now: Timestamp) -> Delivered {
    let fate = Fate::Ambiguous { not_before: error.retry_at.unwrap_or(now), counts: false };
    delivered(entry, fate, Vec::new(), None, Vec::new())
}

/// Nothing needs to be sent: the CRM holds it already, or the CRM's newer value stands.
pub(super) fn not_sent(entry: &OutboxEntry, written: Vec<FieldWritten>) -> Delivered {
    delivered(entry, Fate::Finished, written, Some(JournalOutcome::Cancelled), Vec::new())
}

pub(super) fn delivered(
    entry: &OutboxEntry,
    fate: Fate,
    written: Vec<FieldWritten>,
    journal: Option<JournalOutcome>,
    dead_letters: Vec<DeadLetter>,
) -> Delivered {
    Delivered { id: entry.id, generation: entry.generation, fate, modified_at: None, written, journal, dead_letters }
}

/// What a dead letter of this entry is about. A create has no record yet: its letter names the profile, so that two failed
/// creates are two letters and `retry` finds whose it was.
pub(super) fn subject(entry: &OutboxEntry, field: Option<&FieldName>) -> Subject {
    let named = match (&entry.intent.record, &entry.intent.operation) {
        (Some(record), _) => Some(Arc::from(record.id.as_str())),
        (None, Operation::Upsert { value, .. }) => Some(Arc::from(value.to_string())),
        (None, _) => None,
    };
    Subject {
        connection: Some(entry.intent.connection.as_str().into()),
        object: Some(entry.intent.object.as_str().into()),
        record: named,
        field: field.cloned(),
        source: None,
    }
}

/// 1 s, 2 s, 4 s … 5 min, each shortened by up to half at random.
pub(super) fn backoff(attempts: u32, chance: f64) -> Duration {
    let full = Duration::from_secs(1u64 << attempts.min(9)).min(Duration::from_secs(300));
    full.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests;
