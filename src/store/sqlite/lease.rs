//! Leases: an entry is durably in flight before any call is made for it.

use connector::{Object, Timestamp};

use super::fault::Fallible;
use super::gate::Gate;
use super::intents;
use super::letters::rows_limit;
use super::records;
use super::session::{Place, Session};
use super::withhold;
use crate::model::{OutboxEntry, OutboxState};
use crate::store::{FuseTally, Lease};

/// Leases due entries of one kind of operation: ambiguous ones (to be asked about), or else queued ones, never both at
/// once. An ambiguous entry is handed out as `Ambiguous`, a queued one as `InFlight`.
pub(super) fn lease(gate: &Gate<'_, '_>, place: Place, lease: &Lease, limit: usize) -> Fallible<Vec<OutboxEntry>> {
    let session = gate.session();
    session.run(
        "UPDATE outbox SET state = 2, worker = NULL, lease_until = NULL
         WHERE place = ?1 AND state = 1 AND lease_until <= ?2",
        (place, lease.now.micros()),
    )?;
    let parents = parents(session, place)?;
    for state in [2, 0] {
        let due = loop {
            let due = due(session, place, state, lease.now, limit, parents)?;
            let (found, mut sendable) = (due.len(), Vec::with_capacity(due.len()));
            for row in due {
                // Consent is read here, in the transaction that lets the entry out: nothing withdrawn before is sent.
                if withhold::cancel(gate, &row, lease.run, lease.now)?.is_none() {
                    sendable.push(row);
                }
            }
            if found == 0 || !sendable.is_empty() {
                break sendable;
            }
        };
        if due.is_empty() {
            continue;
        }
        for row in &due {
            session.run(
                "UPDATE outbox SET state = 1, worker = ?2, lease_until = ?3 WHERE id = ?1",
                (row.entry.id.0, &*lease.worker, lease.until.micros()),
            )?;
            if let (2, Some(record)) = (state, row.record) {
                // While its fate was unknown, staging compared with a mirror from before it: it looks once more.
                records::mark(session, place, record)?;
            }
        }
        return Ok(due.into_iter().map(|row| shown(row.entry)).collect());
    }
    Ok(Vec::new())
}

/// The oldest due entry and those of its kind.
fn due(
    session: &Session<'_>,
    place: Place,
    state: i64,
    now: Timestamp,
    limit: usize,
    parents: Option<Place>,
) -> Fallible<Vec<intents::Row>> {
    const DUE: &str = "o.place = ?1 AND o.state = ?2 AND (o.not_before IS NULL OR o.not_before <= ?3)";
    let now = now.micros();
    let first =
        intents::select(session, &format!("WHERE {DUE} ORDER BY o.created_at, o.id LIMIT 1"), (place, state, now))?;
    let Some(first) = first.first() else {
        return Ok(Vec::new());
    };
    intents::select_with_parents(
        session,
        &format!("WHERE {DUE} AND o.op = ?4 ORDER BY o.created_at, o.id LIMIT ?5"),
        (place, state, now, first.entry.intent.operation.name(), rows_limit(limit)),
        parents,
    )
}

/// Where the records stand whose lock a write to a record of this place takes as well: a person's company.
fn parents(session: &Session<'_>, place: Place) -> Fallible<Option<Place>> {
    let (connection, object) = session.place_name(place)?;
    if !object.is_person() {
        return Ok(None);
    }
    session.find_place(&connection, &Object::Company)
}

fn shown(mut entry: OutboxEntry) -> OutboxEntry {
    if entry.state == OutboxState::Queued {
        entry.state = OutboxState::InFlight;
    }
    entry
}

/// At start nobody else works on this store: whatever is in flight was left behind by a process that is gone.
pub(super) fn recover(session: &Session<'_>) -> Fallible<u64> {
    let found = session.run("UPDATE outbox SET state = 2, worker = NULL, lease_until = NULL WHERE state = 1", [])?;
    let beside = "UPDATE side_write SET state = 2, worker = NULL, lease_until = NULL WHERE state = 1";
    Ok((found + session.run(beside, [])?) as u64)
}

pub(super) fn reclaim(session: &Session<'_>, place: Place, worker: &str) -> Fallible<u64> {
    let found = session.run(
        "UPDATE outbox SET state = 2, worker = NULL, lease_until = NULL WHERE place = ?1 AND state = 1 AND worker = ?2",
        (place, worker),
    )?;
    Ok(found as u64)
}

pub(super) fn fuse_tally(session: &Session<'_>, place: Place) -> Fallible<FuseTally> {
    let linked = session.number("SELECT live FROM place WHERE id = ?1", [place])?;
    let tally = session
        .sql(
            "SELECT count(*), coalesce(sum(record IS NULL), 0), coalesce(sum(overwriting), 0), coalesce(sum(clearing), 0)
             FROM outbox WHERE place = ?1 AND state = 0",
        )?
        .query_row([place], |row| Ok([row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    let [queued, creates, overwriting, clearing] = tally.map(count);
    Ok(FuseTally { linked: count(linked), queued, creates, overwriting, clearing })
}
