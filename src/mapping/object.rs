//! All mappings of one object of one connection.

use std::sync::Arc;

use connector::{FieldName, Object};
use xxhash_rust::xxh3::xxh3_64;

use super::{FieldMapping, Kind, Source};
use crate::expr::Expr;

/// When a record is created at the CRM for a profile that has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum CreatePolicy {
    #[default]
    Never,
    /// For every known profile with an e-mail address.
    Known,
    /// For those of them who entered this band, once for each time they do (`lead.mql`).
    Band(Arc<str>),
    /// For those of them who fulfil a condition on their traits.
    When(Expr),
}

/// Who gives a new record its owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Assignment {
    /// Ferry's routing, where there is any.
    #[default]
    Ours,
    /// The CRM's own assignment rules.
    Crm,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ObjectMapping {
    pub object: Object,
    /// In configuration order.
    pub fields: Vec<FieldMapping>,
    pub create: CreatePolicy,
    pub assignment: Assignment,
}

impl ObjectMapping {
    pub fn new(object: Object, fields: Vec<FieldMapping>) -> Self {
        Self { object, fields, create: CreatePolicy::Never, assignment: Assignment::Ours }
    }

    /// Every CRM field to be read, each once, sorted.
    pub fn field_names(&self) -> Vec<FieldName> {
        let mut names: Vec<FieldName> = self.fields.iter().map(|mapping| mapping.field.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The mappings of one CRM field: several may pull it, at most one pushes it (E043).
    pub fn of_field<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a FieldMapping> {
        self.fields.iter().filter(move |mapping| &*mapping.field == field)
    }

    pub fn of_attribute(&self, attribute: &str) -> Option<&FieldMapping> {
        self.fields.iter().find(|mapping| &*mapping.attribute == attribute)
    }

    pub fn pushes(&self) -> impl Iterator<Item = &FieldMapping> {
        self.fields.iter().filter(|mapping| mapping.direction.pushes())
    }

    pub fn pulls(&self) -> impl Iterator<Item = &FieldMapping> {
        self.fields.iter().filter(|mapping| mapping.direction.pulls())
    }

    /// The field that holds the id of the record's owner, where owners are read.
    pub fn owner_field(&self) -> Option<&FieldName> {
        self.fields.iter().find(|mapping| mapping.source == Source::Owner).map(|mapping| &mapping.field)
    }

    /// Reads and remembers the record's owner with it.
    #[must_use]
    pub fn with_owner(mut self, field: &FieldName) -> Self {
        if self.owner_field().is_none() {
            self.fields.push(FieldMapping::new("owner", field.clone(), Kind::Text, Source::Owner));
        }
        self
    }

    /// The field that holds the profile's id at the CRM, if it is mapped.
    pub fn key_field(&self) -> Option<&FieldName> {
        self.fields.iter().find(|mapping| mapping.source == Source::ProfileId).map(|mapping| &mapping.field)
    }

    /// Changes whenever a mapping does, so that stored records are looked at again.
    pub fn fingerprint(&self) -> u64 {
        xxh3_64(format!("{:?}", (&self.object, &self.fields)).as_bytes())
    }

    /// The mapping without some CRM fields (missing or unusable there at the moment).
    #[must_use]
    pub fn without(&self, fields: &[FieldName]) -> Self {
        let kept = self.fields.iter().filter(|mapping| !fields.contains(&mapping.field)).cloned().collect();
        Self { object: self.object.clone(), fields: kept, create: self.create.clone(), assignment: self.assignment }
    }

    pub fn line(&self, mapping: &FieldMapping) -> Arc<str> {
        mapping.line(self.object.as_str())
    }
}
