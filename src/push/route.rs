//! Who gets a lead that is about to be made: decided after the last look and before the call, with the store's turns.

use std::collections::HashMap;
use std::sync::Arc;

use connector::{Object, Timestamp};

use super::deliver::Delivery;
use super::{End, Push};
use crate::expr::ProfileInput;
use crate::model::{Decision, Office, OutboxEntry, OutboxId, User};
use crate::routing::{self, Lead, Rules};
use crate::store::{Assigned, Assigning, LeadItem, RouteLeads};

/// The trait that says what somebody speaks.
const LANGUAGE: &str = "language";

/// What routing asks of somebody, as they were known at an instant.
pub fn with_lead<T>(item: &LeadItem, as_of: Timestamp, act: impl FnOnce(&Lead<'_>) -> T) -> T {
    let traits = |name: &str| item.profile.value(name);
    // Rules of routing count no events: the configuration refuses those that would.
    act(&Lead {
        input: &ProfileInput::of_traits(&traits, as_of),
        owner: item.owner.as_ref(),
        account_owner: item.account_owner.as_ref(),
        language: item.profile.value(LANGUAGE).as_text(),
    })
}

/// The rules at one instant.
#[derive(Debug)]
struct Router {
    rules: Arc<Rules>,
    now: Timestamp,
}

impl RouteLeads for Router {
    fn route(&self, lead: &LeadItem, office: &dyn Office) -> Decision {
        with_lead(lead, self.now, |lead| routing::route(lead, &self.rules, office, self.now))
    }

    fn respond_by(&self, user: &User) -> Option<Timestamp> {
        self.rules.respond_by(user.email.as_deref(), self.now)
    }
}

impl Push<'_> {
    /// How leads of this push are given to people; `None` where nobody routes them, or this object has no owners.
    fn assigning(&self, now: Timestamp) -> Option<Assigning> {
        let rules = self.routing.clone()?;
        let capability = self.connector.capability();
        Some(Assigning {
            owner: capability.owner_field(&self.mapping.object)?.clone(),
            company_owner: capability.owner_field(&Object::Company).cloned(),
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
        fail::fail_point!("before_assignment");
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
