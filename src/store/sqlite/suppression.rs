//! The suppression list: keyed hashes, and the keys they were made with.

use connector::Timestamp;

use super::fault::Fallible;
use super::gate::without_key;
use super::session::Session;
use crate::model::{Family, Identifier, IdentifierKind, Privacy, SuppressionHash, SuppressionKey, email_sha256};

/// The keys that the hashes on the list were made with; none where the list is empty.
pub(super) fn keys_in_use(session: &Session<'_>, privacy: &Privacy) -> Fallible<Vec<SuppressionKey>> {
    if session.number("SELECT 1 FROM suppression LIMIT 1", [])? == 0 {
        return Ok(Vec::new());
    }
    let mut statement = session.sql(
        "SELECT fingerprint, own FROM suppression_key k WHERE EXISTS (SELECT 1 FROM suppression s WHERE s.key = k.id)",
    )?;
    let mut rows = statement.query([])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        let (fingerprint, own): (Vec<u8>, Option<Vec<u8>>) = (row.get(0)?, row.get(1)?);
        let configured = privacy.key.clone().filter(|key| key.fingerprint().as_slice() == fingerprint);
        keys.push(own.map(|bytes| SuppressionKey::new(&bytes)).or(configured).ok_or_else(without_key)?);
    }
    Ok(keys)
}
/// The key for new hashes, by number: the configured one, else the store's own, made where there is none.
fn key_for_new(session: &Session<'_>, privacy: &Privacy, now: Timestamp) -> Fallible<(i64, SuppressionKey)> {
    if let Some(key) = &privacy.key {
        session
            .run("INSERT INTO suppression_key (fingerprint) VALUES (?1) ON CONFLICT DO NOTHING", [key.fingerprint()])?;
        let id = session.number("SELECT id FROM suppression_key WHERE fingerprint = ?1", [key.fingerprint()])?;
        return Ok((id, key.clone()));
    }
    let own = {
        let mut statement =
            session.sql("SELECT id, own FROM suppression_key WHERE own IS NOT NULL ORDER BY id LIMIT 1")?;
        let mut rows = statement.query([])?;
        match rows.next()? {
            Some(row) => Some((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)),
            None => None,
        }
    };
    if let Some((id, own)) = own {
        return Ok((id, SuppressionKey::new(&own)));
    }
    // 74 random bits each: four of them are more than a hash of 256 bits can use.
    let mut own = Vec::with_capacity(64);
    for _ in 0..4 {
        own.extend(session.uuid(now)?.into_bytes());
    }
    let key = SuppressionKey::new(&own);
    session.run("INSERT INTO suppression_key (fingerprint, own) VALUES (?1, ?2)", (key.fingerprint(), own))?;
    Ok((session.conn.last_insert_rowid(), key))
}

/// Puts whoever these name on the list; returns how many hashes are new. Devices are left out.
pub(super) fn add(
    session: &Session<'_>,
    privacy: &Privacy,
    identifiers: &[Identifier],
    now: Timestamp,
) -> Fallible<u64> {
    let (id, key) = key_for_new(session, privacy, now)?;
    let mut added = 0;
    for hash in hashes(&key, identifiers) {
        added += session.run(
            "INSERT INTO suppression (hash, key, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            (hash, id, now.micros()),
        )? as u64;
    }
    Ok(added)
}

/// Takes what these name off the list; returns how many hashes were on it.
pub(super) fn remove(session: &Session<'_>, privacy: &Privacy, identifiers: &[Identifier]) -> Fallible<u64> {
    let mut removed = 0;
    for key in keys_in_use(session, privacy)? {
        for hash in hashes(&key, identifiers) {
            removed += session.run("DELETE FROM suppression WHERE hash = ?1", [hash])? as u64;
        }
    }
    Ok(removed)
}

/// The hashes of identifiers; an address is also known by the hash that ad platforms send of it.
fn hashes(key: &SuppressionKey, identifiers: &[Identifier]) -> Vec<SuppressionHash> {
    let of_email = |identifier: &Identifier| {
        let is_email = identifier.kind.family() == Family::Email;
        let value = email_sha256(&identifier.value).into();
        is_email.then_some(Identifier { kind: IdentifierKind::EmailSha256, value })
    };
    let all = identifiers.iter().cloned().chain(identifiers.iter().filter_map(of_email));
    all.filter_map(|identifier| key.hash(&identifier)).collect()
}
