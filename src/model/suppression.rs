//! The suppression list: who must not be taken in again, known only by keyed hashes of what names them.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::model::{ConsentDefaults, Family, Identifier, IdentifierKind};

/// HMAC-SHA-256 of one identifier.
pub type SuppressionHash = [u8; 32];

/// The key of the hashes. Without it an address on the list cannot be guessed and tried.
#[derive(Clone)]
pub struct SuppressionKey {
    inner: Sha256,
    outer: Sha256,
}

impl fmt::Debug for SuppressionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SuppressionKey([REDACTED])")
    }
}

impl From<&SecretString> for SuppressionKey {
    fn from(secret: &SecretString) -> Self {
        Self::new(secret.expose_secret().as_bytes())
    }
}

impl SuppressionKey {
    /// A key from bytes of any length (RFC 2104).
    pub fn new(bytes: &[u8]) -> Self {
        let mut block = [0u8; 64];
        if bytes.len() > block.len() {
            let digest = Sha256::digest(bytes);
            block.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
        } else {
            block.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        }
        let padded = |pad: u8| Sha256::new_with_prefix(block.map(|byte| byte ^ pad));
        Self { inner: padded(0x36), outer: padded(0x5c) }
    }

    fn mac(&self, message: &[u8]) -> SuppressionHash {
        let inner = self.inner.clone().chain_update(message).finalize();
        self.outer.clone().chain_update(inner).finalize().into()
    }

    /// The hash of an identifier; `None` for those that are never suppressed, because they name a device and not a person.
    pub fn hash(&self, identifier: &Identifier) -> Option<SuppressionHash> {
        is_suppressible(&identifier.kind).then(|| self.mac(identifier.to_string().as_bytes()))
    }

    /// Tells keys apart without telling the key.
    pub fn fingerprint(&self) -> SuppressionHash {
        self.mac(b"ferry suppression key")
    }
}

/// `cdp-semantics` §11: user ids, addresses, numbers, CRM ids, loyalty and other custom ids of persons; not anonymous and
/// device ids.
fn is_suppressible(kind: &IdentifierKind) -> bool {
    !matches!(kind.family(), Family::AnonymousId | Family::Device)
}

/// What the store has to know of privacy to keep it.
#[derive(Clone, Debug, Default)]
pub struct Privacy {
    pub defaults: ConsentDefaults,
    /// `None`: the store makes one at the first suppression and keeps it.
    pub key: Option<SuppressionKey>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_hmac_sha_256() {
        // RFC 4231, test cases 2 and 6.
        let short = SuppressionKey::new(b"Jefe").mac(b"what do ya want for nothing?");
        assert_eq!(hex::encode(short), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        let long = SuppressionKey::new(&[0xaa; 131]).mac(b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(hex::encode(long), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }

    #[test]
    fn persons_are_suppressed_and_devices_are_not() {
        let key = SuppressionKey::new(b"k");
        let hash = |key: &SuppressionKey, id: &str| key.hash(&Identifier::parse_key(id).unwrap());
        assert_eq!(hash(&key, "email:Ada@Acme.example"), hash(&key, "ada@acme.example"));
        assert!(hash(&key, "user_id:u-1").is_some() && hash(&key, "crm:acme:contact:7").is_some());
        assert_eq!(hash(&key, "anonymous_id:a-1"), None);
        assert_ne!(hash(&key, "user_id:u-1"), hash(&SuppressionKey::new(b"l"), "user_id:u-1"));
        assert_eq!(format!("{key:?}"), "SuppressionKey([REDACTED])");
    }
}
