//! Push-side deciders and builders for the suite.

use std::sync::{Arc, Mutex};

use connector::{Fields, Object, Operation, Timestamp, Value};

use super::kit::at;
use crate::model::{Cause, Change, FieldWritten, Intent, JournalOutcome, LinkedRecord, OutboxEntry, Profile};
use crate::store::{Delivered, Fate, Lease, StageDecision, StageItem, StageReport, StageWrites, Store};

/// Wants one field of every item to hold one value; creates what is missing.
#[derive(Debug)]
pub(super) struct Want {
    pub(super) value: Value,
    pub(super) seen: Mutex<Vec<StageItem>>,
}

impl Want {
    pub(super) fn new(value: impl Into<Value>) -> Arc<Self> {
        Arc::new(Self { value: value.into(), seen: Mutex::default() })
    }
}

impl StageWrites for Want {
    fn decide(&self, item: &StageItem) -> StageDecision {
        self.seen.lock().unwrap().push(item.clone());
        let intent = match (&item.record, &item.profile) {
            (Some(record), _) => Some(update(record, &self.value)),
            (None, Some(profile)) => Some(create(profile, &self.value)),
            (None, None) => None,
        };
        StageDecision { intent, ..StageDecision::default() }
    }
}

/// Takes back whatever is queued.
#[derive(Debug)]
pub(super) struct Withdraw;

impl StageWrites for Withdraw {
    fn decide(&self, _: &StageItem) -> StageDecision {
        StageDecision { withdraw: true, ..StageDecision::default() }
    }
}

pub(super) fn update(record: &LinkedRecord, value: &Value) -> Intent {
    Intent {
        connection: record.key.connection.clone(),
        object: record.key.object.clone(),
        record: Some(record.key.clone()),
        profile: record.profile,
        operation: Operation::Update { id: record.key.id.clone() },
        fields: Fields::from([("score", value.clone())]),
        changes: vec![change(value)],
        compare_first: false,
    }
}

fn create(profile: &Profile, value: &Value) -> Intent {
    Intent {
        connection: "hubspot".into(),
        object: Object::Contact,
        record: None,
        profile: Some(profile.id),
        operation: Operation::Create,
        fields: Fields::from([("score", value.clone())]),
        changes: vec![change(value)],
        compare_first: true,
    }
}

fn change(value: &Value) -> Change {
    Change {
        field: "score".into(),
        from: Value::Null,
        to: value.clone(),
        cause: Cause { mapping: "contact.score → score".into(), origin: "computed".into() },
        overwrites: false,
    }
}

pub(super) async fn stage(store: &dyn Store, creates: bool, decide: Arc<dyn StageWrites>) -> StageReport {
    store.stage(&"hubspot".into(), &Object::Contact, creates, at(3_000), 100, decide).await.unwrap()
}

pub(super) async fn lease(store: &dyn Store, now: i64) -> Vec<OutboxEntry> {
    let lease =
        Lease { worker: "w1".into(), run: crate::model::RunId(uuid::Uuid::nil()), now: at(now), until: at(now + 60) };
    store.lease(&"hubspot".into(), &Object::Contact, lease, 100).await.unwrap()
}

pub(super) async fn queued(store: &dyn Store) -> Vec<OutboxEntry> {
    store.outbox(&"hubspot".into(), &Object::Contact, 100).await.unwrap()
}

/// An entry settled with a fate and nothing else.
pub(super) fn settled(entry: &OutboxEntry, fate: Fate) -> Delivered {
    Delivered {
        modified_at: None,
        id: entry.id,
        generation: entry.generation,
        fate,
        written: Vec::new(),
        journal: None,
        dead_letters: Vec::new(),
    }
}

/// An entry whose fields the CRM has taken as they were sent.
pub(super) fn written(entry: &OutboxEntry, fate: Fate) -> Delivered {
    let written = entry.intent.changes.iter().map(|change| FieldWritten {
        field: change.field.clone(),
        from: change.from.clone(),
        sent: change.to.clone(),
        kept: change.to.clone(),
        outcome: JournalOutcome::Written,
        fought: false,
    });
    Delivered { written: written.collect(), ..settled(entry, fate) }
}

pub(super) async fn settle(store: &dyn Store, now: Timestamp, delivered: Vec<Delivered>) {
    store.settle(super::kit::run(3), now, delivered).await.unwrap();
}
