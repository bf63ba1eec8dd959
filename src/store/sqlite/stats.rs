//! Counts and sizes, and a profile with everything around it.

use connector::{ConnectionName, Timestamp};

use super::fault::Fallible;
use super::identity::identifiers_of;
use super::packed_model::{unpack_attribute, unpack_scores};
use super::profiles::{self, blob};
use super::session::Session;
use super::{activities, deals, records, runs, standing};
use crate::store::{ObjectStats, Pending, ProfileDetail, StoreStats};

const EVENTS_OF: &str = "SELECT count(*) FROM event WHERE profile = ?1 AND row IN (
    SELECT event FROM fact WHERE profile = ?1 UNION ALL SELECT event FROM recent_fact WHERE profile = ?1)";

pub(super) fn stats(session: &Session<'_>) -> Fallible<StoreStats> {
    let count = |sql: &'static str| Ok::<u64, super::fault::Fault>(unsigned(session.number(sql, [])?));
    let mut stats = StoreStats {
        profiles: count("SELECT count(*) FROM profile")?,
        // Rows are numbered without gaps until some are deleted; from then on what came in and what went is counted.
        events: match count("SELECT value FROM counter WHERE name = 'events_deleted'")? {
            0 => count("SELECT max(row) FROM event")?,
            deleted => count("SELECT sum(accepted) FROM source_health")?.saturating_sub(deleted),
        },
        identity_conflicts: count("SELECT value FROM counter WHERE name = 'conflicts'")?,
        stale: count("SELECT count(*) FROM stale")?,
        connections: std::collections::BTreeMap::new(),
    };
    let mut statement = session.sql(
        "SELECT p.id, p.live, p.archived, (SELECT count(*) FROM outbox o WHERE o.place = p.id)
                    + (SELECT count(*) FROM side_write s WHERE s.place = p.id AND s.state < 3),
                (SELECT count(*) FROM push_mark m WHERE m.place = p.id)
         FROM place p",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (connection, object) = session.place_name(row.get(0)?)?;
        let entry = stats.connections.entry(connection).or_default();
        let number = |column| Ok::<u64, rusqlite::Error>(unsigned(row.get(column)?));
        entry.objects.insert(object, ObjectStats { records: number(1)?, archived: number(2)? });
        entry.outbox += number(3)?;
        entry.marked += number(4)?;
    }
    let mut statement =
        session.sql("SELECT connection, count(*) FROM dead_letter WHERE connection IS NOT NULL GROUP BY connection")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let connection = ConnectionName::new(row.get::<_, std::sync::Arc<str>>(0)?);
        stats.connections.entry(connection).or_default().dead_letters = unsigned(row.get(1)?);
    }
    for run in runs::last_through(session)? {
        if let (Some(connection), Some(ended)) = (run.connection, run.ended_at) {
            let through = &mut stats.connections.entry(connection).or_default().went_through;
            let last = through.entry(run.flow).or_insert(ended);
            *last = (*last).max(ended);
        }
    }
    Ok(stats)
}

pub(super) fn pending(session: &Session<'_>, now: Timestamp) -> Fallible<Pending> {
    let waits = session.number(
        "SELECT EXISTS (SELECT 1 FROM stale) OR EXISTS (SELECT 1 FROM company_stale)
                OR EXISTS (SELECT 1 FROM profile WHERE due_at <= ?1)",
        [now.micros()],
    )?;
    let mut records = Vec::new();
    let mut statement = session.sql(
        "SELECT p.id FROM place p WHERE EXISTS (SELECT 1 FROM push_mark m WHERE m.place = p.id)
             OR EXISTS (SELECT 1 FROM side_write s JOIN record r ON r.id = s.record AND r.state = 1 WHERE s.place = p.id
                        AND s.state IN (0, 2) AND s.state < 3 AND (s.not_before IS NULL OR s.not_before <= ?1))",
    )?;
    let mut rows = statement.query([now.micros()])?;
    while let Some(row) = rows.next()? {
        records.push(session.place_name(row.get(0)?)?);
    }
    Ok(Pending { profiles: waits != 0, records })
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

pub(super) fn detail(session: &Session<'_>, id: i64) -> Fallible<Option<ProfileDetail>> {
    let Some(profile) = profiles::load(session, id)? else {
        return Ok(None);
    };
    let id = profile.id.0;
    let scores = {
        let mut statement = session.sql("SELECT scores FROM profile WHERE id = ?1")?;
        let mut rows = statement.query([id])?;
        match rows.next()? {
            Some(row) => unpack_scores(blob(row, 0)?)?,
            None => Vec::new(),
        }
    };
    let mut history = Vec::new();
    {
        let mut statement = session.sql(
            "SELECT name, attribute, replaced_at FROM attribute_history WHERE profile = ?1
             ORDER BY replaced_at DESC, id DESC",
        )?;
        let mut rows = statement.query([id])?;
        while let Some(row) = rows.next()? {
            history.push((row.get(0)?, unpack_attribute(blob(row, 1)?)?, Timestamp::from_micros(row.get(2)?)));
        }
    }
    Ok(Some(ProfileDetail {
        identifiers: identifiers_of(session, id)?,
        records: records::of_profile(session, id)?.into_iter().map(|row| row.linked).collect(),
        deals: deals::of_profile(session, id)?,
        activities: activities::of_profile(session, id, usize::MAX)?,
        scores,
        history,
        events: unsigned(session.number(EVENTS_OF, [id])?),
        standings: standing::load(session, id)?,
        profile,
    }))
}
