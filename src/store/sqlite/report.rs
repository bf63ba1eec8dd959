//! Who holds what, since when and why: what people ask about identity.

use connector::Timestamp;

use super::fault::{Fallible, Fault};
use super::graph::{CONTESTED, RETIRED};
use super::profiles;
use super::records::{self, State};
use super::session::Session;
use crate::model::{ConflictAction, Identifier, ProfileId, ProfileUid};
use crate::store::{ConflictRow, EdgeEnd, EdgeRow, Held, HeldBy, HeldState};

pub(super) fn held_by(session: &Session<'_>, profile: i64) -> Fallible<Option<HeldBy>> {
    let Some(found) = profiles::load(session, profile)? else { return Ok(None) };
    let shared = session.number("SELECT shared FROM profile WHERE id = ?1", [profile])? > 0;
    let mut identifiers = Vec::new();
    {
        let mut statement = session.sql("SELECT kind, value, state FROM identifier WHERE profile = ?1")?;
        let mut rows = statement.query([profile])?;
        while let Some(row) = rows.next()? {
            let state = match row.get(2)? {
                RETIRED => HeldState::Retired,
                CONTESTED => HeldState::Contested,
                _ => HeldState::Live,
            };
            identifiers.push(Held { identifier: session.identifier(row.get(0)?, row.get(1)?)?, state });
        }
    }
    for row in records::of_profile(session, profile)? {
        let key = &row.linked.key;
        let state = if row.state == State::Archived { HeldState::Archived } else { HeldState::Live };
        if row.state != State::Stub {
            identifiers.push(Held { identifier: Identifier::crm(&key.connection, &key.object, &key.id), state });
        }
    }
    identifiers.sort_by(|a, b| a.identifier.cmp(&b.identifier));
    Ok(Some(HeldBy { profile: found, shared, identifiers }))
}

/// All profiles after one, by number, with what they hold.
pub(super) fn all(session: &Session<'_>, after: ProfileId, limit: usize) -> Fallible<Vec<HeldBy>> {
    let ids: Vec<i64> = session
        .sql("SELECT id FROM profile WHERE id > ?1 ORDER BY id LIMIT ?2")?
        .query_map((after.0, i64::try_from(limit).unwrap_or(i64::MAX)), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(held_by(session, id)?);
    }
    Ok(found)
}

/// What joined and parted from a profile, and from those that became part of it; oldest first.
pub(super) fn edges(session: &Session<'_>, profile: i64) -> Fallible<Vec<EdgeRow>> {
    let mut statement = session.sql(
        "SELECT at, recorded_at, sign, kind, value, cause FROM identity_edge
         WHERE profile = ?1 OR profile IN (SELECT old FROM profile_alias WHERE survivor = ?1) ORDER BY recorded_at, id",
    )?;
    let mut rows = statement.query([profile])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: i64 = row.get(3)?;
        let what = if kind == 0 {
            let text: String = row.get(4)?;
            let uid = text.parse().map_err(|_| Fault::Damaged("a merge of no profile"))?;
            EdgeEnd::Profile(ProfileUid(uid))
        } else {
            EdgeEnd::Identifier(session.identifier(kind, row.get(4)?)?)
        };
        found.push(EdgeRow {
            at: Timestamp::from_micros(row.get(0)?),
            recorded_at: Timestamp::from_micros(row.get(1)?),
            joined: row.get::<_, i64>(2)? > 0,
            what,
            cause: row.get(5)?,
        });
    }
    Ok(found)
}

/// The conflict report, newest first; of one profile if given.
pub(super) fn conflicts(session: &Session<'_>, profile: Option<i64>, limit: usize) -> Fallible<Vec<ConflictRow>> {
    let mut statement = session.sql(
        "SELECT at, kind, value, action, owner, profile, cause FROM identity_conflict
         WHERE ?1 IS NULL OR profile = ?1 OR owner = ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let mut rows = statement.query((profile, i64::try_from(limit).unwrap_or(i64::MAX)))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let action: String = row.get(3)?;
        let uid = |id: Option<i64>| -> Fallible<Option<ProfileUid>> {
            let now = id.map(|id| profiles::current(session, id)).transpose()?.flatten();
            now.map(|id| profiles::uid_of(session, id).map(ProfileUid)).transpose()
        };
        found.push(ConflictRow {
            at: Timestamp::from_micros(row.get(0)?),
            identifier: session.identifier(row.get(1)?, row.get(2)?)?,
            action: ConflictAction::ALL
                .into_iter()
                .find(|known| known.as_str() == action)
                .ok_or(Fault::Damaged("a conflict of an unknown kind"))?,
            owner: uid(row.get(4)?)?,
            profile: uid(row.get(5)?)?,
            cause: row.get(6)?,
        });
    }
    Ok(found)
}

/// What is kept apart, each pair once.
pub(super) fn apart(session: &Session<'_>) -> Fallible<Vec<(Identifier, Identifier)>> {
    let mut statement = session.sql(
        "SELECT kind, value, other_kind, other_value FROM apart WHERE (kind, value) < (other_kind, other_value)",
    )?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((session.identifier(row.get(0)?, row.get(1)?)?, session.identifier(row.get(2)?, row.get(3)?)?));
    }
    Ok(found)
}
