//! From a call to what answers it: sign-in, scopes, credits, routes.

use serde_json::{Map, Value, json};

use super::auth;
use super::coql;
use super::kind::Kind;
use super::limits::Cost;
use super::org::Org;
use super::refusal::Refusal;
use crate::desk::{Core, Face};
use crate::exchange::{Call, Reply};
use crate::fault::Fault;
use crate::options::{Options, StartError};

/// Headers that change what a call does, and who says it is calling.
const NOTED: [&str; 5] = ["if-modified-since", "if-unmodified-since", "x-external", "content-type", "user-agent"];

/// Credits of a lead's conversion, and of a bulk write.
const CONVERSION: u64 = 5;
const BULK_WRITE: u64 = 500;

pub struct Zoho {
    org: Org,
}

/// What a path may be asked for, worked out before anything is counted.
struct Admission {
    /// `service, area, module, operation`.
    scope: (&'static str, &'static str, String, &'static str),
    /// `Crm_Implied_View_Leads`, for modules.
    permission: Option<String>,
    cost: Cost,
}

impl Zoho {
    pub fn new(_: &mut Core, options: &Options) -> Result<Self, StartError> {
        Ok(Self { org: Org::new(options)? })
    }

    fn signed_in(&mut self, core: &mut Core, call: &Call, path: &[&str]) -> Result<Reply, Refusal> {
        let scopes = self.org.tokens.check(core, call)?;
        let admission = admission(call, path);
        let (service, area, module, operation) = &admission.scope;
        if !auth::covers(scopes, service, area, module, operation) {
            return Err(Refusal::scope_mismatch());
        }
        if let Some(permission) = admission.permission.filter(|each| self.org.knobs.denied_permissions.contains(each)) {
            return Err(Refusal::no_permission(&permission));
        }
        if core.rate_limits {
            let takes = core.faults.delay_ms;
            self.org.limits.admit(core.now, admission.cost, takes, &mut self.org.knobs)?;
        }
        self.org.work_unwatched(core);
        route(&mut self.org, core, call, path)
    }
}

fn operation(method: &str) -> &'static str {
    match method {
        "POST" => "CREATE",
        "PUT" | "PATCH" => "UPDATE",
        "DELETE" => "DELETE",
        _ => "READ",
    }
}

fn admission(call: &Call, path: &[&str]) -> Admission {
    let method = call.method.as_str();
    let crm = |area, module: &str, operation| ("ZohoCRM", area, module.to_owned(), operation);
    let plain = |scope| Admission { scope, permission: None, cost: Cost::ONE };
    match path {
        ["settings", rest @ ..] => plain(crm("settings", rest.first().copied().unwrap_or(""), operation(method))),
        ["users", ..] => plain(crm("users", "", operation(method))),
        ["org"] => plain(crm("org", "", operation(method))),
        ["coql"] => {
            let cost = Cost { credits: coql::credits(call), heavy: true };
            Admission { cost, ..plain(crm("coql", "", "READ")) }
        }
        ["bulk", "write"] => {
            Admission { cost: Cost { credits: BULK_WRITE, heavy: false }, ..plain(crm("bulk", "", "CREATE")) }
        }
        ["bulk", "write", ..] => plain(crm("bulk", "", "CREATE")),
        ["bulk", ..] => plain(crm("bulk", "", "READ")),
        ["upload"] => plain(("ZohoFiles", "files", String::new(), "CREATE")),
        ["actions", "watch"] => plain(crm("notifications", "", operation(method))),
        [module, rest @ ..] => {
            let (operation, verb) = match (method, rest) {
                ("POST", ["upsert"]) => ("CREATE", "Create"),
                ("POST", _) => ("CREATE", "Create"),
                ("PUT" | "PATCH", _) => ("UPDATE", "Edit"),
                ("DELETE", _) => ("DELETE", "Delete"),
                _ => ("READ", "View"),
            };
            let cost = match (method, rest) {
                (_, ["search"]) => Cost { credits: 1, heavy: true },
                (_, [_, "actions", "convert"]) => Cost { credits: CONVERSION, heavy: true },
                ("POST" | "PUT", _) => Cost::of_rows(row_count(call)),
                _ => Cost::ONE,
            };
            Admission {
                scope: crm("modules", module, operation),
                permission: Some(format!("Crm_Implied_{verb}_{module}")),
                cost,
            }
        }
        [] => plain(crm("modules", "", "READ")),
    }
}

/// Rows in a body that is well formed; what is not costs as one.
fn row_count(call: &Call) -> usize {
    let body: Option<Value> = serde_json::from_slice(&call.body).ok();
    body.and_then(|body| body["data"].as_array().map(Vec::len)).unwrap_or(1)
}

fn route(org: &mut Org, core: &mut Core, call: &Call, path: &[&str]) -> Result<Reply, Refusal> {
    let method = call.method.as_str();
    match path {
        ["settings", rest @ ..] => settings(org, call, rest),
        ["users"] if method == "GET" => org.list_users(call),
        ["users", id] if method == "GET" => org.read_user(id),
        ["org"] if method == "GET" => Ok(org.organisation()),
        ["coql"] if method == "POST" => org.coql(core, call),
        ["bulk", "write", id, "result"] if method == "GET" => org.write_result(core, id),
        ["bulk", rest @ ..] => org.bulk_route(core, call, rest),
        ["upload"] if method == "POST" => org.upload(core, call),
        ["actions", "watch"] => org.watch(core, call),
        [module, rest @ ..] => {
            let kind = Kind::parse(module).ok_or_else(|| Refusal::invalid_module(0))?;
            records(org, core, call, kind, rest)
        }
        [] => Err(Refusal::no_such_url()),
    }
}

fn settings(org: &mut Org, call: &Call, path: &[&str]) -> Result<Reply, Refusal> {
    match (call.method.as_str(), path) {
        ("GET", ["modules"]) => Ok(org.modules()),
        ("GET", ["modules", name]) => org.module(name),
        ("GET", ["fields"]) => org.list_fields(call),
        ("GET", ["fields", id]) => org.read_field(call, id),
        ("POST", ["fields"]) => org.create_fields(call),
        ("PATCH", ["fields"]) => org.change_fields(call, None),
        ("PATCH", ["fields", id]) => org.change_fields(call, Some(id)),
        ("DELETE", ["fields", id]) => org.delete_field(call, id),
        ("GET", ["tags"]) => org.list_tags(call),
        ("GET", ["automation", "assignment_rules"]) => org.assignment_rules(call),
        ("GET", ["layouts"]) => org.layouts(call),
        ("GET", ["layouts", id]) => org.layout(call, id),
        ("GET", ["pipeline"]) => org.pipelines_of(call),
        ("GET", ["related_lists"]) => org.related(call),
        ("GET", ["duplicate_check_preference"]) => org.duplicate_preference(call),
        _ => Err(Refusal::no_such_url()),
    }
}

fn records(org: &mut Org, core: &mut Core, call: &Call, kind: Kind, path: &[&str]) -> Result<Reply, Refusal> {
    match (call.method.as_str(), path) {
        ("GET", []) => org.list(core, call, kind),
        ("POST", []) => org.insert_rows(core, call, kind),
        ("PUT", []) => org.update_rows(core, call, kind, None),
        ("DELETE", []) => org.delete_rows(core, call, kind, None),
        ("POST", ["upsert"]) => org.upsert_rows(core, call, kind),
        ("GET", ["search"]) => org.search(core, call, kind),
        ("GET", ["deleted"]) => org.deleted(core, call, kind),
        ("GET", [id]) => org.read_one(core, call, kind, id),
        ("PUT", [id]) => org.update_rows(core, call, kind, Some(id)),
        ("DELETE", [id]) => org.delete_rows(core, call, kind, Some(id)),
        ("GET", ["actions", "count"]) => org.count(core, call, kind),
        ("POST", ["actions", "add_tags"]) => org.tag_records(core, call, kind, None, true),
        ("POST", ["actions", "remove_tags"]) => org.tag_records(core, call, kind, None, false),
        ("POST", ["actions", "mass_update"]) => org.mass_update(core, call, kind),
        ("POST", [id, "actions", "add_tags"]) => org.tag_records(core, call, kind, Some(id), true),
        ("POST", [id, "actions", "remove_tags"]) => org.tag_records(core, call, kind, Some(id), false),
        ("POST", [id, "actions", "change_owner"]) => org.change_owner(core, call, kind, id),
        ("POST", [id, "actions", "clone"]) => org.clone_record(core, call, kind, id),
        ("POST", [id, "actions", "merge"]) => org.merge_call(core, call, kind, id),
        ("POST", [id, "actions", "convert"]) if kind == Kind::Leads => org.convert_call(core, call, id),
        ("POST", [id, "Notes"]) => org.add_notes(core, call, kind, id),
        (_, [deal, "Contact_Roles"]) if kind == Kind::Deals => org.contact_roles(core, call, deal, None),
        (_, [deal, "Contact_Roles", contact]) if kind == Kind::Deals => {
            org.contact_roles(core, call, deal, Some(contact))
        }
        ("GET", [id, list]) => org.related_records(core, call, (kind, id), list),
        (_, [] | [_]) => Err(Refusal::wrong_method()),
        _ => Err(Refusal::no_such_url()),
    }
}

impl Face for Zoho {
    const GZIP: bool = true;
    /// A bulk upload may have 25 MB, and a form around it.
    const LARGEST_BODY: usize = 32 * 1024 * 1024;

    fn answer(&mut self, core: &mut Core, call: &Call) -> Reply {
        let segments = call.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let answered = match path.as_slice() {
            ["oauth", "v2", "token"] => return self.org.tokens.grant(core, &self.org.knobs, call),
            ["oauth", "v2", "token", "revoke"] => return self.org.tokens.revoke(call),
            ["oauth", "serverinfo"] => return server_info(core),
            ["crm", "bulk", version, rest @ ..] if is_version(version) => {
                self.signed_in(core, call, &[&["bulk"], rest].concat())
            }
            ["crm", version, rest @ ..] if is_version(version) => self.signed_in(core, call, rest),
            ["v2", "crm", _, "bulk-write", id, _] => self.signed_in(core, call, &["bulk", "write", id, "result"]),
            _ => Err(Refusal::no_such_url()),
        };
        let reply = match answered {
            Ok(reply) => reply,
            Err(refusal) if self.org.knobs.errors_in_data && refusal.status == 400 => {
                Reply::json(refusal.status, &json!({ "data": [refusal.json()] }))
            }
            Err(refusal) => refusal.reply(),
        };
        match self.org.limits.remaining(&self.org.knobs) {
            Some(left) if core.rate_limits => reply.with("x-api-credits-remaining", left.to_string()),
            _ => reply,
        }
    }

    fn fail(&self, _: &Core, _: &Call, fault: Fault) -> Reply {
        match fault {
            Fault::LimitedWithRetryAfter => Refusal::too_many_requests().reply().with("retry-after", "2"),
            Fault::LimitedForTheDay => Refusal::too_many_requests().reply().with("x-api-credits-remaining", "0"),
            Fault::Status(status) => Refusal::of_status(status).reply(),
            _ => Refusal::of_status(500).reply(),
        }
    }

    fn noted_headers(&self) -> &'static [&'static str] {
        &NOTED
    }

    fn page(&mut self, core: &mut Core, call: &Call) -> Option<Reply> {
        self.org.page(core, call)
    }

    fn act(&mut self, core: &mut Core, action: &str, body: &Value) -> Result<Value, String> {
        self.org.act(core, action, body)
    }

    fn config(&self) -> Map<String, Value> {
        self.org.config()
    }

    fn configure(&mut self, _: &mut Core, patch: Map<String, Value>) -> Result<(), String> {
        self.org.configure(patch)
    }

    fn reset(&mut self, _: &mut Core, options: &Options) -> Result<(), StartError> {
        self.org = Org::new(options)?;
        Ok(())
    }
}

/// `v2` to `v8`: older ones remain addressable.
fn is_version(text: &str) -> bool {
    matches!(text, "v2" | "v2.1" | "v3" | "v4" | "v5" | "v6" | "v7" | "v8")
}

/// `GET /oauth/serverinfo`: where each location's accounts server is.
fn server_info(core: &Core) -> Reply {
    let locations = ["us", "eu", "in", "au", "jp", "ca", "sa", "uk", "cn"];
    let all: Map<String, Value> = locations.iter().map(|name| ((*name).to_owned(), json!(core.base_url))).collect();
    Reply::json(200, &json!({ "result": "success", "locations": all }))
}
