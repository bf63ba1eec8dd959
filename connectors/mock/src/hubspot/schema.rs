//! Property definitions of one object, and the JSON they are read and written as.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::clock::{Millis, iso};

/// A property name, shared by every record that holds it.
pub type Name = Arc<str>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Text,
    Number,
    Bool,
    Enumeration,
    Date,
    DateTime,
}

impl Type {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Number => "number",
            Self::Bool => "bool",
            Self::Enumeration => "enumeration",
            Self::Date => "date",
            Self::DateTime => "datetime",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Text, Self::Number, Self::Bool, Self::Enumeration, Self::Date, Self::DateTime]
            .into_iter()
            .find(|each| each.as_str() == name)
    }

    /// The `fieldType`s the vendor accepts for this type.
    pub fn field_types(self) -> &'static [&'static str] {
        match self {
            Self::Text => &["text", "textarea", "html", "file", "phonenumber", "calculation_equation"],
            Self::Number => &["number", "calculation_equation"],
            Self::Bool => &["booleancheckbox", "calculation_equation"],
            Self::Enumeration => &["select", "radio", "checkbox", "booleancheckbox", "calculation_equation"],
            Self::Date | Self::DateTime => &["date"],
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub hidden: bool,
    pub description: String,
}

impl Choice {
    pub fn plain(value: &str, label: &str) -> Self {
        Self { value: value.into(), label: label.into(), hidden: false, description: String::new() }
    }
}

#[derive(Clone, Debug)]
pub struct Property {
    pub name: Name,
    pub label: String,
    pub kind: Type,
    pub field_type: String,
    pub group: String,
    pub description: String,
    pub choices: Vec<Choice>,
    pub unique: bool,
    pub hidden: bool,
    pub calculated: bool,
    pub external_options: bool,
    pub standard: bool,
    pub read_only: bool,
    pub form_field: bool,
    pub display_order: i64,
    pub archived: bool,
    pub created: Millis,
    pub updated: Millis,
}

impl Property {
    pub fn new(name: &str, label: &str, kind: Type, group: &str) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            kind,
            field_type: kind.field_types().first().copied().unwrap_or("text").into(),
            group: group.into(),
            description: String::new(),
            choices: Vec::new(),
            unique: false,
            hidden: false,
            calculated: false,
            external_options: false,
            standard: true,
            read_only: false,
            form_field: false,
            display_order: -1,
            archived: false,
            created: 0,
            updated: 0,
        }
    }

    /// Whether no writer, person or program, may set it.
    pub fn refuses_writes(&self) -> bool {
        self.calculated || self.read_only
    }

    pub fn json(&self) -> Value {
        let choices: Vec<Value> = self
            .choices
            .iter()
            .enumerate()
            .map(|(at, choice)| {
                json!({ "label": choice.label, "value": choice.value, "displayOrder": at, "hidden": choice.hidden,
                        "description": choice.description })
            })
            .collect();
        json!({
            "name": &*self.name,
            "label": self.label,
            "type": self.kind.as_str(),
            "fieldType": self.field_type,
            "groupName": self.group,
            "description": self.description,
            "options": choices,
            "displayOrder": self.display_order,
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "formField": self.form_field,
            "calculated": self.calculated,
            "externalOptions": self.external_options,
            "hubspotDefined": self.standard,
            "archived": self.archived,
            "createdAt": iso(self.created),
            "updatedAt": iso(self.updated),
            "createdUserId": "77",
            "updatedUserId": "77",
            "dataSensitivity": "non_sensitive",
            "modificationMetadata": {
                "archivable": !self.standard,
                "readOnlyDefinition": self.standard,
                "readOnlyOptions": self.standard,
                "readOnlyValue": self.refuses_writes(),
            },
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub name: String,
    pub label: String,
    pub display_order: i64,
}

impl Group {
    pub fn json(&self) -> Value {
        json!({ "name": self.name, "label": self.label, "displayOrder": self.display_order, "archived": false })
    }
}

/// The properties and groups of one object.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    pub properties: BTreeMap<Name, Property>,
    pub groups: Vec<Group>,
}

impl Schema {
    /// A live (not archived) property.
    pub fn get(&self, name: &str) -> Option<&Property> {
        self.properties.get(name).filter(|property| !property.archived)
    }

    pub fn add(&mut self, property: Property) {
        self.properties.insert(property.name.clone(), property);
    }

    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    pub fn custom_count(&self) -> usize {
        self.properties.values().filter(|property| !property.standard && !property.archived).count()
    }

    pub fn unique_count(&self) -> usize {
        self.properties.values().filter(|property| !property.standard && property.unique && !property.archived).count()
    }

    /// The shared spelling of a name that is defined.
    pub fn name(&self, name: &str) -> Option<Name> {
        self.properties.get_key_value(name).map(|(name, _)| name.clone())
    }
}
