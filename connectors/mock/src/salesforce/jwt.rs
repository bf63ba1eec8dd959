//! Assertions of the JWT bearer grant: form, claims, and the signature when a key is configured.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::auth::{CLIENT_ID, TokenError, token_error};
use super::knobs::Knobs;
use super::setup::SYNC_USERNAME;
use crate::desk::Core;

/// An assertion may be this far ahead of its end, and its end this far behind now.
const LONGEST_S: i64 = 300;

#[derive(Debug)]
pub struct Claims {
    pub jti: Option<String>,
}

/// Checks an assertion; the caller checks that its `jti` is new.
///
/// # Errors
/// What the token endpoint answers.
pub fn check(assertion: &str, core: &Core, knobs: &Knobs) -> Result<Claims, TokenError> {
    let bad = || token_error("invalid_grant", "invalid assertion");
    let (signed, signature) = assertion.rsplit_once('.').ok_or_else(bad)?;
    let (header, claims) = signed.split_once('.').ok_or_else(bad)?;
    let (header, claims) = (object(header).ok_or_else(bad)?, object(claims).ok_or_else(bad)?);
    if header.get("alg").and_then(Value::as_str) != Some("RS256") {
        return Err(bad());
    }
    let signature = URL_SAFE_NO_PAD.decode(signature.trim_end_matches('=')).map_err(|_| bad())?;
    let claim = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or("");
    if claim("iss") != CLIENT_ID {
        return Err(token_error("invalid_client_id", "client identifier invalid"));
    }
    if let Some(pem) = &knobs.public_key
        && !verifies(pem, signed.as_bytes(), &signature)
    {
        return Err(bad());
    }
    if !audience_is_taken(&claims, core, knobs) {
        return Err(token_error("invalid_grant", "audience is invalid"));
    }
    let end = claims.get("exp").and_then(seconds).ok_or_else(bad)?;
    let now = core.now.div_euclid(1000);
    if end <= now || end > now.saturating_add(LONGEST_S) {
        return Err(token_error("invalid_grant", "expired authorization code"));
    }
    if claim("sub") != SYNC_USERNAME {
        return Err(token_error("invalid_grant", "user hasn't approved this consumer"));
    }
    Ok(Claims { jti: claims.get("jti").and_then(Value::as_str).map(str::to_owned) })
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Seconds, as a number or, as one well-known client sends them, as a string.
fn seconds(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64)),
    }
}

fn audience_is_taken(claims: &Map<String, Value>, core: &Core, knobs: &Knobs) -> bool {
    let taken = |given: &str| {
        knobs.audiences.iter().any(|each| if each == "self" { given == core.base_url } else { given == each })
    };
    match claims.get("aud") {
        Some(Value::String(given)) => taken(given.trim_end_matches('/')),
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).any(taken),
        _ => false,
    }
}

/// RS256 with a `PUBLIC KEY` in PEM.
fn verifies(pem: &str, message: &[u8], signature: &[u8]) -> bool {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let Ok(key) = STANDARD.decode(body) else { return false };
    let algorithm = &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
    aws_lc_rs::signature::UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
}
