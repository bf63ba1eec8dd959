//! Listing and filling the outbox from outside staging.

use connector::Timestamp;

use super::fault::Fallible;
use super::intents;
use super::letters::rows_limit;
use super::session::{Place, Session};
use crate::model::{Intent, OutboxEntry};

/// Live entries, oldest first.
pub(super) fn list(session: &Session<'_>, place: Place, limit: usize) -> Fallible<Vec<OutboxEntry>> {
    let rows = intents::select(
        session,
        "WHERE o.place = ?1 ORDER BY o.created_at, o.id LIMIT ?2",
        (place, rows_limit(limit)),
    )?;
    Ok(rows.into_iter().map(|row| row.entry).collect())
}

/// Queues intents as they are; returns how many changed something.
pub(super) fn enqueue(session: &Session<'_>, now: Timestamp, intents: &[Intent]) -> Fallible<u64> {
    let mut queued = 0;
    for intent in intents {
        queued += u64::from(intents::queue(session, now, intent)?);
    }
    Ok(queued)
}
