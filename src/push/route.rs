//! Who gets a lead that is about to be made: decided after the last look and before the call, with the store's turns.

use std::collections::HashMap;
use std::sync::Arc;

use connector::{Object, RecordId, Timestamp};

use super::deliver::Delivery;
use super::settle::{self, Tally};
use super::{End, Push};
use crate::expr::ProfileInput;
use crate::mapping::CreatePolicy;
use crate::model::{Change, Decision, Office, OutboxEntry, OutboxId, User};
use crate::routing::{self, Lead, Rules};
use crate::store::{Asked, Assigned, Assigning, Delivered, LeadItem, RouteLeads};

/// The trait that says what somebody speaks.
const LANGUAGE: &str = "language";

/// What routing asks of somebody, as they were known at an instant.
pub fn with_lead<T>(item: &LeadItem, as_of: Timestamp, act: impl FnOnce(&Lead<'_>) -> T) -> T {
    let traits = |name: &str| item.profile.value(name);
    // Rules of routing count no events: the configuration refuses those that would.
    act(&Lead {
        input: &ProfileInput::of_traits(&traits, as_of),
        owner: item.owner.as_ref(),
        elsewhere: item.elsewhere.as_ref().map(|(_, elsewhere)| elsewhere),
        account_owner: item.account_owner.as_ref(),
        language: item.profile.value(LANGUAGE).as_text(),
        deals: &item.deals,
        late: &item.late,
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
    /// The band whose entries make records.
    fn created_for(&self) -> Option<&Arc<str>> {
        match &self.mapping.create {
            CreatePolicy::Band(band) => Some(band),
            _ => None,
        }
    }

    /// How leads of this push are given to people; `None` where nobody routes them, or this object has no owners.
    fn assigning(&self, now: Timestamp) -> Option<Assigning> {
        let rules = self.routing.clone()?;
        let capability = self.connector.capability();
        Some(Assigning {
            owner: capability.owner_field(&self.mapping.object)?.clone(),
            company_owner: capability.owner_field(&Object::Company).cloned(),
            band: rules.on.clone(),
            created_for: self.created_for().cloned(),
            route: Arc::new(Router { rules, now }),
        })
    }
}

impl Delivery<'_> {
    /// The entries as they are to be sent, new records and those that somebody is to have with their owner; those that wait for
    /// somebody's working hours are queued again and not among them. One that has nothing left to say is settled.
    pub(super) async fn routed(
        &self,
        entries: Vec<OutboxEntry>,
        settled: &mut Vec<(Delivered, Tally)>,
    ) -> Result<Vec<OutboxEntry>, End> {
        let now = self.push.clock.now();
        let asks = |entry: &&OutboxEntry| entry.intent.record.is_none() || entry.intent.wish().is_some();
        let owner = |entry: &OutboxEntry| entry.intent.wish().and_then(|wish| wish.from.as_text()).map(RecordId::from);
        let asked: Vec<Asked> =
            entries.iter().filter(asks).map(|entry| Asked { entry: entry.id, owner: owner(entry) }).collect();
        let mut assigned: HashMap<OutboxId, Assigned> = HashMap::new();
        if let Some(how) = self.push.assigning(now).filter(|_| !asked.is_empty()) {
            fail::fail_point!("before_assignment");
            let decided =
                self.push.store.assign(self.push.connection, &self.push.mapping.object, asked, now, how).await;
            assigned.extend(decided.map_err(End::Store)?);
            fail::fail_point!("after_assignment");
        }
        let mut send = Vec::with_capacity(entries.len());
        for mut entry in entries {
            let is_new = entry.intent.record.is_none();
            match assigned.remove(&entry.id) {
                Some(Assigned::Held { .. } | Assigned::Dropped) => continue,
                Some(Assigned::Send(intent)) if is_new => entry.intent = *intent,
                Some(Assigned::Send(intent)) => give(&mut entry, intent.routed()),
                None => give(&mut entry, None),
            }
            if !is_new && !entry.intent.deletes() && entry.intent.changes.is_empty() {
                settled.push((settle::not_sent(&entry, Vec::new()), Tally::Skipped));
            } else {
                send.push(entry);
            }
        }
        Ok(send)
    }
}

/// The owner that was decided takes the place of the wish for one.
fn give(entry: &mut OutboxEntry, owner: Option<&Change>) {
    if entry.intent.wish().is_none() {
        return;
    }
    entry.intent.changes.retain(|change| !change.is_wish());
    if let Some(owner) = owner {
        entry.intent.fields.set(owner.field.clone(), owner.to.clone());
        entry.intent.changes.push(owner.clone());
    }
}
