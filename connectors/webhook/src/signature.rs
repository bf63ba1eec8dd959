//! The signature: HMAC-SHA-256 over `id.timestamp.body` under each valid secret.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

/// What secrets of the convention begin with.
const PREFIX: &str = "whsec_";
/// Bytes of a key, as the convention has them.
const FEWEST: usize = 24;
const MOST: usize = 64;

/// Signs with every secret that is valid: two while one takes the other's place.
pub struct Signer {
    keys: Vec<hmac::Key>,
}

/// Why a secret cannot sign. Quotes nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretFault(&'static str);

impl fmt::Display for SecretFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({} keys)", self.keys.len())
    }
}

impl Signer {
    /// Secrets in their usual form: `whsec_` and the key as base64.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s SecretString>) -> Result<Self, SecretFault> {
        let keys = secrets.into_iter().map(key).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(SecretFault("there is no secret to sign with"));
        }
        Ok(Self { keys })
    }

    /// The value of `webhook-signature`; `timestamp` in seconds.
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let signed = format!("{id}.{timestamp}.{body}");
        let one = |key: &hmac::Key| format!("v1,{}", STANDARD.encode(hmac::sign(key, signed.as_bytes())));
        self.keys.iter().map(one).collect::<Vec<_>>().join(" ")
    }
}

fn key(secret: &SecretString) -> Result<hmac::Key, SecretFault> {
    let text = secret.expose_secret().trim();
    let encoded = text.strip_prefix(PREFIX).ok_or(SecretFault("the secret does not begin with whsec_"))?;
    let bytes = STANDARD.decode(encoded).map_err(|_| SecretFault("what follows whsec_ in the secret is not base64"))?;
    if !(FEWEST..=MOST).contains(&bytes.len()) {
        return Err(SecretFault("the secret's key has not 24 to 64 bytes"));
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    #[test]
    fn the_signature_is_the_conventions_own() {
        // The example of the Standard Webhooks specification's libraries.
        let own = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signer = Signer::new([&own]).unwrap();
        let signed = signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_secrets_sign_beside_each_other() {
        let (old, new) =
            (secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), secret("whsec_LfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        let both = Signer::new([&new, &old]).unwrap().sign("m", 1, "{}");
        let alone = Signer::new([&old]).unwrap().sign("m", 1, "{}");
        assert_eq!(both.split(' ').count(), 2);
        assert_eq!(both.split(' ').nth(1), Some(&*alone));
    }

    #[test]
    fn a_weak_or_foreign_secret_is_refused_without_quoting_it() {
        for bad in ["", "hunter2", "whsec_", "whsec_!!!!", "whsec_c2hvcnQ="] {
            let fault = Signer::new([&secret(bad)]).unwrap_err().to_string();
            assert!(!fault.contains("hunter2") && fault.contains("secret"), "{fault}");
        }
        assert!(Signer::new([]).is_err());
    }
}
