//! The identity platform's part: tokens by secret or by certificate assertion, and the documents libraries look for
//! before they ask.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::assertion;
use super::knobs::Knobs;
use super::setup::APPLICATION;
use crate::clock::{Millis, iso};
use crate::desk::Core;
use crate::exchange::{Call, Reply};

pub const CLIENT_ID: &str = "mock-client";
pub const CLIENT_SECRET: &str = "mock-secret";
pub const REFRESH_TOKEN: &str = "mock-refresh";
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Why no token is given: the number after `AADSTS`, the OAuth error, and a sentence.
pub struct TokenError {
    pub status: u16,
    pub number: u32,
    pub error: &'static str,
    pub text: String,
}

pub fn token_error(status: u16, number: u32, error: &'static str, text: impl Into<String>) -> TokenError {
    TokenError { status, number, error, text: text.into() }
}

#[derive(Debug, Default)]
pub struct Tokens {
    live: HashMap<String, Millis>,
    issued: u64,
    /// Assertions used: each is good once.
    used: HashMap<String, Millis>,
    /// The secret was taken back.
    revoked: bool,
}

impl Tokens {
    /// `POST /{tenant}/oauth2/v2.0/token`.
    pub fn grant(&mut self, core: &Core, knobs: &Knobs, call: &Call, tenant: &str, here: &str) -> Reply {
        let form: HashMap<String, String> = url::form_urlencoded::parse(&call.body).into_owned().collect();
        let said = |name: &str| form.get(name).map_or("", String::as_str);
        let checked = self.check(core, knobs, tenant, here, &form);
        match checked {
            Ok(resource) => {
                let token = self.issue(core, knobs, tenant, &resource);
                let seconds = knobs.token_ttl_s;
                let mut body = json!({ "token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds,
                                       "access_token": token });
                if said("grant_type") == "refresh_token" {
                    body["refresh_token"] = json!(REFRESH_TOKEN);
                    body["scope"] = json!(format!("{resource}/user_impersonation"));
                }
                Reply::json(200, &body).with("cache-control", "no-store, no-cache")
            }
            Err(error) => refusal(core, &error),
        }
    }

    fn check(
        &mut self,
        core: &Core,
        knobs: &Knobs,
        tenant: &str,
        here: &str,
        form: &HashMap<String, String>,
    ) -> Result<String, TokenError> {
        let said = |name: &str| form.get(name).map_or("", String::as_str);
        if !knobs.tenants.is_empty() && !knobs.tenants.iter().any(|each| each == tenant) {
            let text = format!("Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID.");
            return Err(token_error(400, 90_002, "invalid_request", text));
        }
        let grant = said("grant_type");
        if !["client_credentials", "refresh_token"].contains(&grant) {
            let text = format!("The app requested an unsupported grant type '{grant}'.");
            return Err(token_error(400, 70_003, "unsupported_grant_type", text));
        }
        if said("client_id") != CLIENT_ID {
            let text = format!("Application with identifier '{}' was not found in the directory.", said("client_id"));
            return Err(token_error(400, 700_016, "unauthorized_client", text));
        }
        if self.revoked || knobs.secret_expired {
            let text = "The provided client secret keys for app are expired.";
            return Err(token_error(401, 7_000_222, "invalid_client", text));
        }
        match said("client_assertion") {
            "" if said("client_secret") != CLIENT_SECRET => {
                let text = "Invalid client secret provided. Ensure the secret being sent in the request is the client \
                            secret value, not the client secret ID.";
                return Err(token_error(401, 7_000_215, "invalid_client", text));
            }
            "" => {}
            jwt => {
                if said("client_assertion_type") != ASSERTION_TYPE {
                    let text = "The request body must contain the following parameter: 'client_assertion_type'.";
                    return Err(token_error(400, 900_144, "invalid_request", text));
                }
                let endpoint = format!("{here}/{tenant}/oauth2/v2.0/token");
                let jti = assertion::check(jwt, core.now, &endpoint, knobs.public_key.as_deref())?;
                self.used.retain(|_, until| *until > core.now);
                if self.used.insert(jti, core.now + 600_000).is_some() {
                    return Err(assertion::refused("the assertion was used before"));
                }
            }
        }
        if grant == "refresh_token" && said("refresh_token") != REFRESH_TOKEN {
            return Err(token_error(
                400,
                9_002_313,
                "invalid_grant",
                "Invalid request. Request is malformed or invalid.",
            ));
        }
        resource(core, here, said("scope"))
    }

    fn issue(&mut self, core: &Core, knobs: &Knobs, tenant: &str, resource: &str) -> String {
        self.issued += 1;
        let now = core.now.div_euclid(1000);
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "mock" });
        let claims = json!({ "aud": resource, "iss": format!("https://sts.windows.net/{tenant}/"), "iat": now, "nbf": now,
                             "exp": now + knobs.token_ttl_s, "appid": CLIENT_ID, "oid": APPLICATION.to_string(),
                             "tid": tenant, "uti": self.issued, "ver": "1.0" });
        let parts = [header.to_string(), claims.to_string(), format!("mock-signature-{}", self.issued)];
        let token = parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        self.live.insert(token.clone(), core.now + knobs.token_ttl_s.saturating_mul(1000));
        token
    }

    /// Whether the call is signed in.
    pub fn is_known(&self, core: &Core, call: &Call) -> bool {
        call.bearer().and_then(|token| self.live.get(token)).is_some_and(|until| core.now < *until)
    }

    /// Ends every token, and the secret as well when `secret`.
    pub fn expire(&mut self, secret: bool) {
        self.live.clear();
        self.revoked |= secret;
    }
}

/// The resource a scope names: this org, under the address it was asked at. A slash too many is another resource.
fn resource(core: &Core, here: &str, scope: &str) -> Result<String, TokenError> {
    if scope.is_empty() {
        let text = "The request body must contain the following parameter: 'scope'.";
        return Err(token_error(400, 900_144, "invalid_request", text));
    }
    let wanted = scope.split(' ').find(|part| !["openid", "profile", "offline_access"].contains(part)).unwrap_or("");
    let Some(resource) = wanted.strip_suffix("/.default").or_else(|| wanted.strip_suffix("/user_impersonation")) else {
        let text =
            format!("The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid.");
        return Err(token_error(400, 70_011, "invalid_scope", text));
    };
    let bare =
        |url: &str| url.split_once("://").map_or(String::new(), |(_, host)| host.replace("localhost", "127.0.0.1"));
    if bare(resource) != bare(here) && bare(resource) != bare(&core.base_url) {
        let text = format!("The resource principal named {resource} was not found in the tenant.");
        return Err(token_error(400, 500_011, "invalid_resource", text));
    }
    Ok(resource.to_owned())
}

fn refusal(core: &Core, error: &TokenError) -> Reply {
    let trace = core.correlation_id();
    let stamp = iso(core.now);
    let stamp = stamp.replace('T', " ");
    let stamp = format!("{}Z", stamp.split('.').next().unwrap_or(""));
    let body = json!({
        "error": error.error,
        "error_description": format!("AADSTS{}: {} Trace ID: {trace} Correlation ID: {trace} Timestamp: {stamp}", error.number, error.text),
        "error_codes": [error.number],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": trace,
        "error_uri": format!("https://login.microsoftonline.com/error?code={}", error.number),
    });
    Reply::json(error.status, &body).with("cache-control", "no-store, no-cache")
}

/// `/{tenant}/v2.0/.well-known/openid-configuration`.
pub fn openid(here: &str, tenant: &str) -> Reply {
    let at = |path: &str| json!(format!("{here}/{tenant}/{path}"));
    let mut body = Map::new();
    for (name, value) in [
        ("token_endpoint", at("oauth2/v2.0/token")),
        ("authorization_endpoint", at("oauth2/v2.0/authorize")),
        ("device_authorization_endpoint", at("oauth2/v2.0/devicecode")),
        ("end_session_endpoint", at("oauth2/v2.0/logout")),
        ("jwks_uri", at("discovery/v2.0/keys")),
        ("issuer", at("v2.0")),
        ("token_endpoint_auth_methods_supported", json!(["client_secret_post", "private_key_jwt"])),
        ("response_types_supported", json!(["code", "id_token"])),
        ("scopes_supported", json!(["openid", "profile", "email", "offline_access"])),
        ("subject_types_supported", json!(["pairwise"])),
        ("id_token_signing_alg_values_supported", json!(["RS256"])),
        ("tenant_region_scope", json!("EU")),
    ] {
        body.insert(name.into(), value);
    }
    Reply::json(200, &Value::Object(body))
}

/// `/common/discovery/instance`: which hosts are one cloud.
pub fn discovery(here: &str, tenant: &str) -> Reply {
    let host = here.split_once("://").map_or(here, |(_, host)| host);
    Reply::json(
        200,
        &json!({
            "tenant_discovery_endpoint": format!("{here}/{tenant}/v2.0/.well-known/openid-configuration"),
            "api-version": "1.1",
            "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
        }),
    )
}
