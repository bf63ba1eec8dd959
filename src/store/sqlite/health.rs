//! What each source has sent, ever: counters beside the events, in the transaction that appends them. One upsert a source for
//! all that is appended together, however many events it brings.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::Timestamp;

use super::fault::Fallible;
use super::profiles::instant;
use super::session::Session;
use crate::model::SourceName;
use crate::store::{RejectedEvents, SourceHealth};

/// What batches brought, source by source.
#[derive(Debug, Default)]
pub(super) struct Brought {
    counted: BTreeMap<i64, Counted>,
    /// By source and code.
    rejected: BTreeMap<(i64, &'static str), u64>,
}

#[derive(Debug, Default)]
pub(super) struct Counted {
    pub accepted: u64,
    pub duplicate: u64,
    pub unattributed: u64,
    /// Dropped because the person is on the suppression list.
    pub suppressed: u64,
    /// Dropped because the person does not allow analytics: told as a reason among the rejected.
    pub withheld: u64,
    newest: Option<Timestamp>,
    received: Option<Timestamp>,
}

impl Counted {
    /// An event of this instant that came at another.
    pub(super) fn accept(&mut self, at: Timestamp, received: Timestamp) {
        self.accepted += 1;
        self.newest = self.newest.max(Some(at));
        self.received = self.received.max(Some(received));
    }
}

impl Brought {
    /// The counts of a source, by its number.
    pub(super) fn of(&mut self, source: i64) -> &mut Counted {
        self.counted.entry(source).or_default()
    }

    pub(super) fn reject(&mut self, session: &Session<'_>, rejected: &[RejectedEvents]) -> Fallible<()> {
        for one in rejected {
            *self.rejected.entry((session.source(&one.source)?, one.code)).or_default() += one.count;
        }
        Ok(())
    }

    /// Writes the counts down. A new event ends a silence.
    pub(super) fn save(&self, session: &Session<'_>) -> Fallible<()> {
        for (source, counted) in &self.counted {
            session.run(
                "INSERT INTO source_health (source, accepted, duplicate, unattributed, suppressed, last_event_at,
                                            last_received_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT DO UPDATE SET
                     accepted = accepted + excluded.accepted,
                     duplicate = duplicate + excluded.duplicate,
                     unattributed = unattributed + excluded.unattributed,
                     suppressed = suppressed + excluded.suppressed,
                     last_event_at = max(coalesce(last_event_at, excluded.last_event_at),
                                         coalesce(excluded.last_event_at, last_event_at)),
                     last_received_at = max(coalesce(last_received_at, excluded.last_received_at),
                                            coalesce(excluded.last_received_at, last_received_at)),
                     silence_told_at = CASE WHEN excluded.accepted > 0 THEN NULL ELSE silence_told_at END",
                (
                    source,
                    signed(counted.accepted),
                    signed(counted.duplicate),
                    signed(counted.unattributed),
                    signed(counted.suppressed),
                    counted.newest.map(Timestamp::micros),
                    counted.received.map(Timestamp::micros),
                ),
            )?;
        }
        let withheld = self.counted.iter().filter(|(_, counted)| counted.withheld > 0);
        let withheld = withheld.map(|(source, counted)| (*source, "consent", counted.withheld));
        let rejected = self.rejected.iter().map(|((source, code), count)| (*source, *code, *count));
        for (source, code, count) in withheld.chain(rejected) {
            session.run(
                "INSERT INTO source_rejected (source, code, count) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET count = count + excluded.count",
                (source, code, signed(count)),
            )?;
        }
        Ok(())
    }
}

/// Every source that has ever sent or is watched, by name.
pub(super) fn of_sources(session: &Session<'_>) -> Fallible<BTreeMap<SourceName, SourceHealth>> {
    let mut all: BTreeMap<SourceName, SourceHealth> = BTreeMap::new();
    let mut statement = session.sql(
        "SELECT s.name, h.accepted, h.duplicate, h.unattributed, h.suppressed, h.last_event_at, h.last_received_at,
                h.watched_since, h.silence_told_at
         FROM source_health h JOIN source s ON s.id = h.source",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let count = |column| row.get::<_, i64>(column).map(|count| u64::try_from(count).unwrap_or(0));
        let health = SourceHealth {
            accepted: count(1)?,
            duplicate: count(2)?,
            unattributed: count(3)?,
            suppressed: count(4)?,
            rejected: BTreeMap::new(),
            last_event_at: instant(row.get(5)?),
            last_received_at: instant(row.get(6)?),
            watched_since: instant(row.get(7)?),
            silence_told_at: instant(row.get(8)?),
        };
        all.insert(row.get(0)?, health);
    }
    let mut statement =
        session.sql("SELECT s.name, r.code, r.count FROM source_rejected r JOIN source s ON s.id = r.source")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let count = u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
        all.entry(row.get(0)?).or_default().rejected.insert(row.get(1)?, count);
    }
    Ok(all)
}

/// Watches sources for silence from now on; those that are watched already, since when they were.
pub(super) fn watch(session: &Session<'_>, sources: &[SourceName], now: Timestamp) -> Fallible<()> {
    for source in sources {
        let source = session.source(source)?;
        session.run(
            "INSERT INTO source_health (source, watched_since) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET watched_since = coalesce(watched_since, excluded.watched_since)",
            (source, now.micros()),
        )?;
    }
    Ok(())
}

/// Notes that a source's silence has been told.
pub(super) fn tell_silence(session: &Session<'_>, source: &Arc<str>, now: Timestamp) -> Fallible<()> {
    let source = session.source(source)?;
    session.run("UPDATE source_health SET silence_told_at = ?2 WHERE source = ?1", (source, now.micros()))?;
    Ok(())
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
