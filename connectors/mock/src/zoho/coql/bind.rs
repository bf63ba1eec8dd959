//! Names looked up and values given their types; what the vendor limits is counted here.

use serde_json::Value;

use super::super::datum::Datum;
use super::super::filter::{Filter, Op, Path};
use super::super::kind::Kind;
use super::super::literals::literal;
use super::super::org::Org;
use super::super::refusal::Refusal;
use super::super::schema::{Field, FieldType};
use super::parser::{Asked, Sum, Tree};

const MOST_COLUMNS: usize = 50;
const MOST_CRITERIA: usize = 25;
const MOST_ORDER: usize = 10;
const MOST_GROUP: usize = 4;
const MOST_SUMS: usize = 5;
const MOST_VALUES: usize = 50;
const MOST_JOINS: usize = 15;

pub struct Column {
    /// The key in a row.
    pub shown: String,
    pub sum: Option<Sum>,
    /// None for `COUNT(*)`.
    pub path: Option<Path>,
}

pub struct Query {
    pub kind: Kind,
    pub columns: Vec<Column>,
    pub filter: Filter,
    pub group: Vec<Path>,
    pub order: Vec<(Path, bool)>,
    pub limit: u64,
    pub offset: u64,
}

/// # Errors
/// `INVALID_QUERY` for what is not there or does not fit, `LIMIT_EXCEEDED` for too much of it.
pub fn bind(org: &Org, asked: &Asked) -> Result<Query, Refusal> {
    let kind = Kind::parse(&asked.module).ok_or_else(|| {
        let refusal = Refusal::new(400, "INVALID_QUERY", "invalid query formed");
        refusal.with("module", asked.module.as_str()).with("reason", "module not supported or invalid")
    })?;
    limit("select", asked.items.len(), MOST_COLUMNS)?;
    limit("order by", asked.order.len(), MOST_ORDER)?;
    limit("group by", asked.group.len(), MOST_GROUP)?;
    limit("aggregate", asked.items.iter().filter(|item| item.sum.is_some()).count(), MOST_SUMS)?;
    let mut columns: Vec<Column> = Vec::new();
    for item in &asked.items {
        let path = if item.name == "*" { None } else { Some(found(org, kind, &item.name)?.0) };
        let plain = match item.sum {
            Some(sum) => format!("{}({})", sum.name(), item.name),
            None => item.name.clone(),
        };
        let shown = item.alias.clone().unwrap_or(plain);
        if columns.iter().any(|column| column.shown == shown) {
            let refusal = Refusal::new(400, "DUPLICATE_DATA", "duplicate column");
            return Err(refusal.with("column_name", item.name.as_str()));
        }
        columns.push(Column { shown, sum: item.sum, path });
    }
    limit(
        "join",
        columns.iter().filter_map(|column| column.path.as_ref()).filter(|path| !path.then.is_empty()).count(),
        MOST_JOINS,
    )?;
    let paths = |names: &[String]| -> Result<Vec<Path>, Refusal> {
        names.iter().map(|name| found(org, kind, name).map(|(path, _)| path)).collect()
    };
    let group = paths(&asked.group)?;
    let summed = columns.iter().any(|column| column.sum.is_some());
    if let Some(column) = columns.iter().find(|column| {
        column.sum.is_none()
            && (summed || !group.is_empty())
            && !column.path.as_ref().is_some_and(|path| group.contains(path))
    }) {
        return Err(invalid(&column.shown, "the column must be in group by"));
    }
    let filter = tree(org, kind, &asked.tree)?;
    limit("criteria", filter.tests(), MOST_CRITERIA)?;
    let mut order = Vec::new();
    for (name, down) in &asked.order {
        order.push((found(org, kind, name)?.0, *down));
    }
    Ok(Query { kind, columns, filter, group, order, limit: asked.limit, offset: asked.offset })
}

fn limit(clause: &str, count: usize, most: usize) -> Result<(), Refusal> {
    if count <= most {
        return Ok(());
    }
    let refusal = Refusal::new(400, "LIMIT_EXCEEDED", format!("{clause} exceeds its limit"));
    Err(refusal.with("clause", clause).with("limit", most))
}

fn invalid(name: &str, reason: &str) -> Refusal {
    Refusal::new(400, "INVALID_QUERY", "invalid query formed").with("column_name", name).with("reason", reason)
}

fn found<'a>(org: &'a Org, kind: Kind, name: &str) -> Result<(Path, Option<&'a Field>), Refusal> {
    org.path(kind, name).ok_or_else(|| invalid(name, "column given seems to be invalid"))
}

fn tree(org: &Org, kind: Kind, asked: &Tree) -> Result<Filter, Refusal> {
    let both = |one: &Tree, other: &Tree| Ok(vec![tree(org, kind, one)?, tree(org, kind, other)?]);
    match asked {
        Tree::All(one, other) => both(one, other).map(Filter::All),
        Tree::Any(one, other) => both(one, other).map(Filter::Any),
        Tree::Test { name, op, values } => test(org, kind, name, *op, values),
    }
}

fn test(org: &Org, kind: Kind, name: &str, op: Op, values: &[Value]) -> Result<Filter, Refusal> {
    let (path, field) = found(org, kind, name)?;
    if field.is_some_and(|field| field.ty == FieldType::TextArea) {
        return Err(invalid(name, "multi-line fields cannot be used in criteria"));
    }
    let shown = format!("{op:?}").to_ascii_lowercase();
    if values.len() > MOST_VALUES {
        return Err(Refusal::new(400, "LIMIT_EXCEEDED", "in exceeds its limit").with("limit", MOST_VALUES));
    }
    let text_only = matches!(op, Op::Like | Op::NotLike);
    let is_text = field.is_none_or(|field| {
        !field.ty.is_number()
            && !field.ty.is_lookup()
            && !matches!(field.ty, FieldType::Boolean | FieldType::Date | FieldType::DateTime)
    });
    if text_only && !is_text {
        return Err(invalid(name, "the operator does not fit the column").with("operator", shown));
    }
    let bound: Option<Vec<Datum>> = values.iter().map(|value| literal(field, value)).collect();
    let bound = bound.ok_or_else(|| invalid(name, "the value does not fit the column").with("operator", shown))?;
    Ok(Filter::Test { path, op, values: bound })
}
