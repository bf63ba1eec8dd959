//! Writes beside a record's fields: what is wished for, what is on its way, what the CRM was told.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector::{RecordId, Timestamp, Value};
use uuid::Uuid;

use super::fault::Fallible;
use super::gate::Gate;
use super::letters;
use super::profiles;
use super::records::{self, State};
use super::session::{Place, Session};
use super::side_rows::{AMBIGUOUS, IN_FLIGHT, QUEUED, REFUSED, Row, SETTLED};
use super::unlead::LeadObjects;
use super::{journal, packed_intent, runs, side_rows, unlead};
use crate::model::{Cause, Desire, JournalOutcome, OutboxState, RunId, SideEntry, SideId, SideWish};
use crate::store::{Lease, LostPlaces, SideFate, SideLimit, SideSettled, SideTally, StageItem};

/// A record as privacy asks about it.
#[derive(Clone, Copy)]
struct Of {
    place: Place,
    record: i64,
    profile: Option<i64>,
}

pub(super) fn desire(gate: &Gate<'_, '_>, place: Place, now: Timestamp, desires: &[Desire]) -> Fallible<u64> {
    let session = gate.session();
    let mut changed = 0;
    for desire in desires {
        let Some(key) = records::key(session, place, desire.record.as_str())? else { continue };
        let profile = session.one("SELECT profile FROM record WHERE id = ?1 AND state = 1", [key.record], |row| {
            row.get::<_, Option<i64>>(0)
        })?;
        let Some(profile) = profile else { continue };
        let of = Of { place, record: key.record, profile };
        let wish = match withheld(gate, of, &desire.wish)? {
            None => desire.wish.clone(),
            Some(_) => match desire.wish.undone() {
                Some(undone) => undone,
                None => continue,
            },
        };
        changed += u64::from(wish_for(session, of, now, &wish, &desire.cause)?);
    }
    Ok(changed)
}

/// Wishes for places of one record that is there, decided where its fields are staged. What was never told costs one look.
pub(super) fn wish_places(
    gate: &Gate<'_, '_>,
    (place, record): (Place, i64),
    item: &StageItem,
    now: Timestamp,
    desires: &[Desire],
) -> Fallible<()> {
    let of = Of { place, record, profile: item.profile.as_ref().map(|profile| profile.id.0) };
    for desire in desires {
        if withheld(gate, of, &desire.wish)?.is_none() {
            wish_for(gate.session(), of, now, &desire.wish, &desire.cause)?;
        } else if let Some(undone) = desire.wish.undone() {
            wish_for(gate.session(), of, now, &undone, &desire.cause)?;
        }
    }
    Ok(())
}

/// Why a wish may not be carried out. What only takes back always may.
fn withheld(gate: &Gate<'_, '_>, of: Of, wish: &SideWish) -> Fallible<Option<&'static str>> {
    if wish.takes_back() {
        return Ok(None);
    }
    let (_, object) = gate.session().place_name(of.place)?;
    if object.is_person() { gate.withholds_person(of.profile) } else { Ok(None) }
}

fn wish_for(session: &Session<'_>, of: Of, now: Timestamp, wish: &SideWish, cause: &Cause) -> Fallible<bool> {
    let (lane, trace) = (wish.lane(), wish.trace());
    let Some(row) = side_rows::of_lane(session, of.record, &lane)? else {
        if trace.is_none() {
            return Ok(false);
        }
        side_rows::insert(session, (of.place, of.record), now, wish, cause)?;
        return Ok(true);
    };
    let is_wished = row.wish.as_ref().is_some_and(|wished| wished.trace() == trace);
    let is_told = wish.is_told(row.told.as_deref());
    match row.state {
        SETTLED if is_told => Ok(false),
        REFUSED | IN_FLIGHT | AMBIGUOUS if is_wished => Ok(false),
        // Never sent since it was queued: what the CRM holds is what is wished for once more.
        QUEUED | REFUSED if is_told => {
            side_rows::settle_as_told(session, &row)?;
            Ok(true)
        }
        QUEUED if is_wished => Ok(false),
        _ => {
            side_rows::replace(session, now, &row, wish, cause)?;
            Ok(true)
        }
    }
}

/// What the CRM was told of people who have denied something since, and may not be told any more.
pub(super) fn take_back(gate: &Gate<'_, '_>, place: Place, now: Timestamp) -> Fallible<u64> {
    let (session, mut changed) = (gate.session(), 0);
    // Nobody has decided anything and nobody has become one with somebody since the last look: nobody is asked about again.
    let heard = session.number("SELECT max(id) FROM consent", [])?;
    let joined = session.number("SELECT count(*) FROM profile_alias", [])?;
    let (name, seen): (Arc<str>, Arc<str>) =
        (format!("side:consents:{place}").into(), format!("{heard} {joined}").into());
    if heard == 0 || runs::note(session, &name)?.as_deref() == Some(&*seen) {
        return Ok(0);
    }
    runs::set_note(session, &name, &seen)?;
    for row in side_rows::told_of_deniers(session, place)? {
        let Some(undone) = SideWish::undone_of(&row.lane) else { continue };
        if let Some(reason) = gate.withholds_person(row.profile)? {
            let cause = Cause { mapping: row.lane.clone(), origin: reason.into() };
            side_rows::replace(session, now, &row, &undone, &cause)?;
            changed += 1;
        }
    }
    Ok(changed)
}

pub(super) fn lease(gate: &Gate<'_, '_>, place: Place, lease: &Lease, limit: SideLimit) -> Fallible<Vec<SideEntry>> {
    let session = gate.session();
    session.run(
        "UPDATE side_write SET state = 2, worker = NULL, lease_until = NULL
         WHERE place = ?1 AND state = 1 AND state < 3 AND lease_until <= ?2",
        (place, lease.now.micros()),
    )?;
    for state in [AMBIGUOUS, QUEUED] {
        let due = loop {
            let rows = side_rows::due(session, place, state, lease.now, limit)?;
            let (found, mut taken, mut sendable) = (rows.len(), BTreeSet::new(), Vec::with_capacity(rows.len()));
            for row in rows {
                if taken.contains(&row.record) {
                    continue;
                }
                if let Some(row) = admitted(gate, row, lease)? {
                    taken.insert(row.record);
                    sendable.push(row);
                }
            }
            if found == 0 || !sendable.is_empty() {
                break sendable;
            }
        };
        if due.is_empty() {
            continue;
        }
        let mut entries = Vec::with_capacity(due.len());
        for row in due {
            session.run(
                "UPDATE side_write SET state = 1, sent = generation, worker = ?2, lease_until = ?3 WHERE id = ?1",
                (row.id, &*lease.worker, lease.until.micros()),
            )?;
            entries.extend(entry(session, row, state)?);
        }
        return Ok(entries);
    }
    Ok(Vec::new())
}

/// The row as it may be sent now: as it is, or with the wish that takes back what may no longer be told. `None` where nothing is
/// left to be sent; the row is gone then.
fn admitted(gate: &Gate<'_, '_>, mut row: Row, lease: &Lease) -> Fallible<Option<Row>> {
    let session = gate.session();
    let not_ours = row.told.as_deref() == Some(SideWish::FOUND);
    let Some(wish) = row.wish.clone().filter(|wish| !(not_ours && wish.takes_back())) else {
        side_rows::delete(session, row.id)?;
        return Ok(None);
    };
    let of = Of { place: row.place, record: row.record, profile: row.profile };
    let Some(reason) = withheld(gate, of, &wish)? else { return Ok(Some(row)) };
    note(session, lease.run, lease.now, &row, &wish, (reason, JournalOutcome::Cancelled))?;
    let may_be_there = row.told.is_some() || row.state == AMBIGUOUS;
    match wish.undone().filter(|_| may_be_there) {
        Some(undone) => {
            let cause = Cause { mapping: row.cause.mapping.clone(), origin: reason.into() };
            side_rows::replace(session, lease.now, &row, &undone, &cause)?;
            row.generation += 1;
            (row.wish, row.cause) = (Some(undone), cause);
            Ok(Some(row))
        }
        None => {
            match (may_be_there, &wish) {
                // Perhaps it was made: that stays known, so that an erasure looks for it.
                (true, SideWish::Lead { .. }) => unlead::perhaps_made(session, &row, &wish, lease.now)?,
                _ => side_rows::delete(session, row.id)?,
            }
            Ok(None)
        }
    }
}

fn entry(session: &Session<'_>, row: Row, was: i64) -> Fallible<Option<SideEntry>> {
    let Some(wish) = row.wish else { return Ok(None) };
    let key =
        session.one("SELECT key FROM side_write WHERE id = ?1", [row.id], |found| Ok(profiles::uuid(found, 0)))?;
    let Some(key) = key.transpose()? else { return Ok(None) };
    Ok(Some(SideEntry {
        id: SideId(row.id),
        key,
        record: records::load(session, row.record)?.linked.key,
        wish,
        cause: row.cause,
        remote: row.remote,
        state: if was == AMBIGUOUS { OutboxState::Ambiguous } else { OutboxState::InFlight },
        generation: row.generation,
        attempts: row.attempts,
    }))
}

/// A wish that is no longer leased was settled before: nothing is done twice.
pub(super) fn settle(session: &Session<'_>, run: RunId, now: Timestamp, settled: &[SideSettled]) -> Fallible<()> {
    for one in settled {
        let is_its = |row: &Row| row.state == IN_FLIGHT && row.sent == Some(one.generation);
        let Some(row) = side_rows::by_id(session, one.id.0)?.filter(is_its) else { continue };
        if let Some(outcome) = one.journal {
            let origin = row.cause.origin.clone();
            note(session, run, now, &row, &one.wish, (&origin, outcome))?;
        }
        for letter in &one.dead_letters {
            letters::add(session, letter)?;
        }
        settle_one(session, now, &row, one)?;
    }
    Ok(())
}

fn settle_one(session: &Session<'_>, now: Timestamp, row: &Row, one: &SideSettled) -> Fallible<()> {
    let is_newest = row.generation == one.generation;
    match &one.fate {
        SideFate::Told { .. } | SideFate::Found => {
            let told = match &one.fate {
                SideFate::Found => Some(SideWish::FOUND.to_owned()),
                _ => one.wish.trace(),
            };
            let (remote, modified_at) = match &one.fate {
                SideFate::Told { remote, modified_at } => (remote.as_ref(), *modified_at),
                _ => (None, None),
            };
            let is_done = is_newest || row.wish.as_ref().is_none_or(|wish| wish.is_told(told.as_deref()));
            session.run(
                "UPDATE side_write SET told = ?2, told_at = ?3, remote = coalesce(?4, remote), attempts = 0, not_before = NULL,
                     worker = NULL, lease_until = NULL, state = 0 WHERE id = ?1",
                (row.id, &told, now.micros(), remote.map(RecordId::as_str)),
            )?;
            if is_done && let Some(row) = side_rows::by_id(session, row.id)? {
                side_rows::settle_as_told(session, &row)?;
            }
            if matches!(one.wish, SideWish::Field { .. }) {
                // It was a write to the record itself: what somebody else did to it is told from ours by this.
                session.run(
                    "UPDATE record SET written_at = ?2, written_stamp = ?3 WHERE id = ?1",
                    (row.record, now.micros(), modified_at.map(Timestamp::micros)),
                )?;
            }
            let key = records::load(session, row.record)?.linked.key;
            letters::close_lane(session, &key, &one.wish.lane())?;
            unlead::done(session, row, &one.wish)
        }
        SideFate::Refused if is_newest => {
            side_rows::back(session, row.id, REFUSED, None, false)?;
            unlead::refused(session, &one.wish)
        }
        SideFate::Refused => side_rows::back(session, row.id, QUEUED, None, false),
        SideFate::Anew => {
            session.run("UPDATE side_write SET remote = NULL, told = NULL WHERE id = ?1", [row.id])?;
            side_rows::back(session, row.id, QUEUED, None, true)
        }
        SideFate::Again { not_before, counts } => side_rows::back(session, row.id, QUEUED, Some(*not_before), *counts),
        SideFate::Ambiguous { not_before, counts } => {
            side_rows::back(session, row.id, AMBIGUOUS, Some(*not_before), *counts)
        }
        SideFate::Gone => unlead::outlive(session, row),
    }
}

/// A line of the journal, as for a field: what the CRM was told before, and what it is told now.
fn note(
    session: &Session<'_>,
    run: RunId,
    now: Timestamp,
    row: &Row,
    wish: &SideWish,
    (origin, outcome): (&str, JournalOutcome),
) -> Fallible<()> {
    let before = match (wish, &row.told) {
        (SideWish::Member { .. }, told) => Value::Bool(told.is_some()),
        (_, Some(told)) => Value::text(told.as_str()),
        (_, None) => Value::Null,
    };
    let ext = records::load(session, row.record)?.ext;
    let (lane, to, origin): (Arc<str>, Value, Arc<str>) = (wish.lane(), wish.value(), origin.into());
    let line = packed_intent::Written {
        field: &lane,
        from: &before,
        to: &to,
        mapping: &row.cause.mapping,
        origin: &origin,
        outcome: outcome.as_str(),
    };
    journal::add_line(session, (run, now), (row.place, row.record, &ext), &line)
}

pub(super) fn tally(session: &Session<'_>, place: Place) -> Fallible<SideTally> {
    let tally = session.one(
        "SELECT count(*), min(coalesce(s.not_before, 0)) FROM side_write s JOIN record r ON r.id = s.record AND (r.state = 1 OR s.op = 'unlead')
         WHERE s.place = ?1 AND s.state IN (0, 2) AND s.state < 3",
        [place],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?)),
    )?;
    let (waiting, next) = tally.unwrap_or_default();
    Ok(SideTally { waiting: u64::try_from(waiting).unwrap_or(0), next_due: next.map(Timestamp::from_micros) })
}

/// An erased person's record: where our fields are to be emptied there, what the CRM was told is taken back; the rest is
/// forgotten. Nothing names the person any more. Lead objects are told of: those that are there, and how many are to be deleted.
pub(super) fn release(
    session: &Session<'_>,
    (erasure, record): (Uuid, &records::Row),
    now: Timestamp,
    takes_back: bool,
) -> Fallible<LeadObjects> {
    let mut leads = LeadObjects::default();
    for row in side_rows::of_record(session, record.id)? {
        if row.op == "lead" {
            unlead::order(session, erasure, &row, now, takes_back, &mut leads)?;
            continue;
        }
        let undone = SideWish::undone_of(&row.lane).filter(|_| takes_back && record.state == State::Live);
        let is_ours = row.told.as_deref().is_some_and(|told| told != SideWish::FOUND);
        let was_told = is_ours || matches!(row.state, IN_FLIGHT | AMBIGUOUS);
        match undone.filter(|_| was_told) {
            Some(undone) => {
                let cause = Cause { mapping: "erasure".into(), origin: format!("{} erased", Cause::CONSENT).into() };
                side_rows::replace(session, now, &row, &undone, &cause)?;
            }
            None => side_rows::delete(session, row.id)?,
        }
    }
    Ok(leads)
}

/// Records whose place on a list Ferry gave, or found, and that are not among those who are there: each is wished for again. How many.
pub(super) fn lost_places(session: &Session<'_>, place: Place, now: Timestamp, lost: &LostPlaces) -> Fallible<u64> {
    let mut found = 0;
    let lane = SideWish::Member { list: lost.list.clone(), member: true }.lane();
    for row in side_rows::told_before(session, place, &lane, lost.told_before)? {
        let record = records::load(session, row.record)?.linked.key.id;
        if lost.present.contains(&record) {
            continue;
        }
        session.run("UPDATE side_write SET told = NULL WHERE id = ?1", [row.id])?;
        let wish = SideWish::Member { list: lost.list.clone(), member: true };
        side_rows::replace(session, now, &row, &wish, &lost.cause)?;
        found += 1;
    }
    Ok(found)
}

/// Two records have become one: where both have a lane, the survivor's stands.
pub(super) fn absorb(session: &Session<'_>, winner: i64, loser: i64) -> Fallible<()> {
    session.run("UPDATE OR IGNORE side_write SET record = ?1 WHERE record = ?2", (winner, loser))?;
    session.run("DELETE FROM side_write WHERE record = ?1", [loser])?;
    Ok(())
}

/// Has what was refused at a record (or, without one, at a whole place) tried again. Whether there was anything.
pub(super) fn retry(session: &Session<'_>, place: Place, record: Option<i64>, lane: &str) -> Fallible<bool> {
    unlead::retry(session, place, record, lane)?;
    let found = session.run(
        "UPDATE side_write SET state = 0, attempts = 0, not_before = NULL
         WHERE place = ?1 AND (?2 IS NULL OR record = ?2) AND lane = ?3 AND state = 4",
        (place, record, lane),
    )?;
    Ok(found > 0)
}
