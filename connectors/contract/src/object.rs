//! What a CRM holds: kinds of object and the ids of records.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A kind of CRM object. The six known kinds mean the same at every CRM, whatever the vendor calls them; any other
/// object is named as the vendor names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Object {
    Contact,
    Lead,
    Company,
    Deal,
    Activity,
    User,
    /// A vendor's own object, by the vendor's name.
    Other(Arc<str>),
}

impl Object {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Contact => "contact",
            Self::Lead => "lead",
            Self::Company => "company",
            Self::Deal => "deal",
            Self::Activity => "activity",
            Self::User => "user",
            Self::Other(name) => name,
        }
    }

    /// Whether records of this object are people, so that they resolve to profiles.
    pub fn is_person(&self) -> bool {
        matches!(self, Self::Contact | Self::Lead)
    }
}

impl FromStr for Object {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(match name {
            "contact" => Self::Contact,
            "lead" => Self::Lead,
            "company" => Self::Company,
            "deal" => Self::Deal,
            "activity" => Self::Activity,
            "user" => Self::User,
            "" => return Err("an object needs a name".into()),
            other => Self::Other(other.into()),
        })
    }
}

impl TryFrom<String> for Object {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<Object> for String {
    fn from(object: Object) -> Self {
        object.as_str().to_owned()
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A record's id at its CRM, exactly as the CRM writes it. Never parsed as a number: ids outgrow 2^53.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordId(Arc<str>);

impl RecordId {
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RecordId {
    fn from(id: &str) -> Self {
        Self(id.into())
    }
}

impl From<String> for RecordId {
    fn from(id: String) -> Self {
        Self(id.into())
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a connection: a `[[crm]]` entry of `sync.toml`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionName(Arc<str>);

impl ConnectionName {
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ConnectionName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for ConnectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
