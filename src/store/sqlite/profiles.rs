//! Profile rows: reading, making, changing traits, marking.

use std::cell::Cell;
use std::collections::BTreeMap;

use connector::Timestamp;
use rusqlite::OptionalExtension;
use uuid::Uuid;

use super::declared;
use super::fault::{Fallible, Fault};
use super::packed_model::{pack_attribute, pack_attributes, pack_scores, unpack_attributes};
use super::packed_values::{pack_no_values, unpack_values};
use super::session::Session;
use crate::model::{Attribute, AttributeChange, Profile, ProfileId, ProfileUid, TraitValues};

/// Follows merges: the number of the profile that `id` is part of now.
pub(super) fn current(session: &Session<'_>, id: i64) -> Fallible<Option<i64>> {
    let found = session
        .sql("SELECT id FROM profile WHERE id = ?1 UNION ALL SELECT survivor FROM profile_alias WHERE old = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    Ok(found)
}

/// Runs `act` on the profile that `id` is part of now, or answers with nothing where there is none.
pub(super) fn of_current<T: Default>(
    session: &Session<'_>,
    id: ProfileId,
    act: impl FnOnce(i64) -> Fallible<T>,
) -> Fallible<T> {
    match current(session, id.0)? {
        Some(id) => act(id),
        None => Ok(T::default()),
    }
}

pub(super) fn load(session: &Session<'_>, id: i64) -> Fallible<Option<Profile>> {
    if let Some(profile) = load_exactly(session, id)? {
        return Ok(Some(profile));
    }
    match current(session, id)? {
        Some(survivor) if survivor != id => load_exactly(session, survivor),
        _ => Ok(None),
    }
}

fn load_exactly(session: &Session<'_>, id: i64) -> Fallible<Option<Profile>> {
    let mut statement =
        session.sql("SELECT uid, first_seen, known, attributes, computed, computed_at FROM profile WHERE id = ?1")?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    read(session, id, row).map(Some)
}

/// The first six columns: uid, first seen, known, traits, computed values and when.
pub(super) fn read(session: &Session<'_>, id: i64, row: &rusqlite::Row<'_>) -> Fallible<Profile> {
    let computed = unpack_values(session, blob(row, 4)?)?.into_iter().collect();
    Ok(Profile { computed, ..read_declared(id, row)? })
}

/// The same without computed values, for whoever makes new ones.
pub(super) fn read_declared(id: i64, row: &rusqlite::Row<'_>) -> Fallible<Profile> {
    Ok(Profile {
        id: ProfileId(id),
        uid: ProfileUid(uuid(row, 0)?),
        first_seen: Timestamp::from_micros(row.get(1)?),
        known: row.get(2)?,
        attributes: unpack_attributes(blob(row, 3)?)?,
        computed: TraitValues::new(),
        computed_at: instant(row.get(5)?),
    })
}

/// A blob column, borrowed from the row.
pub(super) fn blob<'r>(row: &'r rusqlite::Row<'_>, column: usize) -> Fallible<&'r [u8]> {
    row.get_ref(column)?.as_blob().map_err(|_| Fault::Damaged("a packed column holds no bytes"))
}

pub(super) fn instant(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_micros)
}

/// What a new profile starts with.
pub(super) struct NewProfile<'a> {
    pub(super) now: Timestamp,
    pub(super) first_seen: Timestamp,
    pub(super) known: bool,
    pub(super) attributes: &'a [AttributeChange],
}

/// Makes a profile, stale from the start.
pub(super) fn create(session: &Session<'_>, new: &NewProfile<'_>) -> Fallible<i64> {
    let attributes: BTreeMap<_, _> =
        new.attributes.iter().map(|change| (change.name.clone(), change.attribute.clone())).collect();
    session.run(
        "INSERT INTO profile (uid, first_seen, known, change, attributes, computed, scores)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            session.uuid(new.now)?.into_bytes(),
            new.first_seen.micros(),
            new.known,
            session.next_change()?,
            pack_attributes(&attributes),
            pack_no_values(),
            pack_scores(&[]),
        ),
    )?;
    let id = session.conn.last_insert_rowid();
    declared::begin(session, id, attributes)?;
    mark_stale(session, id)?;
    Ok(id)
}

pub(super) fn keep_history(
    session: &Session<'_>,
    profile: i64,
    name: &str,
    old: &Attribute,
    replaced_at: Timestamp,
) -> Fallible<()> {
    session.run(
        "INSERT INTO attribute_history (profile, name, attribute, replaced_at) VALUES (?1, ?2, ?3, ?4)",
        (profile, name, pack_attribute(old), replaced_at.micros()),
    )?;
    Ok(())
}

/// Values of traits that were replaced.
pub(super) fn history(session: &Session<'_>, profile: i64) -> Fallible<Vec<(crate::model::TraitName, Attribute)>> {
    let mut statement = session.sql("SELECT name, attribute FROM attribute_history WHERE profile = ?1 ORDER BY id")?;
    let mut rows = statement.query([profile])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((row.get(0)?, super::packed_model::unpack_attribute(blob(row, 1)?)?));
    }
    Ok(found)
}

/// Gives the profile a new change number, so that staging looks at it again for creates.
pub(super) fn note_change(session: &Session<'_>, id: i64) -> Fallible<()> {
    session.run("UPDATE profile SET change = ?2 WHERE id = ?1", (id, session.next_change()?))?;
    Ok(())
}

/// Nothing is known of the profile any more; its number stays until everything that bears it is gone.
pub(super) fn empty(session: &Session<'_>, id: i64) -> Fallible<()> {
    session.run(
        "UPDATE profile SET known = 0, attributes = ?2, computed = ?3, scores = ?4, computed_at = NULL, due_at = NULL
         WHERE id = ?1",
        (id, pack_attributes(&BTreeMap::new()), pack_no_values(), pack_scores(&[])),
    )?;
    Ok(())
}

/// The profile has an identifier stronger than an anonymous one.
pub(super) fn make_known(session: &Session<'_>, id: i64) -> Fallible<()> {
    session.run("UPDATE profile SET known = 1 WHERE id = ?1 AND known = 0", [id])?;
    session.memo.forget_profile(id);
    Ok(())
}

/// Nothing of what the profile holds names a person any more.
pub(super) fn make_unknown(session: &Session<'_>, id: i64) -> Fallible<()> {
    session.run("UPDATE profile SET known = 0 WHERE id = ?1", [id])?;
    session.memo.forget_profile(id);
    Ok(())
}

/// The profile has been seen at an instant, perhaps earlier than thought.
pub(super) fn seen_at(session: &Session<'_>, id: i64, at: Timestamp) -> Fallible<()> {
    if session.memo.was_seen(ProfileId(id), at) {
        return Ok(());
    }
    session.run("UPDATE profile SET first_seen = ?2 WHERE id = ?1 AND first_seen > ?2", (id, at.micros()))?;
    session.memo.forget_profile(id);
    Ok(())
}

/// Marks for computation; `true` if it was not marked before.
pub(super) fn mark_stale(session: &Session<'_>, id: i64) -> Fallible<bool> {
    if session.memo.is_stale(id) {
        return Ok(false);
    }
    let fresh = session.run("INSERT INTO stale (profile) VALUES (?1) ON CONFLICT DO NOTHING", [id])? > 0;
    session.memo.stale(id);
    Ok(fresh)
}

/// Lets a pure decision read profiles through a plain function; what goes wrong there fails the operation afterwards.
pub(super) fn with_loader<T>(
    session: &Session<'_>,
    decide: impl FnOnce(&dyn Fn(ProfileId) -> Option<Profile>) -> T,
) -> Fallible<T> {
    let failed: Cell<Option<Fault>> = Cell::new(None);
    let decision = decide(&|id: ProfileId| match load(session, id.0) {
        Ok(profile) => profile,
        Err(fault) => {
            failed.set(Some(fault));
            None
        }
    });
    failed.take().map_or(Ok(decision), Err)
}

/// The uid of a live profile.
pub(super) fn uid_of(session: &Session<'_>, id: i64) -> Fallible<Uuid> {
    let mut statement = session.sql("SELECT uid FROM profile WHERE id = ?1")?;
    let mut rows = statement.query([id])?;
    match rows.next()? {
        Some(row) => Ok(uuid(row, 0)?),
        None => Err(Fault::Refused(format!("profile {id} does not exist"))),
    }
}

pub(super) fn uuid(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    row.get(column).map(Uuid::from_bytes)
}
