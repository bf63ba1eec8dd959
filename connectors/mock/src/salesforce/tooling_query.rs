//! `tooling/query`: a small SOQL of its own over custom fields.

use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::org::Org;
use super::refusal::Refusal;
use super::soql::{Comparand, Condition, Item, Literal, LiteralValue, Operand, Operator, parse};
use super::tooling_api::{attributes, rows};

type Row = Map<String, Value>;

/// Answers `?q=`.
pub fn answer(org: &Org, ask: &Ask<'_>) -> Result<Value, Refusal> {
    let soql =
        ask.call.parameter("q").ok_or_else(|| Refusal::new(400, "MALFORMED_QUERY", "The parameter q is required"))?;
    let query = parse(&soql).map_err(|mistake| Refusal::new(400, mistake.code, mistake.message))?;
    let object = query.from.parts.join(".");
    if !object.eq_ignore_ascii_case("CustomField") {
        let text = format!("sObject type '{object}' is not supported.");
        return Err(Refusal::new(400, "INVALID_TYPE", text));
    }
    let mut selected = Vec::new();
    for item in &query.select {
        match item {
            Item::Field { path, .. } => selected.push(column(&path.parts)?),
            _ => return Err(Refusal::new(400, "MALFORMED_QUERY", "Only fields can be selected of CustomField here")),
        }
    }
    let (base, mut found) = (ask.base(), Vec::new());
    for row in rows(org) {
        let fits = match &query.filter {
            Some(filter) => holds(&row, filter)?,
            None => true,
        };
        if fits {
            found.push(shown(&row, &selected, &base));
        }
    }
    if let Some(limit) = query.limit {
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(json!({ "size": found.len(), "totalSize": found.len(), "done": true, "queryLocator": null,
               "entityTypeName": "CustomField", "records": found }))
}

fn shown(row: &Row, selected: &[&'static str], base: &str) -> Value {
    let id = row.get("Id").and_then(Value::as_str).unwrap_or_default();
    let mut out = Map::new();
    out.insert("attributes".into(), attributes(base, id));
    for name in selected {
        out.insert((*name).to_owned(), row.get(*name).cloned().unwrap_or(Value::Null));
    }
    Value::Object(out)
}

/// The canonical name of a column.
fn column(parts: &[String]) -> Result<&'static str, Refusal> {
    const COLUMNS: [&str; 10] = [
        "Id",
        "DeveloperName",
        "TableEnumOrId",
        "EntityDefinitionId",
        "NamespacePrefix",
        "ManageableState",
        "Length",
        "InlineHelpText",
        "FullName",
        "Metadata",
    ];
    let name = parts.join(".");
    COLUMNS
        .into_iter()
        .find(|column| column.eq_ignore_ascii_case(&name))
        .ok_or_else(|| Refusal::new(400, "INVALID_FIELD", format!("No such column '{name}' on entity 'CustomField'.")))
}

fn holds(row: &Row, condition: &Condition) -> Result<bool, Refusal> {
    Ok(match condition {
        Condition::All(parts) => {
            let mut all = true;
            for part in parts {
                all &= holds(row, part)?;
            }
            all
        }
        Condition::Any(parts) => {
            let mut any = false;
            for part in parts {
                any |= holds(row, part)?;
            }
            any
        }
        Condition::Not(inner) => !holds(row, inner)?,
        Condition::Test { left, operator, right } => {
            let Operand::Field(path) = left else {
                return Err(Refusal::new(400, "MALFORMED_QUERY", "Aggregates cannot be filtered by here"));
            };
            let value = row.get(column(&path.parts)?).and_then(Value::as_str).map(str::to_lowercase);
            test(value.as_deref(), *operator, right)?
        }
    })
}

fn test(value: Option<&str>, operator: Operator, right: &Comparand) -> Result<bool, Refusal> {
    let equal = |literal: &Literal| match &literal.value {
        LiteralValue::Text(text) => value == Some(text.to_lowercase().as_str()),
        LiteralValue::Null => value.is_none(),
        _ => false,
    };
    Ok(match (operator, right) {
        (Operator::Equal, Comparand::One(literal)) => equal(literal),
        (Operator::NotEqual, Comparand::One(literal)) => !equal(literal),
        (Operator::In, Comparand::List(list)) => list.iter().any(equal),
        (Operator::NotIn, Comparand::List(list)) => !list.iter().any(equal),
        (Operator::Like, Comparand::One(literal)) => match &literal.value {
            LiteralValue::Pattern(pattern) => value.is_some_and(|value| pattern.lowered().fits(value)),
            _ => false,
        },
        _ => {
            let text = format!("The operator {} is not supported here", operator.text());
            return Err(Refusal::new(400, "INVALID_QUERY_FILTER_OPERATOR", text));
        }
    })
}
