//! The queue of questions for a person.

use connector::Timestamp;

use super::fault::Fallible;
use super::session::Session;
use crate::model::Review;

/// Opens a question, or counts one more sight of an open one. A question answered before is not asked again.
pub(super) fn open(session: &Session<'_>, review: &Review, event: Option<i64>, now: Timestamp) -> Fallible<()> {
    let mut profiles: Vec<i64> = review.profiles.iter().map(|profile| profile.0).collect();
    if review.with_event {
        profiles.extend(event);
    }
    profiles.sort_unstable();
    profiles.dedup();
    let listed = profiles.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let kind = session.kind(&review.identifier.kind)?;
    let (reason, value) = (review.reason.as_str(), &review.identifier.value);
    let asked = session.number(
        "SELECT id FROM review WHERE reason = ?1 AND kind = ?2 AND value = ?3 AND profiles = ?4 LIMIT 1",
        (reason, kind, value, &listed),
    )?;
    if asked > 0 {
        session.run("UPDATE review SET seen = seen + 1 WHERE id = ?1 AND answer IS NULL", [asked])?;
        return Ok(());
    }
    session.run(
        "INSERT INTO review (opened_at, reason, kind, value, profiles) VALUES (?1, ?2, ?3, ?4, ?5)",
        (now.micros(), reason, kind, value, &listed),
    )?;
    Ok(())
}
