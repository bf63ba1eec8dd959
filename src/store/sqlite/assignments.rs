//! Whose leads are: the turns that were taken, counted once, given back where nothing came of them.

use std::sync::Arc;

use async_trait::async_trait;
use connector::{ConnectionName, FieldName, Object, RecordId, Timestamp};

use super::fault::{Fallible, Fault};
use super::letters::rows_limit;
use super::office::users;
use super::profiles::{self, instant, uid_of};
use super::purge::numbers;
use super::session::{Place, Session};
use super::{SqliteStore, answers, assign, held, standing};
use crate::model::{EntryState, ProfileId, ProfileUid, TrailLine, User};
use crate::store::{Asked, Assigning, AssignmentRow, AssignmentState, Entries, LeadItem, Leads, Result, WaitingLeads};

pub(super) const UNDERWAY: i64 = 0;
pub(super) const MADE: i64 = 1;
const GIVEN_BACK: i64 = 2;

#[async_trait]
impl Leads for SqliteStore {
    async fn assign(
        &self,
        connection: &ConnectionName,
        object: &Object,
        entries: Vec<Asked>,
        now: Timestamp,
        how: Assigning,
    ) -> Result<Entries> {
        let (connection, object) = (connection.clone(), object.clone());
        self.write("assign leads", move |session| match session.find_place(&connection, &object)? {
            Some(place) => assign::assign(session, place, &entries, now, &how),
            None => Ok(Vec::new()),
        })
        .await
    }

    async fn held(&self, connection: &ConnectionName, object: &Object) -> Result<Option<WaitingLeads>> {
        let (connection, object) = (connection.clone(), object.clone());
        self.read("count leads that wait", move |session| match session.find_place(&connection, &object)? {
            Some(place) => held::at(session, place),
            None => Ok(None),
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
                Some(field) => assign::account_owner(session, &connection, profile, field)?,
                None => None,
            };
            Ok(Some(LeadItem {
                profile: found,
                owner: None,
                elsewhere: None,
                account_owner,
                deals: Vec::new(),
                late: Vec::new(),
            }))
        })
        .await
    }

    async fn assignments(
        &self,
        profile: Option<ProfileId>,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<AssignmentRow>> {
        self.read("read assignments", move |session| {
            let mut found = held::rows(session, profile, since, limit)?;
            found.extend(rows(session, profile, since, limit)?);
            found.sort_by_key(|row| std::cmp::Reverse(row.at));
            found.truncate(limit);
            Ok(found)
        })
        .await
    }
}

/// The lead is there, and whose it is: the turn counts, and that of whoever was late no longer does. One whose entry leaves the
/// outbox without this is given back (schema 9 and later).
pub(super) fn made(session: &Session<'_>, profile: i64, place: Place, record: i64) -> Fallible<()> {
    session.run(
        "UPDATE assignment SET state = 1, record = ?3 WHERE profile = ?1 AND place = ?2 AND state = 0",
        (profile, place, record),
    )?;
    credit_late(session, record)
}

/// Of a record that somebody else has now, the turns of those before who did not answer are given back.
pub(super) fn credit_late(session: &Session<'_>, record: i64) -> Fallible<()> {
    session.run(
        "UPDATE assignment SET state = 2 WHERE record = ?1 AND state = 1 AND breached_at IS NOT NULL AND answered_at IS NULL
         AND id < (SELECT max(id) FROM assignment WHERE record = ?1 AND state < 2 AND step IS NOT 'deal')",
        [record],
    )?;
    Ok(())
}

pub(super) fn is_underway(session: &Session<'_>, profile: i64, place: Place) -> Fallible<bool> {
    let sql = "SELECT 1 FROM assignment WHERE profile = ?1 AND place = ?2 AND state = 0";
    Ok(session.number(sql, (profile, place))? > 0)
}

/// The owner was not written: refused, or somebody has taken the record since.
pub(super) fn give_back(session: &Session<'_>, record: i64) -> Fallible<()> {
    session.run("UPDATE assignment SET state = 2 WHERE record = ?1 AND state = 0", [record])?;
    Ok(())
}

/// Whether whoever was given a record last has not answered in time. Whoever owned it before anybody routed it keeps it.
pub(super) fn is_late(session: &Session<'_>, profile: i64, record: i64) -> Fallible<bool> {
    let late = session.number(
        "SELECT breached_at IS NOT NULL AND answered_at IS NULL AND step IS NOT 'owner' FROM assignment
         WHERE profile = ?1 AND record = ?2 AND state = 1 ORDER BY id DESC LIMIT 1",
        (profile, record),
    )?;
    Ok(late > 0)
}

/// Who had the record, one after the other since it was first given to somebody, and did not answer; none where the last one is
/// not late.
pub(super) fn late_ones(session: &Session<'_>, profile: i64, record: i64) -> Fallible<Vec<Arc<str>>> {
    if !is_late(session, profile, record)? {
        return Ok(Vec::new());
    }
    let mut statement = session.sql(
        "SELECT DISTINCT email FROM assignment WHERE profile = ?1 AND record = ?2 AND breached_at IS NOT NULL
         AND answered_at IS NULL AND email IS NOT NULL
         AND id > coalesce((SELECT max(id) FROM assignment WHERE profile = ?1 AND record = ?2 AND state < 2
                            AND (breached_at IS NULL OR answered_at IS NOT NULL)), 0) ORDER BY id",
    )?;
    let rows = statement.query_map((profile, record), |row| row.get(0))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// Bands entered about which nothing has been done at this connection, where this record of the person is the one to be given to
/// somebody: the contact before the lead, the older before the newer.
pub(super) fn ready_of_record(
    session: &Session<'_>,
    profile: i64,
    place: Place,
    record: i64,
) -> Fallible<Vec<Arc<str>>> {
    let mut entered = standing::ready(session, profile)?;
    if entered.is_empty() {
        return Ok(entered);
    }
    let chosen = session.number(
        "SELECT r.id FROM record r JOIN place p ON p.id = r.place
         WHERE r.profile = ?1 AND r.state = 1 AND p.object IN ('contact', 'lead')
         AND p.connection = (SELECT connection FROM place WHERE id = ?2) ORDER BY p.object, r.id LIMIT 1",
        (profile, place),
    )?;
    let entries = standing::entries(session, profile)?;
    let here = session.number(
        "SELECT max(a.at) FROM assignment a JOIN place p ON p.id = a.place WHERE a.profile = ?1 AND a.state < 2
         AND p.connection = (SELECT connection FROM place WHERE id = ?2)",
        (profile, place),
    )?;
    let anywhere = session.number("SELECT max(at) FROM assignment WHERE profile = ?1 AND state < 2", [profile])?;
    entered.retain(|band| {
        entries.get(band).is_some_and(|entry| {
            // What was done about it without routing was the making of a record, whose owner the CRM chose.
            let open = entry.state == EntryState::Ready || anywhere >= entry.entered_at.micros();
            chosen == record && open && here < entry.entered_at.micros()
        })
    });
    Ok(entered)
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

fn overdue(session: &Session<'_>, now: Timestamp) -> Fallible<Vec<AssignmentRow>> {
    answers::note_edits(session, now)?;
    let late = format!("SELECT a.id FROM assignment a WHERE {} ORDER BY a.id LIMIT 1000", answers::UNANSWERED);
    let late = numbers(session, &late, (now.micros(), answers::STILL_COMING))?;
    let mut told = Vec::with_capacity(late.len());
    for id in late {
        session.run("UPDATE assignment SET breached_at = ?2 WHERE id = ?1", (id, now.micros()))?;
        // Whoever gives it on to somebody else looks at it.
        session.run(
            "INSERT INTO push_mark (place, record) SELECT a.place, a.record FROM assignment a JOIN record r ON r.id = a.record
             WHERE a.id = ?1 AND r.state = 1 ON CONFLICT DO NOTHING",
            [id],
        )?;
        told.extend(select(session, "WHERE a.id = ?1", [id])?);
    }
    Ok(told)
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
                a.answered_at, a.breached_at, a.existing
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
            held_until: None,
            respond_by: instant(row.get(11)?),
            answered_at: instant(row.get(12)?),
            breached_at: instant(row.get(13)?),
            existing: row.get(14)?,
        });
    }
    Ok(found)
}

pub(super) fn read_trail(text: &str) -> Fallible<Vec<TrailLine>> {
    serde_json::from_str(text).map_err(|_| Fault::Damaged("the trail of an assignment"))
}
