//! From a call to its handler: versions, sign-in, limits, routes.

use serde_json::{Map, Value};

use super::account;
use super::associations_api::unknown_object;
use super::auth::{self, Credential};
use super::kind::Kind;
use super::limits::Policy;
use super::owners;
use super::pipelines;
use super::portal::Portal;
use super::refusal::Refusal;
use crate::desk::{Core, Face};
use crate::exchange::{Call, Reply};
use crate::fault::Fault;
use crate::options::{Options, StartError};

/// Addresses longer than this are refused before anything else is looked at.
const MAX_URI: usize = 16_000;
const VERSIONS: [&str; 7] = ["v1", "v2", "v3", "v4", "2025-09", "2026-03", "2026-09"];

pub struct HubSpot {
    portal: Portal,
}

impl HubSpot {
    pub fn new(options: &Options) -> Result<Self, StartError> {
        Ok(Self { portal: Portal::new(options)? })
    }

    fn route(&mut self, core: &mut Core, call: &Call, version: &str, path: &[&str]) -> Result<Reply, Refusal> {
        let portal = &mut self.portal;
        let known = |name: &str| Kind::parse(name).ok_or_else(|| unknown_object(name));
        let method = call.method.as_str();
        let read_only = |answer: Result<Value, Refusal>| {
            if method == "GET" { answer.map(|body| Reply::json(200, &body)) } else { Err(Refusal::wrong_method()) }
        };
        match path {
            ["crm", "objects", kind, rest @ ..] => objects(portal, core, call, known(kind)?, rest),
            ["crm", "properties", kind, rest @ ..] => portal.properties_route(core, call, known(kind)?, rest),
            ["crm", "associations", from, to, rest @ ..] => {
                portal.associations_route(core, call, (known(from)?, known(to)?), version, rest)
            }
            ["crm", "pipelines", kind, rest @ ..] => read_only(pipelines::read(portal.pipelines(known(kind)?), rest)),
            ["crm", "lists", rest @ ..] => portal.lists_route(core, call, rest),
            ["crm", "owners"] => read_only(owners::list(&portal.owners, call)),
            ["crm", "owners", id] => read_only(owners::one(&portal.owners, id, call)),
            ["crm-object-schemas", "schemas"] | ["crm", "schemas"] => read_only(Ok(account::no_results())),
            ["crm", "limits", ..] | ["crm", "property-validations", ..] => read_only(Ok(account::no_results())),
            ["account-info", "details"] => read_only(Ok(account::details(core))),
            ["account-info", "api-usage", "daily", "private-apps"] => {
                read_only(Ok(account::usage(core, portal.limits.used_today, &portal.knobs)))
            }
            _ => Err(Refusal::unknown_route(&call.path)),
        }
    }

    fn signed_in(&mut self, core: &mut Core, call: &Call, version: &str, path: &[&str]) -> Reply {
        let who = match self.portal.tokens.check(core, call) {
            Ok(who) => who,
            Err(refusal) => return refusal.reply(core),
        };
        let search = is_search(path);
        if core.rate_limits
            && let Err(policy) = self.portal.limits.admit(core.now, who, search, &self.portal.knobs)
        {
            let refused = policy.refusal(core).reply(core);
            return self.with_limits(core, refused, who, search);
        }
        let reply = match self.portal.scope_needed(call, path) {
            Some(scope) => auth::missing_scope(&scope).reply(core),
            None => self.route(core, call, version, path).unwrap_or_else(|refusal| refusal.reply(core)),
        };
        self.with_limits(core, reply, who, search)
    }

    fn with_limits(&mut self, core: &Core, mut reply: Reply, who: Credential, search: bool) -> Reply {
        if !search {
            reply.headers.extend(self.portal.limits.headers(core.now, who, &self.portal.knobs));
        }
        reply
    }
}

impl Portal {
    /// A scope this call needs and the app was denied.
    fn scope_needed(&self, call: &Call, path: &[&str]) -> Option<String> {
        let reading = call.method == "GET" || matches!(path.last(), Some(&"search") | Some(&"read"));
        let right = if reading { "read" } else { "write" };
        let scope = match path {
            ["crm", "objects", kind, ..] => format!("crm.objects.{}.{right}", Kind::parse(kind)?.plural()),
            ["crm", "properties", kind, ..] => format!("crm.schemas.{}.{right}", Kind::parse(kind)?.plural()),
            ["crm", "associations", from, ..] => format!("crm.objects.{}.{right}", Kind::parse(from)?.plural()),
            ["crm", "lists", ..] => format!("crm.lists.{right}"),
            ["crm", "owners", ..] => "crm.objects.owners.read".to_owned(),
            _ => return None,
        };
        self.knobs.denied_scopes.contains(&scope).then_some(scope)
    }
}

fn is_search(path: &[&str]) -> bool {
    matches!(path, ["crm", "objects", _, "search"])
}

fn objects(portal: &mut Portal, core: &mut Core, call: &Call, kind: Kind, rest: &[&str]) -> Result<Reply, Refusal> {
    match (call.method.as_str(), rest) {
        ("GET", []) => portal.list(core, call, kind).map(|body| Reply::json(200, &body)),
        ("POST", []) => portal.create_one(core, call, kind),
        ("POST", ["search"]) => portal.search(core, call, kind),
        ("POST", ["merge"]) => portal.merge_call(core, call, kind),
        ("POST", ["gdpr-delete"]) if kind == Kind::Contact => portal.erase_call(core, call),
        ("POST", ["batch", what]) => portal.batch(core, call, kind, what),
        ("GET", [id]) => portal.read(core, call, kind, id).map(|body| Reply::json(200, &body)),
        ("PATCH", [id]) => portal.update_one(core, call, kind, id),
        ("DELETE", [id]) => Ok(portal.delete_one(core, kind, id)),
        (_, [id, "associations", rest @ ..]) => portal.record_associations_route(core, call, (kind, id), rest),
        (_, [] | [_]) => Err(Refusal::wrong_method()),
        _ => Err(Refusal::unknown_route(&call.path)),
    }
}

/// Takes the version out of a path, wherever it stands: `/crm/v3/objects/…` and `/crm/objects/2026-09/…` are one route.
fn split_version(segments: &[String]) -> Option<(String, Vec<&str>)> {
    let at = segments.iter().take(4).position(|segment| VERSIONS.contains(&segment.as_str()))?;
    let version = segments.get(at)?.clone();
    let rest = segments.iter().enumerate().filter(|(each, _)| *each != at).map(|(_, segment)| segment.as_str());
    Some((version, rest.collect()))
}

impl Face for HubSpot {
    fn answer(&mut self, core: &mut Core, call: &Call) -> Reply {
        let id = core.correlation_id();
        if call.path.len() + call.query.len() > MAX_URI {
            return Reply::html(414, "<html><body><h1>414 Request-URI Too Large</h1></body></html>".into());
        }
        let segments = call.segments();
        let Some((version, path)) = split_version(&segments) else {
            return Refusal::unknown_route(&call.path).reply(core);
        };
        self.portal.newest_rules = version == "2026-09";
        let reply = match (call.method.as_str(), path.as_slice()) {
            ("POST", ["oauth", "token"]) => self.portal.tokens.grant(core, call, &self.portal.knobs),
            ("POST", ["oauth", "token", "introspect"]) => self.portal.tokens.introspect(core, call),
            ("POST", ["oauth", "token", "revoke"]) => self.portal.tokens.revoke(call),
            (_, path) => self.signed_in(core, call, &version, path),
        };
        self.portal.run_workflows(core);
        reply.with("x-hubspot-correlation-id", id)
    }

    fn fail(&self, core: &Core, call: &Call, fault: Fault) -> Reply {
        let segments = call.segments();
        let search = split_version(&segments).is_some_and(|(_, path)| is_search(&path));
        let limited = if search { Policy::Second } else { Policy::TenSeconds };
        match fault {
            Fault::Status(429) => limited.refusal(core).reply(core),
            Fault::LimitedWithRetryAfter => limited.refusal(core).reply(core).with("retry-after", "1"),
            Fault::LimitedForTheDay => Policy::Day.refusal(core).reply(core),
            Fault::Status(401) => auth::expired(core.now, core.now).reply(core),
            Fault::Status(403) => auth::missing_scope("crm.objects.contacts.read").reply(core),
            Fault::Status(423) => Refusal::new(423, "LOCKED", "The record is locked by another write.").reply(core),
            Fault::Status(477) => {
                let text = "This account is being moved to another data centre.";
                Refusal::new(477, "MIGRATION_IN_PROGRESS", text).reply(core).with("retry-after", "2")
            }
            // From the proxy in front of the vendor, not from the vendor.
            Fault::Status(code @ (502 | 504 | 521..=530)) => Reply::html(
                code,
                format!("<html><head><title>{code}</title></head><body><h1>Error {code}</h1></body></html>"),
            ),
            Fault::Status(code) if code < 500 => {
                Refusal::new(code, "VALIDATION_ERROR", "Refused by a fault").reply(core)
            }
            Fault::Status(code) => Refusal::new(code, "INTERNAL_ERROR", "internal error").reply(core),
            _ => Refusal::new(500, "INTERNAL_ERROR", "internal error").reply(core),
        }
    }

    fn page(&mut self, core: &mut Core, call: &Call) -> Option<Reply> {
        self.portal.page(core, call)
    }

    fn act(&mut self, core: &mut Core, action: &str, body: &Value) -> Result<Value, String> {
        let answer = self.portal.act(core, action, body);
        self.portal.run_workflows(core);
        answer
    }

    fn config(&self) -> Map<String, Value> {
        self.portal.config()
    }

    fn configure(&mut self, _: &mut Core, patch: Map<String, Value>) -> Result<(), String> {
        self.portal.configure(patch)
    }

    fn reset(&mut self, _: &mut Core, options: &Options) -> Result<(), StartError> {
        self.portal = Portal::new(options)?;
        Ok(())
    }
}
