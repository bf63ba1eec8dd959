//! What push would do, decided by the same code against the CRM's live values; nothing is changed anywhere.

use std::collections::HashMap;
use std::sync::Arc;

use connector::{Capability, ConnectionName, FieldName, Fields, Object, ReadKey, ReadRequest, Record, RecordId, Value};

use super::lists::{PlannedList, PlannedPlaces};
use super::{End, Push, Stager, Tripped};
use crate::mapping::ObjectMapping;
use crate::model::{Intent, LinkedRecord, Mirror, ProfileUid, RecordKey, normalise_email};
use crate::store::{FuseTally, StageItem};

/// What one push would do.
#[derive(Clone, Debug, Default)]
pub struct Forecast {
    pub creates: u64,
    /// Records, not fields.
    pub updates: u64,
    pub api_calls: u64,
    pub changes: Vec<PlannedChange>,
    /// A fuse that would stop it.
    pub fuse: Option<Tripped>,
    /// Values that would not be sent, by reason.
    pub skipped: Vec<Arc<str>>,
    /// Lists that records would be put on or taken off.
    pub lists: Vec<PlannedList>,
}

/// One field of one record.
#[derive(Clone, Debug)]
pub struct PlannedChange {
    pub connection: ConnectionName,
    pub object: Object,
    /// `None` for a record that would be created.
    pub record: Option<RecordId>,
    pub profile: Option<ProfileUid>,
    pub field: FieldName,
    pub from: Value,
    pub to: Value,
    pub why: Arc<str>,
}

/// Items read from the store at a time.
const CHUNK: usize = 1_000;

/// Plans a push of one object.
pub async fn forecast(push: &Push<'_>) -> Result<Forecast, End> {
    let schema = push.connector.describe(&push.mapping.object).await.map_err(End::Crm)?;
    let capability = push.connector.capability();
    let key = capability.creates.iter().find(|key| key.object == push.mapping.object).map(|key| key.field.clone());
    let missing = super::missing_fields(&push.mapping, &schema);
    let mapping = Arc::new(push.mapping.without(&missing));
    let mut stager =
        Stager::new(push.connection.clone(), mapping.clone(), Some(Arc::new(schema)), key, push.clock.now());
    stager.lists = push.lists.clone();
    let mut plan = Forecast {
        skipped: missing.iter().map(|field| format!("field \"{field}\" is missing or read-only").into()).collect(),
        ..Forecast::default()
    };
    let mut tally = push.store.fuse_tally(push.connection, &push.mapping.object).await.map_err(End::Store)?;
    tally = FuseTally { linked: tally.linked, ..FuseTally::default() };
    let (mut looks, mut places) = (Looks::new(capability), PlannedPlaces::default());
    let mut after = 0;
    loop {
        let (items, next) = push
            .store
            .staged(push.connection, &push.mapping.object, push.creates(), after, CHUNK)
            .await
            .map_err(End::Store)?;
        items.iter().for_each(|item| places.count(item, stager.places(item)));
        for batch in items.chunks(capability.read_batch.max(1)) {
            plan_batch(push, &stager, &mapping, batch, (&mut plan, &mut tally, &mut looks)).await?;
        }
        match next {
            Some(next) => after = next,
            None => break,
        }
    }
    let calls = |writes: u64| push.connector.forecast(usize::try_from(writes).unwrap_or(usize::MAX)) as u64;
    plan.api_calls = calls(plan.updates) + calls(plan.creates) + looks.calls();
    if let Some(kind) = capability.list_kind(&push.mapping.object) {
        push.foresee_new_lists(&stager, &mut places).await?;
        let waiting = push.store.waiting_places(push.connection, &push.mapping.object).await.map_err(End::Store)?;
        plan.lists = places.with_waiting(waiting);
        let batches = |list: &PlannedList| (list.adds + list.removes).div_ceil(kind.batch.max(1) as u64);
        plan.api_calls += plan.lists.iter().map(batches).sum::<u64>();
    }
    plan.fuse = push.fuses.check(&tally);
    Ok(plan)
}

/// The reads that the push itself will make: of each batch it leases, what must be looked at, as many at a time as one read
/// may ask for.
struct Looks {
    push_batch: usize,
    read_batch: usize,
    updates: Kind,
    creates: Kind,
}

/// Writes of one kind of operation are leased together.
#[derive(Default)]
struct Kind {
    leased: usize,
    looked: usize,
    reads: usize,
}

impl Looks {
    fn new(capability: &Capability) -> Self {
        let (push_batch, read_batch) = (capability.push_batch.max(1), capability.read_batch.max(1));
        Self { push_batch, read_batch, updates: Kind::default(), creates: Kind::default() }
    }

    fn count(&mut self, intent: &Intent) {
        let create = intent.record.is_none();
        let kind = if create { &mut self.creates } else { &mut self.updates };
        kind.leased += 1;
        kind.looked += usize::from(create || intent.compare_first);
        if kind.leased == self.push_batch {
            kind.reads += kind.looked.div_ceil(self.read_batch);
            (kind.leased, kind.looked) = (0, 0);
        }
    }

    /// A create is looked up by key, and then by address.
    fn calls(&self) -> u64 {
        let reads = |kind: &Kind| (kind.reads + kind.looked.div_ceil(self.read_batch)) as u64;
        reads(&self.updates) + 2 * reads(&self.creates)
    }
}

/// Plans one batch.
async fn plan_batch(
    push: &Push<'_>,
    stager: &Stager,
    mapping: &ObjectMapping,
    items: &[StageItem],
    (plan, tally, looks): (&mut Forecast, &mut FuseTally, &mut Looks),
) -> Result<(), End> {
    let live = live_values(push, mapping, items).await?;
    for item in items {
        let item = StageItem { queued: None, ..item.clone() };
        let decision = match &item.record {
            Some(record) => stager.decide_live(&item, live.by_id.get(&record.key.id)),
            None => match live.find_existing(&item) {
                Some((id, fields)) => stager.decide_live(&adopted(push, &item, id), Some(fields)),
                None => stager.decide_live(&item, None),
            },
        };
        plan.skipped.extend(decision.dead_letters.iter().map(|letter| letter.cause.clone()));
        let Some(intent) = decision.intent else { continue };
        count(&intent, plan, tally);
        looks.count(&intent);
        let profile = item.profile.as_ref().map(|profile| profile.uid);
        for change in intent.changes {
            plan.changes.push(PlannedChange {
                connection: intent.connection.clone(),
                object: intent.object.clone(),
                record: intent.record.as_ref().map(|key| key.id.clone()),
                profile,
                field: change.field,
                from: change.from,
                to: change.to,
                why: format!("{}; {}", change.cause.mapping, change.cause.origin).into(),
            });
        }
    }
    Ok(())
}

fn count(intent: &Intent, plan: &mut Forecast, tally: &mut FuseTally) {
    let create = intent.record.is_none();
    plan.creates += u64::from(create);
    plan.updates += u64::from(!create);
    tally.queued += 1;
    tally.creates += u64::from(create);
    tally.overwriting += u64::from(intent.changes.iter().any(|change| change.overwrites));
    tally.clearing += u64::from(intent.changes.iter().any(|change| change.to.is_null() && !change.cause.is_consent()));
}

/// The item as it will be once a record found by address is linked.
fn adopted(push: &Push<'_>, item: &StageItem, id: &RecordId) -> StageItem {
    let key = RecordKey { connection: push.connection.clone(), object: push.mapping.object.clone(), id: id.clone() };
    let record = LinkedRecord {
        key,
        profile: item.profile.as_ref().map(|profile| profile.id),
        mirror: Mirror::default(),
        modified_at: None,
        archived: false,
        url: None,
    };
    StageItem { record: Some(record), ..item.clone() }
}

#[derive(Default)]
struct Live {
    by_id: HashMap<RecordId, Fields>,
    by_address: HashMap<String, RecordId>,
}

impl Live {
    fn find_existing(&self, item: &StageItem) -> Option<(&RecordId, &Fields)> {
        let id = item
            .identifiers
            .iter()
            .filter(|identifier| identifier.kind == crate::model::IdentifierKind::Email)
            .find_map(|identifier| self.by_address.get(&*identifier.value))?;
        Some((id, self.by_id.get(id)?))
    }
}

async fn live_values(push: &Push<'_>, mapping: &ObjectMapping, items: &[StageItem]) -> Result<Live, End> {
    let mut live = Live::default();
    let fields = mapping.field_names();
    let ids: Vec<RecordId> =
        items.iter().filter_map(|item| item.record.as_ref().map(|record| record.key.id.clone())).collect();
    for record in read(push, &fields, ReadKey::Ids(ids)).await? {
        live.by_id.insert(record.id, record.fields);
    }
    let Some(email) = mapping.of_attribute("email").map(|mapping| mapping.field.clone()) else { return Ok(live) };
    let addresses: Vec<Value> = items
        .iter()
        .filter(|item| item.record.is_none())
        .flat_map(|item| &item.identifiers)
        .filter(|identifier| identifier.kind == crate::model::IdentifierKind::Email)
        .map(|identifier| Value::Text(identifier.value.clone()))
        .collect();
    for chunk in addresses.chunks(push.connector.capability().read_batch.max(1)) {
        let by = ReadKey::Unique { field: email.clone(), values: chunk.to_vec() };
        for record in read(push, &fields, by).await? {
            if let Some(address) = record.fields.get(&email).and_then(Value::as_text).and_then(normalise_email) {
                live.by_address.insert(address, record.id.clone());
            }
            live.by_id.insert(record.id, record.fields);
        }
    }
    Ok(live)
}

async fn read(push: &Push<'_>, fields: &[FieldName], by: ReadKey) -> Result<Vec<Record>, End> {
    let empty = match &by {
        ReadKey::Ids(ids) => ids.is_empty(),
        ReadKey::Unique { values, .. } => values.is_empty(),
    };
    if empty {
        return Ok(Vec::new());
    }
    let request = ReadRequest { object: push.mapping.object.clone(), fields: fields.to_vec(), by };
    push.connector.read(&request).await.map_err(End::Crm)
}
