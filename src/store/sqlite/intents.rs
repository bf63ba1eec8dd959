//! Outbox rows: how an intent is kept, queued, replaced and read.

use std::sync::Arc;

use connector::{FieldName, Operation, RecordId, Timestamp, Value};

use super::fault::{Fallible, Fault};
use super::packed_intent::{Stored, pack_intent, unpack_intent};
use super::profiles::{self, blob, instant, uuid};
use super::records::{self, State};
use super::session::{Place, Session};
use crate::model::{Intent, OutboxEntry, OutboxId, OutboxState, ProfileId, RecordKey};

/// A row with its numbers.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) place: Place,
    pub(super) record: Option<i64>,
    pub(super) profile: Option<i64>,
    pub(super) waiting: Option<Vec<u8>>,
    pub(super) entry: OutboxEntry,
}

const SELECT: &str =
    "SELECT o.id, o.key, o.place, o.record, o.profile, o.state, o.generation, o.attempts, o.not_before,
                             o.created_at, o.intent, o.waiting, r.ext
                      FROM outbox o LEFT JOIN record r ON r.id = o.record";

fn read(session: &Session<'_>, row: &rusqlite::Row<'_>) -> Fallible<Row> {
    let (place, record, profile): (i64, Option<i64>, Option<i64>) = (row.get(2)?, row.get(3)?, row.get(4)?);
    let state = match row.get(5)? {
        0 => OutboxState::Queued,
        1 => OutboxState::InFlight,
        2 => OutboxState::Ambiguous,
        _ => return Err(Fault::Damaged("an outbox entry in an unknown state")),
    };
    let stored = unpack_intent(blob(row, 10)?)?;
    let ext: Option<Arc<str>> = row.get(12)?;
    let intent = intent_of(session, place, ext, profile, stored)?;
    let entry = OutboxEntry {
        id: OutboxId(row.get(0)?),
        key: uuid(row, 1)?,
        intent,
        state,
        generation: row.get(6)?,
        attempts: row.get(7)?,
        not_before: instant(row.get(8)?),
        created_at: Timestamp::from_micros(row.get(9)?),
        parent: None,
    };
    Ok(Row { place, record, profile, waiting: row.get(11)?, entry })
}

fn intent_of(
    session: &Session<'_>,
    place: Place,
    ext: Option<Arc<str>>,
    profile: Option<i64>,
    stored: Stored,
) -> Fallible<Intent> {
    let (connection, object) = session.place_name(place)?;
    let record =
        ext.map(|ext| RecordKey { connection: connection.clone(), object: object.clone(), id: RecordId::new(ext) });
    // The record may have been merged since: the update goes to the survivor.
    let operation = match (stored.op, &record) {
        (Operation::Update { .. }, Some(record)) => Operation::Update { id: record.id.clone() },
        (operation, _) => operation,
    };
    Ok(Intent {
        connection,
        object,
        record,
        profile: profile.map(ProfileId),
        operation,
        fields: stored.fields,
        changes: stored.changes,
        compare_first: stored.compare_first,
    })
}

/// Rows by a condition on `o`, in the order given there.
pub(super) fn select(session: &Session<'_>, rest: &str, params: impl rusqlite::Params) -> Fallible<Vec<Row>> {
    let mut statement = session.sql(&format!("{SELECT} {rest}"))?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(session, row)?);
    }
    Ok(found)
}

/// The same, each with the record of the place `parents` that its own record lists first, or that lists it.
pub(super) fn select_with_parents(
    session: &Session<'_>,
    rest: &str,
    params: impl rusqlite::Params,
    parents: Option<Place>,
) -> Fallible<Vec<Row>> {
    let Some(parents) = parents else {
        return select(session, rest, params);
    };
    let mut rows = select(session, rest, params)?;
    let mut statement = session.sql(
        "SELECT coalesce(
             (SELECT c.ext FROM link l JOIN record c ON c.id = l.b WHERE l.a = ?1 AND c.place = ?2 ORDER BY l.b LIMIT 1),
             (SELECT c.ext FROM link l JOIN record c ON c.id = l.a WHERE l.b = ?1 AND c.place = ?2 ORDER BY l.a LIMIT 1))",
    )?;
    for row in &mut rows {
        if let Some(record) = row.record {
            let parent: Option<Arc<str>> = statement.query_row((record, parents), |found| found.get(0))?;
            row.entry.parent = parent.map(RecordId::new);
        }
    }
    Ok(rows)
}

pub(super) fn by_id(session: &Session<'_>, id: OutboxId) -> Fallible<Option<Row>> {
    Ok(select(session, "WHERE o.id = ?1", [id.0])?.pop())
}

pub(super) fn of_record(session: &Session<'_>, record: i64) -> Fallible<Option<Row>> {
    Ok(select(session, "WHERE o.record = ?1", [record])?.pop())
}

pub(super) fn of_create(session: &Session<'_>, place: Place, profile: i64) -> Fallible<Option<Row>> {
    Ok(select(session, "WHERE o.record IS NULL AND o.profile = ?1 AND o.place = ?2", (profile, place))?.pop())
}

/// The entry as staging should see it: with the newest intent, which may wait behind one in flight.
pub(super) fn newest(session: &Session<'_>, row: Row) -> Fallible<OutboxEntry> {
    let Some(waiting) = &row.waiting else {
        return Ok(row.entry);
    };
    let ext = row.entry.intent.record.as_ref().map(|record| Arc::from(record.id.as_str()));
    let intent = intent_of(session, row.place, ext, row.profile, unpack_intent(waiting)?)?;
    Ok(OutboxEntry { generation: row.entry.generation + 1, intent, ..row.entry })
}

/// Fields of a record leased or ambiguous, with the values sent.
pub(super) fn fields_in_flight(session: &Session<'_>, record: i64) -> Fallible<Vec<(FieldName, Value)>> {
    let mut statement = session.sql("SELECT intent FROM outbox WHERE record = ?1 AND state > 0")?;
    let mut rows = statement.query([record])?;
    let mut fields = Vec::new();
    while let Some(row) = rows.next()? {
        let stored = unpack_intent(blob(row, 0)?)?;
        fields.extend(stored.fields.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    Ok(fields)
}

/// Queues an intent for a live record that is known to have none.
pub(super) fn queue_first(
    session: &Session<'_>,
    now: Timestamp,
    place: Place,
    record: i64,
    profile: Option<i64>,
    intent: &Intent,
) -> Fallible<()> {
    insert(session, now, place, Some(record), profile, &Stored::of(intent))
}

/// Queues an intent, replacing a queued one of the same record (or of the same create); behind one that may have been sent
/// it waits. `false` where nothing changed: the same is queued already, or the record no longer takes writes.
pub(super) fn queue(session: &Session<'_>, now: Timestamp, intent: &Intent) -> Fallible<bool> {
    let place = session.place(&intent.connection, &intent.object)?;
    let profile = match intent.profile {
        Some(profile) => profiles::current(session, profile.0)?,
        None => None,
    };
    let (record, have) = match &intent.record {
        Some(key) => {
            let (record, state) = records::find_state(session, key)?
                .ok_or_else(|| Fault::Refused(format!("a write for {key}, which is not stored")))?;
            if state != State::Live {
                return Ok(false);
            }
            (Some(record), of_record(session, record)?)
        }
        None => {
            let profile = profile.ok_or_else(|| Fault::Refused("a create without a profile".into()))?;
            let taken = session.number(
                "SELECT 1 FROM record WHERE profile = ?1 AND place = ?2 AND state > 0 LIMIT 1",
                (profile, place),
            )?;
            if taken > 0 {
                return Ok(false);
            }
            (None, of_create(session, place, profile)?)
        }
    };
    let stored = Stored::of(intent);
    let Some(have) = have else {
        insert(session, now, place, record, profile, &stored)?;
        return Ok(true);
    };
    let same = have.entry.intent.fields == stored.fields && have.entry.intent.operation == stored.op;
    let packed = pack_intent(&stored)?;
    if have.entry.state == OutboxState::Queued {
        if same && have.entry.intent.changes == stored.changes {
            return Ok(false);
        }
        replace(session, have.entry.id, now, &stored, &packed)?;
        if have.entry.intent.fields.is_empty() && !stored.fields.is_empty() {
            // It waited for somebody's working hours, which the fields do not.
            session.run("UPDATE outbox SET not_before = NULL WHERE id = ?1", [have.entry.id.0])?;
        }
    } else {
        // What is in flight already says this, or says it again behind it.
        if same || have.waiting.as_ref() == Some(&packed) {
            session.run(
                "UPDATE outbox SET waiting = CASE WHEN ?2 THEN NULL ELSE waiting END WHERE id = ?1",
                (have.entry.id.0, same),
            )?;
            return Ok(false);
        }
        session.run("UPDATE outbox SET waiting = ?2 WHERE id = ?1", (have.entry.id.0, packed))?;
    }
    Ok(true)
}

fn insert(
    session: &Session<'_>,
    now: Timestamp,
    place: Place,
    record: Option<i64>,
    profile: Option<i64>,
    stored: &Stored,
) -> Fallible<()> {
    session.run(
        "INSERT INTO outbox (key, place, record, profile, state, generation, attempts, created_at, op, overwriting,
                             clearing, intent)
         VALUES (?1, ?2, ?3, ?4, 0, 1, 0, ?5, ?6, ?7, ?8, ?9)",
        (
            session.uuid(now)?.into_bytes(),
            place,
            record,
            profile,
            now.micros(),
            stored.op.name(),
            stored.overwrites(),
            stored.clears(),
            pack_intent(stored)?,
        ),
    )?;
    Ok(())
}

/// A new generation: new key, no attempts yet. The place in the queue stays, and so does a pause the CRM asked for.
fn replace(session: &Session<'_>, id: OutboxId, now: Timestamp, stored: &Stored, packed: &[u8]) -> Fallible<()> {
    session.run(
        "UPDATE outbox SET key = ?2, generation = generation + 1, attempts = 0, state = 0, op = ?3, overwriting = ?4,
                           clearing = ?5, intent = ?6, waiting = NULL, worker = NULL, lease_until = NULL
         WHERE id = ?1",
        (id.0, session.uuid(now)?.into_bytes(), stored.op.name(), stored.overwrites(), stored.clears(), packed),
    )?;
    Ok(())
}

/// The entry is done with: it leaves, or the intent that waited behind it takes its place.
pub(super) fn leave_or_promote(
    session: &Session<'_>,
    row: &Row,
    now: Timestamp,
    not_before: Option<Timestamp>,
) -> Fallible<()> {
    match &row.waiting {
        Some(packed) => {
            replace(session, row.entry.id, now, &unpack_intent(packed)?, packed)?;
            session.run(
                "UPDATE outbox SET not_before = ?2 WHERE id = ?1",
                (row.entry.id.0, not_before.map(Timestamp::micros)),
            )?;
        }
        None => remove(session, row.entry.id)?,
    }
    Ok(())
}

pub(super) fn remove(session: &Session<'_>, id: OutboxId) -> Fallible<()> {
    session.run("DELETE FROM outbox WHERE id = ?1", [id.0])?;
    Ok(())
}

/// Removes what has not been sent of an entry; `true` if there was something. What is left of an erasure stays: somebody has
/// ordered it.
pub(super) fn withdraw(session: &Session<'_>, row: &Row) -> Fallible<bool> {
    if row.entry.intent.is_erasure() {
        return Ok(false);
    }
    if row.entry.state == OutboxState::Queued {
        remove(session, row.entry.id)?;
        return Ok(true);
    }
    session.run("UPDATE outbox SET waiting = NULL WHERE id = ?1", [row.entry.id.0])?;
    Ok(row.waiting.is_some())
}

/// Removes what has not been sent to a record.
pub(super) fn drop_queued(session: &Session<'_>, record: i64) -> Fallible<()> {
    session.run("DELETE FROM outbox WHERE record = ?1 AND state = 0", [record])?;
    session.run("UPDATE outbox SET waiting = NULL WHERE record = ?1 AND waiting IS NOT NULL", [record])?;
    Ok(())
}

/// The profile has a record here now: a create that has not been sent is not wanted any more.
pub(super) fn drop_queued_create(session: &Session<'_>, place: Place, profile: i64) -> Fallible<()> {
    session.run(
        "DELETE FROM outbox WHERE record IS NULL AND profile = ?1 AND state = 0 AND place IN
             (SELECT o.id FROM place o JOIN place p ON p.connection = o.connection WHERE p.id = ?2)",
        (profile, place),
    )?;
    Ok(())
}
