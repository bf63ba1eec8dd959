//! From a KEY of the command line to a profile.

use super::fault::{Fallible, Fault};
use super::identity::holder;
use super::profiles;
use super::runs::uuid_range;
use super::session::Session;
use crate::model::Identifier;

/// Fewer hex digits than this are no profile id: too likely a typing error.
const SHORTEST_UID: usize = 4;

/// The profile that a KEY names: an identifier, a CRM record, a profile id or a unique beginning of one.
pub(super) fn find(session: &Session<'_>, key: &str) -> Fallible<Option<i64>> {
    let key = key.trim();
    if let Some(identifier) = Identifier::parse_key(key) {
        return match holder(session, &identifier)? {
            Some(profile) => profiles::current(session, profile),
            None => Ok(None),
        };
    }
    by_uid(session, key)
}

/// By profile id or unique beginning of it; merged-away ids lead to the survivor.
pub(super) fn by_uid(session: &Session<'_>, uid: &str) -> Fallible<Option<i64>> {
    if uid.len() < SHORTEST_UID {
        return Ok(None);
    }
    let Some((low, high)) = uuid_range(uid) else {
        return Ok(None);
    };
    let mut statement = session.sql(
        "SELECT id FROM profile WHERE uid BETWEEN ?1 AND ?2
         UNION SELECT survivor FROM profile_alias WHERE uid BETWEEN ?1 AND ?2 LIMIT 2",
    )?;
    let found: Vec<i64> = statement.query_map((low, high), |row| row.get(0))?.collect::<Result<_, _>>()?;
    match *found.as_slice() {
        [] => Ok(None),
        [profile] => Ok(Some(profile)),
        _ => Err(Fault::Refused(format!("more than one profile id begins with `{uid}`; give more of it"))),
    }
}
