//! From a call to the area that answers it: sign-in, limits, routes, and the headers every answer has.

use serde_json::{Map, Value, json};

use super::address::{self, Key, Segment};
use super::ask::{self, Ask};
use super::auth;
use super::batch;
use super::guid::Guid;
use super::kind::Kind;
use super::limits;
use super::org::Org;
use super::payload::Made;
use super::prefer::{Patterns, Prefer};
use super::refusal::{JSON, Refusal};
use super::setup::{ORGANIZATION, ROOT_UNIT, SYNC_USER};
use super::{actions_api, bulk_api, collection_api, metadata, row_api};
use crate::desk::{Core, Face};
use crate::exchange::{Call, Reply};
use crate::fault::Fault;
use crate::options::{Options, StartError};

/// The longest address of a call, and of a part of a batch.
const MAX_URI: usize = 32_768;
const MAX_PART_URI: usize = 65_536;

/// Headers that change what a call does, and what a client should not send.
const NOTED: [&str; 12] = [
    "prefer",
    "if-match",
    "if-none-match",
    "consistency",
    "cookie",
    "content-type",
    "user-agent",
    "mscrm.suppressduplicatedetection",
    "mscrm.bypassbusinesslogicexecution",
    "mscrm.bypasscustompluginexecution",
    "mscrm.suppresscallbackregistrationexpanderjob",
    "mscrm.solutionuniquename",
];

pub struct Dynamics {
    org: Org,
}

impl Dynamics {
    pub fn new(core: &mut Core, options: &Options) -> Result<Self, StartError> {
        Ok(Self { org: Org::new(core, options)? })
    }

    /// A call to the Web API: signed in, a member, within the limits.
    fn api(&mut self, core: &mut Core, call: &Call) -> Reply {
        let prefer = Prefer::read(&call.headers);
        let blank = self.org.knobs.blank_error_codes;
        let here = ask::here(core, call);
        if !self.org.tokens.is_known(core, call) {
            let tenant = self.org.knobs.tenants.first().map_or("11111111-2222-3333-4444-555555555555", String::as_str);
            let challenge = format!("Bearer authorization_uri={here}/{tenant}/oauth2/authorize, resource_id={here}/");
            return Reply::empty(401).with("www-authenticate", challenge);
        }
        let org = &mut self.org;
        if !org.knobs.application_user {
            let refusal = Refusal::new(403, "0x80072560", "The user is not a member of the organization.");
            return dressed(core, refusal.reply(&prefer.annotations, blank));
        }
        let server = org.limits.server(&org.knobs, call, core.request.unwrap_or(0));
        let admitted = match core.rate_limits {
            true => org.limits.admit(core.now, &mut org.knobs, server, core.in_flight),
            false => Ok(()),
        };
        let reply = match admitted {
            Err(refusal) => refusal.reply(&prefer.annotations, blank),
            Ok(()) => {
                let reply = match Ask::read(core, call, None) {
                    Ok(ask) => answer(org, core, &ask, &Made::new()).reply,
                    Err(refusal) => refusal.reply(&prefer.annotations, blank),
                };
                org.limits.count(core.now, &org.knobs, server);
                reply
            }
        };
        let mut reply = dressed(core, reply);
        reply.headers.extend(org.limits.headers(&org.knobs, server));
        reply
    }
}

/// What every answer of the service carries.
fn dressed(core: &Core, reply: Reply) -> Reply {
    let request = core.correlation_id();
    let reply = reply.with("odata-version", "4.0").with("x-ms-service-request-id", request.clone());
    reply.with("req_id", request).with("cache-control", "no-cache")
}

/// A reply, and the row it made or changed: what a Content-ID stands for.
pub struct Answer {
    pub reply: Reply,
    pub made: Option<(Kind, Guid)>,
}

/// Answers a call that is signed in and counted.
fn answer(org: &mut Org, core: &mut Core, ask: &Ask<'_>, made: &Made) -> Answer {
    let result = route(org, core, ask, made);
    let blank = org.knobs.blank_error_codes;
    let mut answer =
        result.unwrap_or_else(|refusal| Answer { reply: refusal.reply(ask.annotations(), blank), made: None });
    if answer.reply.status < 400 {
        let reads = ask.method() == "GET";
        answer.reply.headers.extend(ask.prefer.applied(|name| match name.to_ascii_lowercase().as_str() {
            "return" => !reads,
            "odata.maxpagesize" | "odata.track-changes" => reads,
            "odata.continue-on-error" => false,
            _ => true,
        }));
    }
    answer
}

/// Answers one part of a batch.
pub fn answer_part(org: &mut Org, core: &mut Core, outer: &Ask<'_>, call: &Call, made: &Made) -> Answer {
    let prefer = Prefer::read(&call.headers);
    let refused = |refusal: Refusal| Answer { reply: refusal.reply(&prefer.annotations, false), made: None };
    if call.path.len() + call.query.len() > MAX_PART_URI {
        return refused(Refusal::query("The request URI of a batch part is too long."));
    }
    let mut answer = match Ask::read(core, call, Some(outer)) {
        Ok(ask) if ask.path.starts_with("$batch") => refused(Refusal::query("A batch cannot be nested in a batch.")),
        Ok(ask) => self::answer(org, core, &ask, made),
        Err(refusal) => refused(refusal),
    };
    answer.reply.headers.insert(0, ("odata-version", "4.0".to_owned()));
    if answer.reply.status >= 400 {
        answer.reply.headers.insert(0, ("req_id", core.correlation_id()));
    }
    answer
}

fn route(org: &mut Org, core: &mut Core, ask: &Ask<'_>, made: &Made) -> Result<Answer, Refusal> {
    let segments = address::segments(&ask.path)?;
    let plain = |reply: Reply| Answer { reply, made: None };
    let Some((first, rest)) = segments.split_first() else { return Ok(plain(service(ask))) };
    match (ask.method(), first.name.as_str()) {
        ("POST", "$batch") if !ask.in_batch => return Ok(plain(batch::answer(org, core, ask)?)),
        ("GET", "WhoAmI" | "Microsoft.Dynamics.CRM.WhoAmI") => return Ok(plain(who_am_i(ask))),
        ("GET", "$metadata") => return Ok(plain(metadata::csdl(org, ask))),
        (_, "EntityDefinitions") => return Ok(plain(metadata::route(org, core, ask, first, rest)?)),
        _ => {}
    }
    if let Some(kind) = Kind::of_set(&first.name) {
        return table(org, core, ask, (kind, first, rest), made);
    }
    actions_api::route(org, core, ask, first).map(plain)
}

/// A call to a table or a row of it.
fn table(
    org: &mut Org,
    core: &mut Core,
    ask: &Ask<'_>,
    (kind, first, rest): (Kind, &Segment, &[Segment]),
    made: &Made,
) -> Result<Answer, Refusal> {
    let plain = |reply: Reply| Answer { reply, made: None };
    if let Some(key) = &first.key {
        let key = Key::parse(key)?;
        if ask.method() == "PATCH" && rest.is_empty() {
            org.limits.rows += 1;
            let (reply, id) = row_api::upsert(org, core, ask, kind, &key, made)?;
            return Ok(Answer { reply, made: Some((kind, id)) });
        }
        org.limits.rows += 1;
        return row_api::route(org, core, ask, (kind, &key, rest), made).map(plain);
    }
    let below: Vec<&str> = rest.iter().map(|segment| segment.name.as_str()).collect();
    match (ask.method(), below.as_slice()) {
        ("GET", []) => collection_api::list(org, core, ask, kind).map(plain),
        ("GET", ["$count"]) => collection_api::count(org, core, ask, kind).map(plain),
        ("POST", []) => {
            org.limits.rows += 1;
            let (reply, id) = row_api::create(org, core, ask, kind, made)?;
            Ok(Answer { reply, made: Some((kind, id)) })
        }
        ("POST", [action]) if action.starts_with("Microsoft.Dynamics.CRM.") => {
            let name = action.strip_prefix("Microsoft.Dynamics.CRM.").unwrap_or_default();
            bulk_api::route(org, core, ask, kind, name).map(plain)
        }
        (_, [unknown, ..]) => Err(Refusal::no_segment(unknown)),
        (method, _) => Err(Refusal::no_such_method(method)),
    }
}

/// The list of sets.
fn service(ask: &Ask<'_>) -> Reply {
    let set = |kind: &Kind| json!({ "name": kind.set(), "kind": "EntitySet", "url": kind.set() });
    let sets: Vec<Value> = Kind::ALL.iter().map(set).collect();
    let context = format!("{}$metadata", ask.root);
    Reply { content_type: JSON, ..Reply::json(200, &json!({ "@odata.context": context, "value": sets })) }
}

fn who_am_i(ask: &Ask<'_>) -> Reply {
    let body = format!(
        "{{\"@odata.context\":\"{}$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse\",\"BusinessUnitId\":\"{ROOT_UNIT}\",\
         \"UserId\":\"{SYNC_USER}\",\"OrganizationId\":\"{ORGANIZATION}\"}}",
        ask.root
    );
    Reply { content_type: JSON, body: body.into_bytes(), ..Reply::empty(200) }
}

impl Face for Dynamics {
    const GZIP: bool = true;
    const LARGEST_BODY: usize = 128 * 1024 * 1024;

    fn answer(&mut self, core: &mut Core, call: &Call) -> Reply {
        if call.path.len() + call.query.len() > MAX_URI {
            return Reply::html(414, "<html><body><h2>Bad Request - Request Too Long</h2></body></html>".to_owned());
        }
        let segments = call.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let here = ask::here(core, call);
        let reply = match (call.method.as_str(), path.as_slice()) {
            ("POST", [tenant, "oauth2", "v2.0", "token"]) => {
                self.org.tokens.grant(core, &self.org.knobs, call, tenant, &here)
            }
            ("GET", [tenant, "v2.0", ".well-known", "openid-configuration"]) => auth::openid(&here, tenant),
            ("GET", [tenant, "discovery", "instance"]) => auth::discovery(&here, tenant),
            ("GET", [_, "discovery", "v2.0", "keys"]) => Reply::json(200, &json!({ "keys": [] })),
            (_, ["api", ..]) => self.api(core, call),
            _ => Reply::html(404, "<html><body><h2>404 - File or directory not found.</h2></body></html>".to_owned()),
        };
        self.org.run_workflows(core);
        reply
    }

    fn fail(&self, core: &Core, call: &Call, fault: Fault) -> Reply {
        let knobs = &self.org.knobs;
        let refusal = match fault {
            Fault::Status(429) => limits::too_many_at_once(knobs.concurrent_limit),
            Fault::LimitedWithRetryAfter => limits::too_many(knobs.request_limit, 2),
            Fault::LimitedForTheDay => limits::too_long(knobs.execution_limit_ms, 30),
            Fault::Status(401) => {
                let here = ask::here(core, call);
                let challenge = format!("Bearer authorization_uri={here}/common/oauth2/authorize, resource_id={here}/");
                return Reply::empty(401).with("www-authenticate", challenge);
            }
            Fault::Status(403) => Refusal::new(403, "0x80040220", "Principal user is missing a privilege."),
            Fault::Status(404) => Refusal::no_segment("unknown"),
            Fault::Status(412) => {
                let message = "The version of the existing record doesn't match the RowVersion property provided.";
                Refusal::new(412, "0x80060882", message)
            }
            Fault::Status(413) => Refusal::new(413, "", "Request Entity Too Large"),
            Fault::Status(500) => Refusal::new(500, "0x80044150", "Generic SQL error."),
            Fault::Status(status @ (502..=504)) => {
                let page = format!(
                    "<html><head><title>{status}</title></head><body><h1>Gateway error {status}</h1></body></html>"
                );
                return Reply::html(status, page);
            }
            Fault::Status(status) => Refusal::new(status, "0x80040216", "An unexpected error occurred."),
            _ => Refusal::new(500, "0x80040216", "An unexpected error occurred."),
        };
        dressed(core, refusal.reply(&Patterns::default(), knobs.blank_error_codes))
    }

    fn noted_headers(&self) -> &'static [&'static str] {
        &NOTED
    }

    fn page(&mut self, core: &mut Core, call: &Call) -> Option<Reply> {
        self.org.page(core, call)
    }

    fn act(&mut self, core: &mut Core, action: &str, body: &Value) -> Result<Value, String> {
        let done = self.org.act(core, action, body);
        self.org.run_workflows(core);
        done
    }

    fn config(&self) -> Map<String, Value> {
        self.org.config()
    }

    fn configure(&mut self, _: &mut Core, patch: Map<String, Value>) -> Result<(), String> {
        self.org.configure(patch)
    }

    fn reset(&mut self, core: &mut Core, options: &Options) -> Result<(), StartError> {
        self.org = Org::new(core, options)?;
        Ok(())
    }
}
