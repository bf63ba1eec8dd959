//! The connectors' notes.

use connector::{ConnectionName, Note};

use super::fault::Fallible;
use super::session::Session;

pub(super) fn list(session: &Session<'_>, connection: &ConnectionName) -> Fallible<Vec<Note>> {
    let mut statement = session.sql("SELECT key, text FROM connector_note WHERE connection = ?1 ORDER BY key")?;
    let rows = statement.query_map([connection.as_str()], |row| Ok(Note { key: row.get(0)?, text: row.get(1)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn keep(session: &Session<'_>, connection: &ConnectionName, note: &Note) -> Fallible<()> {
    session.run(
        "INSERT INTO connector_note (connection, key, text) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET text = excluded.text",
        (connection.as_str(), &note.key, &note.text),
    )?;
    Ok(())
}

pub(super) fn forget(session: &Session<'_>, connection: &ConnectionName, key: &str) -> Fallible<()> {
    session.run("DELETE FROM connector_note WHERE connection = ?1 AND key = ?2", (connection.as_str(), key))?;
    Ok(())
}
