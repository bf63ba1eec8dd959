//! `/composite/batch`: up to 25 calls that know nothing of each other, answered in one.

use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::composite_api::{answer_within, text_of, within};
use super::org::Org;
use super::refusal::Refusal;
use super::render::json_text;
use crate::desk::Core;
use crate::exchange::Reply;

const MAX_SUBREQUESTS: usize = 25;

/// `POST /composite/batch`. Every subrequest counts as a call of its own.
pub fn batch(org: &mut Org, core: &mut Core, ask: &Ask<'_>) -> Result<Reply, Refusal> {
    let body = ask.object()?;
    let Some(Value::Array(list)) = body.get("batchRequests") else {
        return Err(Refusal::json("Required field 'batchRequests' is missing"));
    };
    if list.len() > MAX_SUBREQUESTS {
        let text = format!("The limit of {MAX_SUBREQUESTS} subrequests per batch was exceeded: {}", list.len());
        return Err(Refusal::new(400, "LIMIT_EXCEEDED", text));
    }
    let halt = body.get("haltOnError").and_then(Value::as_bool).unwrap_or(false);
    let (mut results, mut failed) = (Vec::new(), false);
    for each in list {
        if failed && halt {
            let halted = json!([{ "errorCode": "BATCH_PROCESSING_HALTED",
                                  "message": "Batch processing halted per request" }]);
            results.push(json!({ "statusCode": 412, "result": halted }).to_string());
            continue;
        }
        let text = |key: &str| each.get(key).and_then(Value::as_str).unwrap_or("");
        let input = each.get("richInput").cloned().unwrap_or(Value::Null);
        let call = within(ask.call, &text("method").to_ascii_uppercase(), text("url"), &input, &Map::new());
        org.limits.count(core.now, 1);
        let reply = answer_within(org, core, &call);
        failed |= reply.status >= 400;
        results.push(format!(r#"{{"statusCode":{},"result":{}}}"#, reply.status, text_of(&reply)));
    }
    Ok(json_text(200, format!(r#"{{"hasErrors":{failed},"results":[{}]}}"#, results.join(","))))
}
