//! What a field is, and the fields of one object: found by name in any capitals, shown in canonical ones.

use std::collections::HashMap;
use std::sync::Arc;

use super::kind::Kind;

/// A field's place in its object's schema: stable for the life of the org, also when other fields come or go.
pub type FieldId = u16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    Id,
    Text,
    TextArea,
    Email,
    Phone,
    Url,
    Double,
    Percent,
    Currency,
    Int,
    Boolean,
    Date,
    DateTime,
    Picklist,
    MultiPicklist,
    Reference,
    /// Compound and read only; made from the fields that begin with its name's stem (`MailingCity`, …).
    Address,
}

impl FieldType {
    /// `type` in a describe.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Text => "string",
            Self::TextArea => "textarea",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::Double => "double",
            Self::Percent => "percent",
            Self::Currency => "currency",
            Self::Int => "int",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Picklist => "picklist",
            Self::MultiPicklist => "multipicklist",
            Self::Reference => "reference",
            Self::Address => "address",
        }
    }

    /// `soapType` in a describe.
    pub fn soap_name(self) -> &'static str {
        match self {
            Self::Id | Self::Reference => "tns:ID",
            Self::Double | Self::Percent | Self::Currency => "xsd:double",
            Self::Int => "xsd:int",
            Self::Boolean => "xsd:boolean",
            Self::Date => "xsd:date",
            Self::DateTime => "xsd:dateTime",
            Self::Address => "urn:address",
            _ => "xsd:string",
        }
    }

    pub fn is_number(self) -> bool {
        matches!(self, Self::Double | Self::Percent | Self::Currency)
    }
}

/// What field-level security grants the integration user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// The field does not exist for describe, SOQL or writes.
    None,
    Read,
    Edit,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PickValue {
    pub value: String,
    pub label: String,
    pub active: bool,
    pub default: bool,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: Arc<str>,
    pub label: String,
    pub ty: FieldType,
    pub length: u32,
    pub precision: u32,
    pub scale: u32,
    /// Whether it may be empty; a field that may not and is not `defaulted` is required on create.
    pub nillable: bool,
    pub defaulted: bool,
    pub createable: bool,
    pub updateable: bool,
    pub calculated: bool,
    pub unique: bool,
    pub external_id: bool,
    pub id_lookup: bool,
    pub case_sensitive: bool,
    pub custom: bool,
    pub restricted: bool,
    pub values: Vec<PickValue>,
    pub reference_to: Vec<Kind>,
    /// `Account` for `AccountId`: the name that reaches the parent in SOQL and in nested writes.
    pub relationship: Option<String>,
    /// What the parent calls these children in a subquery (`Contacts`).
    pub child_relationship: Option<String>,
    pub help: Option<String>,
    pub access: Access,
    /// Whether permission sets decide `access` (fields made through the Tooling API).
    pub needs_permission: bool,
    /// Removed by an admin: as if it had never been.
    pub removed: bool,
}

impl Field {
    pub fn is_visible(&self) -> bool {
        !self.removed && self.access != Access::None
    }

    /// Whether the table keeps an index of it: [`super::org::Org::find`] is fast.
    pub fn is_indexed(&self) -> bool {
        self.unique || self.external_id || self.id_lookup || self.ty == FieldType::Reference
    }

    /// Whether an upsert may use it as its key.
    pub fn is_upsert_key(&self) -> bool {
        self.external_id || self.id_lookup
    }

    pub fn is_required(&self) -> bool {
        !self.nillable && !self.defaulted && self.createable && self.ty != FieldType::Boolean
    }
}

#[derive(Clone, Debug)]
pub struct Schema {
    fields: Vec<Field>,
    by_name: HashMap<String, FieldId>,
    /// Rises with every change, for `If-Modified-Since` on describe.
    pub changed_at: crate::clock::Millis,
}

impl Schema {
    pub fn new(fields: Vec<Field>) -> Self {
        let mut schema = Self { fields: Vec::new(), by_name: HashMap::new(), changed_at: 0 };
        for field in fields {
            schema.add(field);
        }
        schema
    }

    /// Adds a field, or puts it in the place of one of the same name.
    pub fn add(&mut self, field: Field) -> FieldId {
        let name = field.name.to_lowercase();
        if let Some(id) = self.by_name.get(&name).copied()
            && let Some(slot) = self.fields.get_mut(usize::from(id))
        {
            *slot = field;
            return id;
        }
        let id = FieldId::try_from(self.fields.len()).unwrap_or(FieldId::MAX);
        self.by_name.insert(name, id);
        self.fields.push(field);
        id
    }

    /// A field by name, visible to the integration user or not, unless removed.
    pub fn any(&self, name: &str) -> Option<(FieldId, &Field)> {
        let id = match self.by_name.get(name) {
            Some(id) => *id,
            None => *self.by_name.get(&name.to_ascii_lowercase())?,
        };
        let field = self.fields.get(usize::from(id))?;
        (!field.removed).then_some((id, field))
    }

    /// A field by name as the integration user sees it: what SOQL, describe and writes must use.
    pub fn visible(&self, name: &str) -> Option<(FieldId, &Field)> {
        self.any(name).filter(|(_, field)| field.is_visible())
    }

    /// A field's place by its name, removed or not.
    pub fn id_of(&self, name: &str) -> Option<FieldId> {
        self.by_name.get(&name.to_ascii_lowercase()).copied()
    }

    pub fn field(&self, id: FieldId) -> Option<&Field> {
        self.fields.get(usize::from(id))
    }

    pub fn field_mut(&mut self, id: FieldId) -> Option<&mut Field> {
        self.fields.get_mut(usize::from(id))
    }

    /// The reference field that a relationship name (`Account`, `Region__r`) goes through.
    pub fn relationship(&self, name: &str) -> Option<(FieldId, &Field)> {
        self.visible_fields()
            .find(|(_, field)| field.relationship.as_deref().is_some_and(|each| each.eq_ignore_ascii_case(name)))
    }

    /// In order of definition, removed ones left out.
    pub fn all_fields(&self) -> impl Iterator<Item = (FieldId, &Field)> {
        self.fields.iter().enumerate().filter(|(_, f)| !f.removed).map(|(at, field)| (at as FieldId, field))
    }

    pub fn visible_fields(&self) -> impl Iterator<Item = (FieldId, &Field)> {
        self.all_fields().filter(|(_, field)| field.is_visible())
    }
}
