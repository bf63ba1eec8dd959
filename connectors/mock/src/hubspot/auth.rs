//! Who may call: the private-app token, which never expires, and OAuth access tokens, which do.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::knobs::Knobs;
use super::refusal::{PORTAL_ID, Refusal};
use crate::chance;
use crate::clock::{Millis, iso};
use crate::desk::Core;
use crate::exchange::{Call, Reply};

pub const TOKEN: &str = "mock-token";
pub const CLIENT_ID: &str = "mock-client";
pub const CLIENT_SECRET: &str = "mock-secret";
pub const REFRESH_TOKEN: &str = "mock-refresh";

const SCOPES: [&str; 16] = [
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "crm.objects.leads.read",
    "crm.objects.leads.write",
    "crm.objects.owners.read",
    "crm.lists.read",
    "crm.lists.write",
    "crm.schemas.contacts.write",
    "crm.schemas.companies.write",
    "crm.schemas.deals.write",
    "crm.schemas.contacts.read",
];

/// How a call signed in; rate limits are counted per credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Credential {
    PrivateApp,
    OAuth,
}

#[derive(Debug, Default)]
pub struct Tokens {
    /// Access token to when it ends.
    issued: HashMap<String, Millis>,
    count: u64,
    refresh_revoked: bool,
}

impl Tokens {
    pub fn check(&self, core: &Core, call: &Call) -> Result<Credential, Refusal> {
        let Some(token) = call.bearer() else { return Err(no_credentials()) };
        if token == TOKEN {
            return Ok(Credential::PrivateApp);
        }
        match self.issued.get(token) {
            Some(ends) if *ends > core.now => Ok(Credential::OAuth),
            Some(ends) => Err(expired(*ends, core.now)),
            None => Err(no_credentials()),
        }
    }

    /// Every access token issued so far ends now.
    pub fn expire_all(&mut self, now: Millis) {
        self.issued.values_mut().for_each(|ends| *ends = (*ends).min(now));
    }

    /// The refresh token stops working, as after an uninstall.
    pub fn revoke_refresh(&mut self) {
        self.refresh_revoked = true;
        self.issued.clear();
    }

    /// `POST /oauth/{version}/token`.
    pub fn grant(&mut self, core: &Core, call: &Call, knobs: &Knobs) -> Reply {
        let form = form(call);
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or("");
        // The client is looked up before the grant is read, so a wrong client hides every other mistake.
        if field("client_id") != CLIENT_ID {
            return oauth_error(400, "invalid_request", "BAD_CLIENT_ID", "missing or unknown client id");
        }
        if field("client_secret") != CLIENT_SECRET {
            return oauth_error(401, "invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret");
        }
        match field("grant_type") {
            "refresh_token" if field("refresh_token") == REFRESH_TOKEN && !self.refresh_revoked => {}
            "refresh_token" => {
                let text = "refresh token is invalid, expired or revoked";
                return oauth_error(400, "invalid_grant", "BAD_REFRESH_TOKEN", text);
            }
            "authorization_code" if field("code") == "mock-code" => {}
            "authorization_code" => {
                let text = "missing or unknown auth code";
                return oauth_error(400, "invalid_grant", "BAD_AUTH_CODE", text);
            }
            _ => {
                let text = "missing or unknown grant type";
                return oauth_error(400, "unsupported_grant_type", "BAD_GRANT_TYPE", text);
            }
        }
        self.count += 1;
        let token = format!("mock-access-{}-{}", self.count, chance::below(core.seed, 0x70c3, self.count, 1 << 40));
        let ends = core.now.saturating_add(knobs.token_ttl_s.saturating_mul(1000));
        self.issued.insert(token.clone(), ends);
        let mut body = json!({
            "token_type": "bearer", "access_token": token, "refresh_token": REFRESH_TOKEN,
            "expires_in": knobs.token_ttl_s, "hub_id": PORTAL_ID, "scopes": SCOPES,
        });
        if !call.path.starts_with("/oauth/v1/") {
            body["user_id"] = json!(77);
            body["token_use"] = json!("access_token");
        }
        Reply::json(200, &body)
    }

    /// `POST /oauth/{version}/token/introspect`.
    pub fn introspect(&self, core: &Core, call: &Call) -> Reply {
        let form = form(call);
        let token = form.get("token").map(String::as_str).unwrap_or("");
        let Some(ends) = self.issued.get(token).filter(|ends| **ends > core.now) else {
            return Reply::json(200, &json!({ "active": false }));
        };
        Reply::json(
            200,
            &json!({
                "active": true, "token_use": "access_token", "token_type": "bearer", "hub_id": PORTAL_ID,
                "hub_domain": "mock.example", "app_id": 99001, "client_id": CLIENT_ID, "user_id": 77,
                "user": "admin@mock.example", "scopes": SCOPES, "expires_in": (ends - core.now) / 1000,
            }),
        )
    }

    /// `POST /oauth/{version}/token/revoke`.
    pub fn revoke(&mut self, call: &Call) -> Reply {
        match form(call).get("token").map(String::as_str) {
            Some(REFRESH_TOKEN) => self.revoke_refresh(),
            Some(token) => {
                self.issued.remove(token);
            }
            None => {}
        }
        Reply::empty(204)
    }
}

/// Form fields from the body and, as v1 clients send them, from the query.
fn form(call: &Call) -> HashMap<String, String> {
    let mut fields: HashMap<String, String> = call.parameters().into_iter().collect();
    fields.extend(url::form_urlencoded::parse(&call.body).into_owned());
    fields
}

fn oauth_error(status: u16, error: &str, code: &str, text: &str) -> Reply {
    let body: Value = json!({ "error": error, "error_description": text, "status": code, "message": text });
    Reply::json(status, &body)
}

fn no_credentials() -> Refusal {
    Refusal::new(
        401,
        "INVALID_AUTHENTICATION",
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details \
         at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
    )
}

pub fn expired(ended: Millis, now: Millis) -> Refusal {
    let seconds = (now - ended).max(0) / 1000;
    let message = format!("The OAuth token used to make this call expired {seconds} second(s) ago.");
    Refusal::new(401, "EXPIRED_AUTHENTICATION", message).with("context", json!({ "expire time": [iso(ended)] }))
}

/// 403 for a scope the app does not have.
pub fn missing_scope(scope: &str) -> Refusal {
    let mut refusal = Refusal::new(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: \
         https://developers.hubspot.com/scopes.",
    );
    refusal.errors = vec![json!({ "message": "One or more of the following scopes are required.",
                                  "context": { "requiredGranularScopes": [scope] } })];
    refusal.with("links", json!({ "scopes": "https://developers.hubspot.com/scopes" }))
}
