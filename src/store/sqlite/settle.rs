//! Settlement: what became of leased entries, in mirror, outbox, journal and dead letters at once.

use std::sync::Arc;

use connector::{RecordId, Timestamp};

use super::fault::Fallible;
use super::identity::{Because, Edge, identifiers_of, log_edge};
use super::intents::{self, Row};
use super::profiles::{self, make_known, mark_stale};
use super::records::{self, Content, Key, State};
use super::session::{Session, crm_kind};
use super::{assignments, deletion, identity_log, journal, letters, merge, standing, tombstones};
use crate::model::{
    DeadLetter, DeadLetterCode, DeadLetterId, FieldWritten, JournalOutcome, Logged, LoggedRecord, Mirror, MirrorField,
    OutboxState, RecordKey, RunId, Subject,
};
use crate::store::{Delivered, Fate};

/// An entry that is no longer leased, or of another generation by now, was settled before: nothing is done twice.
pub(super) fn settle(session: &Session<'_>, run: RunId, now: Timestamp, delivered: &[Delivered]) -> Fallible<()> {
    for one in delivered {
        let Some(row) = intents::by_id(session, one.id)? else {
            continue;
        };
        if row.entry.generation != one.generation || row.entry.state == OutboxState::Queued {
            continue;
        }
        settle_one(session, run, now, one, &row)?;
        for letter in &one.dead_letters {
            letters::add(session, letter)?;
        }
    }
    Ok(())
}

fn settle_one(session: &Session<'_>, run: RunId, now: Timestamp, one: &Delivered, row: &Row) -> Fallible<()> {
    if let (false, Some(record)) = (one.written.is_empty(), row.record) {
        let stored = records::load(session, record)?;
        let mirror = after(&stored.linked.mirror, one);
        for write in &one.written {
            let is_frozen = |mirror: &Mirror| mirror.get(&write.field).is_some_and(|field| field.frozen);
            if is_frozen(&mirror) && !is_frozen(&stored.linked.mirror) {
                letters::add(session, &fought(&stored.linked.key, write, now))?;
            }
        }
        if has_written(one) {
            records::save_written(session, &stored, &mirror, now, one.modified_at)?;
            if let Some(profile) = stored.profile {
                standing::told(session, profile, now)?;
            }
            letters::close(session, &stored.linked.key, &one.written, &mirror)?;
        } else {
            records::save_mirror(session, stored.id, &mirror)?;
        }
        // A look or a pull meanwhile saw something else than what is agreed on: it waits for nobody to bring it again.
        let moved = |field: &MirrorField| field.seen.is_some() && field.seen != field.base;
        if stored.state == State::Live && one.written.iter().any(|write| mirror.get(&write.field).is_some_and(moved)) {
            records::mark(session, stored.place, stored.id)?;
        }
    }
    match &one.fate {
        Fate::Finished => {
            deletion::settle(session, row, one)?;
            settle_owner(session, row, now, one)?;
            journal::add(session, run, now, row, row.record, one)?;
            intents::leave_or_promote(session, row, now, None)
        }
        Fate::Linked { id, url } => {
            let record = link(session, now, one, row, id, url.as_deref())?;
            letters::close_create(session, &row.entry.intent, records::load(session, record)?.profile)?;
            settle_turn(session, row, now, one, record)?;
            journal::add(session, run, now, row, Some(record), one)?;
            let settled = intents::by_id(session, row.entry.id)?.unwrap_or_else(|| row.clone());
            intents::leave_or_promote(session, &settled, now, None)
        }
        Fate::Again { not_before, counts } => {
            journal::add(session, run, now, row, row.record, one)?;
            again(session, now, row, *not_before, *counts)
        }
        Fate::Ambiguous { not_before, counts } => {
            journal::add(session, run, now, row, row.record, one)?;
            session.run(
                "UPDATE outbox SET state = 2, worker = NULL, lease_until = NULL, not_before = ?2, attempts = attempts + ?3
                 WHERE id = ?1",
                (row.entry.id.0, not_before.micros(), counts),
            )?;
            Ok(())
        }
        Fate::Gone => {
            journal::add(session, run, now, row, row.record, one)?;
            intents::remove(session, row.entry.id)?;
            if let Some(record) = row.record {
                let stored = records::load(session, record)?;
                if stored.state != State::Archived {
                    tombstones::archive(session, &stored)?;
                    tombstones::gone(session, &stored, now)?;
                }
            }
            Ok(())
        }
        Fate::Merged { into } => {
            settle_owner(session, row, now, one)?;
            journal::add(session, run, now, row, row.record, one)?;
            intents::remove(session, row.entry.id)?;
            let Some(record) = row.record else {
                return Ok(());
            };
            let loser = records::load(session, record)?;
            let connection = &row.entry.intent.connection;
            let cause = format!("{connection} {} {}", into.object, into.id);
            let because = Because { at: now, now, cause: &cause };
            merge::at_crm(session, row.place, &loser.ext, into, because)?;
            let place = session.place(connection, &into.object)?;
            if let Some(key) = records::key(session, place, into.id.as_str())? {
                let survivor = records::load(session, key.record)?;
                if survivor.state == State::Live {
                    records::mark(session, place, survivor.id)?;
                }
            }
            Ok(())
        }
    }
}

/// A lead that is there counts for whom it was given to, and the entry into the band that asked for it is done. Where the CRM
/// turned out to hold the person already, nothing has been done yet: the record it holds is to be given to somebody.
fn settle_turn(session: &Session<'_>, row: &Row, now: Timestamp, one: &Delivered, record: i64) -> Fallible<()> {
    let (None, Some(profile)) = (row.record, row.profile) else { return Ok(()) };
    let profile = profiles::current(session, profile)?.unwrap_or(profile);
    if one.written.is_empty() && !assignments::is_underway(session, profile, row.place)? {
        return Ok(());
    }
    standing::settle(session, profile, Some(now))?;
    assignments::made(session, profile, row.place, record)
}

/// A record that was given to somebody is theirs where the CRM says so; else the turn is given back, and the entry into the band
/// that asked for it stands.
fn settle_owner(session: &Session<'_>, row: &Row, now: Timestamp, one: &Delivered) -> Fallible<()> {
    let (Some(record), Some(owner)) = (row.record, row.entry.intent.routed()) else { return Ok(()) };
    let kept = |write: &&FieldWritten| write.field == owner.field && write.outcome == JournalOutcome::Written;
    if !one.written.iter().any(|write| kept(&write)) {
        return assignments::give_back(session, record);
    }
    let Some(profile) = row.profile.or(records::load(session, record)?.profile) else { return Ok(()) };
    let profile = profiles::current(session, profile)?.unwrap_or(profile);
    standing::settle(session, profile, Some(now))?;
    assignments::made(session, profile, row.place, record)
}

/// Whether the CRM has taken anything. Only then is a page asked for earlier older than the record, and only then has the
/// record's stamp moved, so that a later page brings it again.
fn has_written(one: &Delivered) -> bool {
    one.written.iter().any(|write| matches!(write.outcome, JournalOutcome::Written | JournalOutcome::KeptOther))
}

/// The mirror with what was written taken into account, field by field: a page may have been pulled meanwhile, and what it
/// saw of the others is newer.
fn after(mirror: &Mirror, one: &Delivered) -> Mirror {
    let mut mirror = mirror.clone();
    for write in &one.written {
        mirror.written(write);
    }
    mirror
}

/// A field that the CRM would not leave as written is frozen now: somebody has to know.
fn fought(record: &RecordKey, write: &FieldWritten, now: Timestamp) -> DeadLetter {
    let cause = format!(
        "{} keeps another value of \"{}\" than the one written, time after time; the field is frozen",
        record.connection, write.field
    );
    DeadLetter {
        id: DeadLetterId(0),
        at: now,
        code: DeadLetterCode::FieldFought,
        subject: Subject {
            connection: Some(record.connection.as_str().into()),
            object: Some(record.object.as_str().into()),
            record: Some(record.id.as_str().into()),
            field: Some(write.field.clone()),
            source: None,
        },
        cause: cause.into(),
        fix: "find the workflow that rewrites it, then ferry failures retry ID to thaw the field".into(),
        raw: None,
        count: 1,
    }
}

fn again(session: &Session<'_>, now: Timestamp, row: &Row, not_before: Timestamp, counts: bool) -> Fallible<()> {
    let alive = match row.record {
        Some(record) => records::load(session, record)?.state == State::Live,
        None => true,
    };
    if !alive {
        // Archived while it was out: nothing is sent to it any more.
        return intents::remove(session, row.entry.id);
    }
    if row.waiting.is_some() {
        return intents::leave_or_promote(session, row, now, Some(not_before));
    }
    session.run(
        "UPDATE outbox SET state = 0, worker = NULL, lease_until = NULL, not_before = ?2, attempts = attempts + ?3
         WHERE id = ?1",
        (row.entry.id.0, not_before.micros(), counts),
    )?;
    Ok(())
}

/// The record that a create made or found belongs to the entry's profile from now on; the next pull of it is a change.
fn link(
    session: &Session<'_>,
    now: Timestamp,
    one: &Delivered,
    row: &Row,
    id: &RecordId,
    url: Option<&str>,
) -> Fallible<i64> {
    let profile = match row.profile {
        Some(profile) => profiles::current(session, profile)?,
        None => None,
    };
    let record = match records::key(session, row.place, id.as_str())? {
        None => {
            let mirror = after(&Mirror::default(), one);
            let content = Content { profile, state: State::Live, modified_at: None, url, mirror: &mirror };
            let record = records::insert(session, row.place, id.as_str(), &content)?;
            let key = Key { record, alias: false, hash: None, links_hash: None };
            records::save_key(session, row.place, id.as_str(), key)?;
            log_link(session, now, row, profile, id)?;
            record
        }
        Some(key) => {
            let stored = records::load(session, key.record)?;
            let holder = stored.profile.or(profile);
            if stored.profile.is_some() && profile.is_some() && stored.profile != profile {
                // Pulled meanwhile as somebody else's: resolution had the better evidence.
                session.count_conflicts(1);
            }
            let mirror = after(&stored.linked.mirror, one);
            let shown: Option<Arc<str>> = url.map(Arc::from).or(stored.linked.url.clone());
            let content = Content {
                profile: holder,
                state: State::Live,
                modified_at: stored.linked.modified_at.map(Timestamp::micros),
                url: shown.as_deref(),
                mirror: &mirror,
            };
            records::update(session, &stored, &content)?;
            records::forget_hash(session, row.place, &stored.ext)?;
            if stored.profile.is_none() {
                log_link(session, now, row, profile, id)?;
            }
            stored.id
        }
    };
    if has_written(one) {
        let stamp = one.modified_at.map(Timestamp::micros);
        session.run(
            "UPDATE record SET written_at = ?2, written_stamp = ?3 WHERE id = ?1",
            (record, now.micros(), stamp),
        )?;
    }
    records::mark(session, row.place, record)?;
    if row.record.is_none() {
        // What waits behind the create is for this record now, unless it has an entry of its own.
        session.run("UPDATE OR IGNORE outbox SET record = ?2 WHERE id = ?1", (row.entry.id.0, record))?;
        session.run("UPDATE outbox SET waiting = NULL WHERE id = ?1 AND record IS NULL", [row.entry.id.0])?;
    }
    Ok(record)
}

fn log_link(session: &Session<'_>, now: Timestamp, row: &Row, profile: Option<i64>, id: &RecordId) -> Fallible<()> {
    let Some(profile) = profile else {
        return Ok(());
    };
    let cause = format!("{} {} {id}", row.entry.intent.connection, row.entry.intent.object);
    let edge = Edge {
        at: now,
        recorded_at: now,
        sign: 1,
        profile,
        kind: crm_kind(row.place),
        value: id.as_str(),
        cause: &cause,
    };
    log_edge(session, &edge)?;
    make_known(session, profile)?;
    mark_stale(session, profile)?;
    let intent = &row.entry.intent;
    if intent.object.is_person() {
        // Until it is pulled, only this tells whose the record is.
        let told = LoggedRecord {
            key: RecordKey { connection: intent.connection.clone(), object: intent.object.clone(), id: id.clone() },
            at: now,
            identifiers: Vec::new(),
            merged: Vec::new(),
            carried: identifiers_of(session, profile)?.into_iter().next(),
        };
        identity_log::write(session, &Logged::Record(told), now)?;
    }
    Ok(())
}
