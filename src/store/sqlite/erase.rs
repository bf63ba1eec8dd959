//! Erasure as a durable state: first the person is on the suppression list and nothing of theirs can be taken in or sent any
//! more, then what is left is deleted step by step. Whoever comes after a crash goes on where it stopped.

use std::collections::BTreeMap;

use connector::{Fields, Operation, Timestamp, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::fault::{Fallible, Fault};
use super::identity::identifiers_of;
use super::packed_model::pack_mirror;
use super::purge::{self, Left, numbers};
use super::records::{self, State};
use super::session::Session;
use super::{
    activities, assignments, company, deletion, find, intents, merge, profiles, side, standing, suppression, sweep,
    webhooks,
};
use crate::model::{
    Cause, Change, Erasing, ErasureStep, Family, Identifier, IdentifierKind, Intent, LeftRecord, Mirror, Privacy,
    Receipt,
};

/// What is left to do. It names the person, and is gone when the erasure is finished.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Work {
    /// The profile, and those that became part of it.
    pub(super) profiles: Vec<i64>,
    /// `kind:value` of every identifier, by the kind's number.
    pub(super) identifiers: Vec<String>,
    /// Addresses and numbers, which may stand in any text, and profile ids.
    pub(super) needles: Vec<String>,
    /// Records by number.
    records: Vec<i64>,
    /// The records at the CRMs, for a person to look at.
    pub(super) left: Vec<LeftRecord>,
    pub(super) part: u8,
    pub(super) after: i64,
}

/// Begins: from here on nothing of the person can come in or go out.
pub(super) fn begin(session: &Session<'_>, privacy: &Privacy, erasing: &Erasing, now: Timestamp) -> Fallible<Uuid> {
    let mut work = Work::default();
    let id = session.uuid(now)?;
    let mut identifiers: Vec<Identifier> = erasing.named.iter().cloned().collect();
    let mut counts = BTreeMap::new();
    if let Some(profile) = find::find(session, &erasing.key)? {
        identifiers.extend(identifiers_of(session, profile)?);
        work.profiles = vec![profile];
        work.profiles.extend(merge::aliases_of(session, profile)?);
        work.needles.push(profiles::uid_of(session, profile)?.to_string());
        work.records = numbers(session, "SELECT id FROM record WHERE profile = ?1", [profile])?;
        for record in work.records.clone() {
            identifiers.extend(release(session, (id, record), erasing, now, &mut work)?);
        }
        session.run("DELETE FROM outbox WHERE profile = ?1", [profile])?;
        session.run("DELETE FROM identifier WHERE profile = ?1", [profile])?;
        session.run("DELETE FROM stale WHERE profile = ?1", [profile])?;
        assignments::forget(session, profile)?;
        company::forget(session, profile)?;
        profiles::empty(session, profile)?;
        standing::forget(session, profile)?;
    }
    identifiers.sort();
    identifiers.dedup();
    for identifier in &identifiers {
        let kind = session.kind(&identifier.kind)?;
        work.identifiers.push(format!("{kind}:{}", identifier.value));
        if matches!(identifier.kind.family(), Family::Email | Family::Phone) {
            work.needles.push(identifier.value.to_lowercase());
        }
    }
    counts.insert("suppressed".to_owned(), suppression::add(session, privacy, &identifiers, now)?);
    counts.insert("records".to_owned(), work.left.len() as u64);
    let to_delete = work.left.iter().filter(|left| left.will_be_deleted).count() as u64;
    if to_delete > 0 {
        counts.insert(deletion::TO_DELETE.to_owned(), to_delete);
    }
    session.run(
        "INSERT INTO erasure (id, started_at, counts, work) VALUES (?1, ?2, ?3, ?4)",
        (id.into_bytes(), now.micros(), serde_json::to_string(&counts)?, serde_json::to_string(&work)?),
    )?;
    Ok(id)
}

/// Takes a record from its person: nothing is queued for it but what deletes it at the CRM, or empties our own fields there.
/// Returns the ids it has.
fn release(
    session: &Session<'_>,
    (id, record): (Uuid, i64),
    erasing: &Erasing,
    now: Timestamp,
    work: &mut Work,
) -> Fallible<Vec<Identifier>> {
    let row = records::load(session, record)?;
    let key = &row.linked.key;
    session.run("DELETE FROM outbox WHERE record = ?1", [record])?;
    session.run("DELETE FROM push_mark WHERE place = ?1 AND record = ?2", (row.place, record))?;
    let deletes = row.state == State::Live
        && erasing.delete.iter().any(|(connection, object)| *connection == key.connection && *object == key.object);
    let clears = erasing.clear.iter().any(|own| own.connection == key.connection && own.object == key.object);
    side::release(session, &row, now, clears)?;
    session.run(
        "UPDATE record SET profile = NULL, url = NULL, modified_at = NULL, mirror = ?2 WHERE id = ?1",
        (record, pack_mirror(&Mirror::default())),
    )?;
    records::forget_hash(session, row.place, &row.ext)?;
    if deletes {
        deletion::order(session, id, &row, now)?;
    } else if row.state == State::Live
        && let Some(own) = erasing.clear.iter().find(|own| own.connection == key.connection && own.object == key.object)
    {
        let holds = |name: &str| {
            let field = row.linked.mirror.get(name);
            field.and_then(|field| field.seen.as_ref().or(field.base.as_ref())).is_some_and(|value| !value.is_null())
        };
        let changes: Vec<Change> = own
            .fields
            .iter()
            .filter(|name| holds(name))
            .map(|name| Change {
                field: name.clone(),
                // What it was is no longer anybody's to keep.
                from: Value::Null,
                to: Value::Null,
                cause: Cause { mapping: Cause::ERASURE.into(), origin: format!("{} erased", Cause::CONSENT).into() },
                overwrites: false,
            })
            .collect();
        if !changes.is_empty() {
            let fields: Fields = changes.iter().map(|change| (change.field.clone(), change.to.clone())).collect();
            let intent = Intent {
                connection: key.connection.clone(),
                object: key.object.clone(),
                record: Some(key.clone()),
                profile: None,
                operation: Operation::Update { id: key.id.clone() },
                fields,
                changes,
                compare_first: false,
            };
            intents::queue(session, now, &intent)?;
        }
    }
    if row.state != State::Stub {
        work.left.push(LeftRecord {
            connection: key.connection.to_string(),
            object: key.object.to_string(),
            id: key.id.to_string(),
            url: row.linked.url.as_deref().map(str::to_owned),
            will_be_deleted: deletes,
        });
    }
    let kind = IdentifierKind::Crm { connection: key.connection.clone(), object: key.object.clone() };
    let mut statement = session.sql("SELECT ext FROM record_key WHERE record = ?1 AND alias = 1")?;
    let aliases = statement.query_map([record], |found| found.get::<_, String>(0))?;
    let mut ids = vec![Identifier { kind: kind.clone(), value: row.ext.clone() }];
    for alias in aliases {
        ids.push(Identifier { kind: kind.clone(), value: alias?.into() });
    }
    Ok(ids)
}

/// Up to `limit` rows of what is left.
pub(super) fn step(session: &Session<'_>, id: Uuid, now: Timestamp, limit: usize) -> Fallible<ErasureStep> {
    let Some((mut receipt, work)) = load(session, id)? else {
        return Err(Fault::Refused(format!("there is no erasure {id}")));
    };
    let Some(mut work) = work else {
        return Ok(ErasureStep::Finished { receipt, records: Vec::new() });
    };
    let limit = limit.max(1);
    let (what, deleted) = match work.part {
        0 => (
            "events",
            of_profiles(&work, |profile| purge::events_of(session, profile, i64::MAX, limit, Left::Nothing))?,
        ),
        1 => ("rows", of_profiles(&work, |profile| purge::rows_of(session, profile, limit))?),
        2 => ("journal", journal(session, &work, limit)?),
        3 => ("records_here", records_here(session, &mut work, limit)?),
        part => match sweep::step(session, part, &mut work, limit)? {
            Some(swept) => swept,
            None => {
                for profile in &work.profiles {
                    purge::profile(session, *profile)?;
                }
                receipt.finished_at = Some(now);
                session.run(
                    "UPDATE erasure SET finished_at = ?2, work = NULL WHERE id = ?1",
                    (id.into_bytes(), now.micros()),
                )?;
                return Ok(ErasureStep::Finished { receipt, records: work.left });
            }
        },
    };
    if deleted > 0 {
        *receipt.counts.entry(what.to_owned()).or_default() += deleted;
    } else if work.after == 0 {
        work.part += 1;
    }
    session.run(
        "UPDATE erasure SET counts = ?2, work = ?3 WHERE id = ?1",
        (id.into_bytes(), serde_json::to_string(&receipt.counts)?, serde_json::to_string(&work)?),
    )?;
    Ok(ErasureStep::More)
}

fn of_profiles(work: &Work, act: impl Fn(i64) -> Fallible<u64>) -> Fallible<u64> {
    for profile in &work.profiles {
        let deleted = act(*profile)?;
        if deleted > 0 {
            return Ok(deleted);
        }
    }
    Ok(0)
}

fn journal(session: &Session<'_>, work: &Work, limit: usize) -> Fallible<u64> {
    for record in &work.records {
        let rows = super::letters::rows_limit(limit);
        let deleted = session.run(
            "DELETE FROM journal WHERE id IN (SELECT id FROM journal WHERE record = ?1 LIMIT ?2)",
            (record, rows),
        )?;
        if deleted > 0 {
            return Ok(deleted as u64);
        }
    }
    Ok(0)
}

/// Records go, but those that still have to be told something: they go when that is settled.
fn records_here(session: &Session<'_>, work: &mut Work, limit: usize) -> Fallible<u64> {
    let rest = work.records.split_off(limit.min(work.records.len()));
    let some = std::mem::replace(&mut work.records, rest);
    for record in &some {
        activities::forget_about(session, *record)?;
        // What is to be deleted at the CRM goes when that is done.
        if deletion::waits(session, *record)? {
            continue;
        }
        if session.number(
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM outbox WHERE record = ?1)
                 OR EXISTS (SELECT 1 FROM side_write WHERE record = ?1 AND state < 3)",
            [record],
        )? > 0
        {
            session.run("INSERT INTO erased_record (record) VALUES (?1) ON CONFLICT DO NOTHING", [record])?;
        } else {
            purge::record(session, *record)?;
        }
    }
    Ok(some.len() as u64)
}

/// Counts one record under another word in a receipt.
pub(super) fn tell(session: &Session<'_>, id: Uuid, from: &str, to: &str) -> Fallible<()> {
    let Some((mut receipt, _)) = load(session, id)? else { return Ok(()) };
    let left = receipt.counts.get(from).copied().unwrap_or(0).saturating_sub(1);
    match left {
        0 => drop(receipt.counts.remove(from)),
        left => drop(receipt.counts.insert(from.to_owned(), left)),
    }
    *receipt.counts.entry(to.to_owned()).or_default() += 1;
    let counts = serde_json::to_string(&receipt.counts)?;
    session.run("UPDATE erasure SET counts = ?2 WHERE id = ?1", (id.into_bytes(), counts))?;
    Ok(())
}

fn load(session: &Session<'_>, id: Uuid) -> Fallible<Option<(Receipt, Option<Work>)>> {
    Ok(select(session, "WHERE id = ?1", [id.into_bytes()])?.pop())
}

/// All receipts, oldest first; without an end those that are under way.
pub(super) fn receipts(session: &Session<'_>) -> Fallible<Vec<Receipt>> {
    Ok(select(session, "ORDER BY started_at, id", [])?.into_iter().map(|(receipt, _)| receipt).collect())
}

fn select(session: &Session<'_>, rest: &str, params: impl rusqlite::Params) -> Fallible<Vec<(Receipt, Option<Work>)>> {
    let mut statement =
        session.sql(&format!("SELECT id, started_at, finished_at, counts, work FROM erasure {rest}"))?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (counts, work): (String, Option<String>) = (row.get(3)?, row.get(4)?);
        let receipt = Receipt {
            id: profiles::uuid(row, 0)?,
            started_at: Timestamp::from_micros(row.get(1)?),
            finished_at: profiles::instant(row.get(2)?),
            counts: serde_json::from_str(&counts)?,
        };
        found.push((receipt, work.as_deref().map(serde_json::from_str).transpose()?));
    }
    Ok(found)
}

/// Puts a person on the list and cancels what is queued for them; everything else stays. How many hashes are new.
pub(super) fn suppress(
    session: &Session<'_>,
    privacy: &Privacy,
    key: &str,
    named: Option<&Identifier>,
    now: Timestamp,
) -> Fallible<u64> {
    let (profile, identifiers) = known_as(session, key, named)?;
    if let Some(profile) = profile {
        session.run("DELETE FROM outbox WHERE profile = ?1 AND state = 0", [profile])?;
        session.run("UPDATE outbox SET waiting = NULL WHERE profile = ?1", [profile])?;
        webhooks::withdraw(session, profile, now, &|_| false)?;
    }
    suppression::add(session, privacy, &identifiers, now)
}

/// Takes a person off the list again. How many hashes were on it.
pub(super) fn unsuppress(
    session: &Session<'_>,
    privacy: &Privacy,
    key: &str,
    named: Option<&Identifier>,
) -> Fallible<u64> {
    let (profile, identifiers) = known_as(session, key, named)?;
    if let Some(profile) = profile {
        records::mark_all_of(session, profile)?;
        profiles::note_change(session, profile)?;
    }
    suppression::remove(session, privacy, &identifiers)
}

fn known_as(session: &Session<'_>, key: &str, named: Option<&Identifier>) -> Fallible<(Option<i64>, Vec<Identifier>)> {
    let profile = find::find(session, key)?;
    let mut identifiers: Vec<Identifier> = named.into_iter().cloned().collect();
    if let Some(profile) = profile {
        identifiers.extend(identifiers_of(session, profile)?);
    }
    Ok((profile, identifiers))
}
