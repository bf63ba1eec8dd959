//! What names an erased person elsewhere: in other people's events, in logs, letters and questions. Found by looking.

use super::erase::Work;
use super::fault::Fallible;
use super::letters::rows_limit;
use super::packed_model::pack_known;
use super::purge::{self, Left};
use super::session::Session;

/// Events looked through in one step.
const EVENTS: usize = 20_000;

/// The parts after those that are found by the profile: what was deleted, and how much; `None` after the last.
pub(super) fn step(
    session: &Session<'_>,
    part: u8,
    work: &mut Work,
    limit: usize,
) -> Fallible<Option<(&'static str, u64)>> {
    let needles = serde_json::to_string(&work.needles)?;
    // Whether a text or packed column holds one of the needles.
    const FOUND: &str = "EXISTS (SELECT 1 FROM json_each(?1) n WHERE instr(lower(COLUMN), n.value) > 0)";
    const PACKED: &str = "EXISTS (SELECT 1 FROM json_each(?1) n WHERE instr(COLUMN, CAST(n.value AS BLOB)) > 0)";
    let texts = |table: &str, column: &str, holds: &str| -> Fallible<u64> {
        let sql = format!(
            "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {} LIMIT ?2)",
            holds.replace("COLUMN", column)
        );
        Ok(session.sql(&sql)?.execute((&needles, rows_limit(limit)))? as u64)
    };
    Ok(Some(match part {
        4 => ("events", events(session, work, &needles)?),
        5 => ("identity", identity(session, work)?),
        6 => ("journal", texts("journal", "written", PACKED)?),
        7 => ("failures", texts("dead_letter", "cause || fix || subject || coalesce(raw, '')", FOUND)?),
        8 => ("failures", about_records(session, work)?),
        9 => ("history", texts("attribute_history", "attribute", PACKED)?),
        10 => ("identity", texts("identity_log", "body", FOUND)?),
        11 => ("identity", texts("review", "value || ' ' || coalesce(detail, '')", FOUND)?),
        12 => {
            let sql = format!(
                "UPDATE run SET body = json_set(body, '$.message', 'removed by an erasure') WHERE {}",
                FOUND.replace("COLUMN", "body")
            );
            session.sql(&sql)?.execute([&needles])?;
            ("runs", 0)
        }
        13 => {
            let sql = format!("UPDATE activity SET subject = NULL WHERE {}", FOUND.replace("COLUMN", "subject"));
            session.sql(&sql)?.execute([&needles])?;
            ("activities", 0)
        }
        _ => return Ok(None),
    }))
}

/// A chunk of the log: events of nobody that name the person go; those of others lose their body and what it named.
fn events(session: &Session<'_>, work: &mut Work, needles: &str) -> Fallible<u64> {
    let last = session.number(
        "SELECT max(row) FROM (SELECT row FROM event WHERE row > ?1 ORDER BY row LIMIT ?2)",
        (work.after, rows_limit(EVENTS)),
    )?;
    if last == 0 {
        work.after = 0;
        return Ok(0);
    }
    let found: Vec<(i64, bool)> = {
        let mut statement = session.sql(
            "SELECT row, profile IS NULL FROM event WHERE row > ?1 AND row <= ?2 AND EXISTS (
                 SELECT 1 FROM json_each(?3) n
                 WHERE instr(lower(body), n.value) > 0 OR instr(known, CAST(n.value AS BLOB)) > 0)",
        )?;
        let rows = statement.query_map((work.after, last, needles), |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    for (row, of_nobody) in &found {
        if *of_nobody {
            purge::events(session, &[*row], Left::Nothing)?;
        } else {
            let nobody = pack_known(session, &[], &[])?;
            session.run("UPDATE event SET body = '{}', known = ?2 WHERE row = ?1", (row, nobody))?;
        }
    }
    work.after = last;
    Ok(found.len() as u64)
}

/// Lines of the identity log, sightings and questions about the person's identifiers.
fn identity(session: &Session<'_>, work: &Work) -> Fallible<u64> {
    let names = serde_json::to_string(&work.identifiers)?;
    let profiles = serde_json::to_string(&work.profiles)?;
    let mut deleted = 0;
    for sql in [
        "DELETE FROM identity_edge WHERE kind || ':' || value IN (SELECT value FROM json_each(?1))",
        "DELETE FROM sighting WHERE kind || ':' || value IN (SELECT value FROM json_each(?1))
             OR with_kind || ':' || with_value IN (SELECT value FROM json_each(?1))",
        "DELETE FROM apart WHERE kind || ':' || value IN (SELECT value FROM json_each(?1))
             OR other_kind || ':' || other_value IN (SELECT value FROM json_each(?1))",
        "DELETE FROM identity_conflict WHERE kind || ':' || value IN (SELECT value FROM json_each(?1))",
        "DELETE FROM review WHERE kind || ':' || value IN (SELECT value FROM json_each(?1))",
        "DELETE FROM email_hash WHERE '2:' || value IN (SELECT value FROM json_each(?1))",
    ] {
        deleted += session.run(sql, [&names])? as u64;
    }
    for sql in [
        "DELETE FROM identity_conflict WHERE profile IN (SELECT value FROM json_each(?1))
             OR owner IN (SELECT value FROM json_each(?1))",
        "DELETE FROM review WHERE EXISTS (SELECT 1 FROM json_each(?1) p
             WHERE instr(',' || profiles || ',', ',' || p.value || ',') > 0)",
    ] {
        deleted += session.run(sql, [&profiles])? as u64;
    }
    Ok(deleted)
}

/// Letters about the person's records.
fn about_records(session: &Session<'_>, work: &Work) -> Fallible<u64> {
    let named = |left: &crate::model::LeftRecord| format!("{} {} {}", left.connection, left.object, left.id);
    let records: Vec<String> = work.left.iter().map(named).collect();
    let deleted = session.run(
        "DELETE FROM dead_letter WHERE code <> 'erase_refused' AND json_extract(subject, '$.connection') || ' ' || json_extract(subject, '$.object')
             || ' ' || json_extract(subject, '$.record') IN (SELECT value FROM json_each(?1))",
        [serde_json::to_string(&records)?],
    )?;
    Ok(deleted as u64)
}
