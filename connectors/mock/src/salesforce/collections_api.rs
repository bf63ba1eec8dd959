//! `/composite/sobjects`: up to 200 records in one call, answered row by row in the order they were sent.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::ask::{Ask, json_object};
use super::given::{Given, Raw};
use super::ids::Id;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::refusal::{Refusal, RowError};
use crate::desk::Core;
use crate::exchange::{Call, Reply};
use crate::fault::Fault;

const MAX_RECORDS: usize = 200;
/// Runs of neighbours of one type.
const MAX_CHUNKS: usize = 10;

type Record = Map<String, Value>;

/// What one row came to: the record, and whether it was made.
type Outcome = Result<(Id, bool), RowError>;

/// How the rows of an answer look.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Plain,
    /// With `created`.
    Upsert,
}

/// `/composite/sobjects` and what lies below it.
pub fn route(org: &mut Org, core: &mut Core, ask: &Ask<'_>, rest: &[&str]) -> Result<Reply, Refusal> {
    let call = ask.call;
    match (ask.method(), rest) {
        ("POST", []) => create(org, core, call),
        ("PATCH", []) => update(org, core, call),
        ("DELETE", []) => delete(org, core, call),
        ("PATCH", [object, field]) => upsert(org, core, call, object, field),
        ("GET" | "POST", [object]) => super::collections_read::read(org, core, ask, object),
        (method, [] | [_] | [_, _]) => Err(Refusal::wrong_method(method)),
        _ => Err(Refusal::not_found()),
    }
}

fn create(org: &mut Org, core: &mut Core, call: &Call) -> Result<Reply, Refusal> {
    let (records, all_or_none) = records(call)?;
    let pen = Pen::api(core, call);
    check_chunks(&records)?;
    let write = |org: &mut Org, core: &mut Core, at: usize| -> Outcome {
        let record = row(&records, at)?;
        let kind = kind_of(record)?;
        let given = Given::from_json(record)?;
        if given.has("Id") {
            return Err(Refusal::row(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                "cannot specify Id in an insert call",
                &["Id"],
            ));
        }
        let written = org.insert(core, &pen, kind, &given)?;
        Ok((written.id, true))
    };
    let outcomes = run(org, core, (records.len(), all_or_none), write);
    Ok(answer(core, outcomes, Shape::Plain))
}

fn update(org: &mut Org, core: &mut Core, call: &Call) -> Result<Reply, Refusal> {
    let (records, all_or_none) = records(call)?;
    let pen = Pen::api(core, call);
    check_chunks(&records)?;
    let twice = repeated(records.iter().map(|record| id_text(record).and_then(|text| Id::parse(&text))));
    let write = |org: &mut Org, core: &mut Core, at: usize| -> Outcome {
        let record = row(&records, at)?;
        let kind = kind_of(record)?;
        let text = id_text(record)
            .ok_or_else(|| Refusal::row("MISSING_ARGUMENT", "Id not specified in an update call", &[]))?;
        refuse_twice(&twice, &text)?;
        let mut given = Given::from_json(record)?;
        given.take("Id");
        let written = org.update(core, &pen, kind, &text, &given)?;
        Ok((written.id, false))
    };
    let outcomes = run(org, core, (records.len(), all_or_none), write);
    Ok(answer(core, outcomes, Shape::Plain))
}

fn upsert(org: &mut Org, core: &mut Core, call: &Call, object: &str, field: &str) -> Result<Reply, Refusal> {
    let kind = Kind::parse(object).ok_or_else(Refusal::not_found)?;
    let key = org.upsert_key(kind, field)?;
    let definition = org.schema(kind).field(key).ok_or_else(Refusal::not_found)?;
    let (name, case_sensitive) = (definition.name.to_string(), definition.case_sensitive);
    let (records, all_or_none) = records(call)?;
    let pen = Pen::api(core, call);
    let value_of = |record: &Record| {
        let found = record.iter().find(|(key, _)| key.eq_ignore_ascii_case(&name)).map(|(_, value)| value)?;
        match found {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    };
    let filed = |text: String| if case_sensitive { text } else { text.to_lowercase() };
    let twice = repeated(records.iter().map(|record| value_of(record).map(filed)));
    let write = |org: &mut Org, core: &mut Core, at: usize| -> Outcome {
        let record = row(&records, at)?;
        if kind_of(record)? != kind {
            return Err(Refusal::row("INVALID_TYPE", format!("All records must be of type {}", kind.name()), &[]));
        }
        let mut given = Given::from_json(record)?;
        let by_id = name == "Id";
        if !by_id && given.has("Id") {
            return Err(Refusal::row(
                "INVALID_FIELD",
                "The Id field should not be specified in the sobject data.",
                &["Id"],
            ));
        }
        if let Some(value) = value_of(record)
            && twice.contains_key(&filed(value.clone()))
        {
            let text = format!("Duplicate external id specified: {value}");
            return Err(Refusal::row("DUPLICATE_VALUE", text, &[&name]));
        }
        let value: Option<Raw> = given.take(&name);
        let written = org.upsert(core, &pen, kind, (&name, value.as_ref()), &given, false)?;
        Ok((written.id, written.created))
    };
    let outcomes = run(org, core, (records.len(), all_or_none), write);
    Ok(answer(core, outcomes, Shape::Upsert))
}

fn delete(org: &mut Org, core: &mut Core, call: &Call) -> Result<Reply, Refusal> {
    let ids = call.list("ids");
    if ids.is_empty() {
        return Err(Refusal::new(400, "MISSING_ARGUMENT", "The ids parameter is required"));
    }
    check_count(ids.len())?;
    let pen = Pen::api(core, call);
    let mut chunks: Vec<&str> = ids.iter().map(|id| id.get(..3).unwrap_or("")).collect();
    chunks.dedup();
    check_runs(chunks.len())?;
    let twice = repeated(ids.iter().map(|text| Id::parse(text)));
    let write = |org: &mut Org, core: &mut Core, at: usize| -> Outcome {
        let text = ids.get(at).map(String::as_str).unwrap_or_default();
        let kind = Id::parse(text).and_then(Id::kind).ok_or_else(|| Refusal::malformed_id(text))?;
        refuse_twice(&twice, text)?;
        let written = org.delete(core, &pen, kind, text)?;
        Ok((written.id, false))
    };
    let outcomes = run(org, core, (ids.len(), call.flag("allOrNone")), write);
    let mut reply = rows(core, outcomes, Shape::Plain);
    for (row, id) in reply.iter_mut().zip(&ids) {
        // A refused deletion names its record, as no other refused row does.
        row["id"] = json!(id);
    }
    Ok(Reply::json(200, &Value::Array(reply)))
}

/// Writes every row; with `all_or_none` one failure undoes all of them.
fn run(
    org: &mut Org,
    core: &mut Core,
    (count, all_or_none): (usize, bool),
    write: impl Fn(&mut Org, &mut Core, usize) -> Outcome,
) -> Vec<Outcome> {
    if all_or_none {
        org.begin(core);
    }
    let struck = |core: &Core, at: usize| core.batch_fault == Some(Fault::Partial) && at + 1 == count;
    let mut outcomes = Vec::with_capacity(count);
    for at in 0..count {
        outcomes.push(match struck(core, at) {
            true => Err(Refusal::row("UNKNOWN_EXCEPTION", "Row refused by a fault", &[])),
            false => write(org, core, at),
        });
    }
    if !all_or_none {
        return outcomes;
    }
    if outcomes.iter().all(Result::is_ok) {
        org.commit();
        return outcomes;
    }
    org.roll_back(core);
    let text = "Record rolled back because not all records were valid and the request was using AllOrNone header";
    let rolled_back = |outcome: Outcome| match outcome {
        Ok(_) => Err(Refusal::row("ALL_OR_NONE_OPERATION_ROLLED_BACK", text, &[])),
        failed => failed,
    };
    outcomes.into_iter().map(rolled_back).collect()
}

fn answer(core: &Core, outcomes: Vec<Outcome>, shape: Shape) -> Reply {
    Reply::json(200, &Value::Array(rows(core, outcomes, shape)))
}

fn rows(core: &Core, outcomes: Vec<Outcome>, shape: Shape) -> Vec<Value> {
    let mut rows: Vec<Value> = outcomes.into_iter().map(|outcome| shown(outcome, shape)).collect();
    if core.batch_fault == Some(Fault::OmitRow) {
        rows.pop();
    }
    rows
}

fn shown(outcome: Outcome, shape: Shape) -> Value {
    let mut row = match &outcome {
        Ok((id, _)) => json!({ "id": id.to_string(), "success": true, "errors": [] }),
        Err(refusal) => json!({ "success": false, "errors": refusal.row_errors() }),
    };
    if shape == Shape::Upsert
        && let Ok((_, created)) = outcome
    {
        row["created"] = json!(created);
    }
    row
}

/// The records of a body and whether they stand or fall together.
fn records(call: &Call) -> Result<(Vec<Record>, bool), Refusal> {
    let body = json_object(call)?;
    let all_or_none = body.get("allOrNone").and_then(Value::as_bool).unwrap_or(false);
    let Some(Value::Array(list)) = body.get("records") else {
        return Err(Refusal::json("Required field 'records' is missing"));
    };
    check_count(list.len())?;
    let mut records = Vec::with_capacity(list.len());
    for record in list {
        let Value::Object(record) = record else {
            return Err(Refusal::json("Each of the records must be an object"));
        };
        if type_of(record).is_none() {
            return Err(Refusal::new(400, "INVALID_INPUT", "Each of the records must have attributes with a type"));
        }
        records.push(record.clone());
    }
    Ok((records, all_or_none))
}

fn check_count(count: usize) -> Result<(), Refusal> {
    if count <= MAX_RECORDS {
        return Ok(());
    }
    let text = format!("record limit reached. cannot submit more than {MAX_RECORDS} records into this call");
    Err(Refusal::new(400, "EXCEEDED_ID_LIMIT", text))
}

fn check_chunks(records: &[Record]) -> Result<(), Refusal> {
    let mut runs: Vec<String> = records.iter().filter_map(type_of).map(str::to_ascii_lowercase).collect();
    runs.dedup();
    check_runs(runs.len())
}

fn check_runs(runs: usize) -> Result<(), Refusal> {
    if runs <= MAX_CHUNKS {
        return Ok(());
    }
    let text = format!(
        "Cannot have more than {MAX_CHUNKS} chunks in a single operation. Please rearrange the data to reduce chunking."
    );
    Err(Refusal::new(400, "LIMIT_EXCEEDED", text))
}

fn row(records: &[Record], at: usize) -> Result<&Record, RowError> {
    records.get(at).ok_or_else(Refusal::not_found)
}

fn type_of(record: &Record) -> Option<&str> {
    record.get("attributes")?.get("type")?.as_str()
}

fn kind_of(record: &Record) -> Result<Kind, RowError> {
    let name = type_of(record).unwrap_or_default();
    Kind::parse(name)
        .ok_or_else(|| Refusal::row("INVALID_TYPE", format!("sObject type '{name}' is not supported."), &[]))
}

fn id_text(record: &Record) -> Option<String> {
    let (_, value) = record.iter().find(|(key, _)| key.eq_ignore_ascii_case("Id"))?;
    value.as_str().map(str::to_owned)
}

/// One record twice in a call: neither row is applied.
fn refuse_twice(twice: &HashMap<Id, usize>, text: &str) -> Result<(), RowError> {
    match Id::parse(text).filter(|id| twice.contains_key(id)) {
        Some(id) => Err(Refusal::row("DUPLICATE_VALUE", format!("Duplicate id specified: {id}"), &["Id"])),
        None => Ok(()),
    }
}

/// Keys that come more than once.
fn repeated<K: std::hash::Hash + Eq>(keys: impl Iterator<Item = Option<K>>) -> HashMap<K, usize> {
    let mut counts = HashMap::new();
    for key in keys.flatten() {
        *counts.entry(key).or_insert(0) += 1;
    }
    counts.retain(|_, count| *count > 1);
    counts
}
