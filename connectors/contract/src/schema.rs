//! What fields an object has at a CRM.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Object;

/// A field's name at the CRM, shared rather than copied: a million records name the same ten fields.
pub type FieldName = Arc<str>;

/// The fields of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    pub object: Object,
    pub fields: BTreeMap<FieldName, FieldSpec>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldSpec {
    pub name: FieldName,
    pub label: Arc<str>,
    pub kind: FieldKind,
    /// Whether the API accepts a value for it from this credential.
    pub writable: bool,
    /// Whether the CRM refuses two records with the same value.
    pub unique: bool,
    /// Longest text it takes, in characters, where the CRM has a limit.
    pub max_length: Option<u32>,
}

/// What a field holds, in the words all CRMs share (`cdp-semantics` §8.5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    Text,
    Integer,
    /// A number with at most `scale` decimal places, where the CRM rounds; `None` where it keeps what it is given.
    Decimal {
        scale: Option<u32>,
    },
    Bool,
    Date,
    Instant,
    /// One of `options` (their API values). Empty where the CRM keeps the list elsewhere (owners, stages).
    Choice {
        options: Vec<Arc<str>>,
    },
    MultiChoice {
        options: Vec<Arc<str>>,
    },
    Reference,
    /// A kind the connector does not know; compared and written as text.
    Other(Arc<str>),
}

const LONG_TEXT: &str = "long text";

impl FieldKind {
    /// Text of several lines, some thousand characters, for a field to be made. Fields read are [`FieldKind::Text`] however long.
    pub fn long_text() -> Self {
        Self::Other(LONG_TEXT.into())
    }

    pub fn is_long_text(&self) -> bool {
        matches!(self, Self::Other(word) if **word == *LONG_TEXT)
    }

    /// The word shown to people.
    pub fn word(&self) -> &str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Decimal { .. } => "number",
            Self::Bool => "yes/no",
            Self::Date => "date",
            Self::Instant => "date and time",
            Self::Choice { .. } => "choice",
            Self::MultiChoice { .. } => "multi-choice",
            Self::Reference => "reference",
            Self::Other(word) => word,
        }
    }
}

/// A field to be created at the CRM: one of Ferry's own enrichment fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewField {
    pub name: FieldName,
    pub label: Arc<str>,
    pub description: Arc<str>,
    pub kind: FieldKind,
    pub unique: bool,
}

/// What [`crate::Connector::create_field`] found or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreatedField {
    /// Created now; the name is the one the CRM gave it.
    Created(FieldName),
    /// It existed already; its kind was left alone.
    Existed(FieldName),
}
