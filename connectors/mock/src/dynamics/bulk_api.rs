//! `CreateMultiple`, `UpdateMultiple`, `UpsertMultiple`: one transaction, all or nothing.

use serde_json::{Map, Value, json};

use super::address::{self, Key};
use super::ask::Ask;
use super::guid::Guid;
use super::kind::Kind;
use super::org::Org;
use super::payload::{self, Given, Reader};
use super::pen::Pen;
use super::refusal::{JSON, Refusal};
use super::row_api::pen;
use crate::desk::Core;
use crate::exchange::Reply;
use crate::fault::Fault;
use crate::versions::Sight;

/// `POST set/Microsoft.Dynamics.CRM.{action}`.
pub fn route(org: &mut Org, core: &mut Core, ask: &Ask<'_>, kind: Kind, action: &str) -> Result<Reply, Refusal> {
    let known = super::setup::BULK_MESSAGES.contains(&action);
    if !known || !org.has_bulk(kind) {
        return Err(Refusal::no_segment(&format!("Microsoft.Dynamics.CRM.{action}")));
    }
    let body = payload::object(kind.set(), &ask.call.body)?;
    let targets = match body.get("Targets") {
        Some(Value::Array(targets)) => targets,
        _ => return Err(Refusal::payload(kind.set(), "The parameter 'Targets' in the request payload is not valid.")),
    };
    if let Some(name) = body.keys().find(|name| *name != "Targets") {
        let message = format!(
            "The parameter '{name}' in the request payload is not a valid parameter for the operation '{action}'."
        );
        return Err(Refusal::payload(kind.set(), message));
    }
    org.limits.rows += targets.len() as u64;
    org.begin(core);
    let pen = pen(core, ask);
    let mut ids = Vec::with_capacity(targets.len());
    for (at, target) in targets.iter().enumerate() {
        let struck = core.batch_fault == Some(Fault::Partial) && at + 1 == targets.len();
        let done = match struck {
            true => Err(Refusal::new(400, "0x80040265", "refused by a planned fault")),
            false => one(org, core, &pen, kind, action, target),
        };
        match done {
            Ok(id) => ids.push(id.to_string()),
            Err(refusal) => {
                org.roll_back(core);
                return Err(refusal);
            }
        }
    }
    org.commit();
    if action == "CreateMultiple" {
        let context = format!("{}$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse", ask.root);
        return Ok(Reply { content_type: JSON, ..Reply::json(200, &json!({ "@odata.context": context, "Ids": ids })) });
    }
    Ok(Reply::empty(204))
}

fn one(org: &mut Org, core: &mut Core, pen: &Pen, kind: Kind, action: &str, target: &Value) -> Result<Guid, Refusal> {
    let Value::Object(body) = target else {
        return Err(Refusal::payload(kind.set(), "An unexpected node was found in 'Targets': an object was expected."));
    };
    let made = Vec::new();
    let given = Reader { org, now: core.now, made: &made }.read(kind, body)?;
    if !given.typed {
        let message = format!(
            "A 'Microsoft.Dynamics.CRM.crmbaseentity' cannot be created because it is abstract: '@odata.type' is missing in a \
             target for '{}'.",
            kind.logical()
        );
        return Err(Refusal::payload(kind.set(), message));
    }
    match action {
        "CreateMultiple" => org.insert(core, pen, kind, given),
        "UpdateMultiple" => {
            let Some(id) = given.id else {
                return Err(Refusal::invalid(format!("Entity Id must be specified for {action}.")));
            };
            if org.row(kind, id, Sight::Latest).is_none() {
                let message = format!("{} With Ids = {id} Do Not Exist", kind.logical());
                return Err(Refusal::new(404, "0x80040217", message));
            }
            org.update(core, pen, kind, id, given)?;
            Ok(id)
        }
        _ => upsert(org, core, pen, kind, given, body),
    }
}

/// The row an `@odata.id` names, changed or made.
fn upsert(
    org: &mut Org,
    core: &mut Core,
    pen: &Pen,
    kind: Kind,
    mut given: Given,
    body: &Map<String, Value>,
) -> Result<Guid, Refusal> {
    let Some(place) = given.named.clone() else {
        return match given.id {
            Some(id) if org.row(kind, id, Sight::Latest).is_some() => {
                org.update(core, pen, kind, id, given).map(|()| id)
            }
            _ => org.insert(core, pen, kind, given),
        };
    };
    let path = place
        .rsplit_once("/api/data/")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map_or(place.as_str(), |(_, rest)| rest);
    let segments = address::segments(path)?;
    let wrong =
        || Refusal::payload(kind.set(), format!("The value '{place}' of '@odata.id' is no address of this table."));
    let [segment] = segments.as_slice() else { return Err(wrong()) };
    if Kind::of_set(&segment.name) != Some(kind) {
        return Err(wrong());
    }
    let key = Key::parse(segment.key.as_deref().unwrap_or(""))?;
    let named = org.named(kind, &key, core.now, Sight::Latest)?;
    if let Some(id) = named.id {
        org.update(core, pen, kind, id, given)?;
        return Ok(id);
    }
    let repeated = |column: &u16| org.schema(kind).get(*column).is_some_and(|each| body.contains_key(&*each.logical));
    if named.cells.iter().any(|(column, _)| repeated(column)) {
        // The create path trips over a key column that stands in the body as well.
        return Err(Refusal::new(400, "0x80040216", "An unexpected error occurred."));
    }
    if let Key::Id(id) = key {
        given.id = Some(id);
    }
    for (column, datum) in named.cells {
        given.set(column, datum);
    }
    org.insert(core, pen, kind, given)
}

impl Org {
    pub fn has_bulk(&self, kind: Kind) -> bool {
        kind.has_bulk() && !self.knobs.no_bulk.iter().any(|table| table == kind.logical())
    }
}
