//! The accounts server, which here is the same address: access tokens for refresh tokens, and who may call with what.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};

use super::ids::ORG_ID;
use super::knobs::Knobs;
use super::refusal::Refusal;
use crate::chance;
use crate::clock::Millis;
use crate::desk::Core;
use crate::exchange::{Call, Reply};
use crate::multipart;

pub const CLIENT_ID: &str = "mock-client";
pub const CLIENT_SECRET: &str = "mock-secret";
pub const REFRESH_TOKEN: &str = "mock-refresh";
/// What a self client's grant code is.
pub const GRANT_CODE: &str = "mock-code";

const TEN_MINUTES: Millis = 600_000;
/// Access tokens of one refresh token that live at once; the oldest dies of one more.
const LIVE_TOKENS: usize = 15;

#[derive(Clone, Debug)]
struct Issued {
    token: String,
    ends: Millis,
    scopes: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Tokens {
    issued: VecDeque<Issued>,
    count: u64,
    /// When tokens were asked for with the refresh token, oldest first.
    asked: VecDeque<Millis>,
    codes_used: u64,
    refresh_revoked: bool,
}

impl Tokens {
    /// The scopes of the token a call came with.
    pub fn check(&self, core: &Core, call: &Call) -> Result<&[String], Refusal> {
        let header = call.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or("");
        if header.is_empty() {
            return Err(Refusal::new(401, "AUTHENTICATION_FAILURE", "Authentication failed"));
        }
        // The answer to a refresh says `Bearer`; the CRM does not take that word.
        let token = header.strip_prefix("Zoho-oauthtoken ").map(str::trim).unwrap_or("");
        let issued = self.issued.iter().find(|each| each.token == token && each.ends > core.now);
        issued.map(|each| each.scopes.as_slice()).ok_or_else(invalid_token)
    }

    /// Every access token issued so far ends now.
    pub fn expire_all(&mut self) {
        self.issued.clear();
    }

    /// The refresh token stops working, as after a user took the grant back.
    pub fn revoke_refresh(&mut self) {
        self.refresh_revoked = true;
        self.issued.clear();
    }

    /// `POST /oauth/v2/token`, its fields in the query, in a form or in a multipart form.
    pub fn grant(&mut self, core: &Core, knobs: &Knobs, call: &Call) -> Reply {
        if call.method != "POST" {
            return Refusal::wrong_method().reply();
        }
        let form = form(call);
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or("");
        if field("client_id") != CLIENT_ID {
            return refused("invalid_client");
        }
        if field("client_secret") != CLIENT_SECRET {
            return refused("invalid_client_secret");
        }
        match field("grant_type") {
            "refresh_token" => {
                if field("refresh_token") != REFRESH_TOKEN || self.refresh_revoked {
                    return refused("invalid_code");
                }
                if core.rate_limits && !self.may_refresh(core.now, knobs) {
                    return denied();
                }
                let body = self.issue(core, knobs, knobs.scopes.clone());
                Reply::json(200, &body)
            }
            "authorization_code" if field("code") == GRANT_CODE && self.codes_used == 0 => {
                // A code is good once; the refresh token it gives is the one there is.
                self.codes_used += 1;
                self.refresh_revoked = false;
                let mut body = self.issue(core, knobs, knobs.scopes.clone());
                body["refresh_token"] = json!(REFRESH_TOKEN);
                Reply::json(200, &body)
            }
            "authorization_code" => refused("invalid_code"),
            "client_credentials" => {
                let org = field("soid");
                if org.is_empty() {
                    return refused("missing_org_info");
                }
                if org != format!("ZohoCRM.{ORG_ID}") {
                    return refused("invalid_org_info");
                }
                let asked: Vec<String> = field("scope").split([',', ' ']).map(str::to_owned).collect();
                let scopes: Vec<String> = asked.into_iter().filter(|scope| !scope.is_empty()).collect();
                if scopes.is_empty() {
                    return refused("invalid_scope");
                }
                Reply::json(200, &self.issue(core, knobs, scopes))
            }
            _ => refused("unsupported_grant_type"),
        }
    }

    /// Counts an attempt. Attempts while blocked count too: whoever keeps asking stays blocked.
    fn may_refresh(&mut self, now: Millis, knobs: &Knobs) -> bool {
        self.asked.retain(|at| *at <= now && now - *at < TEN_MINUTES);
        let may = self.asked.len() < knobs.refresh_limit;
        self.asked.push_back(now);
        while self.asked.len() > knobs.refresh_limit.saturating_add(1) {
            self.asked.pop_front();
        }
        may
    }

    fn issue(&mut self, core: &Core, knobs: &Knobs, scopes: Vec<String>) -> Value {
        self.count += 1;
        let half = |topic| format!("{:016x}", chance::bits(core.seed, topic, self.count));
        let token = format!("1000.{}{}.{}{}", half(0x20a1), half(0x20a2), half(0x20a3), half(0x20a4));
        let ends = core.now.saturating_add(knobs.token_ttl_s.saturating_mul(1_000));
        let scope = scopes.join(" ");
        self.issued.push_back(Issued { token: token.clone(), ends, scopes });
        while self.issued.len() > LIVE_TOKENS {
            self.issued.pop_front();
        }
        json!({
            "access_token": token, "scope": scope, "api_domain": core.base_url, "token_type": "Bearer",
            "expires_in": knobs.token_ttl_s,
        })
    }

    /// `POST /oauth/v2/token/revoke?token=…`.
    pub fn revoke(&mut self, call: &Call) -> Reply {
        let form = form(call);
        match form.get("token").map(String::as_str) {
            Some(REFRESH_TOKEN) => self.revoke_refresh(),
            Some(token) => self.issued.retain(|each| each.token != token),
            None => return refused("invalid_token"),
        }
        Reply::json(200, &json!({ "status": "success" }))
    }
}

/// Fields from the query and from the body, whichever way it is written.
fn form(call: &Call) -> HashMap<String, String> {
    let mut fields: HashMap<String, String> = call.parameters().into_iter().collect();
    let content_type = call.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("");
    match multipart::boundary(content_type) {
        Some(boundary) => {
            let parts = multipart::parts(&call.body, boundary).into_iter();
            fields.extend(parts.map(|part| (part.name, String::from_utf8_lossy(part.content).into_owned())));
        }
        None => fields.extend(url::form_urlencoded::parse(&call.body).into_owned()),
    }
    fields
}

/// The accounts server says 200 and means no.
fn refused(error: &str) -> Reply {
    Reply::json(200, &json!({ "error": error }))
}

fn denied() -> Reply {
    let text = "You have made too many requests continuously. Please try again after some time.";
    Reply::json(400, &json!({ "error_description": text, "error": "Access Denied", "status": "failure" }))
}

pub fn invalid_token() -> Refusal {
    Refusal::new(401, "INVALID_TOKEN", "invalid oauth token")
}

/// Whether `scopes` cover `service.area[.module].operation`, e.g. `ZohoCRM.modules.contacts.READ`: the whole area with
/// `ALL`, one operation of it, or the same for one module.
pub fn covers(scopes: &[String], service: &str, area: &str, module: &str, operation: &str) -> bool {
    scopes.iter().any(|scope| {
        let mut words = scope.split('.');
        let (given, kind) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let rest: Vec<&str> = words.collect();
        let (of, may) = match rest.as_slice() {
            [may] => (None, *may),
            [of, may] => (Some(*of), *may),
            _ => return false,
        };
        given.eq_ignore_ascii_case(service)
            && kind.eq_ignore_ascii_case(area)
            && of.is_none_or(|of| of.eq_ignore_ascii_case(module))
            && (may.eq_ignore_ascii_case("ALL")
                || may.eq_ignore_ascii_case(operation)
                || (may.eq_ignore_ascii_case("WRITE") && matches!(operation, "CREATE" | "UPDATE")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_cover_what_they_say() {
        let scopes = ["ZohoCRM.modules.contacts.READ".to_owned(), "ZohoCRM.settings.ALL".to_owned()];
        assert!(covers(&scopes, "ZohoCRM", "modules", "Contacts", "READ"));
        assert!(!covers(&scopes, "ZohoCRM", "modules", "Contacts", "UPDATE"));
        assert!(!covers(&scopes, "ZohoCRM", "modules", "Leads", "READ"));
        assert!(covers(&scopes, "ZohoCRM", "settings", "fields", "CREATE"));
        assert!(!covers(&scopes, "ZohoCRM", "coql", "", "READ"));
        assert!(covers(&["ZohoCRM.modules.WRITE".to_owned()], "ZohoCRM", "modules", "Leads", "CREATE"));
    }

    #[test]
    fn who_keeps_asking_stays_blocked() {
        let (mut tokens, knobs) = (Tokens::default(), Knobs::default());
        assert!((0..10).all(|at| tokens.may_refresh(at * 1_000, &knobs)));
        assert!(!tokens.may_refresh(10_000, &knobs));
        // The first ten are nearly forgotten when it asks again and again.
        assert!(!tokens.may_refresh(599_000, &knobs));
        assert!(tokens.may_refresh(10_000 + TEN_MINUTES, &knobs));
    }
}
