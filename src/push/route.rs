//! Who gets a lead that is about to be made: decided after the last look and before the call, with the store's turns.

use std::collections::HashMap;
use std::sync::Arc;

use connector::{Object, Timestamp, Value};

use super::deliver::Delivery;
use super::{End, Push};
use crate::expr::ProfileInput;
use crate::model::{Decision, Office, OutboxEntry, OutboxId, User};
use crate::routing::{self, Rules};
use crate::store::{Assigned, Assigning, LeadItem, RouteLeads};

/// The trait that says what somebody speaks.
const LANGUAGE: &str = "language";

/// The rules at one instant.
#[derive(Debug)]
struct Router {
    rules: Arc<Rules>,
    now: Timestamp,
}

impl RouteLeads for Router {
    fn route(&self, lead: &LeadItem, office: &dyn Office) -> Decision {
        let traits = |name: &str| lead.profile.value(name);
        // Rules of routing count no events: the configuration refuses those that would.
        let input = ProfileInput { traits: &traits, events: &|_| Value::Null, as_of: self.now };
        let lead = routing::Lead {
            input: &input,
            owner: lead.owner.as_ref(),
            account_owner: lead.account_owner.as_ref(),
            language: lead.profile.value(LANGUAGE).as_text(),
        };
        routing::route(&lead, &self.rules, office, self.now)
    }

    fn respond_by(&self, user: &User) -> Option<Timestamp> {
        self.rules.respond_by(user.email.as_deref(), self.now)
    }
}

impl Push<'_> {
    /// How leads of this push are given to people; `None` where nobody routes them, or this object has no owners.
    fn assigning(&self, now: Timestamp) -> Option<Assigning> {
        let rules = self.routing.clone()?;
        let owners = &self.connector.capability().owners;
        let field =
            |object: &Object| owners.iter().find(|owner| owner.object == *object).map(|owner| owner.field.clone());
        Some(Assigning {
            owner: field(&self.mapping.object)?,
            company_owner: field(&Object::Company),
            route: Arc::new(Router { rules, now }),
        })
    }
}

impl Delivery<'_> {
    /// The entries as they are to be sent, new records with their owner; those that wait for somebody's working hours are queued
    /// again and not among them.
    pub(super) async fn routed(&self, entries: Vec<OutboxEntry>) -> Result<Vec<OutboxEntry>, End> {
        let now = self.push.clock.now();
        let new: Vec<OutboxId> =
            entries.iter().filter(|entry| entry.intent.record.is_none()).map(|entry| entry.id).collect();
        let Some(how) = self.push.assigning(now).filter(|_| !new.is_empty()) else { return Ok(entries) };
        let assigned = self.push.store.assign(self.push.connection, &self.push.mapping.object, new, now, how).await;
        let mut assigned: HashMap<OutboxId, Assigned> = assigned.map_err(End::Store)?.into_iter().collect();
        fail::fail_point!("after_assignment");
        let decided = |mut entry: OutboxEntry| match assigned.remove(&entry.id) {
            Some(Assigned::Send(intent)) => {
                entry.intent = *intent;
                Some(entry)
            }
            Some(Assigned::Held { .. }) => None,
            None => Some(entry),
        };
        Ok(entries.into_iter().filter_map(decided).collect())
    }
}
