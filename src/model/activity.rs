//! What people did with a customer at a CRM, as it is kept.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

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

/// How far apart two CRMs may put one and the same contact.
const APART: Duration = Duration::from_secs(60);

impl Activity {
    /// Whether somebody of ours was in touch with the person by then: a call, a meeting or an e-mail that took place, or a task
    /// that was done. What Ferry writes is no touch, and a note is about somebody, not with them.
    pub fn is_contact(&self, as_of: Timestamp) -> bool {
        let facts = &self.facts;
        facts.done && !facts.ours && facts.kind != ActivityKind::Note && self.at <= as_of
    }

    /// The contacts there were by then among what people did, in the order given, which is by time. Each comes with whether it is one
    /// that another CRM has told of already: of the same kind and less than a minute apart, in the same direction as far as both say one.
    /// Two of one CRM are two. Where nobody knows, it is one.
    pub fn contacts(all: &[Self], as_of: Timestamp) -> Vec<(&Self, bool)> {
        // Each contact, with the CRMs that have told of it.
        let mut kept: Vec<(&Self, BTreeSet<&ConnectionName>)> = Vec::new();
        let mut contacts = Vec::new();
        for one in all.iter().filter(|one| one.is_contact(as_of)) {
            let near = kept.iter_mut().rev().take_while(|(other, _)| one.apart(other) < APART);
            let mut same = near.filter(|(other, told)| one.may_be(other) && !told.contains(&one.connection));
            let twin = same.next();
            let is_told = twin.is_some();
            match twin {
                Some((_, told)) => drop(told.insert(&one.connection)),
                None => kept.push((one, BTreeSet::from([&one.connection]))),
            }
            contacts.push((one, is_told));
        }
        contacts
    }

    fn apart(&self, other: &Self) -> Duration {
        self.at.max(other.at).since(self.at.min(other.at))
    }

    /// Whether both may be the same contact, told by two CRMs.
    fn may_be(&self, other: &Self) -> bool {
        let (one, other) = (&self.facts, &other.facts);
        one.kind == other.kind
            && (one.direction.is_none() || other.direction.is_none() || one.direction == other.direction)
    }
}
