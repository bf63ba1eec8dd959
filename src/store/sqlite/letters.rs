//! Dead letters: one per code and subject, counted; taken out, dropped or tried again.

use std::collections::BTreeSet;

use connector::{ConnectionName, FieldName, Object, Operation, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use super::fault::{Fallible, Fault};
use super::identity::identifiers_of;
use super::profiles::note_change;
use super::records;
use super::session::Session;
use super::{deletion, find, profiles, side, webhooks};
use crate::model::{
    DeadLetter, DeadLetterCode, DeadLetterId, FieldWritten, IdentifierKind, Intent, JournalOutcome, Mirror,
    MirrorField, ProfileUid, RecordKey, Side, Subject,
};

/// Notes a dead letter; one that is there already is counted up and shows the newest cause.
pub(super) fn add(session: &Session<'_>, letter: &DeadLetter) -> Fallible<()> {
    let raw = letter.raw.as_ref();
    let raw_hash = raw.map_or(0, |raw| i64::from_le_bytes(xxh3_64(raw.text.as_bytes()).to_le_bytes()));
    session.run(
        "INSERT INTO dead_letter (at, code, subject, raw_hash, connection, cause, fix, raw, count)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (code, subject, raw_hash) DO UPDATE SET at = excluded.at, cause = excluded.cause,
             fix = excluded.fix, raw = excluded.raw, count = count + excluded.count",
        (
            letter.at.micros(),
            letter.code.as_str(),
            serde_json::to_string(&letter.subject)?,
            raw_hash,
            &letter.subject.connection,
            &letter.cause,
            &letter.fix,
            raw.map(serde_json::to_string).transpose()?,
            letter.count.max(1),
        ),
    )?;
    Ok(())
}

const SELECT: &str = "SELECT id, at, code, subject, cause, fix, raw, count FROM dead_letter";

fn read(row: &rusqlite::Row<'_>) -> Fallible<DeadLetter> {
    let (code, subject, raw): (String, String, Option<String>) = (row.get(2)?, row.get(3)?, row.get(6)?);
    let code: DeadLetterCode = serde_json::from_value(serde_json::Value::String(code))?;
    Ok(DeadLetter {
        id: DeadLetterId(row.get(0)?),
        at: Timestamp::from_micros(row.get(1)?),
        code,
        subject: serde_json::from_str(&subject)?,
        cause: row.get(4)?,
        fix: row.get(5)?,
        raw: raw.as_deref().map(serde_json::from_str).transpose()?,
        count: row.get(7)?,
    })
}

pub(super) fn list(session: &Session<'_>, after: DeadLetterId, limit: usize) -> Fallible<Vec<DeadLetter>> {
    let mut statement = session.sql(&format!("{SELECT} WHERE id > ?1 ORDER BY id LIMIT ?2"))?;
    let mut rows = statement.query((after.0, rows_limit(limit)))?;
    let mut letters = Vec::new();
    while let Some(row) = rows.next()? {
        letters.push(read(row)?);
    }
    Ok(letters)
}

/// SQLite's limits are signed.
pub(super) fn rows_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn one(session: &Session<'_>, id: DeadLetterId) -> Fallible<Option<DeadLetter>> {
    let mut statement = session.sql(&format!("{SELECT} WHERE id = ?1"))?;
    let mut rows = statement.query([id.0])?;
    rows.next()?.map(read).transpose()
}

pub(super) fn remove(session: &Session<'_>, id: DeadLetterId) -> Fallible<bool> {
    Ok(session.run("DELETE FROM dead_letter WHERE id = ?1", [id.0])? > 0)
}

/// Removes what a write has put right: the letters about fields that the CRM has taken by now, and the one about the whole
/// record once nothing of it is parked or frozen any more. What people have to settle, duplicates and conflicts, stays.
pub(super) fn close(
    session: &Session<'_>,
    record: &RecordKey,
    written: &[FieldWritten],
    mirror: &Mirror,
) -> Fallible<()> {
    let mut right = Vec::new();
    for (id, subject) in about_writes(session, &record.connection, &record.object, record.id.as_str())? {
        let is_right = match &subject.field {
            None => !mirror.iter().any(|field| field.frozen || field.sent.is_some()),
            Some(name) => written.iter().any(|write| {
                write.field == *name && matches!(write.outcome, JournalOutcome::Written | JournalOutcome::KeptOther)
            }),
        };
        if is_right {
            right.push(id);
        }
    }
    for id in right {
        remove(session, id)?;
    }
    Ok(())
}

/// Removes what a create has put right: the letters about those before it that failed, which name what the record was to be found by.
pub(super) fn close_create(session: &Session<'_>, intent: &Intent, profile: Option<i64>) -> Fallible<()> {
    let mut names = BTreeSet::new();
    if let Operation::Upsert { value, .. } = &intent.operation {
        names.insert(value.to_string());
    }
    if let Some(profile) = profile {
        names.insert(ProfileUid(profiles::uid_of(session, profile)?).to_string());
        let known = identifiers_of(session, profile)?;
        names.extend(known.iter().filter(|one| one.kind == IdentifierKind::Email).map(|one| one.value.to_string()));
    }
    for name in names {
        for (id, _) in about_writes(session, &intent.connection, &intent.object, &name)? {
            remove(session, id)?;
        }
    }
    Ok(())
}

/// Letters about writes to what is called so, each with its subject. Those about one record differ in nothing before the field: one
/// look into the index for all of its fields.
fn about_writes(
    session: &Session<'_>,
    connection: &ConnectionName,
    object: &Object,
    name: &str,
) -> Fallible<Vec<(DeadLetterId, Subject)>> {
    let subject = serde_json::to_string(&Subject {
        connection: Some(connection.as_str().into()),
        object: Some(object.as_str().into()),
        record: Some(name.into()),
        ..Subject::default()
    })?;
    let Some(about) = subject.strip_suffix(r#""field":null,"source":null}"#) else {
        return Err(Fault::Damaged("the subject of a dead letter is written in another way"));
    };
    let mut statement = session.sql(
        "SELECT id, subject FROM dead_letter WHERE subject >= ?1 AND subject < ?2
             AND code IN ('write_rejected', 'value_unfit', 'field_unusable', 'attempts_exhausted')",
    )?;
    let mut rows = statement.query((format!("{about}\"field\":"), format!("{about}\"field\";")))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((DeadLetterId(row.get(0)?), serde_json::from_str(&row.get::<_, String>(1)?)?));
    }
    Ok(found)
}

/// Removes it; what it was about is given up.
pub(super) fn drop_for_good(session: &Session<'_>, id: DeadLetterId) -> Fallible<bool> {
    if let Some(letter) = one(session, id)? {
        webhooks::drop_dead(session, &letter.subject)?;
        if let Some(row) = find_record(session, &letter.subject)? {
            deletion::give_up(session, row.id)?;
        }
    }
    remove(session, id)
}

/// Removes it and lets its subject try again.
pub(super) fn retry(session: &Session<'_>, id: DeadLetterId, verdict: Option<Side>) -> Fallible<bool> {
    let Some(letter) = one(session, id)? else {
        return Ok(false);
    };
    remove(session, id)?;
    if let Some((webhook, uid)) = letter.subject.as_webhook() {
        webhooks::retry(session, webhook, uid)?;
        return Ok(true);
    }
    if retry_lane(session, &letter.subject)? {
        return Ok(true);
    }
    let Some(row) = find_record(session, &letter.subject)? else {
        return retry_profile(session, &letter.subject);
    };
    if deletion::retry(session, &row, letter.at)? {
        return Ok(true);
    }
    let mut mirror = row.linked.mirror.clone();
    // Without a field it is about the whole record: whatever is frozen or parked there, and the verdict for each field.
    let names: Vec<FieldName> = match &letter.subject.field {
        Some(name) => vec![name.clone()],
        None => {
            let waits = |field: &&MirrorField| field.frozen || field.sent.is_some() || verdict.is_some();
            mirror.iter().filter(waits).map(|field| field.name.clone()).collect()
        }
    };
    for name in names {
        mirror.thaw(&name);
        let field = mirror.entry(&name);
        field.verdict = verdict.or(field.verdict);
    }
    records::save_mirror(session, row.id, &mirror)?;
    // What could not be read or resolved is decided on again at its next sight.
    records::forget_hash(session, row.place, &row.ext)?;
    if row.state == records::State::Live {
        records::mark(session, row.place, row.id)?;
    }
    Ok(true)
}

fn find_record(session: &Session<'_>, subject: &Subject) -> Fallible<Option<records::Row>> {
    let (Some(connection), Some(object), Some(record)) = (&subject.connection, &subject.object, &subject.record) else {
        return Ok(None);
    };
    let object = object.parse().map_err(|_| Fault::Damaged("a dead letter about no object"))?;
    let key = RecordKey { connection: (&**connection).into(), object, id: (&**record).into() };
    records::find(session, &key)
}

/// A letter about a write beside the record's fields names its lane: whether it was one, and is tried again.
fn retry_lane(session: &Session<'_>, subject: &Subject) -> Fallible<bool> {
    let (Some(connection), Some(object), Some(lane)) = (&subject.connection, &subject.object, &subject.field) else {
        return Ok(false);
    };
    let object = object.parse().map_err(|_| Fault::Damaged("a dead letter about no object"))?;
    let Some(place) = session.find_place(&(&**connection).into(), &object)? else { return Ok(false) };
    match (&subject.record, find_record(session, subject)?) {
        (Some(_), None) => Ok(false),
        (_, row) => side::retry(session, place, row.map(|row| row.id), lane),
    }
}

/// Removes the letters about a lane of a record that the CRM has taken by now.
pub(super) fn close_lane(session: &Session<'_>, record: &RecordKey, lane: &str) -> Fallible<()> {
    let subject = Subject {
        connection: Some(record.connection.as_str().into()),
        object: Some(record.object.as_str().into()),
        record: Some(record.id.as_str().into()),
        field: Some(lane.into()),
        ..Subject::default()
    };
    for subject in [Subject { record: None, ..subject.clone() }, subject] {
        session.run(
            "DELETE FROM dead_letter WHERE code IN ('write_rejected', 'field_unusable', 'attempts_exhausted') AND subject = ?1",
            [serde_json::to_string(&subject)?],
        )?;
    }
    Ok(())
}

/// A create that failed names its profile instead of a record: it is looked at again.
fn retry_profile(session: &Session<'_>, subject: &Subject) -> Fallible<bool> {
    if let Some(record) = &subject.record
        && let Some(profile) = find::by_uid(session, record)?
        && let Some(profile) = profiles::current(session, profile)?
    {
        note_change(session, profile)?;
    }
    Ok(true)
}
