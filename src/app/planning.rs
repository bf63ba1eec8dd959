//! Plan and apply: what push would do, and doing exactly that after a person has read it.

use std::collections::{BTreeMap, HashMap};

use connector::{ConnectionName, FieldName, Fields, Object, Operation, ReadKey, ReadRequest, RecordId, Value};
use serde_json::Value as Json;

use super::pushing::delivered;
use super::{App, Connection, Finished, Progress};
use crate::config::ConnectionMode;
use crate::mapping::{FieldMapping, ObjectMapping};
use crate::model::{Cause, Change, Counts, Flow, Intent, RecordKey, RunId, canonical};
use crate::push::{End, Forecast, forecast};
use crate::store::Result;

/// What push would do at one (connection, object).
#[derive(Clone, Debug)]
pub struct Plan {
    pub connection: ConnectionName,
    pub object: Object,
    pub forecast: Forecast,
}

/// One change of a plan file, as it was read.
#[derive(Clone, Debug)]
pub struct Agreed {
    pub connection: ConnectionName,
    pub object: Object,
    /// `None`: the record is to be created for `profile`.
    pub record: Option<RecordId>,
    /// The profile's uid.
    pub profile: Option<String>,
    pub field: FieldName,
    pub from: Json,
    pub to: Json,
    pub why: String,
}

/// How applying a plan ended.
#[derive(Debug)]
pub enum Applied {
    Written(Vec<Finished>),
    /// The plan was applied before, at this instant; nothing was written.
    Already(String),
    /// The plan no longer holds; nothing was written. Each line says what differs.
    Differs(Vec<String>),
    Crm(connector::Error),
}

impl App {
    /// Plans every object that is written at a connection. Neither pulls nor computes, and changes nothing.
    pub async fn plan(&self, connection: &Connection) -> Result<std::result::Result<Vec<Plan>, connector::Error>> {
        let mut plans = Vec::new();
        if connection.settings.mode == ConnectionMode::PullOnly {
            return Ok(Ok(plans));
        }
        for mapping in connection.settings.objects.iter().filter(|mapping| connection.writes_to(mapping)) {
            // A plan is no run: its id appears nowhere.
            let push = self.one_push(connection, mapping, RunId(uuid::Uuid::nil()), false);
            match forecast(&push).await {
                Ok(forecast) => {
                    plans.push(Plan { connection: connection.name().clone(), object: mapping.object.clone(), forecast })
                }
                Err(End::Crm(error)) => return Ok(Err(error)),
                Err(End::Store(error)) => return Err(error),
                Err(End::Complete | End::Stopped | End::Fused(_)) => {}
            }
        }
        Ok(Ok(plans))
    }

    /// Writes exactly the agreed changes, if the CRM still holds every `from`. No fuse is asked: a person has agreed.
    pub async fn apply(&self, plan: &str, agreed: Vec<Agreed>, progress: &dyn Progress) -> Result<Applied> {
        let note = format!("plan:{plan}");
        if let Some(at) = self.store.note(&note).await? {
            return Ok(Applied::Already(at));
        }
        let mut places: BTreeMap<(ConnectionName, Object), Vec<Agreed>> = BTreeMap::new();
        for change in agreed {
            places.entry((change.connection.clone(), change.object.clone())).or_default().push(change);
        }
        let (mut differences, mut ready) = (Vec::new(), Vec::new());
        for ((connection, object), changes) in places {
            let found = self.connection(connection.as_str());
            let mapping = found.and_then(|found| found.settings.object(&object));
            let (Some(found), Some(mapping)) = (found, mapping) else {
                differences.push(format!("{connection} {object}: sync.toml maps no such object any more"));
                continue;
            };
            match self.still_holds(found, mapping, &changes).await {
                Ok(lines) => differences.extend(lines),
                Err(error) => return Ok(Applied::Crm(error)),
            }
            match self.intents(plan, mapping, changes).await? {
                Ok(intents) => ready.push((found, mapping, intents)),
                Err(line) => differences.push(line),
            }
        }
        if !differences.is_empty() {
            return Ok(Applied::Differs(differences));
        }
        let mut finished = Vec::new();
        for (connection, mapping, intents) in ready {
            let run = self.start_run(Flow::Push, Some(connection.name()), Some(&mapping.object)).await?;
            let now = self.world.clock.now();
            self.store.enqueue(now, connection.name(), &mapping.object, intents).await?;
            let push = self.one_push(connection, mapping, run.id, true);
            let (counts, ending) = delivered(&push, &|counts: &Counts| progress.update(&run, counts)).await;
            finished.push(self.end_run(run, counts, ending).await?);
        }
        self.store.set_note(&note, &self.world.clock.now().to_rfc3339()).await?;
        Ok(Applied::Written(finished))
    }

    /// Lines for every `from` that the CRM no longer holds.
    async fn still_holds(
        &self,
        connection: &Connection,
        mapping: &ObjectMapping,
        changes: &[Agreed],
    ) -> connector::Result<Vec<String>> {
        let mut ids: Vec<RecordId> = changes.iter().filter_map(|change| change.record.clone()).collect();
        ids.sort();
        ids.dedup();
        let mut fields: Vec<FieldName> = changes.iter().map(|change| change.field.clone()).collect();
        fields.sort();
        fields.dedup();
        let mut live: HashMap<RecordId, Fields> = HashMap::new();
        for chunk in ids.chunks(connection.connector.capability().read_batch.max(1)) {
            let request = ReadRequest {
                object: mapping.object.clone(),
                fields: fields.clone(),
                by: ReadKey::Ids(chunk.to_vec()),
            };
            live.extend(
                connection.connector.read(&request).await?.into_iter().map(|record| (record.id, record.fields)),
            );
        }
        Ok(changes.iter().filter_map(|change| difference(mapping, change, &live)).collect())
    }

    /// One intent per record, or why one cannot be made.
    async fn intents(
        &self,
        plan: &str,
        mapping: &ObjectMapping,
        changes: Vec<Agreed>,
    ) -> Result<std::result::Result<Vec<Intent>, String>> {
        let mut records: BTreeMap<(Option<RecordId>, Option<String>), Vec<Agreed>> = BTreeMap::new();
        for change in changes {
            let profile = change.profile.clone().filter(|_| change.record.is_none());
            records.entry((change.record.clone(), profile)).or_default().push(change);
        }
        let mut intents = Vec::with_capacity(records.len());
        for ((record, profile), changes) in records {
            let Some(first) = changes.first() else { continue };
            let (connection, object) = (first.connection.clone(), first.object.clone());
            let mut fields = Fields::new();
            let mut listed = Vec::new();
            for change in &changes {
                if let Some(wish) = owner_to_name(mapping, change) {
                    listed.push(wish);
                    continue;
                }
                let Some(to) = pushed(mapping, &change.field).and_then(|field| typed(field, &change.to)) else {
                    return Ok(Err(format!(
                        "{connection} {object} field \"{}\": sync.toml no longer writes it, or the plan's value does not fit it",
                        change.field
                    )));
                };
                let from = pushed(mapping, &change.field).and_then(|field| typed(field, &change.from));
                fields.set(change.field.clone(), to.clone());
                listed.push(Change {
                    field: change.field.clone(),
                    from: from.unwrap_or(Value::Null),
                    to,
                    cause: Cause { mapping: format!("plan {plan}").into(), origin: change.why.as_str().into() },
                    overwrites: false,
                });
            }
            let key = record.map(|id| RecordKey { connection: connection.clone(), object: object.clone(), id });
            let owner = match &profile {
                Some(uid) => self.store.find_profile(uid).await?,
                None => None,
            };
            let operation = match (&key, mapping.key_field(), &profile) {
                (Some(key), _, _) => Operation::Update { id: key.id.clone() },
                (None, Some(field), Some(uid)) if owner.is_some() => {
                    Operation::Upsert { field: field.clone(), value: Value::text(uid.as_str()) }
                }
                _ => return Ok(Err(format!("{connection} {object}: the profile of a planned create is gone"))),
            };
            intents.push(Intent {
                connection,
                object,
                record: key,
                profile: owner,
                operation,
                fields,
                // Whoever is named for a record is so beside whoever owns it then.
                compare_first: listed.iter().any(Change::is_wish),
                changes: listed,
            });
        }
        Ok(Ok(intents))
    }
}

/// A record that the plan gives to somebody: whom, routing says when it is written.
fn owner_to_name(mapping: &ObjectMapping, change: &Agreed) -> Option<Change> {
    let (line, origin) = change.why.rsplit_once("; ")?;
    (mapping.owner_field() == Some(&change.field) && origin == Cause::ROUTING).then(|| Change {
        field: change.field.clone(),
        from: change.from.as_str().map_or(Value::Null, Value::text),
        to: change.to.as_str().map_or(Value::Null, Value::text),
        cause: Cause { mapping: line.into(), origin: origin.into() },
        overwrites: false,
    })
}

fn pushed<'a>(mapping: &'a ObjectMapping, field: &'a str) -> Option<&'a FieldMapping> {
    mapping.of_field(field).find(|mapping| mapping.direction.pushes())
}

/// A plan's JSON value in the terms of the field.
fn typed(mapping: &FieldMapping, value: &Json) -> Option<Value> {
    let delivered = match value {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => Value::text(number.to_string()),
        Json::String(text) => Value::text(text.as_str()),
        Json::Array(items) => Value::List(items.iter().map(|item| item.as_str().unwrap_or_default().into()).collect()),
        Json::Object(_) => return None,
    };
    mapping.kind_at_crm().read(&delivered).ok()
}

fn difference(mapping: &ObjectMapping, change: &Agreed, live: &HashMap<RecordId, Fields>) -> Option<String> {
    let id = change.record.as_ref()?;
    let place = format!("{} {} {id} {}", change.connection, change.object, change.field);
    let Some(fields) = live.get(id) else {
        return Some(format!("{place}: the record is not there any more"));
    };
    let delivered = fields.get(&change.field).unwrap_or(&Value::Null);
    let now = pushed(mapping, &change.field).and_then(|field| field.canonical(delivered).ok())?;
    let now = canonical::to_json(&now);
    (now != change.from).then(|| format!("{place}: the plan replaces {}, the CRM holds {now} now", change.from))
}
