//! Field definitions in few words, for the catalogue.

use super::kind::Kind;
use super::schema::{Access, Field, FieldType, PickValue};

/// A standard field that may be read, created and updated, and may be empty.
pub fn field(name: &str, label: &str, ty: FieldType) -> Field {
    Field {
        name: name.into(),
        label: label.to_owned(),
        ty,
        length: default_length(ty),
        precision: 0,
        scale: 0,
        nillable: ty != FieldType::Boolean,
        defaulted: ty == FieldType::Boolean,
        createable: true,
        updateable: true,
        calculated: false,
        unique: false,
        external_id: false,
        id_lookup: false,
        case_sensitive: matches!(ty, FieldType::Id | FieldType::Reference),
        custom: false,
        restricted: false,
        values: Vec::new(),
        reference_to: Vec::new(),
        relationship: None,
        child_relationship: None,
        help: None,
        access: Access::Edit,
        needs_permission: false,
        removed: false,
    }
}

fn default_length(ty: FieldType) -> u32 {
    match ty {
        FieldType::Id | FieldType::Reference => 18,
        FieldType::Email => 80,
        FieldType::Phone => 40,
        FieldType::Text | FieldType::TextArea | FieldType::Url | FieldType::Picklist => 255,
        FieldType::MultiPicklist => 4_099,
        _ => 0,
    }
}

pub fn text(name: &str, label: &str, length: u32) -> Field {
    Field { length, ..field(name, label, FieldType::Text) }
}

pub fn area(name: &str, label: &str, length: u32) -> Field {
    Field { length, ..field(name, label, FieldType::TextArea) }
}

pub fn flag(name: &str, label: &str) -> Field {
    field(name, label, FieldType::Boolean)
}

pub fn number(name: &str, label: &str, ty: FieldType, precision: u32, scale: u32) -> Field {
    Field { precision, scale, ..field(name, label, ty) }
}

/// `digits` is how many a whole number may have.
pub fn int(name: &str, label: &str, digits: u32) -> Field {
    Field { precision: digits, ..field(name, label, FieldType::Int) }
}

/// A picklist; the first value is its default when `default` is set.
pub fn pick(name: &str, label: &str, restricted: bool, default: Option<&str>, values: &[&str]) -> Field {
    let value = |value: &&str| PickValue {
        value: (*value).to_owned(),
        label: (*value).to_owned(),
        active: true,
        default: default == Some(*value),
    };
    Field {
        restricted,
        defaulted: default.is_some(),
        values: values.iter().map(value).collect(),
        ..field(name, label, FieldType::Picklist)
    }
}

/// A lookup. `children` is what the parent calls the records that point at it.
pub fn lookup(name: &str, label: &str, to: &[Kind], relationship: &str, children: Option<&str>) -> Field {
    Field {
        reference_to: to.to_vec(),
        relationship: (!relationship.is_empty()).then(|| relationship.to_owned()),
        child_relationship: children.map(str::to_owned),
        ..field(name, label, FieldType::Reference)
    }
}

impl Field {
    pub fn required(self) -> Self {
        Self { nillable: false, ..self }
    }

    /// Neither created nor updated through the API.
    pub fn read_only(self) -> Self {
        Self { createable: false, updateable: false, ..self }
    }

    /// Made by the CRM from other fields.
    pub fn computed(self) -> Self {
        Self { calculated: true, ..self.read_only() }
    }

    pub fn create_only(self) -> Self {
        Self { updateable: false, ..self }
    }

    pub fn lookup_key(self) -> Self {
        Self { id_lookup: true, ..self }
    }

    pub fn with_default(self) -> Self {
        Self { defaulted: true, ..self }
    }
}

/// The seven fields every schema begins with, in the order `records` counts on.
pub fn system_fields(kind: Kind) -> Vec<Field> {
    let label = format!("{} ID", kind.name());
    let id =
        Field { nillable: false, defaulted: true, id_lookup: true, ..field("Id", &label, FieldType::Id).read_only() };
    let stamp = |name: &str, label: &str| Field {
        nillable: false,
        defaulted: true,
        ..field(name, label, FieldType::DateTime).read_only()
    };
    let user = |name: &str, label: &str, relationship: &str| Field {
        nillable: false,
        defaulted: true,
        ..lookup(name, label, &[Kind::User], relationship, None).read_only()
    };
    let stays = matches!(kind, Kind::User | Kind::Organization | Kind::LeadStatus | Kind::OpportunityStage)
        || matches!(kind, Kind::PermissionSet | Kind::FieldPermissions | Kind::PermissionSetAssignment)
        || matches!(kind, Kind::Group | Kind::AssignmentRule);
    vec![
        id,
        Field { removed: stays, ..flag("IsDeleted", "Deleted").read_only() },
        stamp("CreatedDate", "Created Date"),
        user("CreatedById", "Created By ID", "CreatedBy"),
        stamp("LastModifiedDate", "Last Modified Date"),
        user("LastModifiedById", "Last Modified By ID", "LastModifiedBy"),
        stamp("SystemModstamp", "System Modstamp"),
    ]
}

/// Five text parts under one stem and the compound of them: `MailingStreet` … `MailingAddress`.
pub fn address(stem: &str, label: &str) -> Vec<Field> {
    let part = |part: &str, length| text(&format!("{stem}{part}"), format!("{label} {part}").trim(), length);
    vec![
        Field { ty: FieldType::TextArea, ..part("Street", 255) },
        part("City", 40),
        part("State", 80),
        part("PostalCode", 20),
        part("Country", 80),
        field(&format!("{stem}Address"), format!("{label} Address").trim(), FieldType::Address).computed(),
    ]
}
