//! The queue of questions for a person, and what becomes of their answers.

use std::sync::Arc;

use connector::Timestamp;

use super::fault::{Fallible, Fault};
use super::graph::SHARED;
use super::identity::{Because, holder, identifiers_of, left};
use super::session::Session;
use super::{company, identity_log, merge, profiles};
use crate::model::{Identifier, IdentifierKind, Logged, ProfileId, Review, ReviewReason};
use crate::store::{Alike, Answer, ReviewRow};

/// Personal identifiers of each side that are kept apart when two people are.
const MOST_APART: usize = 20;

/// Opens a question, or counts one more sight of an open one. A question answered before is not asked again.
pub(super) fn open(session: &Session<'_>, review: &Review, event: Option<i64>, now: Timestamp) -> Fallible<()> {
    let mut profiles: Vec<i64> = review.profiles.iter().map(|profile| profile.0).collect();
    if review.with_event {
        profiles.extend(event);
    }
    let question = Question { reason: review.reason, identifier: &review.identifier, profiles, found: None };
    ask(session, &question, now)?;
    Ok(())
}

/// Opens a question for each pair that is new. Returns how many are.
pub(super) fn open_alike(session: &Session<'_>, pairs: &[Alike], now: Timestamp) -> Fallible<u64> {
    let mut opened = 0;
    for pair in pairs {
        let (Some(one), Some(other)) =
            (profiles::current(session, pair.one.0)?, profiles::current(session, pair.other.0)?)
        else {
            continue;
        };
        let Some(identifier) = identifiers_of(session, one)?.into_iter().next() else { continue };
        if one == other || are_apart(session, one, other)? {
            continue;
        }
        let question = Question {
            reason: ReviewReason::Alike,
            identifier: &identifier,
            profiles: vec![one, other],
            found: Some((pair.probability, &pair.detail)),
        };
        opened += u64::from(ask(session, &question, now)?);
    }
    Ok(opened)
}

struct Question<'a> {
    reason: ReviewReason,
    identifier: &'a Identifier,
    profiles: Vec<i64>,
    found: Option<(f64, &'a Arc<str>)>,
}

fn ask(session: &Session<'_>, question: &Question<'_>, now: Timestamp) -> Fallible<bool> {
    let mut profiles = question.profiles.clone();
    profiles.sort_unstable();
    profiles.dedup();
    let listed = profiles.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let kind = session.kind(&question.identifier.kind)?;
    let (reason, value) = (question.reason.as_str(), &question.identifier.value);
    let asked = session.number(
        "SELECT id FROM review WHERE reason = ?1 AND kind = ?2 AND value = ?3 AND profiles = ?4 LIMIT 1",
        (reason, kind, value, &listed),
    )?;
    if asked > 0 {
        session.run("UPDATE review SET seen = seen + 1 WHERE id = ?1 AND answer IS NULL", [asked])?;
        return Ok(false);
    }
    let millionths = question.found.map(|(probability, _)| (probability * 1e6).round() as i64);
    session.run(
        "INSERT INTO review (opened_at, reason, kind, value, profiles, probability, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (now.micros(), reason, kind, value, &listed, millionths, question.found.map(|(_, detail)| &**detail)),
    )?;
    Ok(true)
}

const COLUMNS: &str =
    "id, opened_at, reason, kind, value, profiles, detail, probability, seen, answer, answered_at FROM review";

/// Open questions, or answered ones; the likeliest pairs first, then the oldest.
pub(super) fn list(session: &Session<'_>, open: bool, limit: usize) -> Fallible<Vec<ReviewRow>> {
    let which = if open { "answer IS NULL" } else { "answer IS NOT NULL" };
    let sql = format!("SELECT {COLUMNS} WHERE {which} ORDER BY probability DESC NULLS LAST, id LIMIT ?1");
    let mut statement = session.sql(&sql)?;
    let mut rows = statement.query([i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(session, row)?);
    }
    // What was joined in the meantime is no question any more.
    let is_of_one = |reason| matches!(reason, ReviewReason::DuplicateRecords | ReviewReason::ClaimedDomain);
    found.retain(|review| !open || review.profiles.len() > 1 || is_of_one(review.reason));
    Ok(found)
}

fn read(session: &Session<'_>, row: &rusqlite::Row<'_>) -> Fallible<ReviewRow> {
    let reason: String = row.get(2)?;
    let listed: String = row.get(5)?;
    let mut profiles = Vec::new();
    for id in listed.split(',').filter_map(|id| id.parse().ok()) {
        profiles.extend(profiles::current(session, id)?.map(ProfileId));
    }
    profiles.sort_unstable();
    profiles.dedup();
    let answer: Option<String> = row.get(9)?;
    Ok(ReviewRow {
        id: row.get(0)?,
        opened_at: Timestamp::from_micros(row.get(1)?),
        reason: ReviewReason::ALL
            .into_iter()
            .find(|known| known.as_str() == reason)
            .ok_or(Fault::Damaged("a question of an unknown reason"))?,
        identifier: session.identifier(row.get(3)?, row.get(4)?)?,
        profiles,
        detail: row.get(6)?,
        probability: row.get::<_, Option<i64>>(7)?.map(|millionths| millionths as f64 / 1e6),
        seen: row.get::<_, i64>(8)?.unsigned_abs(),
        answer: answer.and_then(|text| Answer::from_text(&text)),
        answered_at: profiles::instant(row.get(10)?),
    })
}

/// Carries an answer out. `None` where there is no such open question.
pub(super) fn answer(session: &Session<'_>, id: i64, answer: &Answer, now: Timestamp) -> Fallible<Option<ReviewRow>> {
    let review = {
        let mut statement = session.sql(&format!("SELECT {COLUMNS} WHERE id = ?1 AND answer IS NULL"))?;
        let mut rows = statement.query([id])?;
        match rows.next()? {
            Some(row) => read(session, row)?,
            None => return Ok(None),
        }
    };
    let cause = format!("review {id}");
    let because = Because { at: now, now, cause: &cause };
    match answer {
        _ if review.reason == ReviewReason::ClaimedDomain => company::answer(session, &review, answer)?,
        Answer::Belongs(_) => {
            return Err(Fault::Refused("that is an answer about a domain, and this question is about people".into()));
        }
        Answer::Merge => join(session, &review, because)?,
        Answer::KeepApart => part(session, &review, now)?,
        Answer::Holder => {
            session.run("DELETE FROM phone_claim WHERE value = ?1", [&review.identifier.value])?;
            identity_log::write(session, &Logged::Settled(review.identifier.clone()), now)?;
        }
        Answer::Shared => share(session, &review.identifier, because)?,
        Answer::Dismiss => {}
    }
    session.run("UPDATE review SET answer = ?2, answered_at = ?3 WHERE id = ?1", (id, answer.text(), now.micros()))?;
    Ok(Some(review))
}

fn join(session: &Session<'_>, review: &ReviewRow, because: Because<'_>) -> Fallible<()> {
    let [first, others @ ..] = review.profiles.as_slice() else { return Ok(()) };
    for other in others {
        let (Some(one), Some(other)) = (profiles::current(session, first.0)?, profiles::current(session, other.0)?)
        else {
            continue;
        };
        if one == other {
            continue;
        }
        if session.number("SELECT 1 FROM profile WHERE id IN (?1, ?2) AND shared = 1 LIMIT 1", (one, other))? > 0 {
            return Err(Fault::Refused(
                "one of them is what many people share and belongs to nobody: it is never joined; answer shared or dismiss".into(),
            ));
        }
        let two_records = session.number(
            "SELECT 1 FROM record a JOIN record b ON a.place = b.place
             WHERE a.profile = ?1 AND b.profile = ?2 AND a.state = 1 AND b.state = 1 LIMIT 1",
            (one, other),
        )?;
        if two_records > 0 {
            return Err(Fault::Refused(
                "both have a live record of one object at one connection: merge those records in the CRM, and the next pull joins both"
                    .into(),
            ));
        }
        if are_apart(session, one, other)? {
            return Err(Fault::Refused("somebody has said that they are different people; that stands".into()));
        }
        let strongest =
            |profile: i64| -> Fallible<Option<Identifier>> { Ok(identifiers_of(session, profile)?.into_iter().next()) };
        let line = strongest(one)?.zip(strongest(other)?).map(|(one, other)| Logged::Joined(one, other));
        merge::of_one_person(session, one, other, because)?;
        if let Some(line) = line {
            identity_log::write(session, &line, because.now)?;
        }
    }
    Ok(())
}

fn part(session: &Session<'_>, review: &ReviewRow, now: Timestamp) -> Fallible<()> {
    for (place, one) in review.profiles.iter().enumerate() {
        let ours = personal(session, *one)?;
        for other in review.profiles.iter().skip(place + 1) {
            let theirs = personal(session, *other)?;
            for identifier in &ours {
                keep_apart(session, identifier, &theirs)?;
                identity_log::write(session, &Logged::Apart(identifier.clone(), theirs.clone()), now)?;
            }
        }
    }
    Ok(())
}

/// What a person is told by; where there is nothing of that kind, all there is.
fn personal(session: &Session<'_>, profile: ProfileId) -> Fallible<Vec<Identifier>> {
    let all = identifiers_of(session, profile.0)?;
    let own: Vec<Identifier> = all.iter().filter(|id| id.kind.is_personal()).take(MOST_APART).cloned().collect();
    Ok(if own.is_empty() { all.into_iter().take(MOST_APART).collect() } else { own })
}

/// From now on, and whenever the log is told again, these are never in one profile.
pub(super) fn keep_apart(session: &Session<'_>, one: &Identifier, others: &[Identifier]) -> Fallible<()> {
    let sql = "INSERT INTO apart (kind, value, other_kind, other_value) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    let kind = session.kind(&one.kind)?;
    for other in others {
        let other_kind = session.kind(&other.kind)?;
        session.run(sql, (kind, &one.value, other_kind, &other.value))?;
        session.run(sql, (other_kind, &other.value, kind, &one.value))?;
    }
    Ok(())
}

/// Whether anything of one is kept apart from anything of the other.
pub(super) fn are_apart(session: &Session<'_>, one: i64, other: i64) -> Fallible<bool> {
    if session.number("SELECT EXISTS (SELECT 1 FROM apart)", [])? == 0 {
        return Ok(false);
    }
    let (ours, theirs) = (identifiers_of(session, one)?, identifiers_of(session, other)?);
    for identifier in &ours {
        let Some(kind) = session.find_kind(&identifier.kind)? else { continue };
        for other in &theirs {
            let Some(other_kind) = session.find_kind(&other.kind)? else { continue };
            let found = session.number(
                "SELECT 1 FROM apart WHERE kind = ?1 AND value = ?2 AND other_kind = ?3 AND other_value = ?4",
                (kind, &identifier.value, other_kind, &other.value),
            )?;
            if found > 0 {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The identifier leaves its holder: many have it.
fn share(session: &Session<'_>, identifier: &Identifier, because: Because<'_>) -> Fallible<()> {
    if !identifier.kind.is_shareable() && identifier.kind != IdentifierKind::Email {
        return Err(Fault::Refused(format!("a {} belongs to one person; answer merge or keep_apart", identifier.kind)));
    }
    let kind = session.kind(&identifier.kind)?;
    let owner = holder(session, identifier)?.filter(|owner| *owner > 0);
    session.run(
        "INSERT INTO identifier (kind, value, profile, state) VALUES (?1, ?2, 0, ?3)
         ON CONFLICT DO UPDATE SET profile = 0, state = excluded.state",
        (kind, &identifier.value, SHARED),
    )?;
    if let Some(owner) = owner {
        left(session, identifier, owner, because)?;
    }
    identity_log::write(session, &Logged::Shared(identifier.clone()), because.now)
}
