//! What is said of companies, noted as it comes: group messages, company records, and profiles that become one.

use std::sync::Arc;

use connector::{Object, Timestamp};

use super::super::fault::Fallible;
use super::super::links;
use super::super::profiles::mark_stale;
use super::super::records::Row;
use super::super::session::Session;
use super::{ACCOUNT, GROUP, find, find_or_make, mark, save_traits, traits_of};
use crate::expr::Json;
use crate::model::{Attribute, AttributeChange, Event, EventKind, Origin, survivor};

/// Longest group id, in characters; the door refuses longer ones of group messages.
const MAX_GROUP_ID: usize = 500;

/// What an event says of its person's company, and a group message of the company itself. `true` if the profile became
/// stale by it.
pub(in crate::store::sqlite) fn event(
    session: &Session<'_>,
    profile: i64,
    event: &Event,
    now: Timestamp,
) -> Fallible<bool> {
    let Some(group) = group_of(event) else { return Ok(false) };
    if event.kind == EventKind::Group {
        let company = find_or_make(session, GROUP, &group, event.at, now)?;
        note_traits(session, company, event, now)?;
    }
    if !claim(session, profile, &group, event.at)? {
        return Ok(false);
    }
    mark_stale(session, profile)
}

/// `groupId` of a group message, `context.groupId` of any other.
fn group_of(event: &Event) -> Option<Arc<str>> {
    if event.is_bot {
        return None;
    }
    let group: Arc<str> = if event.kind == EventKind::Group {
        event.traits.iter().find(|(name, _)| &**name == "company.id")?.1.as_text()?.into()
    } else {
        // Most messages name no group: looking for the word is cheaper than reading the message.
        if !event.body.contains("\"groupId\"") {
            return None;
        }
        let message = Json::parse(&event.body).ok()?;
        match message.at(&["context", "groupId"])? {
            Json::Text(text) => text.trim().into(),
            number => number.as_digits()?.into(),
        }
    };
    (!group.is_empty() && group.chars().count() <= MAX_GROUP_ID).then_some(group)
}

/// Notes that a profile was said to be of a group; `true` if that can change where it belongs.
fn claim(session: &Session<'_>, profile: i64, group: &str, at: Timestamp) -> Fallible<bool> {
    let at = at.micros();
    let fresh = session.run(
        "INSERT INTO company_claim (profile, value, first_at, last_at) VALUES (?1, ?2, ?3, ?3) ON CONFLICT DO NOTHING",
        (profile, group, at),
    )? > 0;
    if fresh {
        return Ok(true);
    }
    let later = session.run(
        "UPDATE company_claim SET last_at = ?3 WHERE profile = ?1 AND value = ?2 AND last_at < ?3",
        (profile, group, at),
    )? > 0;
    let earlier = session.run(
        "UPDATE company_claim SET first_at = ?3 WHERE profile = ?1 AND value = ?2 AND first_at > ?3",
        (profile, group, at),
    )? > 0;
    // The only group a profile ever named stays the only one, however often it is said.
    Ok(earlier || (later && session.number("SELECT count(*) FROM company_claim WHERE profile = ?1", [profile])? > 1))
}

/// The traits of a group message, each by the rules of survivorship.
fn note_traits(session: &Session<'_>, company: i64, event: &Event, now: Timestamp) -> Fallible<()> {
    let mut traits = traits_of(session, company)?;
    let mut changed = false;
    for (name, value) in &event.traits {
        let Some(name) = name.strip_prefix("company.") else { continue };
        let said = Attribute {
            value: value.clone(),
            observed_at: event.at,
            recorded_at: now,
            origin: Origin::Identify(event.source.clone()),
        };
        let kept = match traits.get(name) {
            Some(known) if known.value == said.value && known.observed_at >= said.observed_at => continue,
            Some(known) => survivor(known, &said).clone(),
            None => said,
        };
        changed |= traits.insert(name.into(), kept.clone()).is_none_or(|known| known != kept);
    }
    if changed {
        save_traits(session, company, &traits)?;
        mark(session, company)?;
    }
    Ok(())
}

/// A company record as just stored, with what its decision took over. `true`: companies are to be looked at.
pub(in crate::store::sqlite) fn record(
    session: &Session<'_>,
    object: &Object,
    record: i64,
    seen: Timestamp,
    now: Timestamp,
    taken: &[AttributeChange],
) -> Fallible<bool> {
    if *object != Object::Company {
        return Ok(false);
    }
    let company = find_or_make(session, ACCOUNT, &record.to_string(), seen, now)?;
    if !taken.is_empty() {
        let mut traits = traits_of(session, company)?;
        traits.extend(taken.iter().map(|change| (change.name.clone(), change.attribute.clone())));
        save_traits(session, company, &traits)?;
    }
    mark(session, company)?;
    Ok(true)
}

/// A record was deleted at the CRM: as a company it claims nothing any more.
pub(in crate::store::sqlite) fn archived(session: &Session<'_>, row: &Row) -> Fallible<()> {
    if row.linked.key.object == Object::Company
        && let Some(company) = find(session, ACCOUNT, &row.id.to_string())?
    {
        mark(session, company)?;
    }
    Ok(())
}

/// Two company records became one at the CRM; called while both still have their associations.
pub(in crate::store::sqlite) fn absorb(session: &Session<'_>, winner: &Row, loser: &Row) -> Fallible<()> {
    if loser.linked.key.object != Object::Company {
        return Ok(());
    }
    links::mark_neighbours(session, winner.id)?;
    links::mark_neighbours(session, loser.id)?;
    let Some(gone) = find(session, ACCOUNT, &loser.id.to_string())? else { return Ok(()) };
    let kept = match find(session, ACCOUNT, &winner.id.to_string())? {
        Some(kept) => kept,
        None => {
            session.run("UPDATE company SET value = ?2 WHERE id = ?1", (gone, winner.id.to_string()))?;
            gone
        }
    };
    if kept != gone {
        session.run("UPDATE company SET first_seen = min(first_seen, (SELECT first_seen FROM company WHERE id = ?2)) WHERE id = ?1", (kept, gone))?;
        // Whoever was known by a domain of the loser is looked at again before that is forgotten.
        session.run(
            "INSERT INTO stale (profile) SELECT profile FROM company_member WHERE company = ?1 AND rank >= 0
             ON CONFLICT DO NOTHING",
            [gone],
        )?;
        for sql in [
            "UPDATE company_member SET company = ?1 WHERE company = ?2",
            "DELETE FROM company_domain WHERE company = ?2 AND ?1 > 0",
            "DELETE FROM company_stale WHERE company = ?2 AND ?1 > 0",
            "DELETE FROM company WHERE id = ?2 AND ?1 > 0",
        ] {
            session.run(sql, (kept, gone))?;
        }
    }
    session.run(
        "UPDATE OR REPLACE company_member SET value = ?1 WHERE kind = ?3 AND value = ?2",
        (winner.id.to_string(), loser.id.to_string(), ACCOUNT),
    )?;
    mark(session, kept)
}

/// The survivor of a merge was said to be wherever either was.
pub(in crate::store::sqlite) fn move_profile(session: &Session<'_>, survivor: i64, loser: i64) -> Fallible<()> {
    for sql in [
        "INSERT INTO company_claim (profile, value, first_at, last_at)
         SELECT ?1, value, first_at, last_at FROM company_claim WHERE profile = ?2
         ON CONFLICT DO UPDATE SET first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)",
        // What is said still is derived again; what was said once only these rows know.
        "UPDATE OR IGNORE company_member SET profile = ?1 WHERE profile = ?2 AND rank < 0",
    ] {
        session.run(sql, (survivor, loser))?;
    }
    forget(session, loser)
}

/// A profile is gone: nothing of it stays here.
pub(in crate::store::sqlite) fn forget(session: &Session<'_>, profile: i64) -> Fallible<()> {
    session.run("DELETE FROM company_claim WHERE profile = ?1", [profile])?;
    session.run("DELETE FROM company_member WHERE profile = ?1", [profile])?;
    Ok(())
}
