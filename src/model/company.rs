//! Companies: what names one, which of several a person belongs to, and the questions asked of the rules about it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use connector::{ConnectionName, RecordId, Timestamp};

use crate::model::{Attribute, Profile, TraitName};

/// What a company is known by. Its own key stays with it for ever; a domain may be claimed by a company with another key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CompanyKey {
    /// The id that the customer's own systems give it: `groupId` and `traits.company.id`, whatever the source.
    Group(Arc<str>),
    /// A company record at a CRM.
    Account { connection: ConnectionName, id: RecordId },
    /// A registrable domain, in ASCII, that no other company claims alone.
    Domain(Arc<str>),
}

/// `group:G-1`, `crm:hubspot:20000000001`, `domain:northwind.example`
impl fmt::Display for CompanyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(id) => write!(f, "group:{id}"),
            Self::Account { connection, id } => write!(f, "crm:{connection}:{id}"),
            Self::Domain(domain) => write!(f, "domain:{domain}"),
        }
    }
}

impl CompanyKey {
    /// Reads what [`fmt::Display`] wrote; a CRM key may name its object (`crm:hubspot:company:7`) as identifiers do.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, value) = text.split_once(':')?;
        let value = value.trim();
        match kind {
            _ if value.is_empty() => None,
            "group" => Some(Self::Group(value.into())),
            "domain" => Some(Self::Domain(value.to_lowercase().into())),
            "crm" => {
                let (connection, id) = value.split_once(':')?;
                let id = id.strip_prefix("company:").unwrap_or(id);
                let whole = !connection.is_empty() && !id.is_empty();
                whole.then(|| Self::Account { connection: connection.into(), id: id.into() })
            }
            _ => None,
        }
    }
}

/// What ties a person to a company, strongest first (`cdp-semantics` §2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClaimKind {
    /// `groupId` of a group message, or `context.groupId` of any.
    Group,
    /// A live CRM record of the person is associated with a company record.
    Account,
    /// `traits.company.id`.
    DeclaredId,
    /// The domain of an e-mail address.
    EmailDomain,
    /// The domain of a website that the person's traits name.
    Website,
}

impl ClaimKind {
    pub const ALL: [Self; 5] = [Self::Group, Self::Account, Self::DeclaredId, Self::EmailDomain, Self::Website];

    /// What people and `--json` read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Account => "crm",
            Self::DeclaredId => "company_id",
            Self::EmailDomain => "email_domain",
            Self::Website => "website",
        }
    }

    /// Whether it says nothing but a domain: such a person goes where the domain goes.
    pub fn is_by_domain(self) -> bool {
        matches!(self, Self::EmailDomain | Self::Website)
    }
}

/// One company that one person is tied to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    pub kind: ClaimKind,
    pub key: CompanyKey,
}

/// Everything about one person that bears on where they work.
#[derive(Clone, Copy, Debug)]
pub struct CompanyEvidence<'a> {
    pub profile: &'a Profile,
    /// Group ids, each with the latest instant it was said at.
    pub groups: &'a [(Arc<str>, Timestamp)],
    /// Live company records that the person's live records are associated with.
    pub accounts: &'a [(ConnectionName, RecordId)],
    /// Normalised addresses.
    pub emails: &'a [Arc<str>],
}

/// What the rules make of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompanyClaims {
    /// Best first, each (kind, key) once: the first names the primary company.
    pub claims: Vec<Claim>,
    /// Whether any address has a domain that names a company.
    pub email_is_business: bool,
}

/// The rules of `[company]`. Pure: the result depends on the arguments alone, never on their order.
pub trait CompanyRules: fmt::Debug + Send + Sync {
    fn claims(&self, evidence: &CompanyEvidence<'_>) -> CompanyClaims;

    /// The domains that a company with these traits (`domain`, `website`) claims, the first its own.
    fn domains(&self, attributes: &BTreeMap<TraitName, Attribute>) -> Vec<Arc<str>>;

    /// Another text under other rules: what was decided under the old ones is decided anew.
    fn fingerprint(&self) -> String;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back() {
        for key in ["group:G:1", "crm:hubspot:20000000001", "domain:northwind.example"] {
            assert_eq!(CompanyKey::parse(key).unwrap().to_string(), key);
        }
        assert_eq!(CompanyKey::parse("crm:acme:company:7").unwrap().to_string(), "crm:acme:7");
        for wrong in ["", "group:", "crm:acme", "crm::7", "firm:1", "northwind.example"] {
            assert_eq!(CompanyKey::parse(wrong), None, "{wrong:?}");
        }
    }
}
