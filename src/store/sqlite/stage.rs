//! Staging: marked records (and profiles without one) become queued intents.

use connector::{ConnectionName, Object, Timestamp};

use super::fault::Fallible;
use super::gate::Gate;
use super::identity::identifiers_of;
use super::letters::rows_limit;
use super::profiles;
use super::records::{self, State};
use super::session::{EMAIL_KIND, Place, Session};
use super::{assignments, declared, in_deal, intents, letters, side, side_rows, standing};
use crate::model::RecordKey;
use crate::store::{StageDecision, StageItem, StageReport, StageWrites};

/// Marks every live record of a place, and has all profiles looked at again for creates.
pub(super) fn mark_all(session: &Session<'_>, connection: &ConnectionName, object: &Object) -> Fallible<u64> {
    let place = session.place(connection, object)?;
    session.run("UPDATE place SET creates_seen = 0 WHERE id = ?1", [place])?;
    let marked = session.run(
        "INSERT INTO push_mark (place, record) SELECT place, id FROM record WHERE place = ?1 AND state = 1
         ON CONFLICT DO NOTHING",
        [place],
    )?;
    Ok(marked as u64)
}

pub(super) fn stage(
    gate: &Gate<'_, '_>,
    place: Place,
    creates: bool,
    now: Timestamp,
    limit: usize,
    decide: &dyn StageWrites,
) -> Fallible<StageReport> {
    let session = gate.session();
    let mut report = StageReport::default();
    let marked = numbers(
        session,
        "SELECT record FROM push_mark WHERE place = ?1 ORDER BY record LIMIT ?2",
        (place, rows_limit(limit)),
    )?;
    for record in &marked {
        let row = records::load(session, *record)?;
        if row.state == State::Live {
            let item = item_of_record(gate, row, decide.routes())?;
            report.looked_at += 1;
            let decision = decide.decide(&item);
            side::wish_places(gate, (place, *record), &item, now, &decision.places)?;
            carry_out(session, now, &item, Some((place, *record)), &decision, &mut report)?;
        }
        session.run("DELETE FROM push_mark WHERE place = ?1 AND record = ?2", (place, record))?;
    }
    if creates {
        let room = limit.saturating_sub(marked.len());
        stage_creates(gate, place, now, room, decide, &mut report)?;
    } else {
        // Creates that were wanted under another policy: whoever decides takes them back.
        let sql = "SELECT profile FROM outbox WHERE place = ?1 AND record IS NULL AND state = 0";
        for profile in numbers(session, sql, [place])? {
            let item = item_of_create(gate, place, profile)?;
            report.looked_at += 1;
            carry_out(session, now, &item, None, &decide.decide(&item), &mut report)?;
        }
    }
    report.more |= session.number("SELECT 1 FROM push_mark WHERE place = ?1 LIMIT 1", [place])? > 0;
    Ok(report)
}

/// Known profiles with an e-mail that have changed since they were last looked at and have no record of a person at this
/// connection: whom the CRM holds as a lead is not made a contact as well, and whom somebody deleted is not made anew.
const CREATABLE: &str = "p.known = 1
    AND EXISTS (SELECT 1 FROM identifier i WHERE i.profile = p.id AND i.kind = ?2)
    AND NOT EXISTS (SELECT 1 FROM record r JOIN place o ON o.id = r.place WHERE r.profile = p.id AND r.state > 0
                    AND o.connection = (SELECT connection FROM place WHERE id = ?1))";

fn stage_creates(
    gate: &Gate<'_, '_>,
    place: Place,
    now: Timestamp,
    room: usize,
    decide: &dyn StageWrites,
    report: &mut StageReport,
) -> Fallible<()> {
    let session = gate.session();
    let newest = session.number("SELECT max(change) FROM profile WHERE known = 1", [])?;
    let seen = session.number("SELECT creates_seen FROM place WHERE id = ?1", [place])?;
    if newest <= seen {
        return Ok(());
    }
    if room == 0 {
        report.more = true;
        return Ok(());
    }
    let found: Vec<(i64, i64)> = {
        let mut statement = session.sql(&format!(
            "SELECT p.id, p.change FROM profile p WHERE p.change > ?3 AND {CREATABLE} ORDER BY p.change LIMIT ?4"
        ))?;
        let rows =
            statement.query_map((place, EMAIL_KIND, seen, rows_limit(room)), |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<Result<_, _>>()?
    };
    let full = found.len() >= room;
    let reached = found.last().filter(|_| full).map_or(newest, |(_, change)| *change);
    for (profile, _) in &found {
        let item = item_of_create(gate, place, *profile)?;
        report.looked_at += 1;
        carry_out(session, now, &item, None, &decide.decide(&item), report)?;
    }
    session.run("UPDATE place SET creates_seen = ?2 WHERE id = ?1", (place, reached))?;
    report.more |= full && reached < newest;
    Ok(())
}

/// `routes`: with what the person entered, and whether whoever has the record is late.
fn item_of_record(gate: &Gate<'_, '_>, row: records::Row, routes: bool) -> Fallible<StageItem> {
    let session = gate.session();
    let (ready, is_late) = match row.profile.filter(|_| routes) {
        Some(profile) => (
            assignments::ready_of_record(session, profile, row.place, row.id)?,
            assignments::is_late(session, profile, row.id)?,
        ),
        None => (Vec::new(), false),
    };
    let profile = match row.profile {
        Some(profile) => profiles::load(session, profile)?,
        None => None,
    };
    let queued = intents::of_record(session, row.id)?.map(|entry| intents::newest(session, entry)).transpose()?;
    let is_suppressed = match row.profile {
        Some(profile) => gate.suppresses_profile(profile)?,
        None => false,
    };
    let consents = gate.consents(row.profile)?;
    Ok(StageItem {
        record: Some(row.linked),
        profile,
        queued,
        identifiers: Vec::new(),
        consents,
        ready,
        deals: Vec::new(),
        is_late,
        is_suppressed,
        lists: Vec::new(),
    })
}

fn item_of_create(gate: &Gate<'_, '_>, place: Place, profile: i64) -> Fallible<StageItem> {
    let session = gate.session();
    let queued =
        intents::of_create(session, place, profile)?.map(|entry| intents::newest(session, entry)).transpose()?;
    let ready = standing::ready(session, profile)?;
    let deals = match ready.is_empty() {
        true => Vec::new(),
        false => in_deal::open_deals(session, profile, &session.place_name(place)?.0)?,
    };
    Ok(StageItem {
        record: None,
        profile: profiles::load(session, profile)?,
        queued,
        identifiers: identifiers_of(session, profile)?,
        consents: gate.consents(Some(profile))?,
        ready,
        deals,
        is_late: false,
        is_suppressed: gate.suppresses_profile(profile)?,
        lists: Vec::new(),
    })
}

fn carry_out(
    session: &Session<'_>,
    now: Timestamp,
    item: &StageItem,
    record: Option<(Place, i64)>,
    decision: &StageDecision,
    report: &mut StageReport,
) -> Fallible<()> {
    if let (Some(mirror), Some((_, record))) = (&decision.mirror, record) {
        records::save_mirror(session, record, mirror)?;
    }
    if let Some(profile) = &item.profile
        && declared::change(session, profile.id.0, &decision.attributes)?
    {
        records::mark_all_of(session, profile.id.0)?;
    }
    if let (true, Some(profile)) = (decision.waits, &item.profile) {
        standing::settle(session, profile.id.0, None)?;
    }
    if let (Some(tell), Some(profile)) = (&decision.tells, &item.profile) {
        in_deal::tell(session, profile.id.0, now, tell)?;
    }
    report.failed += u64::from(!decision.dead_letters.is_empty());
    for letter in &decision.dead_letters {
        letters::add(session, letter)?;
    }
    if let Some(intent) = &decision.intent {
        // The common case: everything about the record is at hand.
        if let (Some((place, record)), None, Some(of)) = (record, &item.queued, &item.record)
            && intent.record.as_ref() == Some(&of.key)
            && intent.profile == of.profile
        {
            let profile = item.profile.as_ref().map(|profile| profile.id.0);
            intents::queue_first(session, now, place, record, profile, intent)?;
            report.queued += 1;
            return Ok(());
        }
        report.queued += u64::from(intents::queue(session, now, intent)?);
    } else if decision.withdraw
        && let Some(queued) = &item.queued
        && let Some(row) = intents::by_id(session, queued.id)?
    {
        report.withdrawn += u64::from(intents::withdraw(session, &row)?);
    }
    Ok(())
}

fn numbers(session: &Session<'_>, sql: &str, params: impl rusqlite::Params) -> Fallible<Vec<i64>> {
    let mut statement = session.sql(sql)?;
    let rows = statement.query_map(params, |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What `stage` would look at and what is queued, a chunk at a time. The place to go on: a record number, then, below
/// zero, profile numbers of creates.
pub(super) fn staged(
    gate: &Gate<'_, '_>,
    place: Place,
    creates: bool,
    after: i64,
    limit: usize,
) -> Fallible<(Vec<StageItem>, Option<i64>)> {
    let session = gate.session();
    let mut items = Vec::new();
    let mut last = after;
    if after >= 0 {
        let found = numbers(
            session,
            "SELECT m.record FROM push_mark m JOIN record r ON r.id = m.record AND r.state = 1
                 WHERE m.place = ?1 AND m.record > ?2
             UNION SELECT record FROM outbox WHERE place = ?1 AND record > ?2 ORDER BY 1 LIMIT ?3",
            (place, after, rows_limit(limit)),
        )?;
        for record in &found {
            let item = item_of_record(gate, records::load(session, *record)?, true)?;
            items.push(StageItem { lists: side_rows::lists_of(session, *record)?, ..item });
        }
        if found.len() >= limit {
            return Ok((items, found.last().copied()));
        }
        last = -1;
    }
    let room = limit.saturating_sub(items.len());
    let found = if creates {
        numbers(
            session,
            &format!(
                "SELECT p.id FROM profile p WHERE p.id > ?3 AND
                 ((p.change > (SELECT creates_seen FROM place WHERE id = ?1) AND {CREATABLE})
                  OR EXISTS (SELECT 1 FROM outbox o WHERE o.record IS NULL AND o.profile = p.id AND o.place = ?1))
                 ORDER BY p.id LIMIT ?4"
            ),
            (place, EMAIL_KIND, -1 - last, rows_limit(room)),
        )?
    } else {
        numbers(
            session,
            "SELECT profile FROM outbox WHERE record IS NULL AND place = ?1 AND profile > ?2 ORDER BY profile LIMIT ?3",
            (place, -1 - last, rows_limit(room)),
        )?
    };
    for profile in &found {
        items.push(item_of_create(gate, place, *profile)?);
    }
    let more = found.len() >= room;
    Ok((items, more.then(|| found.last().map_or(last, |profile| -1 - profile))))
}

/// Current items of given records, in their order; unknown and archived ones are left out.
pub(super) fn items(gate: &Gate<'_, '_>, keys: &[RecordKey]) -> Fallible<Vec<StageItem>> {
    let session = gate.session();
    let mut items = Vec::new();
    for key in keys {
        if let Some(row) = records::find(session, key)?
            && row.state == State::Live
        {
            items.push(item_of_record(gate, row, true)?);
        }
    }
    Ok(items)
}
