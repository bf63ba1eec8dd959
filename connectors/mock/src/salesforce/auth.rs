//! Signing in: the token endpoint with every grant, revocation, and sessions that end when nobody uses them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::ids::{ORGANIZATION, SYNC_USER};
use super::jwt;
use super::knobs::{Knobs, SessionRefusal};
use super::refusal::Refusal;
use super::setup::SYNC_USERNAME;
use crate::chance;
use crate::clock::Millis;
use crate::desk::Core;
use crate::exchange::{Call, Reply};

pub const CLIENT_ID: &str = "mock-client";
pub const CLIENT_SECRET: &str = "mock-secret";
pub const REFRESH_TOKEN: &str = "mock-refresh";
/// For the legacy password grants; a security token may follow it.
pub const PASSWORD: &str = "mock-password";

#[derive(Clone, Copy, Debug)]
struct Session {
    ends: Millis,
    life: Millis,
}

/// Who is signed in.
#[derive(Debug, Default)]
pub struct Sessions {
    open: BTreeMap<String, Session>,
    /// The refresh token that is good now; the first one when none was rotated in.
    refresh: Option<String>,
    refresh_revoked: bool,
    used_assertions: BTreeSet<String>,
    count: u64,
}

/// `error` and `error_description` of the token endpoint.
pub type TokenError = (&'static str, String);

pub fn token_error(error: &'static str, description: &str) -> TokenError {
    (error, description.to_owned())
}

impl Sessions {
    /// Opens a session and returns its token.
    pub fn sign_in(&mut self, core: &Core, knobs: &Knobs) -> String {
        self.count += 1;
        let secret = chance::uuid(core.seed, 0x5e55, self.count).replace('-', "");
        let token = format!("{}!AR8AQ{secret}", ORGANIZATION.short());
        let life = knobs.session_ttl_s.saturating_mul(1000);
        self.open.insert(token.clone(), Session { ends: core.now.saturating_add(life), life });
        token
    }

    /// Ends one session; none of that token is as good as one that ended.
    pub fn end(&mut self, token: &str) {
        self.open.remove(token);
    }

    /// Ends every session; with `refresh`, the refresh token as well.
    pub fn expire(&mut self, refresh: bool) {
        self.open.clear();
        self.refresh_revoked |= refresh;
    }

    /// Whether the call comes with a good session. Use in the second half of a session's life renews it.
    ///
    /// # Errors
    /// The 401 to answer.
    pub fn check(&mut self, core: &Core, knobs: &Knobs, call: &Call) -> Result<(), Refusal> {
        let token = token(call).ok_or_else(|| {
            Refusal::new(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE: send Authorization: Bearer and a token")
        })?;
        if self.is_open(core, token) { Ok(()) } else { Err(expired(knobs)) }
    }

    fn is_open(&mut self, core: &Core, token: &str) -> bool {
        let Some(session) = self.open.get_mut(token) else { return false };
        if session.ends <= core.now {
            self.open.remove(token);
            return false;
        }
        if session.ends - core.now < session.life / 2 {
            session.ends = core.now.saturating_add(session.life);
        }
        true
    }

    /// `POST /services/oauth2/token`.
    pub fn grant(&mut self, core: &Core, knobs: &Knobs, call: &Call) -> Reply {
        if call.method != "POST" {
            return refused(&token_error("invalid_request", "must use HTTP POST"));
        }
        match self.granted(core, knobs, &form(call), call) {
            Ok(body) => {
                Reply::json(200, &body).with("cache-control", "no-cache,must-revalidate,max-age=0,no-store,private")
            }
            Err(why) => refused(&why),
        }
    }

    fn granted(
        &mut self,
        core: &Core,
        knobs: &Knobs,
        form: &HashMap<String, String>,
        call: &Call,
    ) -> Result<Value, TokenError> {
        let field = |name: &str| form.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let needed = |name: &str| {
            field(name).ok_or_else(|| token_error("invalid_request", &format!("missing required parameter: {name}")))
        };
        let mut rotated = None;
        let scope = match needed("grant_type")? {
            "client_credentials" => {
                check_client(field, call, true)?;
                if knobs.generic_login_host {
                    return Err(token_error("invalid_grant", "request not supported on this domain"));
                }
                if !knobs.run_as_user {
                    return Err(token_error("invalid_grant", "no client credentials user enabled"));
                }
                "api"
            }
            "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
                let claims = jwt::check(needed("assertion")?, core, knobs)?;
                if let Some(jti) = claims.jti
                    && !self.used_assertions.insert(jti)
                {
                    return Err(token_error("invalid_grant", "invalid assertion"));
                }
                "api id"
            }
            "refresh_token" => {
                check_client(field, call, false)?;
                let given = needed("refresh_token")?;
                if self.refresh_revoked || given != self.refresh.as_deref().unwrap_or(REFRESH_TOKEN) {
                    return Err(token_error("invalid_grant", "expired access/refresh token"));
                }
                if knobs.rotate_refresh_tokens {
                    let next = format!("mock-refresh-{}", self.count + 1);
                    self.refresh = Some(next.clone());
                    rotated = Some(next);
                }
                "refresh_token api id"
            }
            "password" => {
                check_client(field, call, true)?;
                let good = needed("username")? == SYNC_USERNAME && needed("password")?.starts_with(PASSWORD);
                if !good {
                    return Err(token_error("invalid_grant", "authentication failure"));
                }
                "api id"
            }
            _ => return Err(token_error("unsupported_grant_type", "grant type not supported")),
        };
        let jwt = field("assertion").is_some();
        let mut body = json!({
            "access_token": self.sign_in(core, knobs), "scope": scope, "instance_url": core.base_url,
            "id": identity_url(core), "token_type": "Bearer", "api_instance_url": "https://api.salesforce.com",
        });
        if !jwt {
            body["issued_at"] = json!(core.now.to_string());
            body["signature"] = json!("c2lnbmF0dXJlIG9mIHRoZSBtb2Nr");
        }
        if let Some(next) = rotated {
            body["refresh_token"] = json!(next);
        }
        Ok(body)
    }

    /// `POST /services/oauth2/revoke`.
    pub fn revoke(&mut self, call: &Call) -> Reply {
        let form = form(call);
        let token = form.get("token").map(String::as_str).unwrap_or("");
        if token == self.refresh.as_deref().unwrap_or(REFRESH_TOKEN) {
            self.expire(true);
            return Reply::empty(200);
        }
        match self.open.remove(token) {
            Some(_) => Reply::empty(200),
            None => refused(&token_error("unsupported_token_type", "this token type is not supported")),
        }
    }

    /// `GET /services/oauth2/userinfo` and `GET /id/{org}/{user}`: who the token belongs to.
    pub fn identity(&mut self, core: &Core, call: &Call) -> Reply {
        let asked = call.parameter("oauth_token").or_else(|| call.parameter("access_token"));
        if !asked.as_deref().or_else(|| token(call)).is_some_and(|token| self.is_open(core, token)) {
            let body = b"Bad_OAuth_Token".to_vec();
            return Reply { status: 403, content_type: "text/html;charset=UTF-8", headers: Vec::new(), body };
        }
        let (user, org) = (SYNC_USER.to_string(), ORGANIZATION.to_string());
        let rest = format!("{}/services/data/v{{version}}/", core.base_url);
        Reply::json(
            200,
            &json!({
                "id": identity_url(core), "asserted_user": true, "user_id": user, "organization_id": org, "sub": identity_url(core),
                "username": SYNC_USERNAME, "preferred_username": SYNC_USERNAME, "nick_name": "sync",
                "display_name": "CDP Sync", "name": "CDP Sync", "email": SYNC_USERNAME, "email_verified": true,
                "first_name": "CDP", "last_name": "Sync", "given_name": "CDP", "family_name": "Sync",
                "active": true, "user_type": "STANDARD", "language": "en_US", "locale": "en_GB", "utcOffset": 0,
                "urls": { "rest": rest, "sobjects": format!("{rest}sobjects/"), "query": format!("{rest}query/") },
            }),
        )
    }
}

pub fn identity_url(core: &Core) -> String {
    format!("{}/id/{ORGANIZATION}/{SYNC_USER}", core.base_url)
}

/// The 401 of a session that is not good.
pub fn expired(knobs: &Knobs) -> Refusal {
    let message = match knobs.session_refusal {
        SessionRefusal::Expired => "Session expired or invalid",
        SessionRefusal::NotForRest => "This session is not valid for use with the REST API",
        SessionRefusal::NotAttached => "Connected app is not attached to Agent",
    };
    Refusal::new(401, "INVALID_SESSION_ID", message)
}

/// The token after `Bearer` or `OAuth`.
fn token(call: &Call) -> Option<&str> {
    let header = call.headers.get("authorization")?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth");
    (known && !token.trim().is_empty()).then(|| token.trim())
}

/// Client id and secret, from the body or from HTTP Basic. A refresh may leave the secret out.
fn check_client<'a>(
    field: impl Fn(&str) -> Option<&'a str>,
    call: &Call,
    secret_needed: bool,
) -> Result<(), TokenError> {
    let basic = basic(call);
    let (id, secret) = match &basic {
        Some((id, secret)) => (Some(id.as_str()), Some(secret.as_str())),
        None => (field("client_id"), field("client_secret")),
    };
    match (id, secret) {
        (None, _) => Err(token_error("invalid_request", "missing required parameter: client_id")),
        (Some(id), _) if id != CLIENT_ID => Err(token_error("invalid_client_id", "client identifier invalid")),
        (_, Some(CLIENT_SECRET)) => Ok(()),
        (_, None) if !secret_needed => Ok(()),
        _ => Err(token_error("invalid_client", "invalid client credentials")),
    }
}

fn basic(call: &Call) -> Option<(String, String)> {
    use base64::Engine;
    let header = call.headers.get("authorization")?.to_str().ok()?;
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// Form fields from the body and from the query.
fn form(call: &Call) -> HashMap<String, String> {
    let mut fields: HashMap<String, String> = call.parameters().into_iter().collect();
    fields.extend(url::form_urlencoded::parse(&call.body).into_owned());
    fields
}

fn refused((error, description): &TokenError) -> Reply {
    Reply::json(400, &json!({ "error": error, "error_description": description }))
}
