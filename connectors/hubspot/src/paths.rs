//! Every path of HubSpot's API that the connector speaks to; the only file that knows them.

use connector::{Error, ErrorKind, Object};

use crate::config::ApiVersion;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Paths(pub ApiVersion);

impl Paths {
    fn dated(self, area: &str, legacy: &str) -> String {
        match self.0 {
            ApiVersion::V2026_09 => format!("/{area}/2026-09"),
            ApiVersion::V2026_03 => format!("/{area}/2026-03"),
            ApiVersion::V3 => legacy.to_owned(),
        }
    }

    /// `…/objects/contacts`
    pub fn objects(self, kind: &str) -> String {
        format!("{}/{kind}", self.dated("crm/objects", "/crm/v3/objects"))
    }

    pub fn properties(self, kind: &str) -> String {
        format!("{}/{kind}", self.dated("crm/properties", "/crm/v3/properties"))
    }

    pub fn owners(self) -> String {
        self.dated("crm/owners", "/crm/v3/owners")
    }

    pub fn pipelines(self, kind: &str) -> String {
        format!("{}/{kind}", self.dated("crm/pipelines", "/crm/v3/pipelines"))
    }

    pub fn associations(self, from: &str, to: &str) -> String {
        format!("{}/{from}/{to}/batch/read", self.dated("crm/associations", "/crm/v4/associations"))
    }

    pub fn lists(self) -> String {
        self.dated("crm/lists", "/crm/v3/lists")
    }

    pub fn account(self) -> String {
        format!("{}/details", self.dated("account-info", "/account-info/v3"))
    }

    /// The grant is not listed in every later version, so this one is pinned.
    pub fn token() -> &'static str {
        "/oauth/2026-03/token"
    }
}

/// The object's name in a path, or why it has none.
pub(crate) fn kind_of(object: &Object) -> Result<&str, Error> {
    Ok(match object {
        Object::Contact => "contacts",
        Object::Company => "companies",
        Object::Deal => "deals",
        Object::Lead => "leads",
        Object::Other(name) if is_plain(name) => name,
        Object::Other(_) => {
            return Err(Error::new(
                ErrorKind::Config,
                "name the object to HubSpot",
                "an object's name has only letters, digits, `_` and `-`",
            )
            .with_fix("use the object's name or type id from HubSpot's settings, e.g. 2-3456"));
        }
        Object::Activity | Object::User => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("use {object} records of HubSpot"),
                "the connector does not read or write them this way",
            ));
        }
    })
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// The object's type id, as it stands in the address of a record's page.
pub(crate) fn type_id(object: &Object) -> &str {
    match object {
        Object::Contact => "0-1",
        Object::Company => "0-2",
        Object::Deal => "0-3",
        Object::Lead => "0-136",
        other => crate::activities::type_id(other.as_str()).unwrap_or(other.as_str()),
    }
}

/// The property that holds the change stamp; filtering contacts by the other one answers nothing, silently.
pub(crate) fn modified_property(object: &Object) -> &'static str {
    match object {
        Object::Contact => "lastmodifieddate",
        _ => "hs_lastmodifieddate",
    }
}

/// The object an inline or batch association list is about, by HubSpot's plural name.
pub(crate) fn object_of(kind: &str) -> Option<Object> {
    Some(match kind {
        "contacts" | "contact" | "0-1" => Object::Contact,
        "companies" | "company" | "0-2" => Object::Company,
        "deals" | "deal" | "0-3" => Object::Deal,
        "leads" | "lead" | "0-136" => Object::Lead,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_setting_moves_every_path() {
        let (new, old) = (Paths(ApiVersion::V2026_09), Paths(ApiVersion::V3));
        assert_eq!(new.objects("contacts"), "/crm/objects/2026-09/contacts");
        assert_eq!(old.objects("contacts"), "/crm/v3/objects/contacts");
        assert_eq!(new.associations("deals", "contacts"), "/crm/associations/2026-09/deals/contacts/batch/read");
        assert_eq!(old.associations("deals", "contacts"), "/crm/v4/associations/deals/contacts/batch/read");
        assert_eq!(new.account(), "/account-info/2026-09/details");
        assert_eq!(old.account(), "/account-info/v3/details");
        assert_eq!(Paths(ApiVersion::V2026_03).owners(), "/crm/owners/2026-03");
    }

    #[test]
    fn an_object_name_cannot_leave_its_path_segment() {
        assert_eq!(kind_of(&Object::Other("2-17".into())).unwrap(), "2-17");
        for bad in ["../contacts", "a/b", "a?b", ""] {
            assert!(kind_of(&Object::Other(bad.into())).is_err(), "{bad}");
        }
    }
}
