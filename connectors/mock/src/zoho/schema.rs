//! What a field is, and the fields of one module, found by their API names.

use std::collections::HashMap;
use std::sync::Arc;

use super::kind::Kind;

/// A field's place in its module's schema: stable for the life of the org, also when other fields come or go.
pub type FieldId = u16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    Text,
    TextArea,
    Email,
    Phone,
    Website,
    Integer,
    BigInt,
    Double,
    Currency,
    Percent,
    Boolean,
    Date,
    DateTime,
    Picklist,
    MultiPicklist,
    /// Points at records of one module.
    Lookup(Kind),
    /// Points at records of several modules (`What_Id`, `Parent_Id`).
    AnyLookup,
    /// Points at a user.
    User,
    Tags,
}

impl FieldType {
    /// `data_type` in metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::TextArea => "textarea",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Website => "website",
            Self::Integer => "integer",
            Self::BigInt => "bigint",
            Self::Double => "double",
            Self::Currency => "currency",
            Self::Percent => "percent",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Picklist => "picklist",
            Self::MultiPicklist => "multiselectpicklist",
            Self::Lookup(_) | Self::AnyLookup => "lookup",
            Self::User => "ownerlookup",
            Self::Tags => "text",
        }
    }

    /// `json_type` in metadata.
    pub fn json_name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Double | Self::Currency | Self::Percent => "double",
            Self::Boolean => "boolean",
            Self::MultiPicklist | Self::Tags => "jsonarray",
            Self::Lookup(_) | Self::AnyLookup | Self::User => "jsonobject",
            _ => "string",
        }
    }

    pub fn is_lookup(self) -> bool {
        matches!(self, Self::Lookup(_) | Self::AnyLookup | Self::User)
    }

    pub fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::BigInt | Self::Double | Self::Currency | Self::Percent)
    }
}

/// What the integration user's profile may do with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    None,
    Read,
    Edit,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// What is stored and written.
    pub actual: String,
    /// What people see.
    pub display: String,
    /// In use; a value taken out of the list is refused but stays where it is.
    pub used: bool,
}

impl Choice {
    pub fn plain(value: &str) -> Self {
        Self { actual: value.to_owned(), display: value.to_owned(), used: true }
    }
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: Arc<str>,
    pub label: String,
    pub ty: FieldType,
    /// Characters of a text, digits of a whole number.
    pub length: u32,
    pub decimals: u32,
    pub custom: bool,
    /// Set by the system only.
    pub read_only: bool,
    pub mandatory: bool,
    /// A key that no two records share.
    pub unique: bool,
    /// A key of another system, usable with `X-EXTERNAL`.
    pub external: bool,
    pub choices: Vec<Choice>,
    pub access: Access,
    pub tooltip: Option<String>,
    /// Deleted by an admin: as if it had never been.
    pub removed: bool,
}

impl Field {
    pub fn is_writable(&self) -> bool {
        !self.removed && !self.read_only && self.access == Access::Edit
    }

    pub fn is_visible(&self) -> bool {
        !self.removed && self.access != Access::None
    }

    /// Whether a held record can be found by it without looking at each.
    pub fn is_indexed(&self) -> bool {
        self.unique || self.external || self.ty.is_lookup() || self.ty == FieldType::Email || self.is_name()
    }

    fn is_name(&self) -> bool {
        matches!(&*self.name, "Account_Name" | "Deal_Name")
    }
}

#[derive(Clone, Debug, Default)]
pub struct Schema {
    fields: Vec<Field>,
    by_name: HashMap<Arc<str>, FieldId>,
}

impl Schema {
    pub fn new(fields: Vec<Field>) -> Self {
        let mut schema = Self::default();
        for field in fields {
            schema.add(field);
        }
        schema
    }

    /// Adds a field, or puts it in the place of one of the same name.
    pub fn add(&mut self, field: Field) -> FieldId {
        if let Some(id) = self.by_name.get(&field.name).copied() {
            if let Some(slot) = self.fields.get_mut(usize::from(id)) {
                *slot = field;
            }
            return id;
        }
        let id = FieldId::try_from(self.fields.len()).unwrap_or(FieldId::MAX);
        self.by_name.insert(field.name.clone(), id);
        self.fields.push(field);
        id
    }

    /// A field by its API name, unless deleted.
    pub fn get(&self, name: &str) -> Option<(FieldId, &Field)> {
        let id = self.by_name.get(name).copied()?;
        let field = self.fields.get(usize::from(id))?;
        (!field.removed).then_some((id, field))
    }

    /// A field as the integration user's profile sees it.
    pub fn visible(&self, name: &str) -> Option<(FieldId, &Field)> {
        self.get(name).filter(|(_, field)| field.is_visible())
    }

    pub fn field(&self, id: FieldId) -> Option<&Field> {
        self.fields.get(usize::from(id))
    }

    pub fn field_mut(&mut self, id: FieldId) -> Option<&mut Field> {
        self.fields.get_mut(usize::from(id))
    }

    /// A field's place by its name, deleted or not.
    pub fn id_of(&self, name: &str) -> Option<FieldId> {
        self.by_name.get(name).copied()
    }

    /// In order of definition, deleted ones left out.
    pub fn all(&self) -> impl Iterator<Item = (FieldId, &Field)> {
        self.fields.iter().enumerate().filter(|(_, field)| !field.removed).map(|(at, field)| (at as FieldId, field))
    }
}
