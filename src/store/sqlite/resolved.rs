//! Carries out what resolution decided: detached identifiers leave, profiles become one, identifiers join, notes are taken.

use connector::Timestamp;

use super::fault::Fallible;
use super::graph::{CONTESTED, QUARANTINED, RETIRED};
use super::identity::{Because, Person, attach, holder_of_value, left, log_edge};
use super::page::existing;
use super::profiles::{self, NewProfile, seen_at};
use super::session::Session;
use super::{merge, reviews};
use crate::model::{AttributeChange, ConflictAction, Identifier, Resolution, Whose};

/// Makes the decision true. Returns whose it is, and how many conflicts were noted.
pub(super) fn apply(
    session: &Session<'_>,
    resolution: &Resolution,
    first_seen: Timestamp,
    attributes: &[AttributeChange],
    because: Because<'_>,
) -> Fallible<(Option<Person>, u64)> {
    for identifier in &resolution.detach {
        detach(session, identifier, because)?;
    }
    let person = match &resolution.whose {
        Whose::Nobody => None,
        Whose::New => {
            let known = resolution.attach.iter().any(|identifier| identifier.kind.is_known());
            let new = NewProfile { now: because.now, first_seen, known, attributes };
            Some(Person { id: profiles::create(session, &new)?, fresh: true })
        }
        Whose::Existing(profile) => Some(Person { id: existing(session, *profile)?, fresh: false }),
        Whose::Merge { survivor, losers } => {
            let survivor = existing(session, *survivor)?;
            for loser in losers {
                merge::profiles(session, survivor, loser.0, because)?;
            }
            Some(Person { id: survivor, fresh: false })
        }
    };
    let mut conflicts = 0;
    if let Some(person) = person {
        if !person.fresh {
            seen_at(session, person.id, first_seen)?;
        }
        conflicts += attach(session, person, &resolution.attach, because)?;
        for identifier in &resolution.retire {
            let kind = session.kind(&identifier.kind)?;
            session.run(
                "UPDATE identifier SET state = ?3 WHERE kind = ?1 AND value = ?2 AND state = 0",
                (kind, &identifier.value, RETIRED),
            )?;
            session.memo.forget(identifier);
        }
        for phone in &resolution.claim {
            session.run(
                "INSERT INTO phone_claim (value, profile) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                (&phone.value, person.id),
            )?;
        }
    }
    conflicts += note(session, resolution, person, because)?;
    Ok((person, conflicts))
}

fn note(session: &Session<'_>, resolution: &Resolution, person: Option<Person>, because: Because<'_>) -> Fallible<u64> {
    for (identifier, with) in &resolution.sightings {
        let (kind, with_kind) = (session.kind(&identifier.kind)?, session.kind(&with.kind)?);
        session.run(
            "INSERT INTO sighting (kind, value, at, with_kind, with_value) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
            (kind, &identifier.value, because.at.micros(), with_kind, &with.value),
        )?;
    }
    for conflict in &resolution.conflicts {
        let kind = session.kind(&conflict.identifier.kind)?;
        if conflict.action == ConflictAction::Quarantined {
            quarantine(session, &conflict.identifier, because)?;
        }
        session.run(
            "INSERT INTO identity_conflict (at, recorded_at, kind, value, action, owner, profile, cause)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            (
                because.at.micros(),
                because.now.micros(),
                kind,
                &conflict.identifier.value,
                conflict.action.as_str(),
                conflict.owner.map(|owner| owner.0),
                person.map(|person| person.id),
                because.cause,
            ),
        )?;
    }
    for review in &resolution.reviews {
        reviews::open(session, review, person.map(|person| person.id), because.now)?;
    }
    // What says nothing because it was contested long ago is no news.
    let news = resolution.conflicts.iter().filter(|conflict| conflict.action != ConflictAction::Contested).count();
    session.count_conflicts(news as u64);
    Ok(news as u64)
}

/// The value is nobody's from now on; whoever held it is told so.
fn quarantine(session: &Session<'_>, identifier: &Identifier, because: Because<'_>) -> Fallible<()> {
    let kind = session.kind(&identifier.kind)?;
    let owner = holder_of_value(session, kind, &identifier.value)?;
    session.run(
        "INSERT INTO identifier (kind, value, profile, state) VALUES (?1, ?2, 0, ?3)
         ON CONFLICT DO UPDATE SET profile = 0, state = excluded.state WHERE state <> excluded.state",
        (kind, &identifier.value, QUARANTINED),
    )?;
    session.memo.forget(identifier);
    // Of a value in quarantine nobody is the holder: later sights of it change nothing.
    match owner.filter(|owner| *owner > 0) {
        Some(owner) => left(session, identifier, owner, because),
        None => Ok(()),
    }
}

/// The identifier leaves its holder for a profile of its own, which nothing ever joins; past events stay where they are.
fn detach(session: &Session<'_>, identifier: &Identifier, because: Because<'_>) -> Fallible<()> {
    let kind = session.kind(&identifier.kind)?;
    let owner =
        session.number("SELECT profile FROM identifier WHERE kind = ?1 AND value = ?2", (kind, &identifier.value))?;
    let new = NewProfile { now: because.now, first_seen: because.at, known: false, attributes: &[] };
    let shared = profiles::create(session, &new)?;
    session.run("UPDATE profile SET shared = 1 WHERE id = ?1", [shared])?;
    session.run(
        "INSERT INTO identifier (kind, value, profile, state) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET profile = excluded.profile, state = excluded.state",
        (kind, &identifier.value, shared, CONTESTED),
    )?;
    session.memo.forget(identifier);
    if owner > 0 {
        left(session, identifier, owner, because)?;
    }
    log_edge(session, &because.edge(1, shared, kind, &identifier.value))
}
