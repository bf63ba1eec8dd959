//! Current values of given records from the primary store: no search index, no lag.

use std::collections::BTreeSet;

use connector::{Error, ErrorKind, Object, ReadKey, ReadRequest, Record, RecordId, Value};
use connector_http::Priority;
use futures::future::try_join_all;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::api::{Api, BATCH};
use crate::convert::{Reading, is_id};
use crate::rows::Row;
use crate::values::wire_text;
use crate::wanted::Wanted;

/// Look-ups of single records in flight at once.
const LOOKUPS: usize = 8;

pub(crate) async fn read(api: &Api, request: &ReadRequest) -> Result<Vec<Record>, Error> {
    if request.object == Object::User {
        return Err(Error::new(ErrorKind::Unsupported, "read users by id", "HubSpot's owners are only listed"));
    }
    let portal = api.portal().await?;
    let stages = match request.object {
        Object::Deal => Some(api.deal_stages().await?),
        _ => None,
    };
    let closed = stages.as_ref().map(|stages| stages.closed()).unwrap_or_default();
    let wanted = Wanted::new(&request.object, &request.fields, &closed);
    let reading = Reading { object: &request.object, wanted: &wanted, portal, stages: stages.as_deref() };
    match &request.by {
        ReadKey::Ids(ids) => by_ids(api, &reading, ids).await,
        ReadKey::Unique { field, values } => by_unique(api, &reading, field, values).await,
    }
}

async fn by_unique(api: &Api, reading: &Reading<'_>, field: &str, values: &[Value]) -> Result<Vec<Record>, Error> {
    let keys: BTreeSet<String> = values.iter().map(wire_text).filter(|key| !key.is_empty()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let rows = rows(api, reading, Some(field), &keys).await?;
    Ok(reading.records(unique(rows)))
}

async fn by_ids(api: &Api, reading: &Reading<'_>, ids: &[RecordId]) -> Result<Vec<Record>, Error> {
    // What is not a number is no id of HubSpot's, and would fail the whole batch.
    let asked: BTreeSet<&str> = ids.iter().map(RecordId::as_str).filter(|id| is_id(id)).collect();
    let keys: Vec<&str> = asked.iter().copied().collect();
    let mut found = rows(api, reading, None, &keys).await?;
    let answered: BTreeSet<String> = found.iter().map(|row| row.id.clone()).collect();
    // A batch leaves out what was merged away; asked for alone, it answers as the surviving record.
    let mut lookups = Vec::new();
    for id in &keys {
        if !answered.contains(*id) {
            lookups.push(survivor(api, reading.object, id));
        }
    }
    let survivors: Vec<Option<(&str, RecordId)>> = stream::iter(lookups).buffered(LOOKUPS).try_collect().await?;
    let survivors: Vec<(&str, RecordId)> = survivors.into_iter().flatten().collect();
    let unread: BTreeSet<&str> =
        survivors.iter().map(|(_, now)| now.as_str()).filter(|now| !answered.contains(*now)).collect();
    found.extend(rows(api, reading, None, &unread.into_iter().collect::<Vec<_>>()).await?);
    let mut records = reading.records(unique(found));
    for (asked, now) in survivors {
        if let Some(record) = records.iter_mut().find(|record| record.id == now) {
            let asked = RecordId::from(asked);
            if !record.merged_ids.contains(&asked) {
                record.merged_ids.push(asked);
            }
        }
    }
    Ok(records)
}

/// The record an id answers to now, where that is another one.
async fn survivor<'a>(api: &Api, object: &Object, id: &'a str) -> Result<Option<(&'a str, RecordId)>, Error> {
    let now = api.current_id(object, id, Priority::Push).await?;
    Ok(now.filter(|now| now.as_str() != id).map(|now| (id, now)))
}

async fn rows(api: &Api, reading: &Reading<'_>, by: Option<&str>, keys: &[&str]) -> Result<Vec<Row>, Error> {
    let batches =
        keys.chunks(BATCH).map(|keys| api.batch_read(reading.object, reading.wanted, by, keys, Priority::Push));
    let pages = try_join_all(batches).await?;
    Ok(pages.into_iter().flat_map(|page| page.rows).filter(|row| !row.archived).collect())
}

/// Two keys may name one record.
fn unique(rows: Vec<Row>) -> Vec<Row> {
    let mut ids = BTreeSet::new();
    rows.into_iter().filter(|row| ids.insert(row.id.clone())).collect()
}
