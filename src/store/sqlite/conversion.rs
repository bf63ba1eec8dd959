//! A record goes on as a record of another object: a lead became a contact. The old record has ended for good; its person
//! is the new record's person, and what was to be written is decided again by the new object's mapping.

use connector::{ConnectionName, Link};

use super::fault::Fallible;
use super::identity::{Because, log_edge};
use super::records::{self, Content, Key, Row, State};
use super::session::{Place, Session, crm_kind};
use super::{intents, merge, profiles, tombstones};
use crate::model::Mirror;

/// Whether the record has ended by going on as another: whatever a page still shows of it is older than that.
pub(super) fn has_ended(session: &Session<'_>, row: &Row) -> Fallible<bool> {
    Ok(row.state == State::Archived && session.number("SELECT 1 FROM went_on WHERE record = ?1", [row.id])? > 0)
}

/// Carries it out. Of a record that is not stored there is nobody to carry over: the other one's own page tells all. `false`
/// where nothing was left to do.
pub(super) fn at_crm(
    session: &Session<'_>,
    place: Place,
    old: &str,
    connection: &ConnectionName,
    new: &Link,
    because: Because<'_>,
) -> Fallible<bool> {
    let Some(key) = records::key(session, place, old)?.filter(|key| !key.alias) else {
        return Ok(false);
    };
    let ended = records::load(session, key.record)?;
    let far = session.place(connection, &new.object)?;
    let told = session.run(
        "INSERT INTO went_on (record, place, ext) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        (ended.id, far, new.id.as_str()),
    )?;
    if told == 0 {
        return Ok(false);
    }
    if ended.state != State::Archived {
        tombstones::archive(session, &ended)?;
    }
    let (_, object) = session.place_name(place)?;
    if let (Some(person), true, true) = (ended.profile, object.is_person(), new.object.is_person()) {
        carry_over(session, person, far, new.id.as_str(), because)?;
    }
    Ok(true)
}

/// Both records are one person's from now on.
fn carry_over(session: &Session<'_>, person: i64, far: Place, ext: &str, because: Because<'_>) -> Fallible<()> {
    let found = match records::key(session, far, ext)? {
        Some(key) => Some(records::load(session, key.record)?),
        None => None,
    };
    match found {
        Some(row) if row.state != State::Stub => {
            match row.profile {
                Some(other) => merge::of_one_person(session, person, other, because)?,
                None => {
                    session.run("UPDATE record SET profile = ?2 WHERE id = ?1", (row.id, person))?;
                    log_link(session, person, far, ext, because)?;
                }
            }
            records::forget_hash(session, far, &row.ext)?;
            mark(session, &row)
        }
        // Not pulled yet. It is this person's and it is there: without it a create could be decided for somebody who has a
        // record, and its first page would have to guess whose it is.
        stub => {
            let empty = Mirror::default();
            let content =
                Content { profile: Some(person), state: State::Live, modified_at: None, url: None, mirror: &empty };
            let record = match &stub {
                Some(row) => {
                    records::update(session, row, &content)?;
                    row.id
                }
                None => {
                    let record = records::insert(session, far, ext, &content)?;
                    records::save_key(session, far, ext, Key { record, alias: false, hash: None, links_hash: None })?;
                    record
                }
            };
            log_link(session, person, far, ext, because)?;
            intents::drop_queued_create(session, far, person)?;
            mark(session, &records::load(session, record)?)
        }
    }
}

fn mark(session: &Session<'_>, row: &Row) -> Fallible<()> {
    if row.state == State::Live {
        records::mark(session, row.place, row.id)?;
    }
    Ok(())
}

fn log_link(session: &Session<'_>, profile: i64, place: Place, ext: &str, because: Because<'_>) -> Fallible<()> {
    let edge = because.edge(1, profile, crm_kind(place), ext);
    log_edge(session, &edge)?;
    profiles::mark_stale(session, profile)?;
    Ok(())
}
