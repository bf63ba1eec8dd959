//! Reading many records by Id: `GET` with the Ids in the address, `POST` with up to 2,000 in the body.

use serde_json::Value;

use super::ask::Ask;
use super::ids::Id;
use super::kind::Kind;
use super::org::Org;
use super::records::Sight;
use super::refusal::Refusal;
use super::render::{json_text, record};
use super::schema::FieldId;
use crate::desk::Core;
use crate::exchange::Reply;

const MAX_IDS: usize = 2_000;

/// An array in the order of the Ids, `null` where there is no such record to see.
pub fn read(org: &Org, core: &Core, ask: &Ask<'_>, object: &str) -> Result<Reply, Refusal> {
    let kind = Kind::parse(object).ok_or_else(Refusal::not_found)?;
    let (ids, names) = match ask.method() {
        "GET" => (ask.call.list("ids"), ask.call.list("fields")),
        _ => {
            let body = ask.object()?;
            let list = |key: &str| {
                let items = body.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
            };
            (list("ids"), list("fields"))
        }
    };
    for (name, given) in [("ids", &ids), ("fields", &names)] {
        if given.is_empty() {
            return Err(Refusal::new(400, "MISSING_ARGUMENT", format!("The {name} parameter is required")));
        }
    }
    if ids.len() > MAX_IDS {
        let text = format!("record limit reached. cannot retrieve more than {MAX_IDS} records in this call");
        return Err(Refusal::new(400, "EXCEEDED_ID_LIMIT", text));
    }
    let mut fields: Vec<FieldId> = Vec::with_capacity(names.len());
    for name in &names {
        let found = org.schema(kind).visible(name);
        let (field, _) = found.ok_or_else(|| Refusal::no_such_column(name, kind.name()))?;
        fields.push(field);
    }
    let base = ask.base();
    let mut out = String::from("[");
    for (at, text) in ids.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        let id = Id::parse(text).ok_or_else(|| Refusal::malformed_id(text))?;
        let seen = (id.kind() == Some(kind)).then(|| org.live(kind, id.number, Sight::At(core.now))).flatten();
        match seen {
            Some(seen) => out.push_str(&record(org, &base, &seen, &fields)),
            None => out.push_str("null"),
        }
    }
    out.push(']');
    Ok(json_text(200, out))
}
