//! Whose leads are: turns taken in the transaction before the call, counted once, given back where nothing came of them.

use std::sync::Arc;

use async_trait::async_trait;
use connector::{ConnectionName, FieldName, Object, RecordId, Timestamp, Value};

use super::fault::{Fallible, Fault};
use super::intents::{self, Row};
use super::letters::{self, rows_limit};
use super::office::{SqlOffice, users};
use super::packed_intent::{Stored, pack_intent};
use super::profiles::{self, instant, uid_of};
use super::records;
use super::session::{Place, Session};
use super::{SqliteStore, answers};
use crate::model::{
    Cause, Change, DeadLetter, DeadLetterCode, DeadLetterId, Decision, Intent, OutboxId, ProfileId, ProfileUid, Share,
    Subject, TrailLine, User,
};
use crate::store::{Assigned, Assigning, AssignmentRow, AssignmentState, Entries, LeadItem, Leads, Result};

const UNDERWAY: i64 = 0;
const MADE: i64 = 1;
const GIVEN_BACK: i64 = 2;

/// Every company record is kept under this kind of key; see `company`.
const ACCOUNT_KIND: i64 = 2;

#[async_trait]
impl Leads for SqliteStore {
    async fn assign(
        &self,
        connection: &ConnectionName,
        object: &Object,
        entries: Vec<OutboxId>,
        now: Timestamp,
        how: Assigning,
    ) -> Result<Entries> {
        let (connection, object) = (connection.clone(), object.clone());
        self.write("assign leads", move |session| match session.find_place(&connection, &object)? {
            Some(place) => assign(session, place, &entries, now, &how),
            None => Ok(Vec::new()),
        })
        .await
    }

    async fn overdue(&self, now: Timestamp) -> Result<Vec<AssignmentRow>> {
        self.write("look for overdue leads", move |session| overdue(session, now)).await
    }

    async fn users(&self, connection: &ConnectionName) -> Result<Vec<User>> {
        let connection = connection.clone();
        self.read("read users", move |session| users(session, &connection)).await
    }

    async fn lead_item(
        &self,
        connection: &ConnectionName,
        id: ProfileId,
        company_owner: Option<FieldName>,
    ) -> Result<Option<LeadItem>> {
        let connection = connection.clone();
        self.read("read a lead", move |session| {
            let Some(profile) = profiles::current(session, id.0)? else { return Ok(None) };
            let Some(found) = profiles::load(session, profile)? else { return Ok(None) };
            let account_owner = match &company_owner {
                Some(field) => account_owner(session, &connection, profile, field)?,
                None => None,
            };
            Ok(Some(LeadItem { profile: found, owner: None, account_owner }))
        })
        .await
    }

    async fn assignments(
        &self,
        profile: Option<ProfileId>,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<AssignmentRow>> {
        self.read("read assignments", move |session| rows(session, profile, since, limit)).await
    }
}

/// Decides about leased entries that would give somebody a lead. What was decided before for the same person stands.
pub(super) fn assign(
    session: &Session<'_>,
    place: Place,
    entries: &[OutboxId],
    now: Timestamp,
    how: &Assigning,
) -> Fallible<Vec<(OutboxId, Assigned)>> {
    let mut assigned = Vec::with_capacity(entries.len());
    for id in entries {
        let Some(row) = intents::by_id(session, *id)? else { continue };
        let assignment = match assign_one(session, place, &row, now, how)? {
            Some(assignment) => assignment,
            None => Assigned::Send(Box::new(row.entry.intent.clone())),
        };
        assigned.push((*id, assignment));
    }
    Ok(assigned)
}

/// `None`: nothing is to be decided.
fn assign_one(
    session: &Session<'_>,
    place: Place,
    row: &Row,
    now: Timestamp,
    how: &Assigning,
) -> Fallible<Option<Assigned>> {
    let Some(profile) = row.profile else { return Ok(None) };
    if let Some(before) = underway(session, profile, place)? {
        let intent = with_owner(&row.entry.intent, how, before.as_ref());
        save(session, row, &intent)?;
        return Ok(Some(Assigned::Send(Box::new(intent))));
    }
    let Some(item) = lead_item(session, row, profile, how)? else { return Ok(None) };
    let office = SqlOffice::new(session, place)?;
    let decision = how.route.route(&item, &office);
    office.failed.take().map_or(Ok(()), Err)?;
    let (user, share) = match &decision {
        Decision::Keep { .. } => return Ok(None),
        Decision::Hold { until, .. } => {
            session.run(
                "UPDATE outbox SET state = 0, worker = NULL, lease_until = NULL, not_before = ?2 WHERE id = ?1",
                (row.entry.id.0, until.micros()),
            )?;
            return Ok(Some(Assigned::Held { until: *until }));
        }
        Decision::Assign { user, share, .. } => (Some(user), share.as_ref()),
        Decision::Queue { .. } => (None, None),
        Decision::Unowned { trail } => {
            letters::add(session, &unowned(row, now, trail))?;
            (None, None)
        }
    };
    let respond_by = user.and_then(|user| how.route.respond_by(user));
    insert(session, now, (profile, place), &decision, (user, share), respond_by)?;
    let owner = decision.owner().map(|owner| (owner.clone(), told(decision.trail())));
    let intent = with_owner(&row.entry.intent, how, owner.as_ref());
    save(session, row, &intent)?;
    Ok(Some(Assigned::Send(Box::new(intent))))
}

/// The owner decided before, with the reason, where a turn of this person is not settled: `Some(None)` where nobody was found.
type Before = Option<(RecordId, Arc<str>)>;

fn underway(session: &Session<'_>, profile: i64, place: Place) -> Fallible<Option<Before>> {
    let found = session.one(
        "SELECT user, trail FROM assignment WHERE profile = ?1 AND place = ?2 AND state = 0",
        (profile, place),
        |row| Ok((row.get::<_, Option<Arc<str>>>(0)?, row.get::<_, String>(1)?)),
    )?;
    let Some((user, trail)) = found else { return Ok(None) };
    let trail = read_trail(&trail)?;
    Ok(Some(user.map(|user| (RecordId::new(user), told(&trail)))))
}

/// The step that decided, as the journal says it.
fn told(trail: &[TrailLine]) -> Arc<str> {
    trail.last().map_or_else(|| "routing".into(), |line| line.text.clone())
}

/// The intent with its owner among the fields. One that somebody mapped by hand stays as it is.
fn with_owner(intent: &Intent, how: &Assigning, owner: Option<&(RecordId, Arc<str>)>) -> Intent {
    let mut intent = intent.clone();
    let Some((owner, why)) = owner else { return intent };
    if intent.fields.get(&how.owner).is_some() {
        return intent;
    }
    let to = Value::text(owner.as_str());
    intent.fields.set(how.owner.clone(), to.clone());
    let mapping = format!("{}.owner → {}", intent.object, how.owner).into();
    intent.changes.push(Change {
        field: how.owner.clone(),
        from: Value::Null,
        to,
        cause: Cause { mapping, origin: format!("routing: {why}").into() },
        overwrites: false,
    });
    intent
}

fn save(session: &Session<'_>, row: &Row, intent: &Intent) -> Fallible<()> {
    session.run("UPDATE outbox SET intent = ?2 WHERE id = ?1", (row.entry.id.0, pack_intent(&Stored::of(intent))?))?;
    Ok(())
}

fn insert(
    session: &Session<'_>,
    now: Timestamp,
    (profile, place): (i64, Place),
    decision: &Decision,
    (user, share): (Option<&User>, Option<&Share>),
    respond_by: Option<Timestamp>,
) -> Fallible<()> {
    let trail = serde_json::to_string(decision.trail()).map_err(|_| Fault::Damaged("a trail that is no text"))?;
    session.run(
        "INSERT INTO assignment (at, profile, place, user, email, name, step, pool, member, trail, state, respond_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11)",
        (
            now.micros(),
            profile,
            place,
            decision.owner().map(RecordId::as_str),
            user.and_then(|user| user.email.clone()),
            user.map(|user| user.shown().to_owned()),
            decision.step().map(|step| step.as_str()),
            share.map(|share| share.pool.clone()),
            share.map(|share| share.member.clone()),
            trail,
            respond_by.map(Timestamp::micros),
        ),
    )?;
    Ok(())
}

fn unowned(row: &Row, now: Timestamp, trail: &[TrailLine]) -> DeadLetter {
    let why: Vec<&str> = trail.iter().map(|line| &*line.text).collect();
    DeadLetter {
        id: DeadLetterId(0),
        at: now,
        code: DeadLetterCode::LeadUnowned,
        subject: Subject {
            connection: Some(row.entry.intent.connection.as_str().into()),
            object: Some(row.entry.intent.object.as_str().into()),
            ..Subject::default()
        },
        cause: format!("routing found nobody for a new {}: {}", row.entry.intent.object, why.join("; ")).into(),
        fix: "name an active user of this CRM as [routing] fallback, then give the lead an owner at the CRM".into(),
        raw: None,
        count: 1,
    }
}

/// The lead is there: the turn counts. One whose entry leaves the outbox without this is given back (schema 9).
pub(super) fn made(session: &Session<'_>, profile: i64, place: Place, record: i64) -> Fallible<()> {
    session.run(
        "UPDATE assignment SET state = 1, record = ?3 WHERE profile = ?1 AND place = ?2 AND state = 0",
        (profile, place, record),
    )?;
    Ok(())
}

/// Two profiles have become one. Of two turns under way at one place the older stands.
pub(super) fn move_profile(session: &Session<'_>, survivor: i64, loser: i64) -> Fallible<()> {
    session.run(
        "UPDATE assignment SET state = 2 WHERE profile = ?2 AND state = 0
         AND place IN (SELECT place FROM assignment WHERE profile = ?1 AND state = 0)",
        (survivor, loser),
    )?;
    session.run("UPDATE assignment SET profile = ?1 WHERE profile = ?2", (survivor, loser))?;
    Ok(())
}

/// Nothing is kept of a person but that somebody was given a lead then: the counters of pools stay right.
pub(super) fn forget(session: &Session<'_>, profile: i64) -> Fallible<u64> {
    let found = session.run("UPDATE assignment SET profile = 0, record = NULL WHERE profile = ?1", [profile])?;
    Ok(found as u64)
}

fn lead_item(session: &Session<'_>, row: &Row, profile: i64, how: &Assigning) -> Fallible<Option<LeadItem>> {
    let Some(found) = profiles::load(session, profile)? else { return Ok(None) };
    let owner = match row.record {
        Some(record) => owner_of(session, record, &how.owner)?,
        None => None,
    };
    let account_owner = match &how.company_owner {
        Some(field) => account_owner(session, &row.entry.intent.connection, profile, field)?,
        None => None,
    };
    Ok(Some(LeadItem { profile: found, owner, account_owner }))
}

/// Whose a record was when it was last seen.
fn owner_of(session: &Session<'_>, record: i64, field: &FieldName) -> Fallible<Option<RecordId>> {
    let row = records::load(session, record)?;
    let seen = row.linked.mirror.get(field).and_then(|field| field.seen.as_ref());
    Ok(seen.and_then(Value::as_text).filter(|id| !id.is_empty()).map(RecordId::from))
}

/// Who owns the record, or the records, of the person's company at this connection, if it is one person.
fn account_owner(
    session: &Session<'_>,
    connection: &ConnectionName,
    profile: i64,
    field: &FieldName,
) -> Fallible<Option<RecordId>> {
    let Some(companies) = session.find_place(connection, &Object::Company)? else { return Ok(None) };
    let accounts: Vec<i64> = {
        let mut statement = session.sql(
            "SELECT CAST(c.value AS INTEGER) FROM company_member m JOIN company c ON c.id = m.company
             WHERE m.profile = ?1 AND m.rank = 0 AND c.kind = ?2
             UNION
             SELECT CAST(c.value AS INTEGER) FROM company_member m JOIN company_domain d ON d.domain = m.value
             JOIN company c ON c.id = d.company
             WHERE m.profile = ?1 AND m.rank = 0 AND m.kind >= 4 AND c.kind = ?2",
        )?;
        let rows = statement.query_map((profile, ACCOUNT_KIND), |row| row.get(0))?;
        rows.collect::<std::result::Result<_, _>>()?
    };
    let mut owners: Vec<RecordId> = Vec::new();
    for record in accounts {
        let row = records::load(session, record)?;
        if row.place != companies || row.state != records::State::Live {
            continue;
        }
        let seen = row.linked.mirror.get(field).and_then(|field| field.seen.as_ref());
        let owner = seen.and_then(Value::as_text).filter(|id| !id.is_empty()).map(RecordId::from);
        owners.extend(owner.filter(|owner| !owners.contains(owner)));
    }
    Ok(if let [only] = owners.as_slice() { Some(only.clone()) } else { None })
}

/// A CRM that does not tell the stamp of our own write stamps it by its own clock: so much later is still ours.
const OWN_WRITE_MICROS: i64 = 5_000_000;

fn overdue(session: &Session<'_>, now: Timestamp) -> Fallible<Vec<AssignmentRow>> {
    session.run(
        "UPDATE assignment SET answered_at = min(?1, coalesce(
             (SELECT r.modified_at FROM record r WHERE r.id = assignment.record AND r.state = 1), ?1))
         WHERE state = 1 AND respond_by IS NOT NULL AND answered_at IS NULL AND breached_at IS NULL AND EXISTS (
             SELECT 1 FROM record r WHERE r.id = assignment.record AND (r.state <> 1 OR (
                 r.modified_at > assignment.at
                 AND r.modified_at > coalesce(r.written_stamp, r.written_at + ?2, assignment.at + ?2))))",
        (now.micros(), OWN_WRITE_MICROS),
    )?;
    let late = format!("WHERE {} ORDER BY a.id LIMIT 1000", answers::UNANSWERED);
    let mut late = select(session, &late, (now.micros(), answers::STILL_COMING))?;
    let told = format!(
        "UPDATE assignment SET breached_at = ?1 WHERE id IN (SELECT a.id FROM assignment a WHERE {} ORDER BY a.id LIMIT 1000)",
        answers::UNANSWERED
    );
    session.sql(&told)?.execute((now.micros(), answers::STILL_COMING))?;
    late.iter_mut().for_each(|row| row.breached_at = Some(now));
    Ok(late)
}

/// Turns since an instant, newest first; of one profile if given.
pub(super) fn rows(
    session: &Session<'_>,
    profile: Option<ProfileId>,
    since: Timestamp,
    limit: usize,
) -> Fallible<Vec<AssignmentRow>> {
    let rest = "WHERE a.at >= ?1 AND (?2 IS NULL OR a.profile = ?2) ORDER BY a.id DESC LIMIT ?3";
    select(session, rest, (since.micros(), profile.map(|id| id.0), rows_limit(limit)))
}

fn select(session: &Session<'_>, rest: &str, params: impl rusqlite::Params) -> Fallible<Vec<AssignmentRow>> {
    let mut statement = session.sql(&format!(
        "SELECT a.at, a.place, r.ext, a.profile, a.state, a.name, a.user, a.step, a.pool, a.member, a.trail, a.respond_by,
                a.answered_at, a.breached_at
         FROM assignment a LEFT JOIN record r ON r.id = a.record {rest}"
    ))?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (connection, object) = session.place_name(row.get(1)?)?;
        let profile: i64 = row.get(3)?;
        let step: Option<String> = row.get(7)?;
        found.push(AssignmentRow {
            at: Timestamp::from_micros(row.get(0)?),
            connection,
            object,
            record: row.get::<_, Option<Arc<str>>>(2)?.map(RecordId::new),
            profile: if profile > 0 { Some(ProfileUid(uid_of(session, profile)?)) } else { None },
            state: match row.get(4)? {
                UNDERWAY => AssignmentState::Underway,
                MADE => AssignmentState::Made,
                GIVEN_BACK => AssignmentState::GivenBack,
                _ => return Err(Fault::Damaged("an assignment in an unknown state")),
            },
            owner: row.get(5)?,
            owner_id: row.get::<_, Option<Arc<str>>>(6)?.map(RecordId::new),
            step: step.and_then(|step| step.parse().ok()),
            pool: row.get(8)?,
            member: row.get(9)?,
            trail: read_trail(&row.get::<_, String>(10)?)?,
            respond_by: instant(row.get(11)?),
            answered_at: instant(row.get(12)?),
            breached_at: instant(row.get(13)?),
        });
    }
    Ok(found)
}

fn read_trail(text: &str) -> Fallible<Vec<TrailLine>> {
    serde_json::from_str(text).map_err(|_| Fault::Damaged("the trail of an assignment"))
}
