//! Listing and filling the outbox from outside staging.

use std::collections::HashSet;

use connector::Timestamp;

use super::fault::Fallible;
use super::intents;
use super::letters::rows_limit;
use super::profiles::{current, note_change};
use super::records;
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

/// Queues these intents as they are and withdraws whatever else has not been sent at the place, whose records (or
/// profiles) staging looks at again. Returns how many of the intents changed something.
pub(super) fn enqueue(session: &Session<'_>, place: Place, now: Timestamp, intents: &[Intent]) -> Fallible<u64> {
    let mut wanted = HashSet::new();
    for intent in intents {
        wanted.insert(match &intent.record {
            Some(key) => (records::find_state(session, key)?.map(|(record, _)| record), None),
            None => (None, profile_of(session, intent)?),
        });
    }
    for row in intents::select(session, "WHERE o.place = ?1", [place])? {
        let subject = if row.record.is_some() { (row.record, None) } else { (None, row.profile) };
        if wanted.contains(&subject) || !intents::withdraw(session, &row)? {
            continue;
        }
        match (row.record, row.profile) {
            (Some(record), _) => {
                records::mark(session, place, record)?;
            }
            (None, Some(profile)) => note_change(session, profile)?,
            (None, None) => {}
        }
    }
    let mut queued = 0;
    for intent in intents {
        queued += u64::from(intents::queue(session, now, intent)?);
    }
    Ok(queued)
}

fn profile_of(session: &Session<'_>, intent: &Intent) -> Fallible<Option<i64>> {
    match intent.profile {
        Some(profile) => current(session, profile.0),
        None => Ok(None),
    }
}
