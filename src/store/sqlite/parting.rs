//! A profile falls apart: something is unlinked, its log is told again, and what belongs together stays together.

use std::collections::HashSet;

use connector::Timestamp;

use super::fault::{Fallible, Fault};
use super::graph::CONTESTED;
use super::identity::{Because, holder, identifiers_of, left, log_edge};
use super::profiles::{self, NewProfile};
use super::session::{Place, Session};
use super::{company, declared, events, identity_log, records, report, reviews};
use crate::model::{Identifier, IdentifierKind, LogPlace, Logged, Origin, ProfileId, RecordKey};
use crate::store::{Component, Part, PartComponent};

/// Lines of the log read at once.
const CHUNK: usize = 2_000;

/// Takes an identifier away from its profile for ever. Returns the profiles there are now, the one that keeps the id first.
pub(super) fn unlink(
    session: &Session<'_>,
    identifier: &Identifier,
    now: Timestamp,
    plan: &dyn PartComponent,
) -> Fallible<Vec<ProfileId>> {
    if let Some(record) = lives_on_as(session, identifier)? {
        return Err(Fault::Refused(format!(
            "the CRM has merged {identifier} into {record}: unlink that, or split them at the CRM"
        )));
    }
    let owner = holder(session, identifier)?.filter(|owner| *owner > 0);
    let owner = owner.ok_or_else(|| Fault::Refused(format!("nobody holds {identifier}")))?;
    let held = identifiers_of(session, owner)?;
    let mut others: Vec<Identifier> = held.iter().filter(|other| *other != identifier).cloned().collect();
    if matches!(identifier.kind, IdentifierKind::Crm { .. }) {
        // What only the record itself told goes with it.
        let told = told_without(&log_of(session, owner, &held)?, identifier);
        others.retain(|other| told.contains(other));
    }
    if others.is_empty() {
        return Err(Fault::Refused(format!("{identifier} is all that its profile holds: there is nothing to part")));
    }
    reviews::keep_apart(session, identifier, &others)?;
    let component = component(session, owner, identifier)?;
    identity_log::write(session, &Logged::Unlinked(identifier.clone(), others), now)?;
    let parts = plan.parts(&component);
    let cause = format!("unlink {identifier}");
    let because = Because { at: now, now, cause: &cause };
    if !parts.iter().any(|part| part.identifiers.contains(identifier)) {
        release(session, owner, identifier, because)?;
    }
    carry_out(session, owner, &parts, because)
}

/// What other lines than the record's own tell of.
fn told_without(log: &[(LogPlace, Logged)], record: &Identifier) -> HashSet<Identifier> {
    let mut told = HashSet::new();
    for (_, line) in log {
        match line {
            Logged::Event(_) | Logged::Record(_) | Logged::Joined(..) => {
                let names = line.names();
                let is_own = matches!(line, Logged::Record(_)) && names.first() == Some(record);
                told.extend(names.into_iter().filter(|_| !is_own));
            }
            _ => {}
        }
    }
    told
}

/// The record that this one was merged into at the CRM: its id alone is left of it.
fn lives_on_as(session: &Session<'_>, identifier: &Identifier) -> Fallible<Option<Identifier>> {
    let IdentifierKind::Crm { connection, object } = &identifier.kind else { return Ok(None) };
    let Some(place) = session.find_place(connection, object)? else { return Ok(None) };
    let Some(key) = records::key(session, place, &identifier.value)?.filter(|key| key.alias) else { return Ok(None) };
    let survivor = records::load(session, key.record)?.linked.key;
    Ok(Some(Identifier::crm(&survivor.connection, &survivor.object, &survivor.id)))
}

/// Nobody holds it any more.
fn release(session: &Session<'_>, owner: i64, identifier: &Identifier, because: Because<'_>) -> Fallible<()> {
    let kind = session.kind(&identifier.kind)?;
    session.run("DELETE FROM identifier WHERE kind = ?1 AND value = ?2", (kind, &identifier.value))?;
    if let IdentifierKind::Crm { connection, object } = &identifier.kind
        && let Some(place) = session.find_place(connection, object)?
        && let Some(key) = records::key(session, place, &identifier.value)?
    {
        session.run("UPDATE record SET profile = NULL WHERE id = ?1", [key.record])?;
        tell_anew(session, key.record, place, &identifier.value)?;
    }
    left(session, identifier, owner, because)
}

/// Everything that bears on a profile.
pub(super) fn component(session: &Session<'_>, profile: i64, unlinked: &Identifier) -> Fallible<Component> {
    let held = report::held_by(session, profile)?.ok_or(Fault::Damaged("a profile vanished"))?;
    let rows = records::of_profile(session, profile)?;
    let keys: Vec<RecordKey> = rows.iter().map(|row| row.linked.key.clone()).collect();
    let mut from_records: Vec<_> = held
        .profile
        .attributes
        .iter()
        .filter(|(_, attribute)| matches!(attribute.origin, Origin::Crm(_)))
        .map(|(name, attribute)| (name.clone(), attribute.clone()))
        .collect();
    let history = profiles::history(session, profile)?;
    from_records.extend(history.into_iter().filter(|(_, attribute)| matches!(attribute.origin, Origin::Crm(_))));
    let log =
        log_of(session, profile, &held.identifiers.iter().map(|held| held.identifier.clone()).collect::<Vec<_>>())?;
    let first_seen = held.profile.first_seen;
    let apart = report::apart(session)?;
    let unlinked = unlinked.clone();
    Ok(Component { log, held, unlinked, apart, from_records, records: keys, first_seen })
}

/// The profile's events, and every other line that names something it holds.
fn log_of(session: &Session<'_>, profile: i64, held: &[Identifier]) -> Fallible<Vec<(LogPlace, Logged)>> {
    let mut log: Vec<(LogPlace, Logged)> = Vec::new();
    let mut after = 0;
    loop {
        let mut statement =
            session.sql("SELECT id, after_event, body FROM identity_log WHERE id > ?1 ORDER BY id LIMIT ?2")?;
        let mut rows = statement.query((after, i64::try_from(CHUNK).unwrap_or(i64::MAX)))?;
        let mut read = 0;
        while let Some(row) = rows.next()? {
            (after, read) = (row.get(0)?, read + 1);
            let text: String = row.get(2)?;
            let line = Logged::from_text(&text).ok_or(Fault::Damaged("a line of the identity log"))?;
            if line.is_for_all() || line.names().iter().any(|name| held.contains(name)) {
                log.push((LogPlace { event: row.get(1)?, line: after }, line));
            }
        }
        if read < CHUNK {
            break;
        }
    }
    let events = events::of_profile(session, profile, usize::MAX)?;
    log.extend(
        events.into_iter().map(|row| (LogPlace { event: row.row, line: 0 }, Logged::Event(Box::new(row.event)))),
    );
    log.sort_by_key(|(place, _)| *place);
    Ok(log)
}

fn carry_out(session: &Session<'_>, owner: i64, parts: &[Part], because: Because<'_>) -> Fallible<Vec<ProfileId>> {
    let [kept, gone @ ..] = parts else { return Ok(vec![ProfileId(owner)]) };
    // What is queued was decided for who they were together.
    session.run("DELETE FROM outbox WHERE profile = ?1 AND state = 0", [owner])?;
    let mut now = vec![ProfileId(owner)];
    for part in gone {
        now.push(ProfileId(give(session, owner, part, because)?));
    }
    settle(session, owner, kept)?;
    for profile in &now {
        company::forget(session, profile.0)?;
        // Which groups each was said to be of: from its own events.
        for row in events::of_profile(session, profile.0, usize::MAX)? {
            company::event(session, profile.0, &row.event, because.now)?;
        }
        profiles::mark_stale(session, profile.0)?;
        profiles::note_change(session, profile.0)?;
        records::mark_all_of(session, profile.0)?;
    }
    Ok(now)
}

/// A part becomes a profile of its own.
fn give(session: &Session<'_>, owner: i64, part: &Part, because: Because<'_>) -> Fallible<i64> {
    let new = NewProfile { now: because.now, first_seen: part.first_seen, known: part.known, attributes: &[] };
    let profile = profiles::create(session, &new)?;
    for identifier in &part.identifiers {
        let kind = session.kind(&identifier.kind)?;
        let edge = |profile: i64, sign: i64| because.edge(sign, profile, kind, &identifier.value);
        log_edge(session, &edge(owner, -1))?;
        log_edge(session, &edge(profile, 1))?;
        if !matches!(identifier.kind, IdentifierKind::Crm { .. }) {
            session.run(
                "UPDATE identifier SET profile = ?3 WHERE kind = ?1 AND value = ?2",
                (kind, &identifier.value, profile),
            )?;
        }
    }
    if part.contested {
        session.run("UPDATE profile SET shared = 1 WHERE id = ?1", [profile])?;
        session.run("UPDATE identifier SET state = ?2 WHERE profile = ?1", (profile, CONTESTED))?;
    }
    for record in &part.records {
        if let Some(row) = records::find(session, record)? {
            session.run("UPDATE record SET profile = ?2 WHERE id = ?1", (row.id, profile))?;
            tell_anew(session, row.id, row.place, &row.ext)?;
        }
    }
    for event in &part.events {
        session.run("UPDATE event SET profile = ?2 WHERE row = ?1", (event, profile))?;
        session.run("UPDATE consent SET profile = ?2 WHERE event = ?1", (event, profile))?;
        for sql in [
            "UPDATE fact SET profile = ?2 WHERE profile = ?3 AND event = ?1",
            "UPDATE recent_fact SET profile = ?2 WHERE profile = ?3 AND event = ?1",
        ] {
            session.run(sql, (event, profile, owner))?;
        }
    }
    settle(session, profile, part)?;
    Ok(profile)
}

/// A record's next sight is decided anew, and what it tells then is a line of the log again.
fn tell_anew(session: &Session<'_>, record: i64, place: Place, ext: &str) -> Fallible<()> {
    session.run("UPDATE record SET evidence = NULL WHERE id = ?1", [record])?;
    records::forget_hash(session, place, ext)
}

/// What the part is, on its profile.
fn settle(session: &Session<'_>, profile: i64, part: &Part) -> Fallible<()> {
    declared::save(session, profile, part.attributes.iter().cloned().collect())?;
    session.run(
        "UPDATE profile SET known = ?2, first_seen = ?3 WHERE id = ?1",
        (profile, part.known && !part.contested, part.first_seen.micros()),
    )?;
    Ok(())
}
