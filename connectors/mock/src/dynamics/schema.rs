//! What a column is, and the columns of one table, found by their logical names.

use std::collections::HashMap;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::kind::Kind;

/// A column's place in its table: stable for the life of the org.
pub type ColumnId = u16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ty {
    Guid,
    Text,
    Memo,
    Int,
    BigInt,
    Decimal,
    Double,
    Money,
    Bool,
    /// A date without a time.
    Day,
    Instant,
    Choice,
    MultiChoice,
    State,
    Status,
    Lookup,
    Customer,
    Owner,
    /// Described, but no property of a row: shadows of lookups and choices.
    Virtual,
    /// The logical name of a table, as text.
    EntityName,
}

impl Ty {
    pub fn is_lookup(self) -> bool {
        matches!(self, Self::Lookup | Self::Customer | Self::Owner)
    }

    pub fn is_choice(self) -> bool {
        matches!(self, Self::Choice | Self::State | Self::Status)
    }

    /// `AttributeType`, and `AttributeTypeName` without its `Type`.
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Guid => ("Uniqueidentifier", "Uniqueidentifier"),
            Self::Text => ("String", "String"),
            Self::Memo => ("Memo", "Memo"),
            Self::Int => ("Integer", "Integer"),
            Self::BigInt => ("BigInt", "BigInt"),
            Self::Decimal => ("Decimal", "Decimal"),
            Self::Double => ("Double", "Double"),
            Self::Money => ("Money", "Money"),
            Self::Bool => ("Boolean", "Boolean"),
            Self::Day | Self::Instant => ("DateTime", "DateTime"),
            Self::Choice => ("Picklist", "Picklist"),
            Self::MultiChoice => ("Virtual", "MultiSelectPicklist"),
            Self::State => ("State", "State"),
            Self::Status => ("Status", "Status"),
            Self::Lookup => ("Lookup", "Lookup"),
            Self::Customer => ("Customer", "Customer"),
            Self::Owner => ("Owner", "Owner"),
            Self::Virtual => ("Virtual", "Virtual"),
            Self::EntityName => ("EntityName", "EntityName"),
        }
    }

    /// `Microsoft.Dynamics.CRM.{…}AttributeMetadata`.
    pub fn metadata_name(self) -> &'static str {
        match self {
            Self::Customer | Self::Owner => "Lookup",
            Self::Guid => "UniqueIdentifier",
            Self::Virtual => "",
            other => other.names().1,
        }
    }

    /// The type a generic client reads in `$metadata`.
    pub fn edm(self) -> &'static str {
        match self {
            Self::Guid | Self::Lookup | Self::Customer | Self::Owner => "Edm.Guid",
            Self::Text | Self::Memo | Self::MultiChoice | Self::Virtual | Self::EntityName => "Edm.String",
            Self::Int | Self::Choice | Self::State | Self::Status => "Edm.Int32",
            Self::BigInt => "Edm.Int64",
            Self::Decimal | Self::Money => "Edm.Decimal",
            Self::Double => "Edm.Double",
            Self::Bool => "Edm.Boolean",
            Self::Day => "Edm.Date",
            Self::Instant => "Edm.DateTimeOffset",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    pub value: i64,
    pub label: String,
    /// Of a status: the state it belongs to.
    pub state: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Required {
    None,
    /// Forms ask for it; the API does not.
    Recommended,
    /// A row cannot be without it.
    System,
}

/// A single-valued navigation property: its exact spelling, and where it leads.
#[derive(Clone, Debug, PartialEq)]
pub struct Nav {
    pub name: String,
    pub target: Kind,
}

#[derive(Clone, Debug)]
pub struct Column {
    pub logical: Arc<str>,
    pub schema: String,
    pub label: String,
    pub ty: Ty,
    /// `Format` or `FormatName`: `Text`, `Email`, `Url`, `Phone`, `TextArea`, `DateOnly`, …
    pub format: String,
    /// `UserLocal`, `DateOnly`, `TimeZoneIndependent`.
    pub behavior: &'static str,
    pub max_length: usize,
    pub min: Decimal,
    pub max: Decimal,
    pub precision: u32,
    pub choices: Vec<Choice>,
    pub navs: Vec<Nav>,
    pub required: Required,
    pub read: bool,
    pub create: bool,
    pub update: bool,
    pub custom: bool,
    /// The column this is a shadow of.
    pub attribute_of: Option<String>,
    /// `x` of a column `x_base`.
    pub base_of: Option<String>,
    pub default: Option<i64>,
    pub indexed: bool,
    /// The user may read it and not write it: column security.
    pub secured: bool,
    /// Removed by an admin.
    pub removed: bool,
}

impl Column {
    /// The name of the property a row shows it as.
    pub fn property(&self) -> String {
        if self.ty.is_lookup() { format!("_{}_value", self.logical) } else { self.logical.to_string() }
    }

    /// Whether rows show it.
    pub fn is_shown(&self) -> bool {
        self.read && !self.removed && !matches!(self.ty, Ty::Virtual | Ty::EntityName)
    }

    pub fn choice(&self, value: i64) -> Option<&Choice> {
        self.choices.iter().find(|choice| choice.value == value)
    }
}

/// The columns of one table.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    columns: Vec<Column>,
    by_name: HashMap<String, ColumnId>,
    pub tracked: bool,
    pub optimistic: bool,
    pub keys: Vec<Key>,
}

/// An alternate key.
#[derive(Clone, Debug)]
pub struct Key {
    pub schema: String,
    pub label: String,
    pub columns: Vec<ColumnId>,
    /// The index is built after this instant.
    pub active_at: crate::clock::Millis,
}

impl Schema {
    pub fn new(columns: Vec<Column>) -> Self {
        let mut schema = Self::default();
        for column in columns {
            schema.add(column);
        }
        schema
    }

    /// Adds a column, or puts it in the place of one of the same name.
    pub fn add(&mut self, column: Column) -> ColumnId {
        let name = column.logical.to_string();
        if let Some(id) = self.by_name.get(&name).copied()
            && let Some(slot) = self.columns.get_mut(usize::from(id))
        {
            *slot = column;
            return id;
        }
        let id = ColumnId::try_from(self.columns.len()).unwrap_or(ColumnId::MAX);
        self.by_name.insert(name, id);
        self.columns.push(column);
        id
    }

    /// By logical name.
    pub fn column(&self, name: &str) -> Option<(ColumnId, &Column)> {
        let id = *self.by_name.get(name)?;
        let column = self.columns.get(usize::from(id))?;
        (!column.removed).then_some((id, column))
    }

    pub fn column_mut(&mut self, name: &str) -> Option<&mut Column> {
        let id = *self.by_name.get(name)?;
        self.columns.get_mut(usize::from(id))
    }

    /// By the name of the property rows show: `_x_value` for a lookup.
    pub fn property(&self, name: &str) -> Option<(ColumnId, &Column)> {
        let lookup = name.strip_prefix('_').and_then(|rest| rest.strip_suffix("_value"));
        let found = self.column(lookup.unwrap_or(name))?;
        let fits = found.1.is_shown() && found.1.ty.is_lookup() == lookup.is_some();
        fits.then_some(found)
    }

    /// By a single-valued navigation property, in its exact spelling.
    pub fn nav(&self, name: &str) -> Option<(ColumnId, Kind)> {
        self.columns().find_map(|(id, column)| {
            let nav = column.navs.iter().find(|nav| nav.name == name)?;
            Some((id, nav.target))
        })
    }

    pub fn get(&self, id: ColumnId) -> Option<&Column> {
        self.columns.get(usize::from(id))
    }

    /// In order of definition, removed ones left out.
    pub fn columns(&self) -> impl Iterator<Item = (ColumnId, &Column)> {
        self.columns.iter().enumerate().filter(|(_, c)| !c.removed).map(|(at, column)| (at as ColumnId, column))
    }
}
