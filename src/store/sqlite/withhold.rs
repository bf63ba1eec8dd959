//! Entries that privacy does not let out: cancelled with their reason, before any call.

use connector::Timestamp;

use super::fault::Fallible;
use super::gate::Gate;
use super::intents::{self, Row};
use super::letters::rows_limit;
use super::session::Place;
use super::{journal, profiles, records, standing};
use crate::model::{FieldWritten, JournalOutcome, OutboxState, RunId};

/// Cancels the entry if it may not be sent; the reason, if so.
pub(super) fn cancel(gate: &Gate<'_, '_>, row: &Row, run: RunId, now: Timestamp) -> Fallible<Option<&'static str>> {
    let session = gate.session();
    let Some(reason) = gate.withholds(row)? else { return Ok(None) };
    journal::add_cancelled(session, run, now, row, reason)?;
    if let Some(record) = row.record {
        if row.entry.state == OutboxState::Ambiguous {
            // It may have been written: then it is ours, and the next look finds out what to take back.
            let stored = records::load(session, record)?;
            let mut mirror = stored.linked.mirror.clone();
            for change in row.entry.intent.changes.iter().filter(|change| !change.is_wish()) {
                mirror.written(&FieldWritten {
                    field: change.field.clone(),
                    from: change.from.clone(),
                    sent: change.to.clone(),
                    kept: change.to.clone(),
                    outcome: JournalOutcome::Written,
                    fought: false,
                });
            }
            records::save_mirror(session, record, &mirror)?;
        }
        if records::load(session, record)?.state == records::State::Live {
            records::mark(session, row.place, record)?;
        }
    } else if let Some(profile) = row.profile
        && profiles::current(session, profile)? == Some(profile)
    {
        standing::settle(session, profile, None)?;
        // Staging asks again, and again, until the person allows it.
        profiles::note_change(session, profile)?;
    }
    intents::remove(session, row.entry.id)?;
    Ok(Some(reason))
}

/// Cancels what is queued, or was perhaps sent, and may not be sent again, a chunk at a time: how many, and where to go on.
pub(super) fn queued(
    gate: &Gate<'_, '_>,
    place: Place,
    run: RunId,
    now: Timestamp,
    after: i64,
    limit: usize,
) -> Fallible<(u64, Option<i64>)> {
    if !gate.may_withhold() {
        return Ok((0, None));
    }
    let rows = intents::select(
        gate.session(),
        "WHERE o.place = ?1 AND o.state <> 1 AND o.id > ?2 ORDER BY o.id LIMIT ?3",
        (place, after, rows_limit(limit.max(1))),
    )?;
    let mut cancelled = 0;
    for row in &rows {
        cancelled += u64::from(cancel(gate, row, run, now)?.is_some());
    }
    let more = rows.len() >= limit.max(1);
    Ok((cancelled, rows.last().filter(|_| more).map(|row| row.entry.id.0)))
}
