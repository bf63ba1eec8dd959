//! Whether an upload's columns are what its job can use. One that is not fails the whole job before any row is tried.

use super::super::kind::Kind;
use super::super::org::Org;
use super::ingest_job::Operation;

impl Org {
    /// Checks the header of an upload.
    ///
    /// # Errors
    /// The job's `errorMessage`.
    pub(super) fn check_columns(
        &self,
        kind: Kind,
        operation: Operation,
        key: Option<&str>,
        header: &[String],
    ) -> Result<(), String> {
        if let Some(name) = header.iter().find(|name| !self.has_column(kind, name)) {
            return Err(format!("InvalidBatch : Field name not found : {name}"));
        }
        let has = |wanted: &str| header.iter().any(|name| name.eq_ignore_ascii_case(wanted));
        match operation {
            Operation::Update if !has("Id") => Err("InvalidBatch : Field name not found : Id".into()),
            Operation::Delete | Operation::HardDelete if !has("Id") || header.len() > 1 => {
                Err("InvalidBatch : A delete takes the column Id and no other".into())
            }
            Operation::Upsert => match key {
                Some(key) if has(key) => Ok(()),
                _ => Err(format!("InvalidBatch : Field name not found : {}", key.unwrap_or("External ID"))),
            },
            _ => Ok(()),
        }
    }

    /// `LastName`, or `Account.Erp_Key__c` where the parent has such a key.
    fn has_column(&self, kind: Kind, name: &str) -> bool {
        let Some((relationship, key)) = name.split_once('.') else { return self.schema(kind).visible(name).is_some() };
        let Some((_, field)) = self.schema(kind).relationship(relationship) else { return false };
        let is_key = |parent: &Kind| self.schema(*parent).visible(key).is_some_and(|(_, field)| field.is_upsert_key());
        field.reference_to.iter().any(is_key)
    }
}
