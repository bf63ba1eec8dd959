//! Which tables hold what the contract's objects mean.

use connector::{Error, ErrorKind, Object};

use crate::odata::is_name;

/// The tables a kind of record is spread over, in the order they are read.
pub(crate) fn tables_of(object: &Object) -> Result<Vec<&str>, Error> {
    match object {
        // The union of all activities cannot be followed by its changes: each kind is a table of its own.
        Object::Activity => Ok(vec!["task", "phonecall", "appointment", NOTES]),
        other => table_of(other).map(|table| vec![table]),
    }
}

/// What people write beside records. A role of before may not let it be read; the other activities are read all the same.
pub(crate) const NOTES: &str = "annotation";

/// The one table of an object, by its logical name.
pub(crate) fn table_of(object: &Object) -> Result<&str, Error> {
    let name = match object {
        Object::Contact => "contact",
        Object::Lead => "lead",
        Object::Company => "account",
        Object::Deal => "opportunity",
        Object::User => "systemuser",
        Object::Activity => "task",
        Object::Other(name) => name,
    };
    if is_name(name) {
        return Ok(name);
    }
    Err(Error::new(ErrorKind::Config, "find a table", "its name is not one a table can have")
        .with_fix("name it by its logical name, like new_machine"))
}

/// The object whose records a table holds, as links name it.
pub(crate) fn object_of(table: &str) -> Option<Object> {
    Some(match table {
        "contact" => Object::Contact,
        "lead" => Object::Lead,
        "account" => Object::Company,
        "opportunity" => Object::Deal,
        _ => return None,
    })
}

/// Tables whose rows people merge: the loser stays, inactive, and names the winner.
pub(crate) fn merges(table: &str) -> bool {
    matches!(table, "contact" | "lead" | "account")
}

/// Columns the connector reads of every row of a table for itself, by logical name; one that a table lacks is left out.
pub(crate) fn needs(table: &str) -> &'static [&'static str] {
    match table {
        "contact" => &["merged", "masterid", "parentcustomerid"],
        "account" => &["merged", "masterid"],
        "lead" => &["merged", "masterid", "statecode", "parentcontactid", "parentaccountid"],
        "opportunity" => &[
            "name",
            "statecode",
            "statuscode",
            "stepname",
            "actualvalue",
            "estimatedvalue",
            "actualclosedate",
            "transactioncurrencyid",
            "ownerid",
            "customerid",
            "parentcontactid",
            "parentaccountid",
        ],
        "systemuser" => &["fullname", "internalemailaddress", "isdisabled"],
        other => crate::activities::needs(other).unwrap_or_default(),
    }
}

/// Columns whose values say what a row is about.
pub(crate) const LINKS: &[&str] =
    &["parentcustomerid", "customerid", "parentcontactid", "parentaccountid", "regardingobjectid", "objectid"];

/// A lead's `statecode` once it goes on as a contact.
pub(crate) const QUALIFIED: &str = "1";
