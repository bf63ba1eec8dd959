//! Certificate assertions: form, claims, lifetime, and the signature where a key is configured.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::auth::{CLIENT_ID, TokenError, token_error};
use crate::clock::Millis;

/// An assertion may be this far ahead of its end.
const LONGEST_S: i64 = 600;

pub fn refused(why: &str) -> TokenError {
    token_error(401, 700_027, "invalid_client", format!("Client assertion failed validation: {why}."))
}

/// Checks an assertion and returns its `jti`.
///
/// # Errors
/// What the token endpoint answers.
pub fn check(jwt: &str, now: Millis, endpoint: &str, public_key: Option<&str>) -> Result<String, TokenError> {
    let malformed = || refused("it is not a signed JWT");
    let (signed, signature) = jwt.rsplit_once('.').ok_or_else(malformed)?;
    let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
    let (header, claims) = (object(header).ok_or_else(malformed)?, object(claims).ok_or_else(malformed)?);
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
    let algorithm = match header.get("alg").and_then(Value::as_str) {
        Some("RS256") => &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256,
        Some("PS256") => &aws_lc_rs::signature::RSA_PSS_2048_8192_SHA256,
        _ => return Err(refused("the algorithm must be RS256 or PS256")),
    };
    if !header.contains_key("x5t") && !header.contains_key("x5t#S256") {
        return Err(refused("the header names no certificate: x5t or x5t#S256"));
    }
    if let Some(pem) = public_key {
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
        let key = STANDARD.decode(body).unwrap_or_default();
        let known = aws_lc_rs::signature::UnparsedPublicKey::new(algorithm, key).verify(signed.as_bytes(), &signature);
        if known.is_err() {
            return Err(refused("the key was not found or the signature does not fit"));
        }
    }
    let claim = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or("");
    if claim("iss") != CLIENT_ID || claim("sub") != CLIENT_ID {
        return Err(refused("iss and sub must be the client id"));
    }
    if claim("aud") != endpoint {
        return Err(refused("aud must be the token endpoint"));
    }
    let second = |name: &str| claims.get(name).and_then(Value::as_i64);
    let now = now.div_euclid(1000);
    let end = second("exp").ok_or_else(|| refused("exp is missing"))?;
    if end <= now || end > now + LONGEST_S {
        return Err(refused("it has expired, or lives too long"));
    }
    if second("nbf").is_some_and(|start| start > now + 300) {
        return Err(refused("it is not valid yet"));
    }
    match claim("jti") {
        "" => Err(refused("jti is missing")),
        jti => Ok(jti.to_owned()),
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}
