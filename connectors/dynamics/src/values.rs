//! Values as Dataverse takes them: choices as integers, several of them as a text with commas, look-ups by the address of the
//! row they point to. Pure.

use std::sync::Arc;

use connector::{FieldKind, Reason, Rejection, Value};
use rust_decimal::Decimal;
use serde_json::value::RawValue;

use crate::odata::is_guid;
use crate::schema::Column;

/// One member of a body.
pub(crate) type Member = (String, Box<RawValue>);

/// A row that a look-up is to point to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub table: String,
    pub id: String,
}

/// A refusal of the connector's own, before anything was sent.
pub(crate) fn refused(reason: Reason, code: &str, message: &str, column: &str) -> Rejection {
    let fields = if column.is_empty() { Vec::new() } else { vec![column.into()] };
    Rejection { reason, code: code.into(), message: message.into(), fields }
}

/// The value as JSON for a column that is no look-up.
pub(crate) fn plain(column: &Column, name: &str, value: &Value) -> Result<Member, Rejection> {
    let text = match (&column.spec.kind, value) {
        (_, Value::Null) => "null".to_owned(),
        (FieldKind::Choice { .. }, value) => option(name, &value.to_string())?,
        (FieldKind::MultiChoice { .. }, Value::List(items)) => options(name, items)?,
        (FieldKind::MultiChoice { .. }, value) => options(name, &split(&value.to_string()))?,
        (FieldKind::Bool, Value::Text(text)) if text.eq_ignore_ascii_case("true") => "true".into(),
        (FieldKind::Bool, Value::Text(text)) if text.eq_ignore_ascii_case("false") => "false".into(),
        (FieldKind::Integer | FieldKind::Decimal { .. }, Value::Text(text)) => match text.trim().parse::<Decimal>() {
            Ok(number) => number.normalize().to_string(),
            Err(_) => json_text(text),
        },
        (FieldKind::Text | FieldKind::Reference, value @ (Value::Number(_) | Value::Bool(_))) => {
            json_text(&value.to_string())
        }
        (FieldKind::Date, Value::Instant(at)) => json_text(&at.to_utc().date_naive().to_string()),
        (FieldKind::Instant, Value::Date(day)) => json_text(&format!("{}T00:00:00Z", day.format("%Y-%m-%d"))),
        (_, Value::Text(text)) => json_text(text),
        (_, Value::Bool(flag)) => flag.to_string(),
        // Through an f64 a price would change in its last digits.
        (_, Value::Number(number)) => number.normalize().to_string(),
        (_, Value::Date(day)) => json_text(&day.format("%Y-%m-%d").to_string()),
        // Dataverse keeps whole seconds.
        (_, Value::Instant(at)) => json_text(&connector::Timestamp::from_secs(at.secs()).to_rfc3339()),
        (_, Value::List(items)) if items.is_empty() => "null".to_owned(),
        (_, Value::List(items)) => json_text(&items.join(";")),
    };
    Ok((column.spec.name.to_string(), raw(text, name)?))
}

fn raw(text: String, name: &str) -> Result<Box<RawValue>, Rejection> {
    RawValue::from_string(text)
        .map_err(|_| refused(Reason::Invalid, "UNWRITABLE", "the value cannot be written as JSON", name))
}

pub(crate) fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn option(name: &str, text: &str) -> Result<String, Rejection> {
    text.trim().parse::<i32>().map(|option| option.to_string()).map_err(|_| {
        let words = "a choice is written as the number of its option, not by its label";
        refused(Reason::Invalid, "NOT_AN_OPTION", words, name)
    })
}

fn options(name: &str, items: &[Arc<str>]) -> Result<String, Rejection> {
    let numbers: Vec<String> =
        items.iter().filter(|item| !item.trim().is_empty()).map(|item| option(name, item)).collect::<Result<_, _>>()?;
    Ok(if numbers.is_empty() { "null".into() } else { json_text(&numbers.join(",")) })
}

fn split(text: &str) -> Vec<Arc<str>> {
    text.split([',', ';']).map(str::trim).filter(|item| !item.is_empty()).map(Arc::from).collect()
}

/// Which row a look-up is to point to: an id where only one table is possible, else `account:ID` or `account/ID`. `None`
/// empties it.
pub(crate) fn target(column: &Column, name: &str, value: &Value) -> Result<Option<Target>, Rejection> {
    let text = value.to_string();
    let text = text.trim();
    if value.is_null() || text.is_empty() {
        return Ok(None);
    }
    let tables = column.targets.as_deref().unwrap_or_default();
    let (table, id) = match text.split_once([':', '/']) {
        Some((table, id)) => (Some(table.trim().to_ascii_lowercase()), id.trim()),
        None => (None, text),
    };
    let invalid = |message: &str| Err(refused(Reason::Invalid, "NOT_A_LOOKUP", message, name));
    if !is_guid(id) {
        return invalid("a look-up is written as the id of a row, or as TABLE:ID");
    }
    let table = match (table, tables) {
        (Some(table), tables) if tables.is_empty() || tables.contains(&table) => table,
        (Some(_), _) => return invalid("the look-up does not point to that table"),
        (None, [one]) => one.clone(),
        // Whose a record is, is told and written by the user's id alone.
        (None, [first, ..]) if &*column.spec.name == "ownerid" => first.clone(),
        (None, _) => return invalid("the look-up may point to several tables: write it as TABLE:ID"),
    };
    if !crate::odata::is_name(&table) {
        return invalid("a look-up is written as the id of a row, or as TABLE:ID");
    }
    Ok(Some(Target { table, id: id.to_ascii_lowercase() }))
}

/// The single-valued navigation property of a look-up: its name in capitals and small letters as they are, and where several
/// tables are possible the table behind it.
pub(crate) fn navigation(column: &Column, table: Option<&str>) -> String {
    let name = if column.is_custom { column.schema_name.clone() } else { column.spec.name.to_string() };
    let tables = column.targets.as_deref().unwrap_or_default();
    let is_owner = &*column.spec.name == "ownerid";
    match table.or(tables.first().map(String::as_str)) {
        Some(table) if tables.len() > 1 && !is_owner => format!("{name}_{table}"),
        _ => name,
    }
}

/// A look-up's member: `nav@odata.bind` with the address of the row, or null.
pub(crate) fn bound(column: &Column, name: &str, target: Option<(&Target, &str)>) -> Result<Member, Rejection> {
    let navigation = navigation(column, target.map(|(target, _)| target.table.as_str()));
    pointing(&navigation, name, target.map(|(target, set)| (set, target.id.as_str())))
}

/// The member of a navigation property whose name is known, `row` being an entity set and an id; nothing empties it.
pub(crate) fn pointing(navigation: &str, name: &str, row: Option<(&str, &str)>) -> Result<Member, Rejection> {
    let value = row.map_or_else(|| "null".to_owned(), |(set, id)| json_text(&format!("/{set}({id})")));
    Ok((format!("{navigation}@odata.bind"), raw(value, name)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::contact;
    use connector::Timestamp;

    const A: &str = "a0000000-0000-0000-0000-000000000001";

    fn written(name: &str, value: Value) -> Result<String, Reason> {
        let contact = contact();
        let column = contact.column(name).unwrap();
        plain(column, name, &value).map(|(_, json)| json.get().to_owned()).map_err(|refused| refused.reason)
    }

    #[test]
    fn every_kind_has_one_json_form() {
        let check = |name: &str, value: Value, json: &str| assert_eq!(written(name, value), Ok(json.to_owned()));
        check("emailaddress1", Value::from("Zoë \"Red\""), r#""Zoë \"Red\"""#);
        check("emailaddress1", Value::Null, "null");
        check("emailaddress1", Value::from(7), r#""7""#);
        check("annualincome", Value::Number("123456789012345678.12".parse().unwrap()), "123456789012345678.12");
        check("annualincome", Value::from("87.50"), "87.5");
        check("donotemail", Value::from(false), "false");
        check("donotemail", Value::from("TRUE"), "true");
        check("birthdate", Value::Date("1990-04-01".parse().unwrap()), r#""1990-04-01""#);
        check("birthdate", Value::Instant(Timestamp::from_secs(946_684_800)), r#""2000-01-01""#);
        check("modifiedon", Value::Instant(Timestamp::from_millis(1_790_000_000_123)), r#""2026-09-21T14:13:20Z""#);
        check("leadsourcecode", Value::from("100000000"), "100000000");
        check("leadsourcecode", Value::from(1), "1");
        check("new_topics", Value::List(vec!["1".into(), "3".into()]), r#""1,3""#);
        check("new_topics", Value::from("1;3"), r#""1,3""#);
        check("new_topics", Value::List(vec![]), "null");
        for (name, value) in [("leadsourcecode", Value::from("Web")), ("new_topics", Value::from("1,Web"))] {
            assert_eq!(written(name, value), Err(Reason::Invalid));
        }
    }

    #[test]
    fn a_lookup_is_bound_by_its_navigation_property() {
        let contact = contact();
        let (company, team) = (contact.column("parentcustomerid").unwrap(), contact.column("new_ownerteam").unwrap());
        let go = |column, text: &str| target(column, "x", &Value::from(text)).map_err(|refused| refused.reason);
        let account = Target { table: "account".into(), id: A.into() };
        assert_eq!(go(company, &format!("account:{}", A.to_uppercase())), Ok(Some(account.clone())));
        assert_eq!(go(company, A), Err(Reason::Invalid), "it may be a person or a company");
        assert_eq!(go(company, &format!("lead:{A}")), Err(Reason::Invalid));
        assert_eq!(go(team, A), Ok(Some(Target { table: "team".into(), id: A.into() })));
        assert_eq!(go(team, "nonsense"), Err(Reason::Invalid));
        assert_eq!(go(team, ""), Ok(None));
        let owner = Column {
            spec: connector::FieldSpec { name: "ownerid".into(), ..company.spec.clone() },
            targets: Some(vec!["systemuser".into(), "team".into()]),
            ..company.clone()
        };
        let user = Target { table: "systemuser".into(), id: A.into() };
        assert_eq!(go(&owner, A), Ok(Some(user.clone())));
        let (name, json) = bound(&owner, "x", Some((&user, "systemusers"))).unwrap();
        assert_eq!((name.as_str(), json.get()), ("ownerid@odata.bind", format!("\"/systemusers({A})\"").as_str()));
        let (name, json) = bound(company, "x", Some((&account, "accounts"))).unwrap();
        assert_eq!(
            (name.as_str(), json.get()),
            ("parentcustomerid_account@odata.bind", format!("\"/accounts({A})\"").as_str())
        );
        let (name, json) = bound(team, "x", None).unwrap();
        assert_eq!((name.as_str(), json.get()), ("new_OwnerTeam@odata.bind", "null"));
    }
}
