//! One person at several connections: who was given them at another one by the same entry, and what of that counts once.

use std::sync::Arc;

use connector::Timestamp;

use super::fault::Fallible;
use super::session::{Place, Session};
use super::standing;
use crate::model::{Elsewhere, Share};
use crate::store::Assigning;

/// The newest turn of somebody at another connection since they entered the band; of somebody who entered none, the newest of all.
pub(super) fn given(
    session: &Session<'_>,
    profile: i64,
    place: Place,
    how: &Assigning,
) -> Fallible<Option<(i64, Elsewhere)>> {
    let band = how.created_for.as_ref().or(how.band.as_ref());
    let entries = standing::entries(session, profile)?;
    let since = band.and_then(|band| entries.get(band)).map_or(Timestamp::EPOCH, |entry| entry.entered_at);
    let found = session.one(
        "SELECT coalesce(a.follows, a.id), p.connection, a.email, a.pool, a.member
         FROM assignment a JOIN place p ON p.id = a.place
         WHERE a.profile = ?1 AND a.state < 2 AND a.email IS NOT NULL AND a.step IS NOT 'deal' AND a.at >= ?3
         AND p.connection <> (SELECT connection FROM place WHERE id = ?2) ORDER BY a.id DESC LIMIT 1",
        (profile, place, since.micros()),
        |row| {
            let (pool, member): (Option<Arc<str>>, Option<Arc<str>>) = (row.get(3)?, row.get(4)?);
            let share = pool.zip(member).map(|(pool, member)| Share { pool, member });
            let connection: Arc<str> = row.get(1)?;
            Ok((row.get(0)?, Elsewhere { connection: (&*connection).into(), email: row.get(2)?, share }))
        },
    )?;
    Ok(found)
}

/// Whoever has a person at two connections answers them once: what answers one turn answers those of the same entry.
pub(super) fn share_answers(session: &Session<'_>) -> Fallible<()> {
    const SAME: &str = "FROM assignment b WHERE b.profile = assignment.profile AND b.state = 1
         AND coalesce(b.follows, b.id) = coalesce(assignment.follows, assignment.id)
         AND lower(b.email) = lower(assignment.email) AND b.answered_at IS NOT NULL";
    let mut statement = session.sql(&format!(
        "UPDATE assignment SET answered_at = (SELECT min(b.answered_at) {SAME})
         WHERE state = 1 AND respond_by IS NOT NULL AND answered_at IS NULL AND breached_at IS NULL AND profile > 0
           AND EXISTS (SELECT 1 {SAME})"
    ))?;
    statement.execute([])?;
    Ok(())
}
