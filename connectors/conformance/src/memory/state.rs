//! The account's contents. One lock, no I/O: every change is made here and written to the ledger here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use connector::{
    ActivityDirection, ActivityFacts, ActivityKind, Budget, DealFacts, DealStatus, FieldName, Fields, Link, Object,
    Record, RecordId, Rejection, Schema, Timestamp, UserFacts, Value, has_own_mark, headline,
};

use super::fault::Script;
use super::jobs::{Bulk, Job};
use super::ledger::{Actor, Calls, ChangeKind, Entry};
use super::lists::HeldList;
use super::schema::{STAGES, default_schemas};

pub(super) type Rewrite = Arc<dyn Fn(&Value) -> Value + Send + Sync>;
pub(super) type Workflow = Arc<dyn Fn(&Object, &Fields) -> Fields + Send + Sync>;

/// One record, alive or not.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub fields: Fields,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
    /// When the last change shows in incremental pulls.
    pub visible_at: Timestamp,
    pub merged_ids: Vec<RecordId>,
    pub links: BTreeSet<Link>,
    pub deleted_at: Option<Timestamp>,
    /// What it goes on as: merged, or converted to a record of another object.
    pub merged_into: Option<Link>,
}

pub(super) struct State {
    pub schemas: BTreeMap<Object, Schema>,
    pub records: BTreeMap<Object, BTreeMap<RecordId, Held>>,
    pub lists: BTreeMap<Arc<str>, HeldList>,
    pub ledger: Vec<Entry>,
    pub calls: Calls,
    pub script: Script,
    pub rejections: BTreeMap<RecordId, Rejection>,
    pub rewrites: BTreeMap<(Object, FieldName), Rewrite>,
    pub workflows: Vec<Workflow>,
    pub budget: Budget,
    pub page_size: usize,
    pub visibility_lag: Duration,
    pub clock_skew_ms: i64,
    pub follows_merges: bool,
    pub tells_kept: bool,
    pub answers_text: bool,
    pub token_valid: bool,
    pub revoked: bool,
    pub bulk: Option<Bulk>,
    pub jobs: Vec<Job>,
    pub next_job: u64,
    next_id: u64,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            schemas: default_schemas(),
            records: BTreeMap::new(),
            lists: BTreeMap::new(),
            ledger: Vec::new(),
            calls: Calls::default(),
            script: Script::default(),
            rejections: BTreeMap::new(),
            rewrites: BTreeMap::new(),
            workflows: Vec::new(),
            budget: Budget::default(),
            page_size: 100,
            visibility_lag: Duration::ZERO,
            clock_skew_ms: 0,
            follows_merges: false,
            tells_kept: true,
            answers_text: false,
            token_valid: true,
            revoked: false,
            bulk: None,
            jobs: Vec::new(),
            next_job: 1,
            // Large enough to flush out whoever keeps ids in 32 bits.
            next_id: 10_000_000_001,
        }
    }

    pub(super) fn get(&self, object: &Object, id: &RecordId) -> Option<&Held> {
        self.records.get(object)?.get(id)
    }

    pub(super) fn live(&self, object: &Object, id: &RecordId) -> Option<&Held> {
        self.get(object, id).filter(|held| held.deleted_at.is_none())
    }

    pub(super) fn all(&self, object: &Object) -> impl Iterator<Item = (&RecordId, &Held)> {
        self.records.get(object).into_iter().flatten()
    }

    /// The record that `id` means now: itself, or whatever it was merged into or converted to.
    pub(super) fn survivor(&self, object: &Object, id: &RecordId) -> Link {
        let mut at = Link { object: object.clone(), id: id.clone() };
        // A merge only ever points at a record that was alive, so the chain ends.
        while let Some(into) = self.get(&at.object, &at.id).and_then(|held| held.merged_into.clone()) {
            at = into;
        }
        at
    }

    /// Live records whose field holds the value; text compares without case, as in the vendors' unique fields.
    pub(super) fn holders(&self, object: &Object, field: &str, value: &Value) -> Vec<RecordId> {
        let wanted = value.to_string().to_lowercase();
        self.all(object)
            .filter(|(_, held)| held.deleted_at.is_none())
            .filter(|(_, held)| held.fields.get(field).is_some_and(|have| have.to_string().to_lowercase() == wanted))
            .map(|(id, _)| id.clone())
            .collect()
    }

    pub(super) fn insert(&mut self, object: &Object, fields: Fields, now: Timestamp, by: Actor) -> RecordId {
        let id = RecordId::from(self.next_id.to_string());
        self.next_id += 1;
        let held = Held {
            fields: fields.clone(),
            created_at: now,
            modified_at: now,
            visible_at: now.saturating_add(self.visibility_lag),
            merged_ids: Vec::new(),
            links: BTreeSet::new(),
            deleted_at: None,
            merged_into: None,
        };
        self.records.entry(object.clone()).or_default().insert(id.clone(), held);
        let named = fields.names().cloned().collect();
        self.note(Entry {
            named,
            after: fields,
            ..Entry::blank(now, by, ChangeKind::Create, object.clone(), id.clone())
        });
        id
    }

    /// Sets fields of a live record and moves its stamp. Null takes the value away. False where there is no such record.
    pub(super) fn set(&mut self, object: &Object, id: &RecordId, fields: &Fields, now: Timestamp, by: Actor) -> bool {
        let lag = self.visibility_lag;
        let Some(held) = self.records.get_mut(object).and_then(|all| all.get_mut(id)) else { return false };
        if held.deleted_at.is_some() {
            return false;
        }
        let before = held.fields.clone();
        for (name, value) in fields.iter() {
            if value.is_null() {
                held.fields.remove(name);
            } else {
                held.fields.set(name.clone(), value.clone());
            }
        }
        held.modified_at = now;
        held.visible_at = now.saturating_add(lag);
        let after = held.fields.clone();
        let named = fields.names().cloned().collect();
        let blank = Entry::blank(now, by, ChangeKind::Update, object.clone(), id.clone());
        self.note(Entry { before, after, named, ..blank });
        true
    }

    /// Changes a record in place and moves its stamp.
    pub(super) fn touch(&mut self, object: &Object, id: &RecordId, now: Timestamp, change: impl FnOnce(&mut Held)) {
        let lag = self.visibility_lag;
        if let Some(held) = self.records.get_mut(object).and_then(|all| all.get_mut(id)) {
            change(held);
            held.modified_at = now;
            held.visible_at = now.saturating_add(lag);
        }
    }

    pub(super) fn link(&mut self, from: (&Object, &RecordId), to: (&Object, &RecordId), on: bool) {
        // The inverse is automatic, and no stamp moves: that is how the vendors do it.
        for ((object, id), (far, far_id)) in [(from, to), (to, from)] {
            if let Some(held) = self.records.get_mut(object).and_then(|all| all.get_mut(id)) {
                let link = Link { object: far.clone(), id: far_id.clone() };
                if on {
                    held.links.insert(link)
                } else {
                    held.links.remove(&link)
                };
            }
        }
    }

    pub(super) fn note(&mut self, entry: Entry) {
        let seq = self.ledger.len() as u64 + 1;
        self.ledger.push(Entry { seq, ..entry });
    }

    /// The record as an answer shows it: only the fields asked for, null where there is no value, absent where the
    /// schema does not know the name.
    pub(super) fn answer(
        &self,
        object: &Object,
        id: &RecordId,
        held: &Held,
        fields: &[FieldName],
        links: Option<&[Object]>,
    ) -> Record {
        let schema = self.schemas.get(object);
        let shown = fields
            .iter()
            .filter(|name| schema.is_some_and(|schema| schema.fields.contains_key(*name)))
            .map(|name| (name.clone(), self.shown(held.fields.get(name).cloned().unwrap_or(Value::Null))))
            .collect();
        let mut record = Record::new(id.clone(), shown);
        record.modified_at = Some(held.modified_at);
        record.created_at = Some(held.created_at);
        record.merged_ids = held.merged_ids.clone();
        record.links = links.map(|wanted| {
            held.links.iter().filter(|link| wanted.is_empty() || wanted.contains(&link.object)).cloned().collect()
        });
        record.deal = (*object == Object::Deal).then(|| deal_facts(&held.fields));
        record.user = (*object == Object::User).then(|| UserFacts {
            email: text_of(&held.fields, "email"),
            name: text_of(&held.fields, "name"),
            active: held.fields.get("active") != Some(&Value::Bool(false)),
        });
        record.activity = (*object == Object::Activity).then(|| activity_facts(&held.fields));
        record.url = Some(format!("https://crm.example/{object}/{id}").into());
        record
    }

    /// A value as answers carry it: exact, or as text where the account is told to answer only text.
    pub(super) fn shown(&self, value: Value) -> Value {
        if self.answers_text && !value.is_null() { Value::text(value.to_string()) } else { value }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("records", &self.records.values().map(BTreeMap::len).sum::<usize>())
            .field("ledger", &self.ledger.len())
            .field("calls", &self.calls)
            .finish_non_exhaustive()
    }
}

impl Entry {
    pub(super) fn blank(at: Timestamp, by: Actor, kind: ChangeKind, object: Object, record: RecordId) -> Self {
        Self {
            seq: 0,
            at,
            by,
            kind,
            object,
            record,
            other: None,
            before: Fields::new(),
            after: Fields::new(),
            named: Vec::new(),
        }
    }
}

fn text_of(fields: &Fields, name: &str) -> Option<Arc<str>> {
    fields.get(name).map(|value| value.to_string().into())
}

fn activity_facts(fields: &Fields) -> ActivityFacts {
    let text = |name: &str| text_of(fields, name).unwrap_or_default();
    ActivityFacts {
        kind: ActivityKind::ALL.into_iter().find(|kind| kind.as_str() == &*text("kind")).unwrap_or(ActivityKind::Note),
        direction: match &*text("direction") {
            "in" => Some(ActivityDirection::In),
            "out" => Some(ActivityDirection::Out),
            _ => None,
        },
        subject: headline(&text("subject")).or_else(|| headline(&text("body"))),
        at: match fields.get("at") {
            Some(Value::Instant(at)) => Some(*at),
            _ => None,
        },
        done: fields.get("done") != Some(&Value::Bool(false)),
        owner: text_of(fields, "owner").map(RecordId::new),
        ours: has_own_mark(&text("body")),
    }
}

fn deal_facts(fields: &Fields) -> DealFacts {
    let id = text_of(fields, "stage");
    let stage = STAGES.iter().find(|(stage, _, _)| id.as_deref() == Some(*stage));
    let status = stage.map_or(DealStatus::Open, |(_, _, status)| *status);
    DealFacts {
        name: text_of(fields, "name"),
        status,
        stage: stage.map(|(_, label, _)| Arc::from(*label)).or(id),
        pipeline: text_of(fields, "pipeline"),
        amount: match fields.get("amount") {
            Some(Value::Number(amount)) => Some(*amount),
            _ => None,
        },
        currency: text_of(fields, "currency").or_else(|| Some("EUR".into())),
        closed_at: match fields.get("closed_at") {
            Some(Value::Instant(at)) if status != DealStatus::Open => Some(*at),
            _ => None,
        },
        owner: text_of(fields, "owner").map(RecordId::new),
        products: text_of(fields, "products").map(|names| names.split(';').map(Arc::from).collect()),
    }
}
