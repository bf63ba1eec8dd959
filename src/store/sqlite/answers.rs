//! What counts as an answer to a lead: something its owner did with the person after it was given to them, or any change of its
//! record that is not Ferry's own. Noted with the page that tells of it, so that whoever looks for overdue leads finds it done: the next
//! write of Ferry's would hide the change.

use connector::{ActivityDirection, ActivityFacts, ActivityKind, ConnectionName, Record, RecordId, Timestamp};

use super::elsewhere;
use super::fault::Fallible;
use super::purge::numbers;
use super::session::Session;

/// Turns that nobody has answered in time, as of ?1. Where activities of the connection are read, an answer may have been given
/// and not been read yet: ?2 microseconds are waited for a reading of after the time was up.
pub(super) const UNANSWERED: &str =
    "a.state = 1 AND a.respond_by <= ?1 AND a.answered_at IS NULL AND a.breached_at IS NULL
    AND (?1 >= a.respond_by + ?2 OR NOT EXISTS (
        SELECT 1 FROM checkpoint k JOIN place p ON p.connection = k.connection
        WHERE p.id = a.place AND k.stream = 'records' AND k.object = 'activity' AND k.updated_at <= a.respond_by))";

/// How long an answer may take to be read: three readings as they are usually scheduled.
pub(super) const STILL_COMING: i64 = 15 * 60 * 1_000_000;

/// A CRM that does not tell the stamp of our own write stamps it by its own clock, and so does one whose records move with a note or
/// task beside them: so much later is still ours.
const OWN_WRITE_MICROS: i64 = 5_000_000;

/// Marks the turns whose record was changed by somebody else since, or has ended: few are open at a time, so all are looked at. While a
/// write of Ferry's is under way nobody knows yet whose change it is.
pub(super) fn note_edits(session: &Session<'_>, now: Timestamp) -> Fallible<()> {
    session.run(
        "UPDATE assignment SET answered_at = min(?1, coalesce(
             (SELECT r.modified_at FROM record r WHERE r.id = assignment.record AND r.state = 1), ?1))
         WHERE state = 1 AND respond_by IS NOT NULL AND answered_at IS NULL AND breached_at IS NULL AND EXISTS (
             SELECT 1 FROM record r WHERE r.id = assignment.record AND (r.state <> 1 OR (
                 r.modified_at > assignment.at
                 AND r.modified_at > coalesce(r.written_stamp, r.written_at + ?2, assignment.at + ?2)
                 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.record = r.id AND o.state IN (1, 2))
                 AND r.modified_at > coalesce((SELECT max(s.told_at) + ?2 FROM side_write s WHERE s.record = r.id), 0)
                 AND NOT EXISTS (SELECT 1 FROM side_write s WHERE s.record = r.id AND s.state IN (1, 2)))))",
        (now.micros(), OWN_WRITE_MICROS),
    )?;
    elsewhere::share_answers(session)
}

/// Whether doing this turns to somebody. A note is only about them, and what they did themselves is no answer.
fn is_answer(facts: &ActivityFacts) -> bool {
    facts.done && facts.kind != ActivityKind::Note && facts.direction != Some(ActivityDirection::In)
}

/// Marks the turns that an activity answers, as of when it took place; of one that is yet to come, or is dated before the turn, as
/// of when it was made. `record` is the activity's own.
pub(super) fn note(
    session: &Session<'_>,
    connection: &ConnectionName,
    record: i64,
    told: &Record,
    now: Timestamp,
) -> Fallible<()> {
    let Some(facts) = told.activity.as_ref().filter(|facts| is_answer(facts)) else { return Ok(()) };
    let Some(owner) = facts.owner.as_ref().map(RecordId::as_str) else { return Ok(()) };
    let made = told.created_at.map(Timestamp::micros);
    let at = facts.at.map(Timestamp::micros).or(made);
    let people = numbers(
        session,
        "SELECT DISTINCT r.profile FROM link l JOIN record r ON r.id = l.b WHERE l.a = ?1 AND r.profile IS NOT NULL",
        [record],
    )?;
    for profile in people {
        session.run(
            "UPDATE assignment SET answered_at =
                 CASE WHEN ?5 > at AND ?5 <= ?6 AND (?4 <= at OR ?4 > ?5) THEN ?5 ELSE ?4 END
             WHERE profile = ?1 AND user = ?3 AND state = 1 AND answered_at IS NULL
               AND place IN (SELECT id FROM place WHERE connection = ?2)
               AND ((?4 > at AND ?4 <= ?6) OR (?5 > at AND ?5 <= ?6))",
            (profile, connection.as_str(), owner, at, made, now.micros()),
        )?;
    }
    Ok(())
}
