//! `/composite` and `/composite/graph`: subrequests that build on each other's answers, and may stand or fall together.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::ask::{self, Ask};
use super::composite_references::{self, Answers};
use super::face::dispatch;
use super::org::Org;
use super::refusal::Refusal;
use super::render::{json_text, string};
use crate::desk::Core;
use crate::exchange::{Call, Reply};

const MAX_SUBREQUESTS: usize = 25;
/// Of which so many may be queries or collections.
const MAX_HEAVY: usize = 5;
const MAX_GRAPHS: usize = 75;
const MAX_NODES: usize = 500;
const MAX_KINDS: usize = 15;
const MAX_DEPTH: usize = 15;
/// Once more graphs than this have failed, the rest is not tried.
const MAX_FAILED_GRAPHS: usize = 14;

const ROLLED_BACK: &str = "The transaction was rolled back since another operation in the same transaction failed.";

/// One subrequest as it was sent.
struct Subrequest<'a> {
    method: String,
    url: &'a str,
    reference: &'a str,
    body: Value,
    headers: Map<String, Value>,
}

/// Its answer.
struct Answered {
    reference: String,
    status: u16,
    headers: Value,
    /// JSON as it was written: `attributes` comes first in it.
    body: String,
}

impl Answered {
    fn refused(reference: &str, code: &str, message: &str) -> Self {
        let body = json!([{ "errorCode": code, "message": message }]).to_string();
        Self { reference: reference.to_owned(), status: 400, headers: json!({}), body }
    }

    fn is_error(&self) -> bool {
        self.status >= 300
    }
}

/// `{"compositeResponse":[…]}`.
fn shown(answers: &[Answered]) -> String {
    let one = |each: &Answered| {
        let mut reference = String::new();
        string(&mut reference, &each.reference);
        let (body, headers, status) = (&each.body, &each.headers, each.status);
        format!(r#"{{"body":{body},"httpHeaders":{headers},"httpStatusCode":{status},"referenceId":{reference}}}"#)
    };
    let list: Vec<String> = answers.iter().map(one).collect();
    format!(r#"{{"compositeResponse":[{}]}}"#, list.join(","))
}

/// `POST /composite`.
pub fn composite(org: &mut Org, core: &mut Core, ask: &Ask<'_>) -> Result<Reply, Refusal> {
    let body = ask.object()?;
    let all_or_none = body.get("allOrNone").and_then(Value::as_bool).unwrap_or(false);
    let subrequests = subrequests(&body)?;
    if subrequests.len() > MAX_SUBREQUESTS {
        return Err(limit(format!(
            "The limit of {MAX_SUBREQUESTS} subrequests per composite request was exceeded: {}",
            subrequests.len()
        )));
    }
    let heavy = subrequests.iter().filter(|each| is_heavy(each.url)).count();
    if heavy > MAX_HEAVY {
        return Err(limit(format!("The limit of {MAX_HEAVY} query and collection subrequests was exceeded: {heavy}")));
    }
    let answers = run(org, core, ask.call, &subrequests, all_or_none);
    Ok(json_text(200, shown(&answers)))
}

/// `POST /composite/graph`: every graph a transaction of its own.
pub fn graph(org: &mut Org, core: &mut Core, ask: &Ask<'_>) -> Result<Reply, Refusal> {
    let body = ask.object()?;
    let Some(Value::Array(graphs)) = body.get("graphs") else { return Err(missing("graphs")) };
    if graphs.len() > MAX_GRAPHS {
        return Err(limit(format!("The limit of {MAX_GRAPHS} graphs was exceeded: {}", graphs.len())));
    }
    let mut parsed = Vec::new();
    for each in graphs {
        let Value::Object(each) = each else { return Err(missing("graphId")) };
        let id = each.get("graphId").and_then(Value::as_str).ok_or_else(|| missing("graphId"))?;
        let subrequests = subrequests(each)?;
        check_depth(&subrequests)?;
        parsed.push((id, subrequests));
    }
    let unique: HashSet<&str> = parsed.iter().map(|(id, _)| *id).collect();
    if unique.len() < parsed.len() {
        return Err(Refusal::json("Duplicate graphId found: each must be unique in a request"));
    }
    let nodes: usize = parsed.iter().map(|(_, subrequests)| subrequests.len()).sum();
    if nodes > MAX_NODES {
        return Err(limit(format!("The limit of {MAX_NODES} nodes was exceeded: {nodes}")));
    }
    let kinds: HashSet<(&str, &str)> = parsed.iter().flat_map(|(_, list)| list.iter().map(node_kind)).collect();
    if kinds.len() > MAX_KINDS {
        return Err(limit(format!("The limit of {MAX_KINDS} different nodes was exceeded: {}", kinds.len())));
    }
    let (mut out, mut failed) = (Vec::new(), 0);
    for (id, subrequests) in &parsed {
        let answers = if failed > MAX_FAILED_GRAPHS - 1 {
            let halted = |each: &Subrequest<'_>| Answered::refused(each.reference, "PROCESSING_HALTED", ROLLED_BACK);
            subrequests.iter().map(halted).collect()
        } else {
            run(org, core, ask.call, subrequests, true)
        };
        let successful = !answers.iter().any(Answered::is_error);
        failed += usize::from(!successful);
        let mut name = String::new();
        string(&mut name, id);
        let response = shown(&answers);
        out.push(format!(r#"{{"graphId":{name},"graphResponse":{response},"isSuccessful":{successful}}}"#));
    }
    Ok(json_text(200, format!(r#"{{"graphs":[{}]}}"#, out.join(","))))
}

/// Answers the subrequests one after the other. With `all_or_none`, the first failure undoes all and halts the rest.
fn run(
    org: &mut Org,
    core: &mut Core,
    call: &Call,
    subrequests: &[Subrequest<'_>],
    all_or_none: bool,
) -> Vec<Answered> {
    if all_or_none {
        org.begin(core);
    }
    let (mut answers, mut bodies) = (Vec::new(), Answers::new());
    let mut failed = None;
    for (at, each) in subrequests.iter().enumerate() {
        let answered = match prepare(call, each, &bodies) {
            Ok(prepared) => answered(each.reference, answer_within(org, core, &prepared)),
            Err(why) => Answered::refused(each.reference, "PROCESSING_HALTED", &why),
        };
        if answered.is_error() {
            failed.get_or_insert(at);
        } else {
            bodies.insert(each.reference.to_owned(), serde_json::from_str(&answered.body).unwrap_or_default());
        }
        answers.push(answered);
        if all_or_none && failed.is_some() {
            break;
        }
    }
    if !all_or_none {
        return answers;
    }
    let Some(failed) = failed else {
        org.commit();
        return answers;
    };
    org.roll_back(core);
    let culprit = answers.pop();
    let mut out = Vec::with_capacity(subrequests.len());
    for (at, each) in subrequests.iter().enumerate() {
        if at != failed {
            out.push(Answered::refused(each.reference, "PROCESSING_HALTED", ROLLED_BACK));
        } else if let Some(culprit) = culprit.as_ref() {
            out.push(Answered {
                reference: culprit.reference.clone(),
                status: culprit.status,
                headers: culprit.headers.clone(),
                body: culprit.body.clone(),
            });
        }
    }
    out
}

/// The call a subrequest stands for, its references filled in.
fn prepare(call: &Call, each: &Subrequest<'_>, answers: &Answers) -> Result<Call, String> {
    let encode =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let address = composite_references::resolve_in(each.url, answers, encode)?;
    let body = composite_references::resolve(&each.body, answers)?;
    Ok(within(call, &each.method, &address, &body, &each.headers))
}

/// A call made inside another: same session, its own method, address, body and headers.
pub fn within(call: &Call, method: &str, address: &str, body: &Value, headers: &Map<String, Value>) -> Call {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/services/data/{path}") };
    let mut inner = call.headers.clone();
    inner.remove("content-length");
    for (name, value) in headers {
        let name = name.parse::<http::HeaderName>().ok();
        if let (Some(name), Some(Ok(value))) = (name, value.as_str().map(http::HeaderValue::from_str)) {
            inner.insert(name, value);
        }
    }
    Call {
        method: method.parse().unwrap_or_default(),
        path,
        // Addresses in a body may hold blanks, which in a query are plus signs.
        query: query.replace(' ', "+"),
        headers: inner,
        body: if body.is_null() { Default::default() } else { body.to_string().into() },
    }
}

/// Answers a call made inside another.
pub fn answer_within(org: &mut Org, core: &mut Core, call: &Call) -> Reply {
    let segments = call.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    match path.as_slice() {
        // A composite call holds no other.
        ["services", "data", _, "composite", rest @ ..] if rest.first() != Some(&"sobjects") => {
            Refusal::new(400, "INVALID_INPUT", "Composite requests cannot be nested").reply("")
        }
        ["services", "data", version, ..] => match ask::version(version) {
            Ok(version) => {
                let path = segments.get(3..).unwrap_or_default().to_vec();
                dispatch(org, core, &Ask { call, version, path })
            }
            Err(_) => Refusal::not_found().reply(""),
        },
        _ => Refusal::not_found().reply(""),
    }
}

/// The body of an answer as JSON; nothing is `null`.
pub fn text_of(reply: &Reply) -> String {
    match std::str::from_utf8(&reply.body) {
        Ok(text) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => text.to_owned(),
        Ok("") | Err(_) => "null".to_owned(),
        Ok(text) => Value::from(text).to_string(),
    }
}

fn answered(reference: &str, reply: Reply) -> Answered {
    let location = reply.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("location"));
    let headers = location.map_or_else(|| json!({}), |(_, value)| json!({ "Location": value }));
    let body = text_of(&reply);
    Answered { reference: reference.to_owned(), status: reply.status, headers, body }
}

fn subrequests(body: &Map<String, Value>) -> Result<Vec<Subrequest<'_>>, Refusal> {
    let Some(Value::Array(list)) = body.get("compositeRequest") else { return Err(missing("compositeRequest")) };
    let (mut out, mut seen) = (Vec::with_capacity(list.len()), HashSet::new());
    for each in list {
        let text = |key: &str| each.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let reference = text("referenceId").ok_or_else(|| missing("referenceId"))?;
        if !reference.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(Refusal::json(&format!(
                "referenceId '{reference}' may hold letters, digits and underscores only"
            )));
        }
        if !seen.insert(reference) {
            return Err(Refusal::json(&format!("Duplicate ReferenceId provided ({reference}): each must be unique")));
        }
        out.push(Subrequest {
            method: text("method").ok_or_else(|| missing("method"))?.to_ascii_uppercase(),
            url: text("url").ok_or_else(|| missing("url"))?,
            reference,
            body: each.get("body").cloned().unwrap_or(Value::Null),
            headers: each.get("httpHeaders").and_then(Value::as_object).cloned().unwrap_or_default(),
        });
    }
    Ok(out)
}

/// Whether a subrequest counts as a query or collection.
fn is_heavy(url: &str) -> bool {
    let path = url.split_once('?').map_or(url, |(path, _)| path);
    let heavy = ["query", "queryAll", "search", "sobjects"];
    let mut segments = path.split('/').filter(|part| !part.is_empty()).skip(3);
    match segments.next() {
        Some("composite") => segments.next().is_some_and(|next| heavy.contains(&next)),
        Some(first) => first != "sobjects" && heavy.contains(&first),
        None => false,
    }
}

/// What makes two nodes of graphs the same: the method and the resource, ids and keys left out.
fn node_kind<'a>(each: &Subrequest<'a>) -> (&'static str, &'a str) {
    let method = match each.method.as_str() {
        "POST" => "POST",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "GET",
    };
    let mut segments = each.url.split(['/', '?']).filter(|part| !part.is_empty());
    let object = segments.by_ref().skip_while(|part| *part != "sobjects").nth(1);
    (method, object.unwrap_or(each.url))
}

/// How long a chain of references may be.
fn check_depth(subrequests: &[Subrequest<'_>]) -> Result<(), Refusal> {
    let mut depths: Vec<(&str, usize)> = Vec::new();
    for each in subrequests {
        let text = format!("{}{}", each.url, each.body);
        let over = depths.iter().filter(|(reference, _)| {
            ['.', '[', '}'].iter().any(|after| text.contains(&format!("@{{{reference}{after}")))
        });
        let depth = 1 + over.map(|(_, depth)| *depth).max().unwrap_or(0);
        if depth > MAX_DEPTH {
            return Err(limit(format!("The limit of {MAX_DEPTH} levels of references was exceeded")));
        }
        depths.push((each.reference, depth));
    }
    Ok(())
}

fn missing(what: &str) -> Refusal {
    Refusal::json(&format!("Required field '{what}' is missing"))
}

fn limit(message: String) -> Refusal {
    Refusal::new(400, "LIMIT_EXCEEDED", message)
}
