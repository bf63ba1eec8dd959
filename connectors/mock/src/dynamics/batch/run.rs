//! Running a batch and writing its answer. Without `odata.continue-on-error` the first failure ends it, and its status is
//! the status of the whole.

use super::parse::{Entry, Part, boundary, entries};
use crate::chance;
use crate::desk::Core;
use crate::dynamics::ask::Ask;
use crate::dynamics::face::{Answer, answer_part};
use crate::dynamics::org::Org;
use crate::dynamics::payload::{Made, no_reference};
use crate::dynamics::prefer::Patterns;
use crate::dynamics::refusal::Refusal;
use crate::exchange::{Call, Reply};

/// Operations one batch may have.
const MOST: usize = 1_000;

/// `POST $batch`.
pub fn answer(org: &mut Org, core: &mut Core, ask: &Ask<'_>) -> Result<Reply, Refusal> {
    let content_type = ask.header("content-type").unwrap_or("");
    let boundary = boundary(content_type).ok_or_else(|| {
        Refusal::query(format!(
            "The content type '{content_type}' is not supported for a batch request; it must be multipart/mixed with a boundary."
        ))
    })?;
    let entries = entries(&ask.call.body, &boundary)?;
    let count: usize = entries.iter().map(|entry| if let Entry::ChangeSet(set) = entry { set.len() } else { 1 }).sum();
    if count > MOST {
        let message = format!(
            "The current batch message contains too many parts. A maximum number of '{MOST}' query operations and change sets are allowed in a batch message."
        );
        return Err(Refusal::query(message));
    }
    let mark = format!("batchresponse_{}", chance::uuid(core.seed, 0xba7c, core.request.unwrap_or(0)));
    let mut out = String::new();
    let mut status = 200;
    let mut made = Made::new();
    for (at, entry) in entries.into_iter().enumerate() {
        let failed = match entry {
            Entry::Alone(part) => {
                let answer = run(org, core, ask, &part, &made);
                let reply = answer.reply;
                made.extend(part.content_id.clone().zip(answer.made).map(|(id, (kind, row))| (id, kind, row)));
                write_part(&mut out, &mark, part.content_id.as_deref(), &reply);
                (reply.status >= 400).then_some(reply.status)
            }
            Entry::ChangeSet(parts) => change_set(org, core, ask, parts, (&mut out, &mark, at)),
        };
        if let Some(failure) = failed
            && !ask.prefer.continue_on_error
        {
            status = failure;
            break;
        }
    }
    out.push_str(&format!("--{mark}--\r\n"));
    let reply = Reply { status, body: out.into_bytes(), ..Reply::empty(status) };
    Ok(reply.with("content-type", format!("multipart/mixed; boundary={mark}")))
}

/// All or nothing; a failure is answered alone, outside the usual nesting.
fn change_set(
    org: &mut Org,
    core: &mut Core,
    ask: &Ask<'_>,
    parts: Vec<Part>,
    (out, mark, at): (&mut String, &str, usize),
) -> Option<u16> {
    let inner = format!("changesetresponse_{}", chance::uuid(core.seed, 0xc5e7 + at as u64, core.request.unwrap_or(0)));
    let mut answers = String::new();
    let mut made = Made::new();
    org.begin(core);
    for part in parts {
        let refused = match (&part.content_id, part.call.method.as_str()) {
            (None, _) => Some(Refusal::query("A Content-ID header is required for each request in a change set.")),
            (Some(id), _) if made.iter().any(|(each, ..)| each == id) => {
                Some(Refusal::query(format!("The content ID '{id}' was found more than once in the same change set.")))
            }
            (_, "GET") => Some(Refusal::query("A GET request is not allowed inside a change set.")),
            _ => None,
        };
        let answer = match refused {
            Some(refusal) => Answer { reply: refusal.reply(&Patterns::default(), false), made: None },
            None => run(org, core, ask, &part, &made),
        };
        if answer.reply.status >= 400 {
            org.roll_back(core);
            write_part(out, mark, part.content_id.as_deref(), &answer.reply);
            return Some(answer.reply.status);
        }
        made.extend(part.content_id.clone().zip(answer.made).map(|(id, (kind, row))| (id, kind, row)));
        write_part(&mut answers, &inner, part.content_id.as_deref(), &answer.reply);
    }
    org.commit();
    out.push_str(&format!(
        "--{mark}\r\nContent-Type: multipart/mixed; boundary={inner}\r\n\r\n{answers}--{inner}--\r\n"
    ));
    None
}

fn run(org: &mut Org, core: &mut Core, ask: &Ask<'_>, part: &Part, made: &Made) -> Answer {
    let refused = |refusal: Refusal| Answer { reply: refusal.reply(&Patterns::default(), false), made: None };
    match resolved(ask, &part.call, made) {
        Ok(call) => answer_part(org, core, ask, &call, made),
        Err(refusal) => refused(refusal),
    }
}

/// A target `$1/lastname` as the address it stands for.
fn resolved(ask: &Ask<'_>, call: &Call, made: &Made) -> Result<Call, Refusal> {
    let path = call.path.trim_start_matches('/');
    let reference = match path.rsplit_once("/$") {
        Some((_, rest)) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => match path.strip_prefix('$') {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
            _ if path.starts_with("api/data/") => return Ok(call.clone()),
            // A target relative to the batch.
            _ if !call.path.starts_with('/') => return Ok(Call { path: rooted(ask, path), ..call.clone() }),
            _ => return Ok(call.clone()),
        },
    };
    let (id, rest) =
        reference.split_once('/').map_or((reference, String::new()), |(id, rest)| (id, format!("/{rest}")));
    let found = made.iter().find(|(each, ..)| each == id);
    let (_, kind, row) = found.ok_or_else(|| no_reference(&format!("${id}")))?;
    Ok(Call { path: rooted(ask, &format!("{}({row}){rest}", kind.set())), ..call.clone() })
}

fn rooted(ask: &Ask<'_>, path: &str) -> String {
    format!("{}{path}", ask.root.trim_start_matches(&ask.here))
}

fn write_part(out: &mut String, mark: &str, content_id: Option<&str>, reply: &Reply) {
    out.push_str(&format!("--{mark}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"));
    if let Some(id) = content_id {
        out.push_str(&format!("Content-ID: {id}\r\n"));
    }
    let reason = http::StatusCode::from_u16(reply.status).ok().and_then(|status| status.canonical_reason());
    out.push_str(&format!("\r\nHTTP/1.1 {} {}\r\n", reply.status, reason.unwrap_or("Unknown")));
    if !reply.body.is_empty() {
        out.push_str(&format!("Content-Type: {}\r\n", reply.content_type));
    }
    for (name, value) in &reply.headers {
        let name = match *name {
            "odata-version" => "OData-Version",
            "odata-entityid" => "OData-EntityId",
            "location" => "Location",
            "etag" => "ETag",
            "req_id" => "REQ_ID",
            "preference-applied" => "Preference-Applied",
            "retry-after" => "Retry-After",
            _ => continue,
        };
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    out.push_str("\r\n");
    out.push_str(&String::from_utf8_lossy(&reply.body));
    out.push_str("\r\n");
}
