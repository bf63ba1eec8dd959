//! What becomes of the deletion of an erased person's record. It is ordered by somebody, so that it is never given up silently.

use std::time::Duration;

use connector::{Outcome, Reason, Rejection, Timestamp};

use super::super::stage::letter;
use super::{Tally, again, backoff, delivered, later, subject, unclear};
use crate::model::{DeadLetterCode, JournalOutcome, OutboxEntry};
use crate::store::{Delivered, Fate};

pub(super) fn settle(entry: &OutboxEntry, outcome: Outcome, now: Timestamp, chance: f64) -> (Delivered, Tally) {
    match outcome {
        Outcome::Done { .. } | Outcome::Rejected(Rejection { reason: Reason::Gone, .. }) => {
            let journal = Some(JournalOutcome::Written);
            (delivered(entry, Fate::Finished, Vec::new(), journal, Vec::new()), Tally::Gone)
        }
        Outcome::Rejected(rejection) => rejected(entry, &rejection, now, chance),
        Outcome::Ambiguous(error) => unclear(entry, &error, now, chance),
        Outcome::Deferred(error) => again(entry, &error, now, chance),
    }
}

fn rejected(entry: &OutboxEntry, rejection: &Rejection, now: Timestamp, chance: f64) -> (Delivered, Tally) {
    let connection = &entry.intent.connection;
    let wait: Option<Duration> = match &rejection.reason {
        Reason::Locked { retry_after } => Some(retry_after.unwrap_or_else(|| backoff(entry.attempts, chance))),
        Reason::Conflict => Some(backoff(entry.attempts, chance)),
        _ => None,
    };
    if let Some(wait) = wait {
        return later(entry, now.saturating_add(wait), "the record stayed locked", now);
    }
    let fix = match &rejection.reason {
        Reason::Merged { .. } => {
            "look at the record that it was merged into: delete it at the CRM if it is the person's, then ferry failures drop ID"
        }
        Reason::Unsupported => "delete the record at the CRM by hand, then ferry failures drop ID",
        _ => {
            "give the connection's user the right to delete it and ferry failures retry ID, or delete it at the CRM by hand and \
             ferry failures drop ID"
        }
    };
    let cause = format!(
        "{connection} did not delete the record of an erased person: {} ({})",
        rejection.message, rejection.code
    );
    let letters = vec![letter(now, DeadLetterCode::EraseRefused, subject(entry, None), cause, fix)];
    (delivered(entry, Fate::Finished, Vec::new(), Some(JournalOutcome::Rejected), letters), Tally::Failed)
}
