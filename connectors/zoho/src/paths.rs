//! Every path of Zoho's API that the connector speaks to, and what its modules are called; the only file that knows them.

use std::fmt::Write as _;

use connector::{Error, ErrorKind, Object};

/// The version everything here was written against.
pub(crate) const V8: &str = "/crm/v8";
pub(crate) const ORG: &str = "/crm/v8/org";
pub(crate) const COQL: &str = "/crm/v8/coql";
pub(crate) const UPLOAD: &str = "/crm/v8/upload";
pub(crate) const BULK_READ: &str = "/crm/bulk/v8/read";
pub(crate) const BULK_WRITE: &str = "/crm/bulk/v8/write";

/// The module that holds records of this kind, or why there is none.
pub(crate) fn module_of(object: &Object) -> Result<&str, Error> {
    Ok(match object {
        Object::Contact => "Contacts",
        Object::Lead => "Leads",
        Object::Company => "Accounts",
        Object::Deal => "Deals",
        Object::Other(name) if is_name(name) => name,
        Object::Other(_) => {
            return Err(Error::new(
                ErrorKind::Config,
                "name the module to Zoho",
                "a module's API name has only letters, digits and `_`",
            )
            .with_fix("use the API name from Zoho's settings (Developer Hub, APIs, API names)"));
        }
        Object::Activity | Object::User => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("use {object} records of Zoho"),
                "the connector does not read or write them this way",
            ));
        }
    })
}

/// The modules that a kind of record is spread over at Zoho, in the order they are read.
pub(crate) fn parts(object: &Object) -> Result<Vec<&str>, Error> {
    match object {
        Object::Activity => Ok(vec!["Tasks", "Calls", "Events", "Notes"]),
        other => module_of(other).map(|module| vec![module]),
    }
}

/// The object a module's records are, where it is a known one.
pub(crate) fn object_of(module: &str) -> Option<Object> {
    Some(match module {
        "Contacts" => Object::Contact,
        "Leads" => Object::Lead,
        "Accounts" => Object::Company,
        "Deals" => Object::Deal,
        _ => return None,
    })
}

/// An API name of a module or field: anything else would be a request of another shape.
pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= 100
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

pub(crate) fn module(module: &str) -> String {
    format!("{V8}/{module}")
}

pub(crate) fn count(module: &str) -> String {
    format!("{V8}/{module}/actions/count")
}

pub(crate) fn deleted(module: &str, page: u32) -> String {
    format!("{V8}/{module}/deleted?type=all&per_page=200&page={page}")
}

pub(crate) fn fields(module: &str) -> String {
    format!("{V8}/settings/fields?module={module}")
}

pub(crate) fn field(module: &str, id: &str) -> String {
    format!("{V8}/settings/fields/{id}?module={module}")
}

/// The notes of a record.
pub(crate) fn notes_of(module: &str, record: &str) -> String {
    format!("{V8}/{module}/{record}/Notes?fields=Note_Title,Note_Content&per_page=200")
}

/// Whose parts in a deal are told. The fields are mandatory; the id comes by itself.
pub(crate) fn contact_roles(deal: &str) -> String {
    format!("{V8}/Deals/{deal}/Contact_Roles?fields=Full_Name&per_page=200")
}

pub(crate) fn assignment_rules(module: &str) -> String {
    format!("{V8}/settings/automation/assignment_rules?module={module}")
}

pub(crate) fn layouts(module: &str) -> String {
    format!("{V8}/settings/layouts?module={module}")
}

pub(crate) fn pipelines(layout: &str) -> String {
    format!("{V8}/settings/pipeline?layout_id={layout}")
}

pub(crate) fn users(page: u32) -> String {
    format!("{V8}/users?type=AllUsers&per_page=200&page={page}")
}

/// A list of records. Converted leads are on it, too: that is how their conversion is told.
pub(crate) fn list<'a>(module: &str, fields: impl IntoIterator<Item = &'a str>) -> String {
    let mut path = format!("{V8}/{module}?fields=");
    push_list(&mut path, fields);
    if module == "Leads" {
        path.push_str("&converted=both");
    }
    path
}

/// Adds a parameter.
pub(crate) fn with(mut path: String, name: &str, value: &str) -> String {
    // Writing to a String cannot fail.
    let _ = write!(path, "&{name}=");
    path.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
    path
}

/// Adds ids.
pub(crate) fn with_ids<'a>(mut path: String, ids: impl IntoIterator<Item = &'a str>) -> String {
    path.push_str("&ids=");
    push_list(&mut path, ids);
    path
}

fn push_list<'a>(path: &mut String, items: impl IntoIterator<Item = &'a str>) {
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            path.push(',');
        }
        path.push_str(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_place() {
        assert_eq!(module_of(&Object::Other("Projects_2".into())).unwrap(), "Projects_2");
        for bad in ["../Contacts", "a/b", "a?b", "a,b", ""] {
            assert!(module_of(&Object::Other(bad.into())).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_list_names_its_fields_once() {
        let path = list("Leads", ["Email", "Last_Name"]);
        assert_eq!(path, "/crm/v8/Leads?fields=Email,Last_Name&converted=both");
        assert_eq!(
            with(list("Contacts", ["Email"]), "page_token", "a+b"),
            "/crm/v8/Contacts?fields=Email&page_token=a%2Bb"
        );
        assert_eq!(with_ids(list("Contacts", ["Email"]), ["1", "2"]), "/crm/v8/Contacts?fields=Email&ids=1,2");
    }
}
