//! What a new record gets where its CRM insists on a value that nobody knows. Pure; connectors add it to creates only: what
//! people have written on a record that is there stays.

use std::sync::Arc;

/// Stand-ins for values that a CRM does not create a person without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    pub last_name: LastName,
    /// A lead's company where neither the mapping nor its web site gives one.
    pub company: Arc<str>,
}

/// The last name of somebody of whom none is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastName {
    /// What stands before the `@` of the e-mail address; `Unknown` without an address.
    EmailLocal,
    /// Always this text.
    Text(Arc<str>),
}

const UNKNOWN: &str = "Unknown";

impl Default for Creation {
    /// What people who import leads are used to.
    fn default() -> Self {
        Self { last_name: LastName::EmailLocal, company: "[not provided]".into() }
    }
}

impl Creation {
    /// The last name of a person with this e-mail address, in at most `longest` characters.
    pub fn last_name(&self, address: Option<&str>, longest: usize) -> String {
        let name = match &self.last_name {
            LastName::EmailLocal => address.and_then(local_part).unwrap_or(UNKNOWN),
            LastName::Text(text) => text,
        };
        name.chars().take(longest).collect()
    }

    /// The company of a lead with this web site, in at most `longest` characters.
    pub fn company(&self, site: Option<&str>, longest: usize) -> String {
        site.and_then(host).unwrap_or(&self.company).chars().take(longest).collect()
    }
}

/// `m.ruiz` of `m.ruiz@acme.example`.
fn local_part(address: &str) -> Option<&str> {
    let (local, domain) = address.trim().rsplit_once('@')?;
    (!local.trim().is_empty() && !domain.is_empty()).then(|| local.trim())
}

/// `acme.example` of `https://www.acme.example/about`.
fn host(site: &str) -> Option<&str> {
    let rest = site.trim().split_once("://").map_or(site.trim(), |(_, rest)| rest);
    let host = rest.split(['/', '?', '#', ':']).next()?;
    let host = host.strip_prefix("www.").unwrap_or(host);
    (host.contains('.') && !host.contains(char::is_whitespace)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_name_is_the_addresss_or_the_one_that_was_configured() {
        let creation = Creation::default();
        let of = |address| creation.last_name(address, 80);
        assert_eq!(of(Some("m.ruiz@acme.example")), "m.ruiz");
        assert_eq!(of(Some(" m.ruiz @acme.example ")), "m.ruiz");
        for nameless in [None, Some(""), Some("@acme.example"), Some("m.ruiz"), Some("m.ruiz@")] {
            assert_eq!(of(nameless), "Unknown", "{nameless:?}");
        }
        assert_eq!(creation.last_name(Some("ééé@acme.example"), 2), "éé");
        let fixed = Creation { last_name: LastName::Text("(no name)".into()), ..Creation::default() };
        assert_eq!(fixed.last_name(Some("m.ruiz@acme.example"), 80), "(no name)");
        assert_eq!(fixed.last_name(None, 3), "(no");
    }

    #[test]
    fn a_company_is_the_sites_or_the_stand_in() {
        let creation = Creation::default();
        for site in ["https://www.acme.example/x", "acme.example", "http://acme.example:8080?a=b"] {
            assert_eq!(creation.company(Some(site), 200), "acme.example", "{site}");
        }
        for none in [None, Some("none"), Some("to be told.")] {
            assert_eq!(creation.company(none, 200), "[not provided]", "{none:?}");
        }
        assert_eq!(creation.company(Some("acme.example"), 4), "acme");
    }
}
