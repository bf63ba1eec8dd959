//! Bands and segments in the tables: who is in, what was entered and left, and what is still to be done about an entry.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connector::Timestamp;

use super::fault::{Fallible, Fault};
use super::in_deal;
use super::letters::rows_limit;
use super::packed_standings::{pack_standings, unpack_standings};
use super::profiles::{self, blob};
use super::records;
use super::session::Session;
use crate::model::{
    BandEntry, Computed, Crossing, EntryState, Place, ProfileId, ProfileUid, Standings, Transition, TransitionKind,
};
use crate::store::{Member, TransitionRow};

/// What a pass found becomes rows. Told twice it changes nothing more.
pub(super) fn save(
    session: &Session<'_>,
    profile: i64,
    known: bool,
    before: &Standings,
    computed: &Computed,
    cooldown: &dyn Fn(&str) -> Duration,
) -> Fallible<()> {
    for crossed in &computed.transitions {
        let is_new = session.run(
            "INSERT INTO transition (profile, kind, name, at, direction, score, grade, reasons, backfill)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
            (
                profile,
                number(crossed.kind),
                &crossed.name,
                crossed.at.micros(),
                sign(crossed.direction),
                crossed.score,
                &crossed.grade,
                &crossed.reasons,
                crossed.backfill,
            ),
        )? > 0;
        if is_new && crossed.kind == TransitionKind::Band && crossed.direction == Crossing::In {
            let before = entries(session, profile)?.remove(&crossed.name);
            save_entry(
                session,
                profile,
                &BandEntry::entered(before.as_ref(), crossed, known, cooldown(&crossed.name)),
            )?;
        }
    }
    let after = &computed.standings;
    move_members(session, profile, TransitionKind::Band, (&before.bands, &after.bands))?;
    move_members(session, profile, TransitionKind::Segment, (&before.segments, &after.segments))?;
    let has_left = before.bands.iter().any(|(name, place)| place.inside && !after.is_in_band(name));
    if has_left || !computed.pressed.is_empty() {
        for (band, entry) in entries(session, profile)? {
            let mut now = entry.clone();
            if !after.is_in_band(&band) {
                now.leave();
            } else if computed.pressed.contains(&band) {
                now.press(known);
            }
            if now != entry {
                save_entry(session, profile, &now)?;
            }
        }
    }
    Ok(())
}

type Places = BTreeMap<Arc<str>, Place>;

/// Only what is another than before is written.
fn move_members(
    session: &Session<'_>,
    profile: i64,
    kind: TransitionKind,
    (before, after): (&Places, &Places),
) -> Fallible<()> {
    let inside = |places: &Places, name: &str| places.get(name).is_some_and(|place| place.inside);
    for (name, _) in before.iter().filter(|(name, place)| place.inside && !inside(after, name)) {
        session
            .run("DELETE FROM member WHERE kind = ?1 AND name = ?2 AND profile = ?3", (number(kind), name, profile))?;
    }
    for (name, place) in after.iter().filter(|(name, place)| place.inside && !inside(before, name)) {
        session.run(
            "INSERT INTO member (kind, name, profile, since) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET since = excluded.since",
            (number(kind), name, profile, place.since.micros()),
        )?;
    }
    Ok(())
}

/// The standings of a profile, and when a CRM was last told of it.
pub(super) fn load(session: &Session<'_>, profile: i64) -> Fallible<Standings> {
    let mut statement = session.sql("SELECT standings FROM profile WHERE id = ?1")?;
    let mut rows = statement.query([profile])?;
    match rows.next()? {
        Some(row) => read(row, 0),
        None => Ok(Standings::default()),
    }
}

/// A column of packed standings, which may be empty.
pub(super) fn read(row: &rusqlite::Row<'_>, column: usize) -> Fallible<Standings> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(Standings::default()),
        _ => unpack_standings(blob(row, column)?),
    }
}

/// The latest entry into each band.
pub(super) fn entries(session: &Session<'_>, profile: i64) -> Fallible<BTreeMap<Arc<str>, BandEntry>> {
    let mut statement =
        session.sql("SELECT band, entered_at, state, acted_at FROM band_entry WHERE profile = ?1 ORDER BY band")?;
    let mut rows = statement.query([profile])?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let band: Arc<str> = row.get(0)?;
        let entry = BandEntry {
            band: band.clone(),
            entered_at: Timestamp::from_micros(row.get(1)?),
            state: state(row.get(2)?)?,
            acted_at: profiles::instant(row.get(3)?),
        };
        found.insert(band, entry);
    }
    Ok(found)
}

/// Bands that a profile has entered and about which nothing has been done at a connection where it has no record. What was done
/// at another connection counts for that one alone.
pub(super) fn ready(session: &Session<'_>, profile: i64) -> Fallible<Vec<Arc<str>>> {
    let entries = entries(session, profile)?;
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let stands = load(session, profile)?;
    let done_elsewhere = |entry: &BandEntry| {
        let acted = entry.acted_at.is_some_and(|acted| acted >= entry.entered_at);
        entry.state == EntryState::Done && acted && stands.is_in_band(&entry.band)
    };
    let is_ready = |entry: &BandEntry| entry.state == EntryState::Ready || done_elsewhere(entry);
    let ready: Vec<BandEntry> = entries.into_values().filter(is_ready).collect();
    if ready.is_empty() {
        return Ok(Vec::new());
    }
    // That the owner of an open deal was told of an entry does for every connection.
    let told = in_deal::told_at(session, profile)?;
    let is_news = |entry: &BandEntry| told.is_none_or(|told| told < entry.entered_at);
    Ok(ready.into_iter().filter(is_news).map(|entry| entry.band).collect())
}

/// What was to be done about entries has been done, or could not be.
pub(super) fn settle(session: &Session<'_>, profile: i64, done: Option<Timestamp>) -> Fallible<()> {
    for (_, mut entry) in entries(session, profile)? {
        if entry.state != EntryState::Ready {
            continue;
        }
        match done {
            Some(at) => entry.act(at),
            None => entry.cancel(),
        }
        save_entry(session, profile, &entry)?;
    }
    Ok(())
}

pub(super) fn save_entry(session: &Session<'_>, profile: i64, entry: &BandEntry) -> Fallible<()> {
    let state = match entry.state {
        EntryState::Ready => 0,
        EntryState::Waiting => 1,
        EntryState::Done => 2,
    };
    session.run(
        "INSERT INTO band_entry (profile, band, entered_at, state, acted_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET entered_at = excluded.entered_at, state = excluded.state, acted_at = excluded.acted_at",
        (profile, &entry.band, entry.entered_at.micros(), state, entry.acted_at.map(Timestamp::micros)),
    )?;
    if entry.state == EntryState::Ready {
        // Whoever makes records looks at it, even where no value has changed.
        profiles::note_change(session, profile)?;
        records::mark_all_of(session, profile)?;
    }
    Ok(())
}

/// A CRM took something of the profile: what it was told is what the next score is compared with.
pub(super) fn told(session: &Session<'_>, profile: i64, now: Timestamp) -> Fallible<()> {
    session.run("UPDATE profile SET told_at = ?2 WHERE id = ?1", (profile, now.micros()))?;
    Ok(())
}

/// The survivor stands where either stood.
pub(super) fn merge(session: &Session<'_>, survivor: i64, loser: i64) -> Fallible<()> {
    let (ours, theirs) = (load(session, survivor)?, load(session, loser)?);
    let mut kept = entries(session, survivor)?;
    for (band, entry) in entries(session, loser)? {
        let entry = match kept.remove(&band) {
            Some(ours) => ours.merged(entry),
            None => entry,
        };
        save_entry(session, survivor, &entry)?;
    }
    for sql in [
        "UPDATE OR IGNORE transition SET profile = ?1 WHERE profile = ?2",
        "DELETE FROM transition WHERE profile = ?2 AND ?1 > 0",
        "UPDATE OR IGNORE member SET profile = ?1 WHERE profile = ?2",
        "DELETE FROM member WHERE profile = ?2 AND ?1 > 0",
        "DELETE FROM band_entry WHERE profile = ?2 AND ?1 > 0",
    ] {
        session.run(sql, (survivor, loser))?;
    }
    if ours.judged_at.is_some() || theirs.judged_at.is_some() {
        let merged = ours.merged(theirs);
        session.run("UPDATE profile SET standings = ?2 WHERE id = ?1", (survivor, pack_standings(&merged)))?;
    }
    Ok(())
}

/// The profile stands nowhere any more.
pub(super) fn forget(session: &Session<'_>, profile: i64) -> Fallible<()> {
    for sql in [
        "UPDATE profile SET standings = NULL, told_at = NULL WHERE id = ?1",
        "DELETE FROM member WHERE profile = ?1",
        "DELETE FROM band_entry WHERE profile = ?1",
    ] {
        session.run(sql, [profile])?;
    }
    Ok(())
}

pub(super) fn transitions_of(session: &Session<'_>, profile: i64, limit: usize) -> Fallible<Vec<Transition>> {
    let rows =
        select(session, "WHERE t.profile = ?1 ORDER BY t.at DESC, t.id DESC LIMIT ?2", (profile, rows_limit(limit)))?;
    Ok(rows.into_iter().map(|row| row.transition).collect())
}

pub(super) fn transitions(session: &Session<'_>, after: i64, limit: usize) -> Fallible<Vec<TransitionRow>> {
    select(session, "WHERE t.id > ?1 ORDER BY t.id LIMIT ?2", (after, rows_limit(limit)))
}

pub(super) fn transition(session: &Session<'_>, id: i64) -> Fallible<Option<TransitionRow>> {
    Ok(select(session, "WHERE t.id = ?1", [id])?.pop())
}

fn select(session: &Session<'_>, rest: &str, params: impl rusqlite::Params) -> Fallible<Vec<TransitionRow>> {
    let mut statement = session.sql(&format!(
        "SELECT p.uid, t.id, t.profile, t.kind, t.name, t.at, t.direction, t.score, t.grade, t.reasons, t.backfill
         FROM transition t JOIN profile p ON p.id = t.profile {rest}"
    ))?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let transition = Transition {
            kind: kind(row.get(3)?)?,
            name: row.get(4)?,
            direction: if row.get::<_, i64>(6)? > 0 { Crossing::In } else { Crossing::Out },
            at: Timestamp::from_micros(row.get(5)?),
            score: row.get(7)?,
            grade: row.get(8)?,
            reasons: row.get(9)?,
            backfill: row.get(10)?,
        };
        let (uid, profile) = (ProfileUid(profiles::uuid(row, 0)?), ProfileId(row.get(2)?));
        found.push(TransitionRow { id: row.get(1)?, profile, uid, transition });
    }
    Ok(found)
}

pub(super) fn members(
    session: &Session<'_>,
    of: TransitionKind,
    name: &str,
    after: ProfileId,
    limit: usize,
) -> Fallible<Vec<Member>> {
    let mut statement = session.sql(
        "SELECT p.uid, m.profile, m.since FROM member m JOIN profile p ON p.id = m.profile
         WHERE m.kind = ?1 AND m.name = ?2 AND m.profile > ?3 ORDER BY m.profile LIMIT ?4",
    )?;
    let mut rows = statement.query((number(of), name, after.0, rows_limit(limit)))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (uid, profile) = (ProfileUid(profiles::uuid(row, 0)?), ProfileId(row.get(1)?));
        found.push(Member { profile, uid, since: Timestamp::from_micros(row.get(2)?) });
    }
    Ok(found)
}

pub(super) fn member_counts(session: &Session<'_>) -> Fallible<Vec<(TransitionKind, Arc<str>, u64)>> {
    let mut statement =
        session.sql("SELECT kind, name, count(*) FROM member GROUP BY kind, name ORDER BY kind, name")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((kind(row.get(0)?)?, row.get(1)?, u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0)));
    }
    Ok(found)
}

pub(super) fn number(kind: TransitionKind) -> i64 {
    match kind {
        TransitionKind::Band => 0,
        TransitionKind::Segment => 1,
    }
}

pub(super) fn kind(number: i64) -> Fallible<TransitionKind> {
    match number {
        0 => Ok(TransitionKind::Band),
        1 => Ok(TransitionKind::Segment),
        _ => Err(Fault::Damaged("a transition of an unknown kind")),
    }
}

pub(super) fn sign(direction: Crossing) -> i64 {
    match direction {
        Crossing::In => 1,
        Crossing::Out => -1,
    }
}

fn state(number: i64) -> Fallible<EntryState> {
    match number {
        0 => Ok(EntryState::Ready),
        1 => Ok(EntryState::Waiting),
        2 => Ok(EntryState::Done),
        _ => Err(Fault::Damaged("an entry in an unknown state")),
    }
}
