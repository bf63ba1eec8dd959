//! Lists of a CRM that people are put on from outside: static lists, campaigns, tags.

use std::sync::Arc;

use crate::{Object, RecordId};

/// How records of an object are put on lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListKind {
    pub object: Object,
    /// Largest legal number of [`crate::Operation::ListMembership`] writes in one [`crate::Connector::push`]: lists exist for
    /// thousands, so it may be more than [`crate::Capability::push_batch`].
    pub batch: usize,
}

/// A list as the CRM describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListFacts {
    /// As a person reads it.
    pub name: Arc<str>,
    /// Why nobody can be put on it from outside, in the CRM's words (`its members are those of a filter`); `None` where it
    /// is written to.
    pub closed: Option<Arc<str>>,
}

/// A page of who is on a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListMembers {
    /// Records of the object that was asked for; each may come more than once.
    pub members: Vec<RecordId>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<Arc<str>>,
}
