//! Calls to `EntityDefinitions` and what lies below it.

use serde_json::{Map, Value, json};

use super::describe::{self, COMMON};
use super::filter::Filter;
use super::{attribute_id, entity_id, key_id, make};
use crate::desk::Core;
use crate::dynamics::address::Segment;
use crate::dynamics::ask::Ask;
use crate::dynamics::guid::Guid;
use crate::dynamics::kind::Kind;
use crate::dynamics::org::Org;
use crate::dynamics::refusal::{JSON, Refusal};
use crate::dynamics::schema::{Column, ColumnId, Ty};
use crate::exchange::Reply;

const CAST: &str = "Microsoft.Dynamics.CRM.";

pub fn route(
    org: &mut Org,
    core: &mut Core,
    ask: &Ask<'_>,
    first: &Segment,
    rest: &[Segment],
) -> Result<Reply, Refusal> {
    for (name, _) in &ask.options {
        if !["$select", "$filter", "$expand", "api-version"].contains(&name.as_str()) {
            return Err(Refusal::query(format!("The query parameter {name} is not supported")));
        }
    }
    match &first.key {
        None if rest.is_empty() && ask.method() == "GET" => tables(org, ask),
        None => Err(Refusal::no_such_method(ask.method())),
        Some(key) => {
            let kind = table_of(key)?;
            match (ask.method(), rest) {
                ("GET", []) => table(org, ask, kind),
                (_, [below, more @ ..]) => match below.name.as_str() {
                    "Attributes" => attributes(org, core, ask, kind, (below, more)),
                    "Keys" => keys(org, core, ask, kind, below),
                    "ManyToOneRelationships" if ask.method() == "GET" => {
                        collection(ask, "RelationshipMetadataBase", describe::relationships(org, kind))
                    }
                    "OneToManyRelationships" if ask.method() == "GET" => {
                        let all = Kind::ALL.into_iter().flat_map(|each| describe::relationships(org, each));
                        let here = all.filter(|each| each["ReferencedEntity"] == kind.logical());
                        collection(ask, "RelationshipMetadataBase", here.collect())
                    }
                    other => Err(Refusal::no_segment(other)),
                },
                // PATCH among them: definitions are replaced, never patched.
                (method, _) => Err(Refusal::no_such_method(method)),
            }
        }
    }
}

/// `LogicalName='contact'`, or a `MetadataId`.
fn table_of(key: &str) -> Result<Kind, Refusal> {
    if let Some(id) = Guid::parse(key) {
        let found = Kind::ALL.into_iter().find(|kind| entity_id(*kind) == id);
        return found.ok_or_else(|| Refusal::new(404, "0x80060888", format!("Could not find an entity with id {id}")));
    }
    let name = named(key, "LogicalName")?;
    Kind::of_logical(&name).ok_or_else(|| {
        let message = format!("Could not find an entity with name {name} and id 00000000-0000-0000-0000-000000000000.");
        Refusal::new(404, "0x80060888", message)
    })
}

fn named(key: &str, member: &str) -> Result<String, Refusal> {
    let value = key.split_once('=').filter(|(name, _)| name.trim() == member).map(|(_, value)| value.trim());
    let text = value.and_then(|value| value.strip_prefix('\'')?.strip_suffix('\''));
    text.map(str::to_owned).ok_or_else(|| Refusal::query(format!("Error encountered while parsing the key '{key}'.")))
}

fn tables(org: &Org, ask: &Ask<'_>) -> Result<Reply, Refusal> {
    let mut rows = Vec::new();
    for kind in Kind::ALL {
        let mut body = describe::table(org, kind);
        expand_table(org, ask, kind, &mut body);
        rows.push(body);
    }
    collection(ask, "EntityDefinitions", rows)
}

fn expand_table(org: &Org, ask: &Ask<'_>, kind: Kind, body: &mut Map<String, Value>) {
    let expand = ask.option("$expand").unwrap_or("");
    for part in expand.split(',').filter_map(|part| part.split('(').next()) {
        let rows: Vec<Value> = match part.trim() {
            "Attributes" => {
                org.schema(kind).columns().map(|(id, each)| describe::column(kind, id, each).into()).collect()
            }
            "Keys" => (0..org.schema(kind).keys.len())
                .filter_map(|at| describe::key(org, kind, at, i64::MAX).map(Value::Object))
                .collect(),
            "ManyToOneRelationships" => describe::relationships(org, kind).into_iter().map(Value::Object).collect(),
            _ => continue,
        };
        body.insert(part.trim().to_owned(), rows.into());
    }
}

fn table(org: &Org, ask: &Ask<'_>, kind: Kind) -> Result<Reply, Refusal> {
    let mut body = describe::table(org, kind);
    expand_table(org, ask, kind, &mut body);
    let kept: Vec<&str> =
        ask.option("$expand").unwrap_or("").split(',').filter_map(|part| part.split('(').next()).collect();
    single(ask, "EntityDefinitions", body, &kept)
}

fn attributes(
    org: &mut Org,
    core: &mut Core,
    ask: &Ask<'_>,
    kind: Kind,
    (segment, below): (&Segment, &[Segment]),
) -> Result<Reply, Refusal> {
    let cast = below.first().map(|segment| segment.name.as_str());
    let column = match &segment.key {
        None => None,
        Some(key) => Some(column_of(org, kind, key)?),
    };
    match (ask.method(), column, cast) {
        ("GET", None, cast) => {
            let mut rows = Vec::new();
            for (id, column) in org.schema(kind).columns() {
                if fits(column, cast)? {
                    rows.push(shown(ask, kind, id, column, cast));
                }
            }
            check_names(ask, cast)?;
            collection(ask, &format!("EntityDefinitions('{}')/Attributes", kind.logical()), rows)
        }
        ("GET", Some((id, name)), cast) => {
            let Some((_, column)) = org.schema(kind).column(&name) else { return Err(Refusal::no_segment(&name)) };
            if !fits(column, cast)? {
                return Err(Refusal::new(404, "0x80060888", format!("The attribute {name} is of another type.")));
            }
            check_names(ask, cast)?;
            let body = shown(ask, kind, id, column, cast);
            single(ask, &format!("EntityDefinitions('{}')/Attributes", kind.logical()), body, &["OptionSet"])
        }
        ("POST", None, None) => {
            let id = make::column(org, core, ask, kind)?;
            let place = format!("{}EntityDefinitions({})/Attributes({id})", ask.root, entity_id(kind));
            Ok(Reply::empty(204).with("odata-entityid", place))
        }
        ("PUT", Some((_, name)), _) => {
            make::change(org, ask, kind, &name)?;
            Ok(Reply::empty(204))
        }
        ("DELETE", Some((_, name)), None) => {
            make::drop_column(org, kind, &name)?;
            Ok(Reply::empty(204))
        }
        (method, ..) => Err(Refusal::no_such_method(method)),
    }
}

/// `LogicalName='x'`, or a `MetadataId`.
fn column_of(org: &Org, kind: Kind, key: &str) -> Result<(ColumnId, String), Refusal> {
    let absent = |what: &str| {
        let message = format!("Could not find an attribute with specified name: Entity = {}, {what}", kind.logical());
        Refusal::new(404, "0x80060888", message)
    };
    let mut columns = org.schema(kind).columns();
    let found = match Guid::parse(key) {
        Some(id) => columns.find(|(column, _)| attribute_id(kind, *column) == id),
        None => {
            let name = named(key, "LogicalName")?;
            columns.find(|(_, column)| *column.logical == name)
        }
    };
    found.map(|(id, column)| (id, column.logical.to_string())).ok_or_else(|| absent(key))
}

/// Whether a column is of the type a cast names.
fn fits(column: &Column, cast: Option<&str>) -> Result<bool, Refusal> {
    let Some(cast) = cast else { return Ok(true) };
    let name = cast.strip_prefix(CAST).and_then(|name| name.strip_suffix("AttributeMetadata"));
    let name = name.ok_or_else(|| Refusal::no_segment(cast))?;
    Ok(match name {
        "Enum" => column.ty.is_choice() || column.ty == Ty::MultiChoice,
        name => column.ty.metadata_name() == name,
    })
}

fn shown(ask: &Ask<'_>, kind: Kind, id: ColumnId, column: &Column, cast: Option<&str>) -> Map<String, Value> {
    let mut body = describe::column(kind, id, column);
    let expand = ask.option("$expand").unwrap_or("");
    if cast.is_some() && (expand.contains("OptionSet") || expand.contains("GlobalOptionSet")) {
        let set = describe::option_set(kind, column).map(|set| match expand.split_once("OptionSet($select=") {
            Some((_, names)) => {
                let names: Vec<&str> = names.split(')').next().unwrap_or("").split(',').map(str::trim).collect();
                let mut set = describe::into_map(set);
                set.retain(|name, _| names.contains(&name.as_str()));
                Value::Object(set)
            }
            None => set,
        });
        body.insert("OptionSet".into(), set.unwrap_or(Value::Null));
    }
    body
}

/// Without a cast, only what every column has may be selected or expanded.
fn check_names(ask: &Ask<'_>, cast: Option<&str>) -> Result<(), Refusal> {
    let wrong = |name: &str| {
        Refusal::query(format!(
            "Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.AttributeMetadata'."
        ))
    };
    if cast.is_some() {
        return Ok(());
    }
    let names = ask.option("$select").unwrap_or("").split(',').map(str::trim).filter(|name| !name.is_empty());
    if let Some(name) = names.into_iter().find(|name| !COMMON.contains(name)) {
        return Err(wrong(name));
    }
    match ask.option("$expand") {
        Some(expand) if !expand.trim().is_empty() => Err(wrong(expand.split('(').next().unwrap_or(""))),
        _ => Ok(()),
    }
}

fn keys(org: &mut Org, core: &mut Core, ask: &Ask<'_>, kind: Kind, segment: &Segment) -> Result<Reply, Refusal> {
    let count = org.schema(kind).keys.len();
    let context = format!("EntityDefinitions('{}')/Keys", kind.logical());
    let found = |key: &str| -> Result<usize, Refusal> {
        let wanted = Guid::parse(key).map_or_else(|| named(key, "LogicalName"), |id| Ok(id.to_string()))?;
        let mut all = (0..count).filter_map(|at| Some((at, describe::key(org, kind, at, core.now)?)));
        let at = all.find(|(_, each)| each["LogicalName"] == wanted || each["MetadataId"] == wanted).map(|(at, _)| at);
        at.ok_or_else(|| Refusal::new(404, "0x80060888", format!("The entity key {wanted} does not exist.")))
    };
    match (ask.method(), &segment.key) {
        ("GET", None) => {
            let rows = (0..count).filter_map(|at| describe::key(org, kind, at, core.now)).collect();
            collection(ask, &context, rows)
        }
        ("GET", Some(key)) => {
            let at = found(key)?;
            single(ask, &context, describe::key(org, kind, at, core.now).unwrap_or_default(), &[])
        }
        ("POST", None) => {
            let at = make::key(org, core, ask, kind)?;
            let place = format!("{}EntityDefinitions({})/Keys({})", ask.root, entity_id(kind), key_id(kind, at));
            Ok(Reply::empty(204).with("odata-entityid", place))
        }
        ("DELETE", Some(key)) => {
            let at = found(key)?;
            org.schema_mut(kind).keys.remove(at);
            Ok(Reply::empty(204))
        }
        (method, _) => Err(Refusal::no_such_method(method)),
    }
}

/// Rows that fit the filter, as much of each as was selected.
fn collection(ask: &Ask<'_>, context: &str, rows: Vec<Map<String, Value>>) -> Result<Reply, Refusal> {
    let filter = ask.option("$filter").filter(|text| !text.trim().is_empty()).map(Filter::parse).transpose()?;
    let expanded: Vec<&str> =
        ask.option("$expand").unwrap_or("").split(',').filter_map(|part| part.split('(').next()).collect();
    let mut value = Vec::new();
    for row in rows {
        if filter.as_ref().is_none_or(|filter| filter.fits(&row).unwrap_or(false)) {
            value.push(Value::Object(selected(ask, row, &expanded)));
        }
    }
    let context = format!("{}$metadata#{context}", ask.root);
    Ok(Reply { content_type: JSON, ..Reply::json(200, &json!({ "@odata.context": context, "value": value })) })
}

fn single(ask: &Ask<'_>, context: &str, body: Map<String, Value>, kept: &[&str]) -> Result<Reply, Refusal> {
    let mut body = selected(ask, body, kept);
    body.insert("@odata.context".into(), json!(format!("{}$metadata#{context}/$entity", ask.root)));
    Ok(Reply { content_type: JSON, ..Reply::json(200, &Value::Object(body)) })
}

/// What `$select` names, the id, and what was expanded.
fn selected(ask: &Ask<'_>, mut body: Map<String, Value>, kept: &[&str]) -> Map<String, Value> {
    let names: Vec<&str> =
        ask.option("$select").unwrap_or("").split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if !names.is_empty() {
        body.retain(|name, _| {
            names.contains(&name.as_str())
                || kept.contains(&name.as_str())
                || ["MetadataId", "@odata.type"].contains(&name.as_str())
        });
    }
    body
}
