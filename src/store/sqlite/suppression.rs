//! The suppression list: keyed hashes, and the keys they were made with.

use super::fault::Fallible;
use super::gate::without_key;
use super::session::Session;
use crate::model::{Privacy, SuppressionKey};

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
