//! From a call to the area that answers it: versions, sign-in, limits, routes. One arm per area.

use serde_json::{Map, Value, json};

use super::ask::{self, Ask, NEWEST, VersionError};
use super::auth;
use super::collections_api;
use super::composite_api;
use super::composite_batch_api;
use super::limits;
use super::org::Org;
use super::query_api;
use super::refusal::Refusal;
use super::replication_api;
use super::sobjects_api;
use super::tooling_api;
use crate::desk::{Core, Face};
use crate::exchange::{Call, Reply};
use crate::fault::Fault;
use crate::options::{Options, StartError};

/// An address longer than this, or an address and headers longer than this together, is refused before anything else.
const MAX_URI: usize = 16_384;

/// Headers that change what a call does, and who says it is calling.
const NOTED: [&str; 8] = [
    "sforce-auto-assign",
    "sforce-duplicate-rule-header",
    "sforce-call-options",
    "sforce-query-options",
    "sforce-mru",
    "content-type",
    "content-encoding",
    "user-agent",
];

pub struct Salesforce {
    org: Org,
}

impl Salesforce {
    pub fn new(core: &mut Core, options: &Options) -> Result<Self, StartError> {
        Ok(Self { org: Org::new(core, options)? })
    }

    /// A call under a version, signed in: counted, answered, and told what is left.
    fn signed_in(&mut self, core: &mut Core, ask: &Ask<'_>) -> Reply {
        if let Err(refusal) = self.org.sessions.check(core, &self.org.knobs, ask.call) {
            return refusal.reply(&ask.base());
        }
        let org = &mut self.org;
        let admitted = if core.rate_limits { org.limits.admit(core.now, &mut org.knobs) } else { Ok(()) };
        let reply = match admitted {
            Err(refusal) => refusal.reply(&ask.base()),
            Ok(()) => {
                self.org.limits.count(core.now, 1);
                self.org.work_unwatched(core);
                dispatch(&mut self.org, core, ask)
            }
        };
        reply.with("sforce-limit-info", self.org.limits.header(core.now, &self.org.knobs))
    }
}

/// Answers a call that is signed in and counted. Composite calls come back here with each of their subrequests.
pub fn dispatch(org: &mut Org, core: &mut Core, ask: &Ask<'_>) -> Reply {
    route(org, core, ask).unwrap_or_else(|refusal| refusal.reply(&ask.base()))
}

fn route(org: &mut Org, core: &mut Core, ask: &Ask<'_>) -> Result<Reply, Refusal> {
    match ask.segments().as_slice() {
        [] => Ok(root(core, ask)),
        ["query", rest @ ..] => query_api::route(org, core, ask, false, rest),
        ["queryAll", rest @ ..] => query_api::route(org, core, ask, true, rest),
        ["sobjects", object, what @ ("deleted" | "updated")] => replication_api::route(org, core, ask, object, what),
        ["sobjects", rest @ ..] => sobjects_api::route(org, core, ask, rest),
        ["composite", "sobjects", rest @ ..] => collections_api::route(org, core, ask, rest),
        ["composite"] if ask.method() == "POST" => composite_api::composite(org, core, ask),
        ["composite", "graph"] if ask.method() == "POST" => composite_api::graph(org, core, ask),
        ["composite", "batch"] if ask.method() == "POST" => composite_batch_api::batch(org, core, ask),
        ["jobs", "ingest", rest @ ..] => org.ingest_route(core, ask, rest),
        ["jobs", "query", rest @ ..] => org.query_job_route(core, ask, rest),
        ["tooling", rest @ ..] => tooling_api::route(org, core, ask, rest),
        ["limits"] if ask.method() == "GET" => limits(org, core),
        _ => Err(Refusal::not_found()),
    }
}

/// `GET /services/data/v67.0/`.
fn root(core: &Core, ask: &Ask<'_>) -> Reply {
    let base = ask.base();
    let areas = ["tooling", "sobjects", "query", "queryAll", "composite", "limits", "jobs"];
    let mut body: Map<String, Value> =
        areas.iter().map(|area| ((*area).into(), json!(format!("{base}/{area}")))).collect();
    body.insert("identity".into(), json!(auth::identity_url(core)));
    Reply::json(200, &Value::Object(body))
}

fn limits(org: &mut Org, core: &Core) -> Result<Reply, Refusal> {
    if !org.knobs.view_setup {
        let message = "You do not have access to this resource: it needs View Setup and Configuration";
        return Err(Refusal::new(403, "INSUFFICIENT_ACCESS", message));
    }
    org.limits.bulk_batches = org.bulk.batches.total(core.now);
    org.limits.bulk_query_jobs = org.bulk.query_jobs.total(core.now);
    Ok(Reply::json(200, &org.limits.body(core.now, &org.knobs)))
}

/// `GET /services/data/`, for anybody.
fn versions() -> Reply {
    let seasons = ["Winter", "Spring", "Summer"];
    let one = |version: u32| {
        let season = seasons.get((version as usize + 1) % 3).copied().unwrap_or_default();
        // Version 67 is Summer '26; three a year.
        let year = 26 + i64::from(version).saturating_sub(65).div_euclid(3);
        json!({ "label": format!("{season} '{year:02}"), "url": format!("/services/data/v{version}.0"),
                "version": format!("{version}.0") })
    };
    Reply::json(200, &(ask::OLDEST..=NEWEST).map(one).collect())
}

fn too_long(call: &Call) -> Option<u16> {
    let uri = call.path.len() + call.query.len() + usize::from(!call.query.is_empty());
    let headers: usize = call.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    match (uri > MAX_URI, uri + headers > MAX_URI) {
        (true, _) => Some(414),
        (_, true) => Some(431),
        _ => None,
    }
}

/// Clients without PATCH send POST with `?_HttpMethod=PATCH`.
fn with_real_method(call: &Call) -> Option<Call> {
    if call.method != "POST" || !call.query.contains("_HttpMethod") {
        return None;
    }
    let method = call.parameter("_HttpMethod")?.to_ascii_uppercase().parse().ok()?;
    Some(Call { method, ..call.clone() })
}

impl Face for Salesforce {
    const GZIP: bool = true;
    /// A bulk upload may have 150 MB after encoding.
    const LARGEST_BODY: usize = 160 * 1024 * 1024;

    fn answer(&mut self, core: &mut Core, call: &Call) -> Reply {
        if let Some(status) = too_long(call) {
            return Reply::html(status, format!("<html><body><h1>Bad Message {status}</h1></body></html>"));
        }
        let renamed = with_real_method(call);
        let call = renamed.as_ref().unwrap_or(call);
        let segments = call.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let reply = match path.as_slice() {
            ["services", "oauth2", "token"] => self.org.sessions.grant(core, &self.org.knobs, call),
            ["services", "oauth2", "revoke"] => self.org.sessions.revoke(call),
            ["services", "oauth2", "userinfo"] | ["id", _, _] => self.org.sessions.identity(core, call),
            ["services", "Soap", "u" | "c", version, ..] if call.method == "POST" => {
                self.org.soap_call(core, call, version)
            }
            ["services", "data"] if call.method == "GET" => versions(),
            ["services", "data", version, ..] => match ask::version(version) {
                Ok(version) => {
                    let path = segments.get(3..).unwrap_or_default().to_vec();
                    self.signed_in(core, &Ask { call, version, path })
                }
                Err(VersionError::Retired) => {
                    let message = format!("The requested API version ({version}) has been retired");
                    Refusal::new(410, "UNSUPPORTED_API_VERSION", message).reply("")
                }
                Err(VersionError::Unknown) => Refusal::not_found().reply(""),
            },
            _ => Refusal::not_found().reply(""),
        };
        self.org.run_workflows(core);
        reply
    }

    fn fail(&self, core: &Core, _: &Call, fault: Fault) -> Reply {
        let page = |code: u16, text: &str| {
            Reply::html(
                code,
                format!("<html><head><title>{text}</title></head><body><h1>{code} {text}</h1></body></html>"),
            )
        };
        let info = self.org.limits.header(core.now, &self.org.knobs);
        let refusal = match fault {
            Fault::Status(401) => auth::expired(&self.org.knobs),
            Fault::Status(403) | Fault::LimitedForTheDay => limits::exhausted(),
            Fault::Status(406) => return Reply::empty(406),
            // From the edge in front of the org, which knows no such host.
            Fault::Status(420) => return page(420, "No Salesforce instance for this host"),
            Fault::Status(414) => return page(414, "URI Too Long"),
            Fault::Status(431) => return page(431, "Request Header Fields Too Large"),
            Fault::Status(code @ (502 | 504)) => return page(code, "Bad gateway"),
            Fault::Status(503) => Refusal::new(503, "SERVER_UNAVAILABLE", "Server unavailable"),
            Fault::Status(429) => Refusal::new(429, "REQUEST_LIMIT_EXCEEDED", "Too many requests"),
            Fault::LimitedWithRetryAfter => {
                let refusal = Refusal::new(429, "REQUEST_LIMIT_EXCEEDED", "Too many requests");
                return refusal.reply("").with("retry-after", "1");
            }
            Fault::Status(code) if code < 500 => Refusal::new(code, "UNKNOWN_EXCEPTION", "Refused by a fault"),
            Fault::Status(code) => Refusal::new(code, "UNKNOWN_EXCEPTION", "An unexpected error occurred"),
            _ => Refusal::new(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred"),
        };
        refusal.reply("").with("sforce-limit-info", info)
    }

    fn noted_headers(&self) -> &'static [&'static str] {
        &NOTED
    }

    fn page(&mut self, core: &mut Core, call: &Call) -> Option<Reply> {
        self.org.page(core, call)
    }

    fn act(&mut self, core: &mut Core, action: &str, body: &Value) -> Result<Value, String> {
        let answer = self.org.act(core, action, body);
        self.org.run_workflows(core);
        answer
    }

    fn config(&self) -> Map<String, Value> {
        self.org.config()
    }

    fn configure(&mut self, core: &mut Core, patch: Map<String, Value>) -> Result<(), String> {
        self.org.configure(core, patch)
    }

    fn reset(&mut self, core: &mut Core, options: &Options) -> Result<(), StartError> {
        self.org = Org::new(core, options)?;
        Ok(())
    }
}
