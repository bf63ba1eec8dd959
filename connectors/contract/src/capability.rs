//! What one connector can do, as data: read by the planner, by `check`, and by the conformance suite.

use std::time::Duration;

use crate::{FieldName, ListKind, Object};

/// Fewer than ten facts; anything that only some CRMs do is announced here, not special-cased in `src`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// The vendor's word in `type = "…"` of `sync.toml`.
    pub vendor: &'static str,
    /// Objects that can be pulled.
    pub objects: Vec<Object>,
    /// Largest legal number of writes in one [`crate::Connector::push`].
    pub push_batch: usize,
    /// Largest number of records in one [`crate::Connector::read`].
    pub read_batch: usize,
    /// Objects whose records can be created, and the unique field a create is keyed by.
    pub creates: Vec<ExternalKey>,
    /// Objects for which [`crate::Stream::Deletions`] works.
    pub deletions: Vec<Object>,
    /// Objects for which [`crate::Stream::Associations`] works.
    pub associations: Vec<Object>,
    /// Objects whose records tell the company they are associated with whenever records are pulled with links to companies,
    /// at no cost and without a sweep.
    pub tells_company: Vec<Object>,
    /// Objects whose records belong to a user, and the field that holds the user's id. It is read and written as text, like any
    /// other field; the ids are those of the records of [`Object::User`].
    pub owners: Vec<OwnerField>,
    /// Objects whose records can have a note that is written in place ([`crate::Operation::NoteUpsert`]).
    pub notes: Vec<NoteKind>,
    /// Objects whose records can be given a task ([`crate::Operation::TaskOnce`]).
    pub tasks: Vec<Object>,
    /// Objects whose records can be put on lists ([`crate::Operation::ListMembership`]).
    pub lists: Vec<ListKind>,
    /// Objects whose records can have a lead object beside them ([`crate::Operation::LeadUpsert`], [`crate::Operation::LeadErase`]).
    pub leads: Vec<Object>,
    /// Objects whose records can be deleted for good ([`crate::Operation::Erase`]).
    pub erases: Vec<Object>,
    /// Whether [`crate::Connector::create_field`] works.
    pub creates_fields: bool,
    /// How long a change may stay invisible to an incremental pull: the lag of the CRM's search index.
    pub visibility_lag: Duration,
}

impl Capability {
    /// The field that says whose records of an object are, where the CRM has owners.
    pub fn owner_field(&self, object: &Object) -> Option<&FieldName> {
        self.owners.iter().find(|owner| owner.object == *object).map(|owner| &owner.field)
    }

    /// How records of an object are put on lists, where the CRM has any of them.
    pub fn list_kind(&self, object: &Object) -> Option<&ListKind> {
        self.lists.iter().find(|kind| kind.object == *object)
    }
}

/// How notes of an object's records are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteKind {
    pub object: Object,
    /// Whether the text is HTML, so that everything in it that is not meant as such must be escaped; plain text otherwise.
    pub html: bool,
    /// Longest text in characters.
    pub longest: usize,
}

/// The unique field that holds Ferry's own key on an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalKey {
    pub object: Object,
    pub field: FieldName,
}

/// The field that says whose a record is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerField {
    pub object: Object,
    pub field: FieldName,
}
