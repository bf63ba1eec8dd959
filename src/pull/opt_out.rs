//! What a record says of consent: an opt-out at the CRM is a decision of the person, a missing one is none.

use connector::{Record, Value};

use super::plan::Planner;
use crate::mapping::FieldMapping;
use crate::model::{Choice, ConsentDecision, Purpose};
use crate::store::{Known, RecordDecision};

impl Planner {
    /// Takes one field that is mapped to consent; returns whether the CRM's value is news. The decision is as of now and not as
    /// of the record's stamp: whatever was said elsewhere before, at this moment the CRM holds an opt-out, and the most
    /// restrictive word stands.
    pub(super) fn consent(
        &self,
        mapping: &FieldMapping,
        purpose: Purpose,
        crm: Value,
        record: &Record,
        known: &Known,
        decision: &mut RecordDecision,
    ) -> bool {
        let is_echo = known.in_flight.iter().any(|(name, sent)| *name == mapping.field && *sent == crm);
        let entry = decision.mirror.entry(&mapping.field);
        let before = entry.seen.replace(crm.clone());
        entry.base = Some(crm.clone());
        if is_echo {
            entry.ours = true;
            return false;
        }
        if before.as_ref() == Some(&crm) {
            return false;
        }
        entry.ours = false;
        decision.restage |= mapping.direction.pushes();
        let was = before.as_ref().and_then(|value| mapping.granted(value));
        let choice = match (was, mapping.granted(&crm)) {
            (_, Some(false)) => Choice::Denied,
            // Taken back at the CRM: it counts where the CRM had said it.
            (Some(false), _) => Choice::Granted,
            (_, Some(true) | None) => return true,
        };
        if mapping.direction.pulls() {
            decision.consents.push(ConsentDecision {
                purpose,
                choice,
                at: self.now,
                recorded_at: self.now,
                source: format!("crm {} {} {}", self.connection, self.mapping.object, record.id).into(),
                evidence: None,
            });
        }
        true
    }
}
