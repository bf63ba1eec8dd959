//! Hashes of addresses, as ad platforms send them. Nobody pays for them until somebody comes with one.

use super::fault::Fallible;
use super::session::{EMAIL_KIND, Session};
use crate::model::{Identifier, IdentifierKind};

/// Whether anybody has ever asked about a hash.
pub(super) fn are_known(session: &Session<'_>) -> Fallible<bool> {
    if let Some(known) = session.memo.hashes() {
        return Ok(known);
    }
    let known = session.number("SELECT value FROM counter WHERE name = 'email_hashes'", [])? > 0;
    session.memo.know_hashes(known);
    Ok(known)
}

/// The profile that holds the address with this hash.
pub(super) fn holder(session: &Session<'_>, hash: &Identifier) -> Fallible<Option<i64>> {
    if !are_known(session)? {
        return Ok(None);
    }
    let Ok(bytes) = hex::decode(&*hash.value) else { return Ok(None) };
    let found = session.number(
        "SELECT i.profile FROM email_hash h JOIN identifier i ON i.kind = ?2 AND i.value = h.value WHERE h.hash = ?1",
        (bytes, EMAIL_KIND),
    )?;
    Ok((found > 0).then_some(found))
}

/// From now on the hash of every address is kept: done before the first hash is looked for.
pub(super) fn begin(session: &Session<'_>) -> Fallible<()> {
    if are_known(session)? {
        return Ok(());
    }
    let mut after = String::new();
    loop {
        let mut statement =
            session.sql("SELECT value FROM identifier WHERE kind = ?1 AND value > ?2 ORDER BY value LIMIT 5000")?;
        let page: Vec<String> =
            statement.query_map((EMAIL_KIND, &after), |row| row.get(0))?.collect::<Result<_, _>>()?;
        let Some(last) = page.last() else { break };
        after.clone_from(last);
        for value in &page {
            keep(session, value)?;
        }
    }
    session.run("INSERT INTO counter (name, value) VALUES ('email_hashes', 1) ON CONFLICT DO NOTHING", [])?;
    session.memo.know_hashes(true);
    Ok(())
}

/// Keeps the hash of an address that is new, where hashes are kept.
pub(super) fn note(session: &Session<'_>, identifier: &Identifier) -> Fallible<()> {
    if identifier.kind == IdentifierKind::Email && are_known(session)? {
        keep(session, &identifier.value)?;
    }
    Ok(())
}

fn keep(session: &Session<'_>, address: &str) -> Fallible<()> {
    let hash = hex::decode(crate::model::email_sha256(address)).unwrap_or_default();
    session.run("INSERT INTO email_hash (hash, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING", (hash, address))?;
    Ok(())
}
