//! Messages to outbound webhooks: out of the log of transitions, in order for each person, never without consent.

use std::sync::Arc;

use connector::Timestamp;
use uuid::Uuid;

use super::fault::Fallible;
use super::gate::Gate;
use super::identity::identifiers_of;
use super::letters::rows_limit;
use super::session::Session;
use super::webhooks::{Watched, find};
use super::{profiles, standing};
use crate::model::{Crossing, ProfileUid, Purpose};
use crate::store::{LeasedMessages, MessageCause, MessageId, ReceiverHealth, Subscription, WebhookMessage};

/// Messages of one webhook that are out of the log and not delivered: what a receiver that is down costs at most.
const WINDOW: i64 = 1_000;
/// Transitions looked at in one transaction.
const LOOKED_AT: usize = 2_000;

/// Who takes messages out, and for how long.
pub(super) struct Out<'a> {
    pub(super) worker: &'a Arc<str>,
    pub(super) now: Timestamp,
    pub(super) until: Timestamp,
    pub(super) limit: usize,
}

/// Nothing of the person's is sent before this.
const FIRST_OF_A_PERSON: &str = "NOT EXISTS (SELECT 1 FROM webhook_message e
     WHERE e.profile = m.profile AND e.webhook = m.webhook AND e.id < m.id AND e.state < 2)";

pub(super) fn lease(gate: &Gate<'_, '_>, subscription: &Subscription, out: &Out<'_>) -> Fallible<LeasedMessages> {
    let session = gate.session();
    let nothing = |health: ReceiverHealth, next_due| Ok(LeasedMessages { messages: Vec::new(), health, next_due });
    let Some(Watched { id, cursor, health }) = find(session, &subscription.name)? else {
        return nothing(ReceiverHealth::default(), None);
    };
    session.run(
        "UPDATE webhook_message SET state = 0, worker = NULL, lease_until = NULL
         WHERE webhook = ?1 AND state = 1 AND lease_until <= ?2",
        (id, out.now.micros()),
    )?;
    let is_behind = admit(session, id, cursor, subscription, out.now)?;
    let limit = match health.closed_until {
        Some(until) if until > out.now => return nothing(health, Some(until)),
        // One message tries whether the receiver is back.
        Some(_) => out.limit.min(1),
        None => out.limit,
    };
    loop {
        let due = due(session, id, out.now, limit)?;
        if due.is_empty() {
            let next = if is_behind { Some(out.now) } else { next_due(session, id)? };
            return nothing(health, next);
        }
        let mut messages = Vec::with_capacity(due.len());
        for row in due {
            messages.extend(take(gate, id, subscription.purpose, row, out)?);
        }
        if !messages.is_empty() {
            return Ok(LeasedMessages { messages, health, next_due: None });
        }
    }
}

/// Takes transitions out of the log into the queue while there is room; says whether more may be there.
fn admit(
    session: &Session<'_>,
    webhook: i64,
    cursor: i64,
    subscription: &Subscription,
    now: Timestamp,
) -> Fallible<bool> {
    let live = session.number("SELECT count(*) FROM webhook_message WHERE webhook = ?1 AND state < 2", [webhook])?;
    let mut room = WINDOW - live;
    if room <= 0 {
        return Ok(false);
    }
    let rows = standing::transitions(session, cursor, LOOKED_AT)?;
    let (looked_at, mut reached) = (rows.len(), cursor);
    for row in rows {
        if room <= 0 {
            break;
        }
        reached = row.id;
        let crossed = &row.transition;
        let (kind, name) = (standing::number(crossed.kind), &crossed.name);
        if crossed.backfill || !subscription.covers(crossed.kind, name) {
            continue;
        }
        if !subscription.wants(crossed.kind, name, crossed.direction) {
            if crossed.direction == Crossing::Out {
                session.run(
                    "DELETE FROM webhook_told WHERE profile = ?1 AND webhook = ?2 AND kind = ?3 AND name = ?4",
                    (row.profile.0, webhook, kind, name),
                )?;
            }
            continue;
        }
        session.run(
            "INSERT INTO webhook_message (webhook, uid, profile, transition, kind, name, direction, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            (
                webhook,
                session.uuid(now)?.into_bytes(),
                row.profile.0,
                row.id,
                kind,
                name,
                standing::sign(crossed.direction),
                crossed.at.micros(),
            ),
        )?;
        room -= 1;
    }
    if reached > cursor {
        session.run("UPDATE webhook SET cursor = ?2 WHERE id = ?1", (webhook, reached))?;
    }
    Ok(room > 0 && looked_at == LOOKED_AT)
}

/// A message that waits, as its row says it.
struct Waiting {
    id: i64,
    uid: Uuid,
    profile: i64,
    transition: Option<i64>,
    kind: i64,
    name: Arc<str>,
    direction: Crossing,
    at: Timestamp,
    attempts: u32,
    first_sent_at: Option<Timestamp>,
}

fn due(session: &Session<'_>, webhook: i64, now: Timestamp, limit: usize) -> Fallible<Vec<Waiting>> {
    let mut statement = session.sql(&format!(
        "SELECT m.id, m.uid, m.profile, m.transition, m.kind, m.name, m.direction, m.at, m.attempts, m.first_sent_at
         FROM webhook_message m WHERE m.webhook = ?1 AND m.state = 0 AND m.not_before <= ?2 AND {FIRST_OF_A_PERSON}
         ORDER BY m.id LIMIT ?3"
    ))?;
    let mut rows = statement.query((webhook, now.micros(), rows_limit(limit)))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Waiting {
            id: row.get(0)?,
            uid: profiles::uuid(row, 1)?,
            profile: row.get(2)?,
            transition: row.get(3)?,
            kind: row.get(4)?,
            name: row.get(5)?,
            direction: if row.get::<_, i64>(6)? > 0 { Crossing::In } else { Crossing::Out },
            at: Timestamp::from_micros(row.get(7)?),
            attempts: row.get(8)?,
            first_sent_at: profiles::instant(row.get(9)?),
        });
    }
    Ok(found)
}

/// Leases one message, or drops it: of somebody who is gone, of a crossing that a merge has made the survivor's own, of somebody
/// who may not be told of.
fn take(
    gate: &Gate<'_, '_>,
    webhook: i64,
    purpose: Purpose,
    row: Waiting,
    out: &Out<'_>,
) -> Fallible<Option<WebhookMessage>> {
    let session = gate.session();
    let crossed = match row.transition {
        Some(id) => standing::transition(session, id)?.map(|row| row.transition),
        None => None,
    };
    let Some(profile) = profiles::load(session, row.profile)?.filter(|_| row.transition.is_none() || crossed.is_some())
    else {
        session.run("DELETE FROM webhook_message WHERE id = ?1", [row.id])?;
        return Ok(None);
    };
    let profile_id = profile.id.0;
    let told = (profile_id, webhook, row.kind, &row.name);
    let was_told = session
        .number("SELECT 1 FROM webhook_told WHERE profile = ?1 AND webhook = ?2 AND kind = ?3 AND name = ?4", told)?
        > 0;
    let consents = gate.consents(Some(profile_id))?;
    // Whoever holds nothing but what many people share is never known.
    let may_tell = profile.known
        && consents.allows(purpose)
        && consents.allows(Purpose::Analytics)
        && !gate.suppresses_profile(profile_id)?;
    let takes_back = row.direction == Crossing::Out && was_told;
    if may_tell && row.transition.is_none() {
        // Allowed again before it was taken back.
        session.run("DELETE FROM webhook_message WHERE id = ?1", [row.id])?;
        return Ok(None);
    }
    if !may_tell && !takes_back {
        session.run("DELETE FROM webhook_message WHERE id = ?1", [row.id])?;
        session.run("UPDATE webhook SET withheld = withheld + 1 WHERE id = ?1", [webhook])?;
        return Ok(None);
    }
    if row.direction == Crossing::In {
        // From here on the receiver may know.
        session.run(
            "INSERT INTO webhook_told (profile, webhook, kind, name) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            told,
        )?;
    }
    let first_sent_at = row.first_sent_at.unwrap_or(out.now);
    session.run(
        "UPDATE webhook_message SET state = 1, worker = ?2, lease_until = ?3, first_sent_at = ?4 WHERE id = ?1",
        (row.id, out.worker, out.until.micros(), first_sent_at.micros()),
    )?;
    let inside = session.number(
        "SELECT 1 FROM member WHERE kind = ?1 AND name = ?2 AND profile = ?3",
        (row.kind, &row.name, profile_id),
    )? > 0;
    let cause = if row.transition.is_some() { MessageCause::Crossed } else { MessageCause::Withdrawn };
    let (score, grade, reasons) = crossed.map_or((None, None, None), |one| (one.score, one.grade, one.reasons));
    Ok(Some(WebhookMessage {
        id: MessageId(row.id),
        uid: row.uid,
        cause,
        kind: standing::kind(row.kind)?,
        name: row.name,
        direction: row.direction,
        at: row.at,
        score,
        grade,
        reasons,
        inside,
        formerly: formerly(session, profile_id)?,
        identifiers: identifiers_of(session, profile_id)?,
        profile,
        may_tell,
        attempts: row.attempts,
        first_sent_at,
    }))
}

fn formerly(session: &Session<'_>, profile: i64) -> Fallible<Vec<ProfileUid>> {
    let mut statement = session.sql("SELECT uid FROM profile_alias WHERE survivor = ?1 ORDER BY at, old")?;
    let mut rows = statement.query([profile])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(ProfileUid(profiles::uuid(row, 0)?));
    }
    Ok(found)
}

/// When the next message may be sent, or what is in flight falls back.
pub(super) fn next_due(session: &Session<'_>, webhook: i64) -> Fallible<Option<Timestamp>> {
    let mut statement = session.sql(&format!(
        "SELECT min(CASE m.state WHEN 0 THEN m.not_before ELSE m.lease_until END) FROM webhook_message m
         WHERE m.webhook = ?1 AND m.state < 2 AND {FIRST_OF_A_PERSON}"
    ))?;
    let mut rows = statement.query([webhook])?;
    Ok(match rows.next()? {
        Some(row) => profiles::instant(row.get(0)?),
        None => None,
    })
}
