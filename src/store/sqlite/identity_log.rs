//! What else than events told who is who: written as it is told, read in the order in which it was.

use std::sync::Arc;

use connector::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

use super::events;
use super::fault::{Fallible, Fault};
use super::runs;
use super::session::Session;
use crate::model::{LogPlace, Logged};
use crate::store::IDENTITY_RULES;

/// Appends a line behind the events there are.
pub(super) fn write(session: &Session<'_>, line: &Logged, now: Timestamp) -> Fallible<()> {
    let Some(text) = line.to_text() else { return Ok(()) };
    let after = session.number("SELECT max(row) FROM event", [])?;
    session.run(
        "INSERT INTO identity_log (after_event, recorded_at, body) VALUES (?1, ?2, ?3)",
        (after, now.micros(), text),
    )?;
    Ok(())
}

/// Rules of identity are in force from now on; the first ones the log has are those of its beginning.
pub(super) fn adopt(session: &Session<'_>, rules: &Arc<str>, now: Timestamp) -> Fallible<()> {
    let line = Logged::Rules(rules.clone());
    if runs::note(session, IDENTITY_RULES)?.is_some() {
        write(session, &line, now)?;
    } else if let Some(text) = line.to_text() {
        session.run(
            "INSERT INTO identity_log (after_event, recorded_at, body) VALUES (0, ?1, ?2)",
            (now.micros(), text),
        )?;
    }
    runs::set_note(session, &IDENTITY_RULES.into(), rules)
}

/// The same, unless this record told exactly that the last time.
pub(super) fn write_news(session: &Session<'_>, record: i64, line: &Logged, now: Timestamp) -> Fallible<()> {
    let Logged::Record(told) = line else { return Ok(()) };
    // When it was told is no news.
    let timeless = Logged::Record(crate::model::LoggedRecord { at: Timestamp::EPOCH, ..told.clone() });
    let hash = timeless.to_text().map_or(0, |text| xxh3_64(text.as_bytes()).cast_signed());
    if session.run("UPDATE record SET evidence = ?2 WHERE id = ?1 AND evidence IS NOT ?2", (record, hash))? > 0 {
        write(session, line, now)?;
    }
    Ok(())
}

/// Lines and events after a place, in order; with fewer than `limit` of either, that was all.
pub(super) fn after(session: &Session<'_>, place: LogPlace, limit: usize) -> Fallible<Vec<(LogPlace, Logged)>> {
    let rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let events = events::after(session, place.event, limit)?;
    let mut lines: Vec<(LogPlace, Logged)> = Vec::new();
    {
        let mut statement = session.sql(
            "SELECT after_event, id, body FROM identity_log WHERE (after_event, id) > (?1, ?2)
             ORDER BY after_event, id LIMIT ?3",
        )?;
        let mut found = statement.query((place.event, place.line, rows))?;
        while let Some(row) = found.next()? {
            let text: String = row.get(2)?;
            let line = Logged::from_text(&text).ok_or(Fault::Damaged("a line of the identity log"))?;
            lines.push((LogPlace { event: row.get(0)?, line: row.get(1)? }, line));
        }
    }
    // Nothing may be told before what stands ahead of it and was not read yet.
    let whole_lines = lines.len() < limit;
    let whole_events = events.len() < limit;
    let end = match (whole_lines, whole_events) {
        (true, true) => LogPlace { event: i64::MAX, line: i64::MAX },
        (false, true) => lines.last().map_or(LogPlace::default(), |(place, _)| *place),
        (true, false) => {
            events.last().map_or(LogPlace::default(), |event| LogPlace { event: event.row, line: i64::MAX })
        }
        (false, false) => {
            let last_line = lines.last().map_or(LogPlace::default(), |(place, _)| *place);
            let last_event = events.last().map_or(LogPlace::default(), |e| LogPlace { event: e.row, line: 0 });
            last_line.min(last_event)
        }
    };
    let events =
        events.into_iter().map(|row| (LogPlace { event: row.row, line: 0 }, Logged::Event(Box::new(row.event))));
    lines.extend(events);
    lines.retain(|(place, _)| *place <= end);
    lines.sort_by_key(|(place, _)| *place);
    Ok(lines)
}
