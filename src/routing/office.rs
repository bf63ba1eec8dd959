//! What is known of the people at one CRM and of what they were given.

use std::sync::Arc;

use connector::{RecordId, Timestamp};

/// A user of the CRM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: RecordId,
    pub email: Option<Arc<str>>,
    pub name: Option<Arc<str>>,
    pub active: bool,
}

impl User {
    /// As a rep reads it: the name, else the address, else the id.
    pub fn shown(&self) -> &str {
        self.name.as_deref().or(self.email.as_deref()).unwrap_or(self.id.as_str())
    }
}

/// Answers what a decision asks, within the transaction that acts on it.
pub trait Office {
    /// The user with this address; case does not matter.
    fn user(&self, address: &str) -> Option<User>;

    fn user_by_id(&self, id: &RecordId) -> Option<User>;

    /// How many leads of this pool the member was given, credits taken off.
    fn assigned(&self, pool: &str, member: &str) -> u64;

    /// Who of the pool came last.
    fn last(&self, pool: &str) -> Option<Arc<str>>;

    /// Leads that a user was given since an instant, by whatever pool.
    fn given_since(&self, address: &str, since: Timestamp) -> u32;

    /// Leads that a user was given and that are open still.
    fn open(&self, address: &str) -> u32;
}
