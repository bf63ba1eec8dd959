//! What people did with a customer at a CRM, as it is kept.

use std::sync::Arc;

use connector::{ActivityFacts, ActivityKind, ConnectionName, RecordId, Timestamp};

/// One activity of a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    pub connection: ConnectionName,
    pub id: RecordId,
    pub facts: ActivityFacts,
    /// When it took place, or was made where the CRM does not say.
    pub at: Timestamp,
    pub recorded_at: Timestamp,
    /// Whose it is, as people see it: a name, or an address.
    pub owner: Option<Arc<str>>,
}

impl Activity {
    /// Whether somebody of ours was in touch with the person by then: a call, a meeting or an e-mail that took place, or a task
    /// that was done. What Ferry writes is no touch, and a note is about somebody, not with them.
    pub fn is_contact(&self, as_of: Timestamp) -> bool {
        let facts = &self.facts;
        facts.done && !facts.ours && facts.kind != ActivityKind::Note && self.at <= as_of
    }
}
