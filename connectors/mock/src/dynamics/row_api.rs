//! One row at a time: reading, creating, changing, deleting, and the properties of a row as places of their own.

use serde_json::{Map, Value, json};

use super::address::{Key, Segment};
use super::ask::Ask;
use super::collections;
use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::lookup::absent;
use super::org::Org;
use super::payload::{self, Given, Made, Reader};
use super::pen::Pen;
use super::query::Shape;
use super::records::ID;
use super::refusal::{JSON, Refusal};
use super::render::Canvas;
use super::write::same_key;
use crate::desk::Core;
use crate::exchange::Reply;
use crate::versions::Sight;

/// Which version of a row a write is for.
#[derive(Clone, Debug, PartialEq)]
enum Match {
    Any,
    /// `If-Match: *`.
    Existing,
    /// `If-Match: W/"n"`.
    Version(String),
    /// `If-None-Match: *`.
    None,
}

pub fn pen(core: &Core, ask: &Ask<'_>) -> Pen {
    let said = ask.header("mscrm.suppressduplicatedetection");
    Pen::api(core, said.is_some_and(|value| value.eq_ignore_ascii_case("false")))
}

/// `POST set`.
pub fn create(
    org: &mut Org,
    core: &mut Core,
    ask: &Ask<'_>,
    kind: Kind,
    made: &Made,
) -> Result<(Reply, Guid), Refusal> {
    let body = payload::object(kind.set(), &ask.call.body)?;
    let given = Reader { org, now: core.now, made }.read(kind, &body)?;
    let pen = pen(core, ask);
    let id = org.insert(core, &pen, kind, given)?;
    Ok((written(org, core, ask, kind, id, true)?, id))
}

/// A call to `set(key)` and what lies below it.
pub fn route(
    org: &mut Org,
    core: &mut Core,
    ask: &Ask<'_>,
    (kind, key, rest): (Kind, &Key, &[Segment]),
    made: &Made,
) -> Result<Reply, Refusal> {
    match (ask.method(), rest) {
        ("GET", []) => read(org, core, ask, kind, key),
        ("PATCH", []) => upsert(org, core, ask, kind, key, made).map(|(reply, _)| reply),
        ("DELETE", []) => {
            let id = target(org, core, ask, kind, key)?;
            org.delete(core, &pen(core, ask), kind, id)?;
            Ok(empty())
        }
        (_, [property, below @ ..]) => {
            let id = org.existing(kind, key, core.now, Sight::Latest)?;
            property_route(org, core, ask, (kind, id), &property.name, below, made)
        }
        (method, []) => Err(Refusal::no_such_method(method)),
    }
}

fn read(org: &Org, core: &Core, ask: &Ask<'_>, kind: Kind, key: &Key) -> Result<Reply, Refusal> {
    org.may(&pen(core, ask), kind, "read")?;
    let sight = Sight::At(core.now);
    let id = org.existing(kind, key, core.now, sight)?;
    let shape = Shape::read(org, kind, &ask.options, core.now)?;
    let row = org.row(kind, id, sight).ok_or_else(|| absent(kind, key))?;
    let unchanged = ask.header("if-none-match").is_some_and(|etag| etag == row.etag());
    if unchanged && org.is_optimistic(kind) && shape.expand.is_empty() && ask.annotations().is_empty() {
        return Ok(Reply::empty(304).with("etag", row.etag()));
    }
    Ok(show(org, core, ask, &shape, id, 200))
}

/// One row as the whole answer.
fn show(org: &Org, core: &Core, ask: &Ask<'_>, shape: &Shape, id: Guid, status: u16) -> Reply {
    // A write shows what it made, whoever else may see it yet.
    let sight = if ask.method() == "GET" { Sight::At(core.now) } else { Sight::Latest };
    let Some(row) = org.row(shape.kind, id, sight) else { return Reply::empty(204) };
    let mut canvas = Canvas::new(org, &ask.root, ask.annotations(), sight);
    let context = format!("{}{}/$entity", shape.kind.set(), shape.context(org));
    canvas.row(row, shape, Some(&context));
    let body = canvas.out.into_bytes();
    Reply { status, content_type: JSON, headers: vec![("etag", row.etag())], body }
}

fn precondition(ask: &Ask<'_>) -> Match {
    match (ask.header("if-match"), ask.header("if-none-match")) {
        (Some("*"), _) => Match::Existing,
        (Some(etag), _) => Match::Version(etag.to_owned()),
        (None, Some("*")) => Match::None,
        _ => Match::Any,
    }
}

/// The row a write with preconditions is for, which must be there.
fn target(org: &Org, core: &Core, ask: &Ask<'_>, kind: Kind, key: &Key) -> Result<Guid, Refusal> {
    let id = org.existing(kind, key, core.now, Sight::Latest)?;
    check_version(org, kind, id, &precondition(ask))?;
    Ok(id)
}

fn check_version(org: &Org, kind: Kind, id: Guid, wanted: &Match) -> Result<(), Refusal> {
    match wanted {
        Match::None => Err(same_key()),
        Match::Version(_) if !org.is_optimistic(kind) => {
            let message = format!("Optimistic concurrency isn't enabled for entity type {}.", kind.logical());
            Err(Refusal::new(400, "0x8006088d", message))
        }
        Match::Version(etag) if org.row(kind, id, Sight::Latest).is_none_or(|row| row.etag() != *etag) => {
            let message = "The version of the existing record doesn't match the RowVersion property provided.";
            Err(Refusal::new(412, "0x80060882", message))
        }
        _ => Ok(()),
    }
}

/// `PATCH set(key)`: changes the row, or makes it where no precondition forbids.
pub fn upsert(
    org: &mut Org,
    core: &mut Core,
    ask: &Ask<'_>,
    kind: Kind,
    key: &Key,
    made: &Made,
) -> Result<(Reply, Guid), Refusal> {
    let body = payload::object(kind.set(), &ask.call.body)?;
    let wanted = precondition(ask);
    let named = org.named(kind, key, core.now, Sight::Latest)?;
    let mut given = Reader { org, now: core.now, made }.read(kind, &body)?;
    let pen = pen(core, ask);
    match named.id {
        Some(id) => {
            check_version(org, kind, id, &wanted)?;
            org.update(core, &pen, kind, id, given)?;
            Ok((written(org, core, ask, kind, id, false)?, id))
        }
        None if matches!(wanted, Match::Existing | Match::Version(_)) => Err(absent(kind, key)),
        None => {
            if let Key::Id(id) = key {
                given.id = Some(*id);
            }
            for (column, datum) in named.cells {
                given.set(column, datum);
            }
            let id = org.insert(core, &pen, kind, given)?;
            Ok((written(org, core, ask, kind, id, true)?, id))
        }
    }
}

/// The answer to a write that succeeded.
fn written(org: &Org, core: &Core, ask: &Ask<'_>, kind: Kind, id: Guid, new: bool) -> Result<Reply, Refusal> {
    let place = format!("{}{}({id})", ask.root, kind.set());
    if ask.prefer.representation {
        let shape = Shape::read(org, kind, &ask.options, core.now)?;
        let reply = show(org, core, ask, &shape, id, if new { 201 } else { 200 });
        let reply = reply.with("odata-entityid", place.clone());
        return Ok(if new { reply.with("location", place) } else { reply });
    }
    Ok(empty().with("location", place.clone()).with("odata-entityid", place))
}

fn empty() -> Reply {
    Reply::empty(204)
}

/// `set(key)/name`, `set(key)/nav/$ref`, `set(key)/collection`.
fn property_route(
    org: &mut Org,
    core: &mut Core,
    ask: &Ask<'_>,
    (kind, id): (Kind, Guid),
    name: &str,
    below: &[Segment],
    made: &Made,
) -> Result<Reply, Refusal> {
    let below: Vec<&str> = below.iter().map(|segment| segment.name.as_str()).collect();
    if let Some((column, _)) = org.schema(kind).nav(name) {
        return reference(org, core, ask, (kind, id, column), (name, &below), made);
    }
    if let Some(link) = collections::find(kind, name)
        && ask.method() == "GET"
        && below.is_empty()
    {
        return super::collection_api::children(org, core, ask, link, id);
    }
    let Some((column, _)) = org.schema(kind).property(name) else { return Err(Refusal::no_segment(name)) };
    let mut given = Given::default();
    match (ask.method(), below.as_slice()) {
        ("GET", [] | ["$value"]) => {
            let row = org.row(kind, id, Sight::At(core.now)).ok_or_else(|| Refusal::no_row(kind.logical(), id))?;
            let datum = row.get(column);
            if datum.is_null() {
                return Ok(empty());
            }
            if !below.is_empty() {
                return Ok(Reply { content_type: "text/plain", body: datum.plain().into_bytes(), ..Reply::empty(200) });
            }
            let mut value = String::new();
            datum.write_json(&mut value, org.schema(kind).get(column).and_then(super::seen::Seen::digits));
            let context = format!("{}$metadata#{}({id})/{name}", ask.root, kind.set());
            let body = format!("{{\"@odata.context\":\"{context}\",\"value\":{value}}}");
            Ok(Reply { content_type: JSON, body: body.into_bytes(), ..Reply::empty(200) })
        }
        ("PUT", []) => {
            let body = payload::object(kind.set(), &ask.call.body)?;
            let value = body.get("value").cloned().unwrap_or(Value::Null);
            let row: Map<String, Value> = [(name.to_owned(), value)].into_iter().collect();
            given = Reader { org, now: core.now, made }.read(kind, &row)?;
            org.update(core, &pen(core, ask), kind, id, given)?;
            Ok(empty())
        }
        ("DELETE", []) if column != ID => {
            given.set(column, Datum::Null);
            org.update(core, &pen(core, ask), kind, id, given)?;
            Ok(empty())
        }
        (method, _) => Err(Refusal::no_such_method(method)),
    }
}

/// A lookup as a place: the row it leads to, or the reference itself.
fn reference(
    org: &mut Org,
    core: &mut Core,
    ask: &Ask<'_>,
    (kind, id, column): (Kind, Guid, u16),
    (name, below): (&str, &[&str]),
    made: &Made,
) -> Result<Reply, Refusal> {
    let target = org.row(kind, id, Sight::Latest).and_then(|row| row.get(column).as_lookup());
    let mut given = Given::default();
    match (ask.method(), below) {
        ("GET", []) => {
            let Some((kind, id)) = target else { return Ok(empty()) };
            let shape = Shape::read(org, kind, &ask.options, core.now)?;
            Ok(show(org, core, ask, &shape, id, 200))
        }
        ("GET", ["$ref"]) => {
            let Some((kind, id)) = target else { return Ok(empty()) };
            let place = format!("{}{}({id})", ask.root, kind.set());
            let context = format!("{}$metadata#$ref", ask.root);
            Ok(Reply {
                content_type: JSON,
                ..Reply::json(200, &json!({ "@odata.context": context, "@odata.id": place }))
            })
        }
        ("PUT", ["$ref"]) => {
            let body = payload::object(kind.set(), &ask.call.body)?;
            let place = body.get("@odata.id").cloned().unwrap_or(Value::Null);
            let row: Map<String, Value> = [(format!("{name}@odata.bind"), place)].into_iter().collect();
            given = Reader { org, now: core.now, made }.read(kind, &row)?;
            org.update(core, &pen(core, ask), kind, id, given)?;
            Ok(empty())
        }
        ("DELETE", ["$ref"]) => {
            given.set(column, Datum::Null);
            org.update(core, &pen(core, ask), kind, id, given)?;
            Ok(empty())
        }
        (method, _) => Err(Refusal::no_such_method(method)),
    }
}

impl Org {
    /// Whether a table's rows can be matched by version.
    pub fn is_optimistic(&self, kind: Kind) -> bool {
        self.schema(kind).optimistic && !self.knobs.no_optimistic.iter().any(|table| table == kind.logical())
    }
}
