//! The event log: appended once per (source, message id), attributed, with its facts.

use std::borrow::Cow;
use std::sync::Arc;

use connector::Timestamp;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::fault::{Fallible, Fault};
use super::gate::Gate;
use super::graph::with_graph;
use super::identity::Because;
use super::packed_model::{pack_known, unpack_known};
use super::profiles::{blob, instant, mark_stale};
use super::session::Session;
use super::{company, declared, hashes, letters, recent, records, resolved, rules};
use crate::model::{DeadLetter, Event, EventKind, EventRow, IdentifierKind, ProfileId, Whose};
use crate::store::{AppendEvents, EventDecision, IngestReport, ResolveEvents};

pub(super) fn append(
    session: &Session<'_>,
    gate: &Gate<'_, '_>,
    batch: &AppendEvents,
    resolve: &dyn ResolveEvents,
) -> Fallible<IngestReport> {
    let mut report = IngestReport { dead_letters: batch.dead_letters.len() as u64, ..IngestReport::default() };
    session.memo.begin();
    let mut brought = session.brought.take();
    for (event, facts) in &batch.events {
        let source = session.source(&event.source)?;
        let counted = brought.of(source);
        let row = session.next_event()?;
        if gate.suppresses(&event.identifiers)? {
            report.suppressed += 1;
            counted.suppressed += 1;
            continue;
        }
        let Some(key) = take_key(session, source, &event.message_id, row)? else {
            report.duplicates += 1;
            counted.duplicate += 1;
            continue;
        };
        if event.identifiers.iter().any(|identifier| identifier.kind == IdentifierKind::EmailSha256) {
            hashes::begin(session)?;
        }
        let mut decision = with_graph(session, |graph| {
            declared::with_reader(session, |traits| resolve.resolve(event, graph, traits))
        })?;
        let admission = gate.admit(&decision.resolution.whose, &decision.consent)?;
        if !admission.keep {
            report.withheld += 1;
            counted.withheld += 1;
            recent::free_key(session, key)?;
            continue;
        }
        if !admission.counts {
            decision.attributes.clear();
        }
        let profile = attribute(session, batch.now, event, &decision, &mut report)?;
        insert(session, row, source, profile, event)?;
        session.took_event(row);
        report.accepted += 1;
        counted.accept(event.at, batch.now);
        match profile {
            None => {
                report.unattributed += 1;
                counted.unattributed += 1;
            }
            Some(profile) => {
                let facts: &[_] = if admission.counts { facts } else { &[] };
                report.profiles_marked +=
                    u64::from(gate.note(profile, Some(row), &decision.consent.decisions, batch.now)?);
                if admission.counts {
                    report.profiles_marked += u64::from(company::event(session, profile, event, batch.now)?);
                }
                rules::add(session, profile, row, event.at, facts)?;
                // Without facts an event cannot change what is computed.
                if !facts.is_empty() {
                    report.profiles_marked += u64::from(mark_stale(session, profile)?);
                }
            }
        }
    }
    for letter in &batch.dead_letters {
        let letter = kept(gate, letter, resolve)?;
        letters::add(session, &letter)?;
    }
    brought.reject(session, &batch.rejected)?;
    session.brought.replace(brought);
    Ok(report)
}

/// The letter about a message that could not be taken; without its text where that names somebody on the suppression list.
fn kept<'l>(gate: &Gate<'_, '_>, letter: &'l DeadLetter, resolve: &dyn ResolveEvents) -> Fallible<Cow<'l, DeadLetter>> {
    let Some(raw) = letter.raw.as_ref().filter(|_| gate.may_suppress()) else { return Ok(Cow::Borrowed(letter)) };
    if !gate.suppresses(&resolve.named_in(&raw.text))? {
        return Ok(Cow::Borrowed(letter));
    }
    let cause = format!("{}; the text is not kept: it names somebody on the suppression list", letter.cause).into();
    Ok(Cow::Owned(DeadLetter { cause, raw: None, ..letter.clone() }))
}

/// Takes the key under which the message goes into the log as `event`; `None` if it is there already. Two messages with one
/// hash get neighbouring keys, so that neither is taken for the other. Nearly all messages are new: writing comes first.
fn take_key(session: &Session<'_>, source: i64, message_id: &str, event: i64) -> Fallible<Option<i64>> {
    let hash = xxh3_64_with_seed(message_id.as_bytes(), source.cast_unsigned());
    let mut key = i64::from_le_bytes(hash.to_le_bytes());
    loop {
        if recent::take_key(session, key, event)? {
            return Ok(Some(key));
        }
        // What retention has deleted is known by its key alone.
        let other = session.number(
            "SELECT 1 FROM event WHERE row = ?1 AND NOT (source = ?2 AND message_id = ?3)",
            (recent::event_under(session, key)?, source, message_id),
        )?;
        if other == 0 {
            return Ok(None);
        }
        key = key.wrapping_add(1);
    }
}

/// The key of an event that is in the log.
pub(super) fn key_of(session: &Session<'_>, source: i64, message_id: &str, row: i64) -> Fallible<Option<i64>> {
    let hash = xxh3_64_with_seed(message_id.as_bytes(), source.cast_unsigned());
    let mut key = i64::from_le_bytes(hash.to_le_bytes());
    loop {
        match recent::event_under(session, key)? {
            None => return Ok(None),
            Some(found) if found == row => return Ok(Some(key)),
            Some(_) => key = key.wrapping_add(1),
        }
    }
}

/// Carries the decision out and returns whose the event is.
fn attribute(
    session: &Session<'_>,
    now: Timestamp,
    event: &Event,
    decision: &EventDecision,
    report: &mut IngestReport,
) -> Fallible<Option<i64>> {
    // Most events say nothing new of who is who: then the logs are told nothing, and nobody asks why.
    let told = decision.resolution.says_something();
    let cause = if told { format!("event {} {}", event.source, event.message_id) } else { String::new() };
    let because = Because { at: event.at, now, cause: &cause };
    let (person, conflicts) = resolved::apply(session, &decision.resolution, event.at, &decision.attributes, because)?;
    report.identity_conflicts += conflicts;
    let Some(person) = person else { return Ok(None) };
    if person.fresh || matches!(decision.resolution.whose, Whose::Merge { .. }) {
        report.profiles_marked += 1;
    }
    if !person.fresh && declared::change(session, person.id, &decision.attributes)? {
        report.profiles_marked += 1;
        report.records_marked += records::mark_all_of(session, person.id)?;
    }
    Ok(Some(person.id))
}

const WEAK: i64 = 1;
const BOT: i64 = 2;

fn kind_number(kind: EventKind) -> i64 {
    match kind {
        EventKind::Track => 1,
        EventKind::Identify => 2,
        EventKind::Page => 3,
        EventKind::Screen => 4,
        EventKind::Group => 5,
        EventKind::Alias => 6,
    }
}

fn read_kind(number: i64) -> Fallible<EventKind> {
    Ok(match number {
        1 => EventKind::Track,
        2 => EventKind::Identify,
        3 => EventKind::Page,
        4 => EventKind::Screen,
        5 => EventKind::Group,
        6 => EventKind::Alias,
        _ => return Err(Fault::Damaged("an event of an unknown kind")),
    })
}

fn insert(session: &Session<'_>, row: i64, source: i64, profile: Option<i64>, event: &Event) -> Fallible<()> {
    let flags = if event.traits_are_weak { WEAK } else { 0 } | if event.is_bot { BOT } else { 0 };
    session.run(
        "INSERT INTO event (row, source, message_id, kind, profile, at, received_at, original_at, sent_at, flags, name,
                            known, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        (
            row,
            source,
            &event.message_id,
            kind_number(event.kind),
            profile,
            event.at.micros(),
            event.received_at.micros(),
            event.original_at.map(Timestamp::micros),
            event.sent_at.map(Timestamp::micros),
            flags,
            &event.name,
            pack_known(session, &event.identifiers, &event.traits)?,
            &event.body,
        ),
    )?;
    Ok(())
}

const COLUMNS: &str =
    "row, source, message_id, kind, profile, at, received_at, original_at, sent_at, flags, name, known, body";

fn read(session: &Session<'_>, row: &rusqlite::Row<'_>) -> Fallible<EventRow> {
    let (identifiers, traits) = unpack_known(session, blob(row, 11)?)?;
    let flags: i64 = row.get(9)?;
    Ok(EventRow {
        row: row.get(0)?,
        profile: row.get::<_, Option<i64>>(4)?.map(ProfileId),
        event: Event {
            source: session.source_name(row.get(1)?)?,
            message_id: row.get::<_, Arc<str>>(2)?,
            kind: read_kind(row.get(3)?)?,
            name: row.get(10)?,
            at: Timestamp::from_micros(row.get(5)?),
            original_at: instant(row.get(7)?),
            sent_at: instant(row.get(8)?),
            received_at: Timestamp::from_micros(row.get(6)?),
            identifiers,
            traits,
            traits_are_weak: flags & WEAK != 0,
            is_bot: flags & BOT != 0,
            body: row.get(12)?,
        },
    })
}

/// The log after a row, oldest first.
pub(super) fn after(session: &Session<'_>, row: i64, limit: usize) -> Fallible<Vec<EventRow>> {
    select(session, "WHERE row > ?1 ORDER BY row LIMIT ?2", (row, letters::rows_limit(limit)))
}

/// A profile's events, newest first.
pub(super) fn of_profile(session: &Session<'_>, profile: i64, limit: usize) -> Fallible<Vec<EventRow>> {
    let rest = "WHERE profile = ?1 AND row IN (SELECT event FROM (
                    SELECT at, event FROM fact WHERE profile = ?1
                    UNION ALL SELECT at, event FROM recent_fact WHERE profile = ?1
                    ORDER BY at DESC, event DESC LIMIT ?2))
                ORDER BY at DESC, row DESC";
    select(session, rest, (profile, letters::rows_limit(limit)))
}

fn select(session: &Session<'_>, rest: &str, params: impl rusqlite::Params) -> Fallible<Vec<EventRow>> {
    let mut statement = session.sql(&format!("SELECT {COLUMNS} FROM event {rest}"))?;
    let mut rows = statement.query(params)?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(read(session, row)?);
    }
    Ok(events)
}
