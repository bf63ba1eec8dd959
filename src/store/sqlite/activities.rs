//! Calls, meetings, notes, e-mails and tasks of the CRMs: kept by their record, whose links say whom they are about. So they
//! follow their people through merges and conversions, and end with their records.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use connector::{
    ActivityDirection, ActivityFacts, ActivityKind, ConnectionName, Link, Object, Record, RecordId, Timestamp,
};

use super::fault::{Fallible, Fault};
use super::gate::Gate;
use super::letters::rows_limit;
use super::links;
use super::profiles::mark_stale;
use super::purge::{self, numbers};
use super::session::{Place, Session};
use crate::model::{Activity, Identifier};
use crate::store::TimelineItem;

fn kind_number(kind: ActivityKind) -> i64 {
    match kind {
        ActivityKind::Call => 0,
        ActivityKind::Meeting => 1,
        ActivityKind::Note => 2,
        ActivityKind::Email => 3,
        ActivityKind::Task => 4,
    }
}

fn read_kind(number: i64) -> Fallible<ActivityKind> {
    let found = ActivityKind::ALL.into_iter().find(|kind| kind_number(*kind) == number);
    found.ok_or(Fault::Damaged("an activity of an unknown kind"))
}

/// The links that are kept of an activity; `None` where it is nobody's, or only of people who must not be taken in.
pub(super) fn admitted(
    gate: &Gate<'_, '_>,
    place: &crate::store::StreamKey,
    record: &Record,
) -> Fallible<Option<Vec<Link>>> {
    let mut kept = Vec::new();
    for link in record.links.iter().flatten() {
        let person = link.object.is_person().then(|| Identifier::crm(&place.connection, &link.object, &link.id));
        if !gate.suppresses(person.as_slice())? {
            kept.push(link.clone());
        }
    }
    Ok((!kept.is_empty()).then_some(kept))
}

/// Stores an activity's facts; `true` if they changed.
pub(super) fn save(
    session: &Session<'_>,
    record: i64,
    told: &Record,
    facts: &ActivityFacts,
    now: Timestamp,
) -> Fallible<bool> {
    let at = facts.at.or(told.created_at).or(told.modified_at).unwrap_or(now);
    let changed = session.run(
        "INSERT INTO activity (record, kind, direction, subject, at, created_at, recorded_at, done, owner, ours)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT DO UPDATE SET kind = excluded.kind, direction = excluded.direction, subject = excluded.subject,
            at = excluded.at, created_at = coalesce(excluded.created_at, created_at), done = excluded.done,
            owner = excluded.owner, ours = excluded.ours
         WHERE (kind, direction, subject, at, done, owner, ours)
            IS NOT (excluded.kind, excluded.direction, excluded.subject, excluded.at, excluded.done, excluded.owner, excluded.ours)",
        (
            record,
            kind_number(facts.kind),
            facts.direction.map(|direction| i64::from(direction == ActivityDirection::Out)),
            &facts.subject,
            at.micros(),
            told.created_at.map(Timestamp::micros),
            now.micros(),
            facts.done,
            facts.owner.as_ref().map(RecordId::as_str),
            facts.ours,
        ),
    )?;
    Ok(changed > 0)
}

/// What people did with somebody, newest first.
pub(super) fn of_profile(session: &Session<'_>, profile: i64, limit: usize) -> Fallible<Vec<Activity>> {
    let records = numbers(session, "SELECT id FROM record WHERE profile = ?1", [profile])?;
    of_records(session, &records, limit)
}

fn of_records(session: &Session<'_>, records: &[i64], limit: usize) -> Fallible<Vec<Activity>> {
    let mut names = Names::new();
    let mut near = BTreeSet::new();
    for record in records {
        near.extend(numbers(session, "SELECT a FROM link WHERE b = ?1", [*record])?);
    }
    let mut found = Vec::new();
    for record in near {
        let mut statement = session.sql(
            "SELECT a.kind, a.direction, a.subject, a.at, a.recorded_at, a.done, a.owner, a.ours, r.place, r.ext
             FROM activity a JOIN record r ON r.id = a.record AND r.state = 1 WHERE a.record = ?1",
        )?;
        let mut rows = statement.query([record])?;
        if let Some(row) = rows.next()? {
            found.push(read(session, &mut names, row)?);
        }
    }
    found.sort_by(|one, other| (other.at, &other.id).cmp(&(one.at, &one.id)));
    found.truncate(limit);
    Ok(found)
}

/// What owners of the activities of one person are called.
type Names = HashMap<(Place, RecordId), Option<Arc<str>>>;

fn read(session: &Session<'_>, names: &mut Names, row: &rusqlite::Row<'_>) -> Fallible<Activity> {
    let at = Timestamp::from_micros(row.get(3)?);
    let direction = row.get::<_, Option<bool>>(1)?;
    let owner = row.get::<_, Option<Arc<str>>>(6)?.map(RecordId::new);
    let place: Place = row.get(8)?;
    let (connection, _) = session.place_name(place)?;
    let shown = match &owner {
        Some(owner) => match names.entry((place, owner.clone())) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(new) => new.insert(owner_shown(session, &connection, owner)?).clone(),
        },
        None => None,
    };
    Ok(Activity {
        id: RecordId::new(row.get::<_, Arc<str>>(9)?),
        facts: ActivityFacts {
            kind: read_kind(row.get(0)?)?,
            direction: direction.map(|out| if out { ActivityDirection::Out } else { ActivityDirection::In }),
            subject: row.get(2)?,
            at: Some(at),
            done: row.get(5)?,
            owner,
            ours: row.get(7)?,
        },
        connection,
        at,
        recorded_at: Timestamp::from_micros(row.get(4)?),
        owner: shown,
    })
}

fn owner_shown(session: &Session<'_>, connection: &ConnectionName, owner: &RecordId) -> Fallible<Option<Arc<str>>> {
    let Some(users) = session.find_place(connection, &Object::User)? else { return Ok(None) };
    session
        .one(
            "SELECT coalesce(nullif(trim(u.name), ''), u.email) FROM record_key k JOIN crm_user u ON u.record = k.record
             WHERE k.place = ?1 AND k.ext = ?2",
            (users, owner.as_str()),
            |row| row.get(0),
        )
        .map(Option::flatten)
}

/// Whether there is any.
pub(super) fn any(session: &Session<'_>) -> Fallible<bool> {
    Ok(session.number("SELECT EXISTS (SELECT 1 FROM activity)", [])? > 0)
}

/// A user is called something else now: so are those whom people were last in touch with. How many profiles became stale.
pub(super) fn renamed(session: &Session<'_>, connection: &ConnectionName, owner: &RecordId) -> Fallible<u64> {
    let people = numbers(
        session,
        "SELECT DISTINCT r.profile FROM activity a JOIN record w ON w.id = a.record JOIN place p ON p.id = w.place
         JOIN link l ON l.a = a.record JOIN record r ON r.id = l.b
         WHERE a.owner = ?2 AND p.connection = ?1 AND r.profile IS NOT NULL",
        (connection.as_str(), owner.as_str()),
    )?;
    let mut marked = 0;
    for profile in people {
        marked += u64::from(mark_stale(session, profile)?);
    }
    Ok(marked)
}

/// For the timeline: what took place and what is to be done, but neither what was called off nor what Ferry wrote itself.
pub(super) fn add_to_timeline(
    session: &Session<'_>,
    profile: i64,
    limit: usize,
    items: &mut Vec<TimelineItem>,
) -> Fallible<()> {
    let activities = of_profile(session, profile, usize::MAX)?;
    let is_told = |activity: &&Activity| {
        let facts = &activity.facts;
        !facts.ours && (facts.done || facts.kind == ActivityKind::Task)
    };
    items.extend(activities.iter().filter(is_told).take(limit).map(item));
    Ok(())
}

fn item(activity: &Activity) -> TimelineItem {
    let facts = &activity.facts;
    let kind = match (facts.kind, facts.done) {
        (ActivityKind::Task, false) => "open task",
        (kind, _) => kind.as_str(),
    };
    TimelineItem {
        at: activity.at,
        recorded_at: activity.recorded_at,
        kind: "crm".into(),
        title: match &facts.subject {
            Some(subject) => format!("{}: {subject}", capital(kind)).into(),
            None => capital(kind).into(),
        },
        detail: None,
        source: format!("{} {} {}", activity.connection, Object::Activity, activity.id).into(),
        event: None,
        direction: facts.direction.map(|direction| direction.as_str().into()),
        actor: activity.owner.clone(),
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A person's record is about to go for good: activities about nobody else go with it, others lose what may name the person.
pub(super) fn forget_about(session: &Session<'_>, record: i64) -> Fallible<()> {
    let sql = "SELECT a.record FROM activity a JOIN link l ON l.a = a.record WHERE l.b = ?1";
    for activity in numbers(session, sql, [record])? {
        let others = session.number(
            "SELECT 1 FROM link l JOIN record r ON r.id = l.b WHERE l.a = ?1 AND l.b <> ?2 AND r.profile IS NOT NULL",
            [activity, record],
        )?;
        if others > 0 {
            session.run("UPDATE activity SET subject = NULL WHERE record = ?1", [activity])?;
            session.run("DELETE FROM link WHERE a = ?1 AND b = ?2", [activity, record])?;
        } else {
            purge::record(session, activity)?;
        }
    }
    Ok(())
}

/// Activities of before an instant, oldest first.
pub(super) fn outlived(session: &Session<'_>, before: Timestamp, limit: usize) -> Fallible<u64> {
    let old = numbers(
        session,
        "SELECT record FROM activity WHERE at < ?1 ORDER BY at LIMIT ?2",
        (before.micros(), rows_limit(limit)),
    )?;
    for record in &old {
        links::mark_neighbours(session, *record)?;
        purge::record(session, *record)?;
    }
    Ok(old.len() as u64)
}
