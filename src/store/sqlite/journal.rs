//! The write journal: one row per field written (or not), append-only until pruned.

use connector::Timestamp;

use super::fault::Fallible;
use super::intents::Row;
use super::letters::rows_limit;
use super::profiles::uuid;
use super::session::Session;
use crate::model::RunId;
use crate::model::canonical::to_json_text;
use crate::store::{Delivered, Fate, JournalRow};

/// A row for each field of a settled entry: with its own outcome where the settlement brings one, else with the entry's,
/// else none, because the entry goes on living.
pub(super) fn add(
    session: &Session<'_>,
    run: RunId,
    now: Timestamp,
    row: &Row,
    record: Option<i64>,
    one: &Delivered,
) -> Fallible<()> {
    let intended = row.entry.intent.record.as_ref().map(|key| key.id.as_str());
    let ext = match &one.fate {
        Fate::Linked { id, .. } => Some(id.as_str()),
        _ => intended,
    };
    for change in &row.entry.intent.changes {
        let written = one.written.iter().find(|written| written.field == change.field);
        let Some(outcome) = written.map(|written| written.outcome).or(one.journal) else {
            continue;
        };
        let (from, to) = written.map_or((&change.from, &change.to), |written| (&written.from, &written.sent));
        session.run(
            r#"INSERT INTO journal (at, run, place, record, ext, field, "from", "to", mapping, origin, outcome)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"#,
            (
                now.micros(),
                run.0.into_bytes(),
                row.place,
                record,
                ext,
                &change.field,
                to_json_text(from),
                to_json_text(to),
                &change.cause.mapping,
                &change.cause.origin,
                outcome.as_str(),
            ),
        )?;
    }
    Ok(())
}

/// Rows by a condition, in the order given there.
fn select(session: &Session<'_>, rest: &str, params: impl rusqlite::Params) -> Fallible<Vec<JournalRow>> {
    let mut statement = session.sql(&format!(
        r#"SELECT j.at, j.run, j.place, j.ext, j.field, j."from", j."to", j.mapping, j.origin, j.outcome
           FROM journal j {rest}"#
    ))?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (connection, object) = session.place_name(row.get(2)?)?;
        found.push(JournalRow {
            at: Timestamp::from_micros(row.get(0)?),
            run: RunId(uuid(row, 1)?),
            connection,
            object,
            record: row.get(3)?,
            field: row.get(4)?,
            from: serde_json::from_str(&row.get::<_, String>(5)?)?,
            to: serde_json::from_str(&row.get::<_, String>(6)?)?,
            mapping: row.get(7)?,
            origin: row.get(8)?,
            outcome: row.get(9)?,
        });
    }
    Ok(found)
}

pub(super) fn of_run(session: &Session<'_>, run: RunId) -> Fallible<Vec<JournalRow>> {
    select(session, "WHERE j.run = ?1 ORDER BY j.id", [run.0.into_bytes()])
}

/// Of all records a profile has, newest first.
pub(super) fn of_profile(
    session: &Session<'_>,
    profile: i64,
    field: Option<&str>,
    limit: usize,
) -> Fallible<Vec<JournalRow>> {
    select(
        session,
        "JOIN record r ON r.id = j.record WHERE r.profile = ?1 AND (?2 IS NULL OR j.field = ?2)
         ORDER BY j.at DESC, j.id DESC LIMIT ?3",
        (profile, field, rows_limit(limit)),
    )
}
