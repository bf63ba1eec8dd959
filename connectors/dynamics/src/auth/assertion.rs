//! The assertion of a certificate: a short-lived JWT whose header names the certificate by its thumbprints.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use connector::{Error, ErrorKind, Secret};
use connector_http::read_secret;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{ATTEMPTED, Grant};

/// Entra takes ten minutes at most; some of it is for the way and for clocks that differ.
const LIFETIME_SECS: i64 = 480;
const BACKDATED_SECS: i64 = 60;

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    nbf: i64,
    exp: i64,
}

impl Grant {
    pub(super) fn assertion(&self, certificate: &Secret, private_key: &Secret) -> Result<SecretString, Error> {
        let pem = read_secret(&*self.environment, private_key)?;
        let key = EncodingKey::from_rsa_pem(pem.expose_secret().as_bytes()).map_err(|_| {
            Error::new(ErrorKind::Config, ATTEMPTED, format!("{private_key} holds no RSA private key in PEM form"))
                .with_fix("store the key of the certificate, beginning with -----BEGIN PRIVATE KEY-----")
        })?;
        let text = read_secret(&*self.environment, certificate)?;
        let der = certificate_of(text.expose_secret()).ok_or_else(|| {
            Error::new(ErrorKind::Config, ATTEMPTED, format!("{certificate} holds no certificate in PEM form"))
                .with_fix(
                    "store the certificate that the app registration holds, beginning with -----BEGIN CERTIFICATE-----",
                )
        })?;
        // The clock of the endpoint, once it has answered: a signature in the future is refused.
        let now = self.endpoint.server_now().secs();
        let claims = Claims {
            aud: &self.audience,
            iss: &self.client_id,
            sub: &self.client_id,
            jti: self.fresh_id(),
            nbf: now.saturating_sub(BACKDATED_SECS),
            exp: now.saturating_add(LIFETIME_SECS),
        };
        let signed = jsonwebtoken::encode(&header(&der), &claims, &key).map_err(|_| {
            Error::new(ErrorKind::Config, ATTEMPTED, "the assertion cannot be signed with the configured key")
                .with_fix("use an RSA key of 2,048 bits or more")
        })?;
        Ok(SecretString::from(signed))
    }

    fn fresh_id(&self) -> String {
        let bits = (u128::from(self.endpoint.chance()) << 64) | u128::from(self.endpoint.chance());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string()
    }
}

/// Both thumbprints: older tenants look for the one, newer ones for the other.
fn header(der: &[u8]) -> Header {
    let sha1 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, der);
    let mut header = Header::new(Algorithm::RS256);
    header.x5t = Some(URL_SAFE_NO_PAD.encode(sha1.as_ref()));
    header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(Sha256::digest(der)));
    header
}

/// The first certificate of a PEM text, as DER.
fn certificate_of(pem: &str) -> Option<Vec<u8>> {
    let (_, after) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = after.split_once("-----END CERTIFICATE-----")?;
    let body: String = body.split_whitespace().collect();
    STANDARD.decode(body).ok().filter(|der| !der.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_named_by_both_thumbprints() {
        let pem = "noise\n-----BEGIN CERTIFICATE-----\nYWJj\r\n-----END CERTIFICATE-----\n";
        let der = certificate_of(pem).unwrap();
        assert_eq!(der, b"abc");
        let header = header(&der);
        assert_eq!(header.x5t.as_deref(), Some("qZk-NkcGgWq6PiVxeFDCbJzQ2J0"));
        assert_eq!(header.x5t_s256.as_deref(), Some("ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"));
        assert_eq!(header.alg, Algorithm::RS256);
        assert_eq!(certificate_of("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"), None);
        assert_eq!(certificate_of(""), None);
    }
}
