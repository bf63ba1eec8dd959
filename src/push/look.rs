//! Look before writing: entries whose last answer was lost, whose fields others may have changed, or that would create.

use std::collections::HashMap;
use std::hash::Hash;

use connector::{FieldName, ReadKey, ReadRequest, Record, RecordId, Value};

use super::settle::{Tally, canonical, delivered, not_sent, subject};
use super::stage::letter;
use super::wish::owner;
use super::{End, Push, Stager};
use crate::compare::is_normalisation;
use crate::model::{
    Change, DeadLetterCode, FieldWritten, IdentifierKind, JournalOutcome, OutboxEntry, OutboxState, RecordKey,
    normalise_email,
};
use crate::store::{Delivered, Fate, StageItem};

/// What a look found out about one entry.
#[derive(Debug)]
pub(super) enum Looked {
    /// Still to be sent, perhaps with fewer fields; `settled` are the fields that need no sending.
    Send {
        entry: Box<OutboxEntry>,
        settled: Vec<FieldWritten>,
    },
    Done(Delivered, Tally),
}

/// Why a look failed: the CRM (its entries come again) or the store (the run ends).
pub(super) enum Failed {
    Crm(connector::Error),
    Run(End),
}

/// Whether an entry may only be sent after a look.
pub(super) fn is_needed(entry: &OutboxEntry) -> bool {
    // A deletion that was perhaps done is sent again: of what is gone it is done.
    if entry.intent.deletes() {
        return false;
    }
    entry.state == OutboxState::Ambiguous || entry.intent.compare_first || entry.intent.record.is_none()
}

/// Updates: the CRM's live values decide again, by the same rules, what is still to be written.
pub(super) async fn at_updates(
    push: &Push<'_>,
    stager: &Stager,
    entries: Vec<OutboxEntry>,
) -> Result<Vec<Looked>, Failed> {
    let keys: Vec<RecordKey> = entries.iter().filter_map(|entry| entry.intent.record.clone()).collect();
    let items = push.store.stage_items(keys).await.map_err(|error| Failed::Run(End::Store(error)))?;
    let items: HashMap<RecordId, StageItem> =
        items.into_iter().filter_map(|item| Some((item.record.as_ref()?.key.id.clone(), item))).collect();
    let wishes = entries.iter().filter_map(|entry| entry.intent.wish()).map(|wish| wish.field.clone());
    let told = entries.iter().flat_map(|entry| entry.intent.fields.names().cloned());
    let mut fields: Vec<FieldName> = told.chain(wishes).collect();
    fields.sort();
    fields.dedup();
    let ids: Vec<RecordId> =
        entries.iter().filter_map(|entry| entry.intent.record.as_ref().map(|key| key.id.clone())).collect();
    let live = read(push, ReadKey::Ids(ids), fields).await?;
    let live: HashMap<&RecordId, &Record> = live
        .iter()
        .flat_map(|record| record.merged_ids.iter().chain([&record.id]).map(move |id| (id, record)))
        .collect();
    Ok(entries
        .into_iter()
        .map(|entry| {
            let id = entry.intent.record.as_ref().map(|key| &key.id);
            match id.and_then(|id| Some((items.get(id)?, live.get(id)?))) {
                Some((item, live)) => update(stager, entry, item, live),
                // Not there: the write's own answer will say whether it is deleted or merged.
                None => Looked::Send { entry: Box::new(entry), settled: Vec::new() },
            }
        })
        .collect())
}

fn update(stager: &Stager, mut entry: OutboxEntry, item: &StageItem, read: &Record) -> Looked {
    let live = &read.fields;
    let item = StageItem { queued: None, ..item.clone() };
    let still = stager.decide_live(&item, Some(live)).intent.map(|intent| intent.fields).unwrap_or_default();
    let mut settled = Vec::new();
    let mut rest: Vec<Change> = Vec::new();
    for change in std::mem::take(&mut entry.intent.changes) {
        if change.cause.is_routing() {
            let whose = live.get(&change.field).cloned().map_or(Value::Null, owner);
            match owned(&change, &whose) {
                Some(field) => settled.push(field),
                None if change.is_wish() => rest.push(Change { from: whose, ..change }),
                None => rest.push(change),
            }
            continue;
        }
        let kept = live.get(&change.field).and_then(|value| canonical(&stager.mapping, &change.field, value));
        let was_sent = entry.state == OutboxState::Ambiguous;
        match kept {
            Some(kept) if kept == change.to || (was_sent && is_normalisation(&change.to, &kept)) => {
                let outcome = if kept == change.to { JournalOutcome::Written } else { JournalOutcome::KeptOther };
                settled.push(FieldWritten {
                    field: change.field,
                    from: change.from,
                    sent: change.to,
                    kept,
                    outcome,
                    fought: false,
                });
            }
            _ if still.get(&change.field).is_some() => rest.push(change),
            // The CRM's newer value stands. A pull may have passed it by while the write was on its way, so it is noted
            // here, and staging takes it over where the field's rule says so.
            Some(kept) => settled.push(FieldWritten {
                field: change.field,
                from: change.from,
                sent: change.to,
                kept,
                outcome: JournalOutcome::Cancelled,
                fought: false,
            }),
            None => {}
        }
    }
    if rest.is_empty() {
        let written = settled.iter().any(|field| field.outcome != JournalOutcome::Cancelled);
        let tally = if written { Tally::Updated } else { Tally::Skipped };
        let delivered = Delivered { modified_at: read.modified_at, ..not_sent(&entry, settled) };
        return Looked::Done(delivered, tally);
    }
    let told = rest.iter().filter(|change| !change.is_wish());
    entry.intent.fields = told.map(|change| (change.field.clone(), change.to.clone())).collect();
    entry.intent.changes = rest;
    Looked::Send { entry: Box::new(entry), settled }
}

/// An owner who needs no writing: it is there already, or somebody has taken the record since that was decided, and keeps it.
fn owned(change: &Change, whose: &Value) -> Option<FieldWritten> {
    if change.is_wish() || (*whose != change.to && (whose.is_null() || *whose == change.from)) {
        return None;
    }
    let outcome = if *whose == change.to { JournalOutcome::Written } else { JournalOutcome::Cancelled };
    let Change { field, from, to, .. } = change.clone();
    Some(FieldWritten { field, from, sent: to, kept: whose.clone(), outcome, fought: false })
}

/// Creates: looked up by our key, then by every e-mail address of the profile; what is found is linked, not made again.
pub(super) async fn at_creates(
    push: &Push<'_>,
    stager: &Stager,
    entries: Vec<OutboxEntry>,
) -> Result<Vec<Looked>, Failed> {
    let Some(key) = stager.key.clone() else {
        return Ok(entries
            .into_iter()
            .map(|entry| Looked::Send { entry: Box::new(entry), settled: Vec::new() })
            .collect());
    };
    let email = stager.mapping.of_attribute("email").map(|mapping| mapping.field.clone());
    let wanted: Vec<FieldName> = [Some(key.clone()), email.clone()].into_iter().flatten().collect();
    let uids: Vec<Value> = entries.iter().filter_map(|entry| entry.intent.fields.get(&key).cloned()).collect();
    let by_key = read(push, ReadKey::Unique { field: key.clone(), values: uids }, wanted.clone()).await?;
    let mut addresses: Vec<Vec<String>> = Vec::with_capacity(entries.len());
    for entry in &entries {
        addresses.push(emails(push, entry).await?);
    }
    let by_email = match &email {
        Some(field) => {
            let values: Vec<Value> = addresses.iter().flatten().map(|address| Value::from(address.as_str())).collect();
            read_in_batches(push, field, values, &wanted).await?
        }
        None => Vec::new(),
    };
    let by_key = ids_by(&by_key, |record| record.fields.get(&key).cloned().into_iter().collect());
    let by_email = ids_by(&by_email, |record| {
        let have = email.as_ref().and_then(|field| record.fields.get(field)).and_then(Value::as_text);
        let others = record.other_emails.iter().map(|address| &**address);
        have.into_iter().chain(others).filter_map(normalise_email).collect()
    });
    let found = |entry: &OutboxEntry, addresses: &[String]| -> Vec<RecordId> {
        let mine = entry.intent.fields.get(&key).and_then(|uid| by_key.get(uid));
        let mut ids: Vec<RecordId> = match mine {
            Some(ids) => ids.clone(),
            None => addresses.iter().filter_map(|address| by_email.get(address)).flatten().cloned().collect(),
        };
        ids.sort();
        ids.dedup();
        ids
    };
    Ok(entries
        .into_iter()
        .zip(addresses)
        .map(|(entry, addresses)| match found(&entry, &addresses).as_slice() {
            [] => Looked::Send { entry: Box::new(entry), settled: Vec::new() },
            [id] => {
                let fate = Fate::Linked { id: id.clone(), url: None };
                let journal = Some(JournalOutcome::Cancelled);
                Looked::Done(delivered(&entry, fate, Vec::new(), journal, Vec::new()), Tally::Skipped)
            }
            several => ambiguous(push, &entry, several.len()),
        })
        .collect())
}

/// Records by whatever names them.
fn ids_by<K: Eq + Hash>(records: &[Record], names: impl Fn(&Record) -> Vec<K>) -> HashMap<K, Vec<RecordId>> {
    let mut found: HashMap<K, Vec<RecordId>> = HashMap::with_capacity(records.len());
    for record in records {
        for name in names(record) {
            found.entry(name).or_default().push(record.id.clone());
        }
    }
    found
}

fn ambiguous(push: &Push<'_>, entry: &OutboxEntry, count: usize) -> Looked {
    let cause =
        format!("{} holds {count} records with e-mail addresses of one profile; none was chosen", push.connection);
    let fix = "merge them at the CRM; the next pull links the survivor";
    let letters = vec![letter(push.clock.now(), DeadLetterCode::AmbiguousMatch, subject(entry, None), cause, fix)];
    let journal = Some(JournalOutcome::Cancelled);
    Looked::Done(delivered(entry, Fate::Finished, Vec::new(), journal, letters), Tally::Failed)
}

async fn emails(push: &Push<'_>, entry: &OutboxEntry) -> Result<Vec<String>, Failed> {
    let Some(profile) = entry.intent.profile else { return Ok(Vec::new()) };
    let identifiers = push.store.identifiers(profile).await.map_err(|error| Failed::Run(End::Store(error)))?;
    Ok(identifiers
        .into_iter()
        .filter(|identifier| identifier.kind == IdentifierKind::Email)
        .map(|identifier| identifier.value.to_string())
        .collect())
}

async fn read_in_batches(
    push: &Push<'_>,
    field: &FieldName,
    values: Vec<Value>,
    wanted: &[FieldName],
) -> Result<Vec<Record>, Failed> {
    let mut all = Vec::new();
    for chunk in values.chunks(push.connector.capability().read_batch.max(1)) {
        let by = ReadKey::Unique { field: field.clone(), values: chunk.to_vec() };
        all.extend(read(push, by, wanted.to_vec()).await?);
    }
    Ok(all)
}

async fn read(push: &Push<'_>, by: ReadKey, fields: Vec<FieldName>) -> Result<Vec<Record>, Failed> {
    let request = ReadRequest { object: push.mapping.object.clone(), fields, by };
    push.connector.read(&request).await.map_err(Failed::Crm)
}
