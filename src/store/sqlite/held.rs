//! Leads that wait until somebody is there: kept with the entry of the outbox that waits, so that they end with it.

use std::sync::Arc;

use connector::{RecordId, Timestamp};

use super::assignments::read_trail;
use super::fault::{Fallible, Fault};
use super::letters::rows_limit;
use super::profiles::uid_of;
use super::session::{Place, Session};
use crate::model::{OutboxId, ProfileId, ProfileUid, Step, TrailLine};
use crate::store::{AssignmentRow, AssignmentState, WaitingLeads};

/// An entry that has been paused for another reason since, or is on its way, is not held any more.
const IS_HELD: &str = "o.state = 0 AND o.held_until = o.not_before";

/// Waits of one lead that are remembered: one that meets full caps day after day needs no longer list.
const MOST_WAITS: usize = 5;

/// Notes why an entry waits. It waits since the first time.
pub(super) fn note(
    session: &Session<'_>,
    entry: OutboxId,
    now: Timestamp,
    until: Timestamp,
    trail: &[TrailLine],
) -> Fallible<()> {
    let trail = serde_json::to_string(trail).map_err(|_| Fault::Damaged("a trail that is no text"))?;
    session.run(
        "UPDATE outbox SET held_until = ?2, held_at = coalesce(held_at, ?3), held = ?4 WHERE id = ?1",
        (entry.0, until.micros(), now.micros(), trail),
    )?;
    Ok(())
}

/// The lines that say for whom the entry has waited, oldest first.
pub(super) fn waits(session: &Session<'_>, entry: OutboxId) -> Fallible<Vec<TrailLine>> {
    let held =
        session.one("SELECT held FROM outbox WHERE id = ?1", [entry.0], |row| row.get::<_, Option<String>>(0))?;
    let Some(held) = held.flatten() else { return Ok(Vec::new()) };
    let mut waits = read_trail(&held)?;
    waits.retain(|line| line.step == Step::Hold);
    waits.drain(..waits.len().saturating_sub(MOST_WAITS));
    Ok(waits)
}

/// How many wait at a place, and until when the first one does.
pub(super) fn at(session: &Session<'_>, place: Place) -> Fallible<Option<WaitingLeads>> {
    let mut statement =
        session.sql(&format!("SELECT count(*), min(o.held_until) FROM outbox o WHERE o.place = ?1 AND {IS_HELD}"))?;
    let (leads, until) =
        statement.query_row([place], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?)))?;
    let leads = u64::try_from(leads).unwrap_or(0);
    Ok(until.map(|until| WaitingLeads { leads, until: Timestamp::from_micros(until) }))
}

/// Those that wait since an instant, newest first; of one profile if given.
pub(super) fn rows(
    session: &Session<'_>,
    profile: Option<ProfileId>,
    since: Timestamp,
    limit: usize,
) -> Fallible<Vec<AssignmentRow>> {
    let mut statement = session.sql(&format!(
        "SELECT o.held_at, o.place, r.ext, coalesce(o.profile, r.profile), o.held, o.held_until
         FROM outbox o LEFT JOIN record r ON r.id = o.record
         WHERE {IS_HELD} AND o.held_at >= ?1 AND (?2 IS NULL OR coalesce(o.profile, r.profile) = ?2)
         ORDER BY o.held_at DESC, o.id DESC LIMIT ?3",
    ))?;
    let mut rows = statement.query((since.micros(), profile.map(|id| id.0), rows_limit(limit)))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (connection, object) = session.place_name(row.get(1)?)?;
        let record = row.get::<_, Option<Arc<str>>>(2)?.map(RecordId::new);
        found.push(AssignmentRow {
            at: Timestamp::from_micros(row.get(0)?),
            connection,
            object,
            existing: record.is_some(),
            record,
            profile: match row.get::<_, Option<i64>>(3)? {
                Some(profile) => Some(ProfileUid(uid_of(session, profile)?)),
                None => None,
            },
            state: AssignmentState::Held,
            owner: None,
            owner_id: None,
            step: Some(Step::Hold),
            pool: None,
            member: None,
            trail: read_trail(&row.get::<_, String>(4)?)?,
            held_until: Some(Timestamp::from_micros(row.get(5)?)),
            respond_by: None,
            answered_at: None,
            breached_at: None,
        });
    }
    Ok(found)
}
