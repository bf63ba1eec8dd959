//! Companies: their rows and traits. What events and records say of them is noted as it comes (`claims`); who belongs to
//! which is derived from that when a profile is computed (`member`), so that no order of arrival and no merge can leave
//! anything behind.

mod claims;
mod contest;
mod member;
mod rollup;
mod view;

use std::collections::BTreeMap;

use connector::{RecordId, Timestamp};

use super::fault::{Fallible, Fault};
use super::packed_model::{pack_attributes, unpack_attributes};
use super::profiles::blob;
use super::records;
use super::session::Session;
use crate::model::{Attribute, CompanyKey, TraitName};

pub(super) use claims::{absorb, archived, event, forget, move_profile, record};
pub(super) use contest::answer;
pub(super) use member::{place, refresh};
pub(super) use rollup::{primary, roll_up, tell};
pub(super) use view::{detail, of_profile};

const GROUP: i64 = 1;
const ACCOUNT: i64 = 2;
const DOMAIN: i64 = 3;

/// A key as its row has it, or nothing for a record that the store has never heard of.
fn columns(session: &Session<'_>, key: &CompanyKey) -> Fallible<Option<(i64, String)>> {
    Ok(match key {
        CompanyKey::Group(id) => Some((GROUP, id.to_string())),
        CompanyKey::Domain(domain) => Some((DOMAIN, domain.to_string())),
        CompanyKey::Account { connection, id } => match session.find_place(connection, &connector::Object::Company)? {
            Some(place) => records::key(session, place, id.as_str())?.map(|key| (ACCOUNT, key.record.to_string())),
            None => None,
        },
    })
}

fn key_of(session: &Session<'_>, kind: i64, value: &str) -> Fallible<CompanyKey> {
    Ok(match kind {
        GROUP => CompanyKey::Group(value.into()),
        DOMAIN => CompanyKey::Domain(value.into()),
        ACCOUNT => {
            let record = value.parse().map_err(|_| Fault::Damaged("a company of no record"))?;
            let row = records::load(session, record)?;
            CompanyKey::Account { connection: row.linked.key.connection, id: RecordId::new(row.ext) }
        }
        _ => return Err(Fault::Damaged("a company of an unknown kind")),
    })
}

fn find(session: &Session<'_>, kind: i64, value: &str) -> Fallible<Option<i64>> {
    let id = session.number("SELECT id FROM company WHERE kind = ?1 AND value = ?2", (kind, value))?;
    Ok((id > 0).then_some(id))
}

/// The company with this key, made where it is new; seen at an instant, perhaps earlier than thought.
fn find_or_make(session: &Session<'_>, kind: i64, value: &str, seen: Timestamp, now: Timestamp) -> Fallible<i64> {
    if let Some(id) = find(session, kind, value)? {
        session.run("UPDATE company SET first_seen = ?2 WHERE id = ?1 AND first_seen > ?2", (id, seen.micros()))?;
        return Ok(id);
    }
    session.run(
        "INSERT INTO company (uid, kind, value, first_seen, attributes) VALUES (?1, ?2, ?3, ?4, ?5)",
        (session.uuid(now)?.into_bytes(), kind, value, seen.micros(), pack_attributes(&BTreeMap::new())),
    )?;
    Ok(session.conn.last_insert_rowid())
}

pub(super) fn traits_of(session: &Session<'_>, company: i64) -> Fallible<BTreeMap<TraitName, Attribute>> {
    let mut statement = session.sql("SELECT attributes FROM company WHERE id = ?1")?;
    let mut rows = statement.query([company])?;
    match rows.next()? {
        Some(row) => unpack_attributes(blob(row, 0)?),
        None => Err(Fault::Damaged("a company that is not there")),
    }
}

fn save_traits(session: &Session<'_>, company: i64, traits: &BTreeMap<TraitName, Attribute>) -> Fallible<()> {
    session.run("UPDATE company SET attributes = ?2 WHERE id = ?1", (company, pack_attributes(traits)))?;
    Ok(())
}

/// Has the company's claims and members looked at by the next computation.
fn mark(session: &Session<'_>, company: i64) -> Fallible<()> {
    session.run("INSERT INTO company_stale (company) VALUES (?1) ON CONFLICT DO NOTHING", [company])?;
    Ok(())
}

/// Has every company looked at by the next computation.
pub(super) fn recall(session: &Session<'_>) -> Fallible<()> {
    session.run("INSERT INTO company_stale (company) SELECT id FROM company WHERE true ON CONFLICT DO NOTHING", [])?;
    Ok(())
}
