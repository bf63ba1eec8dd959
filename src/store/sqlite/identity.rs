//! Who holds an identifier: looking up, attaching, and the append-only log of why.

use connector::Timestamp;

use super::fault::Fallible;
use super::profiles::{make_known, make_unknown, mark_stale, note_change};
use super::session::Session;
use super::{hashes, records};
use crate::model::{Identifier, IdentifierKind, ProfileId, ProfileUid, Standing};

/// A line of the identity log.
pub(super) struct Edge<'a> {
    pub(super) at: Timestamp,
    pub(super) recorded_at: Timestamp,
    /// +1 joins, -1 parts.
    pub(super) sign: i64,
    pub(super) profile: i64,
    pub(super) kind: i64,
    pub(super) value: &'a str,
    /// `hubspot contact 501`, `event website m-1`
    pub(super) cause: &'a str,
}

pub(super) fn log_edge(session: &Session<'_>, edge: &Edge<'_>) -> Fallible<()> {
    session.run(
        "INSERT INTO identity_edge (at, recorded_at, sign, profile, kind, value, cause)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (edge.at.micros(), edge.recorded_at.micros(), edge.sign, edge.profile, edge.kind, edge.value, edge.cause),
    )?;
    Ok(())
}

/// When and because of what an identifier joins.
#[derive(Clone, Copy)]
pub(super) struct Because<'a> {
    pub(super) at: Timestamp,
    pub(super) now: Timestamp,
    pub(super) cause: &'a str,
}

impl<'a> Because<'a> {
    /// A line of the identity log that is owed to it.
    pub(super) fn edge(self, sign: i64, profile: i64, kind: i64, value: &'a str) -> Edge<'a> {
        Edge { at: self.at, recorded_at: self.now, sign, profile, kind, value, cause: self.cause }
    }
}

/// A profile, and whether this very step has made it: then it is stale, known and numbered as changed already.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    pub(super) id: i64,
    pub(super) fresh: bool,
}

/// Attaches identifiers to a profile; those held by another stay there. Returns how many did.
pub(super) fn attach<'a>(
    session: &Session<'_>,
    Person { id: profile, fresh: made_now }: Person,
    identifiers: impl IntoIterator<Item = &'a Identifier>,
    because: Because<'_>,
) -> Fallible<u64> {
    let (mut conflicts, mut known, mut added) = (0, false, false);
    for identifier in identifiers {
        // The id of a record points through the record itself.
        if matches!(identifier.kind, IdentifierKind::Crm { .. }) {
            continue;
        }
        let kind = session.kind(&identifier.kind)?;
        let fresh = session.run(
            "INSERT INTO identifier (kind, value, profile) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            (kind, &identifier.value, profile),
        )? > 0;
        if !fresh {
            conflicts += u64::from(holder_of_value(session, kind, &identifier.value)? != Some(profile));
            continue;
        }
        added = true;
        known |= identifier.kind.is_known();
        session.memo.stands(identifier, Standing::Held(ProfileId(profile)));
        hashes::note(session, identifier)?;
        log_edge(session, &because.edge(1, profile, kind, &identifier.value))?;
    }
    session.count_conflicts(conflicts);
    if made_now {
        return Ok(conflicts);
    }
    if known {
        make_known(session, profile)?;
    }
    if added {
        note_change(session, profile)?;
        mark_stale(session, profile)?;
    }
    Ok(conflicts)
}

/// The identifier has left this profile, as its row says already: the log tells why, and the profile is computed anew. It may have
/// been all that somebody was known by.
pub(super) fn left(session: &Session<'_>, identifier: &Identifier, owner: i64, because: Because<'_>) -> Fallible<()> {
    let kind = session.kind(&identifier.kind)?;
    log_edge(session, &because.edge(-1, owner, kind, &identifier.value))?;
    session.memo.forget(identifier);
    if identifier.kind.is_known() && !identifiers_of(session, owner)?.iter().any(|id| id.kind.is_known()) {
        make_unknown(session, owner)?;
    }
    note_change(session, owner)?;
    mark_stale(session, owner)?;
    Ok(())
}

/// The profile that an identifier points at.
pub(super) fn holder(session: &Session<'_>, identifier: &Identifier) -> Fallible<Option<i64>> {
    if matches!(identifier.kind, IdentifierKind::Crm { .. })
        && let Some(profile) = holder_of_record(session, identifier)?
    {
        return Ok(Some(profile));
    }
    match session.find_kind(&identifier.kind)? {
        Some(kind) => holder_of_value(session, kind, &identifier.value),
        None => Ok(None),
    }
}

pub(super) fn holder_of_value(session: &Session<'_>, kind: i64, value: &str) -> Fallible<Option<i64>> {
    let mut statement = session.sql("SELECT profile FROM identifier WHERE kind = ?1 AND value = ?2")?;
    let mut rows = statement.query((kind, value))?;
    Ok(match rows.next()? {
        Some(row) => Some(row.get(0)?),
        None => None,
    })
}

pub(super) fn holder_of_record(session: &Session<'_>, identifier: &Identifier) -> Fallible<Option<i64>> {
    let IdentifierKind::Crm { connection, object } = &identifier.kind else {
        return Ok(None);
    };
    let Some(place) = session.find_place(connection, object)? else {
        return Ok(None);
    };
    match records::key(session, place, &identifier.value)? {
        Some(key) => records::profile_of(session, key.record),
        None => Ok(None),
    }
}

/// The profile whose id a record carries, merges followed.
pub(super) fn carried(session: &Session<'_>, uid: ProfileUid) -> Fallible<Option<ProfileId>> {
    let found = session.number(
        "SELECT id FROM profile WHERE uid = ?1 UNION ALL SELECT survivor FROM profile_alias WHERE uid = ?1",
        [uid.0.into_bytes()],
    )?;
    Ok((found > 0).then_some(ProfileId(found)))
}

/// All identifiers of a profile, its records' ids among them, strongest first.
pub(super) fn identifiers_of(session: &Session<'_>, profile: i64) -> Fallible<Vec<Identifier>> {
    let mut identifiers = Vec::new();
    {
        let mut statement = session.sql("SELECT kind, value FROM identifier WHERE profile = ?1")?;
        let mut rows = statement.query([profile])?;
        while let Some(row) = rows.next()? {
            identifiers.push(session.identifier(row.get(0)?, row.get(1)?)?);
        }
    }
    {
        let mut statement = session.sql("SELECT place, ext FROM record WHERE profile = ?1 AND state > 0")?;
        let mut rows = statement.query([profile])?;
        while let Some(row) = rows.next()? {
            let (connection, object) = session.place_name(row.get(0)?)?;
            identifiers.push(Identifier { kind: IdentifierKind::Crm { connection, object }, value: row.get(1)? });
        }
    }
    identifiers.sort();
    identifiers.dedup();
    Ok(identifiers)
}
