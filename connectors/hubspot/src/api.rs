//! The calls themselves: one function per question to HubSpot, shared by pull, read and push.

use std::fmt::Write as _;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use connector::{Clock, Error, ErrorKind, Object, RecordId, Timestamp};
use connector_http::{Answer, Call, Client, Priority};
use serde::Serialize;
use tokio::sync::OnceCell;

use crate::account::Portal;
use crate::config::Limits;
use crate::dialect::{PLAIN_CALL, SEARCH_CALL};
use crate::paths::{Paths, kind_of, modified_property};
use crate::rows::Rows;
use crate::stages::Stages;
use crate::wanted::Wanted;
use crate::wire::Envelope;

/// Most rows HubSpot lists in one page, reads or writes in one batch.
pub(crate) const BATCH: usize = 100;
/// Most rows of one search page.
pub(crate) const SEARCH_PAGE: usize = 200;

/// Property names longer than this together go into a batch read's body instead of a list's URL (414 above ~8,000).
const LONGEST_URL_LIST: usize = 6_000;
/// HubSpot refuses a search body over 3,000 characters; this leaves room for the filters.
const LONGEST_SEARCH_LIST: usize = 2_200;

#[derive(Debug)]
pub(crate) struct Api {
    pub client: Client,
    pub clock: Arc<dyn Clock>,
    pub paths: Paths,
    pub limits: Limits,
    pub portal: OnceCell<Option<Portal>>,
    pub stages: Mutex<Option<(Timestamp, Arc<Stages>)>>,
    /// Whether the app has turned out not to be allowed to read line items.
    pub no_lines: AtomicBool,
    /// Objects whose property group is known to exist; held while the schema is written, one writer at a time.
    pub groups: tokio::sync::Mutex<Vec<Object>>,
}

/// Whether an answer to a list or search can carry the wanted properties itself.
pub(crate) fn fits_in_url(wanted: &Wanted) -> bool {
    wanted.list_length() <= LONGEST_URL_LIST
}

pub(crate) fn fits_in_search(wanted: &Wanted) -> bool {
    // Each name costs its quotes as well.
    wanted.list_length() + 2 * wanted.properties().len() <= LONGEST_SEARCH_LIST
}

impl Api {
    /// Sends a question and decodes a 2xx; anything else HubSpot says is an error of the call.
    pub async fn ask<T>(&self, call: &Call<'_>, decode: impl Fn(&Answer) -> Result<T, String>) -> Result<T, Error> {
        self.client
            .fetch(call, |answer| {
                if answer.status.is_success() {
                    decode(answer).map(Ok)
                } else {
                    Ok(Err(refusal(call.attempted, answer)))
                }
            })
            .await?
    }

    /// One page of live or archived records in id order, straight from the primary store.
    pub async fn list(
        &self,
        object: &Object,
        wanted: &Wanted,
        after: Option<&str>,
        archived: bool,
        links: &[Object],
    ) -> Result<Rows, Error> {
        let mut path = format!("{}?limit={BATCH}&archived={archived}", self.paths.objects(kind_of(object)?));
        push_list(&mut path, "properties", wanted.names());
        let kinds = links.iter().map(kind_of).collect::<Result<Vec<_>, _>>()?;
        push_list(&mut path, "associations", kinds.into_iter());
        if let Some(after) = after {
            path.push_str("&after=");
            path.extend(url::form_urlencoded::byte_serialize(after.as_bytes()));
        }
        let attempted = format!("read a page of {object} records");
        self.ask(&Call::get(&attempted, path, PLAIN_CALL), |answer| Rows::decode(answer, wanted)).await
    }

    /// Records changed at or after `from`, by ascending id, after the id `last`.
    pub async fn changed(
        &self,
        object: &Object,
        wanted: &Wanted,
        from: Timestamp,
        last: Option<&str>,
    ) -> Result<Rows, Error> {
        let since = from.millis().to_string();
        let mut filters = vec![Filter { property: modified_property(object), operator: "GTE", value: Some(&since) }];
        if let Some(last) = last {
            filters.push(Filter { property: "hs_object_id", operator: "GT", value: Some(last) });
        }
        let body = Search {
            filter_groups: [FilterGroup { filters }],
            sorts: [Sort { property: "hs_object_id", direction: "ASCENDING" }],
            properties: wanted.names().collect(),
            limit: SEARCH_PAGE,
        };
        let attempted = format!("search changed {object} records");
        self.search(&attempted, object, &body, wanted).await
    }

    /// The highest id and the number of records, as the search index knows them.
    pub async fn extent(&self, object: &Object) -> Result<Rows, Error> {
        let body = Search {
            filter_groups: [FilterGroup {
                filters: vec![Filter { property: "hs_object_id", operator: "HAS_PROPERTY", value: None }],
            }],
            sorts: [Sort { property: "hs_object_id", direction: "DESCENDING" }],
            properties: Vec::new(),
            limit: 1,
        };
        let attempted = format!("count {object} records");
        self.search(&attempted, object, &body, &Wanted::nothing()).await
    }

    async fn search(
        &self,
        attempted: &str,
        object: &Object,
        body: &Search<'_>,
        wanted: &Wanted,
    ) -> Result<Rows, Error> {
        let path = format!("{}/search", self.paths.objects(kind_of(object)?));
        let call = Call::ask(attempted, path, json(attempted, body)?, SEARCH_CALL);
        self.ask(&call, |answer| Rows::decode(answer, wanted)).await
    }

    /// Up to 100 records by id or by a unique property, from the primary store. Missing ones are left out.
    pub async fn batch_read(
        &self,
        object: &Object,
        wanted: &Wanted,
        by: Option<&str>,
        keys: &[&str],
        priority: Priority,
    ) -> Result<Rows, Error> {
        let attempted = format!("read {object} records");
        let path = format!("{}/batch/read", self.paths.objects(kind_of(object)?));
        let body = BatchRead {
            properties: wanted.names().collect(),
            id_property: by,
            inputs: keys.iter().map(|id| Key { id }).collect(),
        };
        let call = Call::ask(&attempted, path, json(&attempted, &body)?, PLAIN_CALL).with_priority(priority);
        self.ask(&call, |answer| Rows::decode(answer, wanted)).await
    }

    /// The id a record answers to now: another one where it was merged, none where it is gone.
    pub async fn current_id(&self, object: &Object, id: &str, priority: Priority) -> Result<Option<RecordId>, Error> {
        let attempted = format!("look where one {object} record went");
        let path = format!("{}/{id}?properties=hs_object_id", self.paths.objects(kind_of(object)?));
        let call = Call::get(&attempted, path, PLAIN_CALL).with_priority(priority);
        let wanted = Wanted::nothing();
        self.client
            .fetch(&call, |answer| match answer.status.as_u16() {
                404 => Ok(Ok(None)),
                200..=299 => crate::rows::decode_row(answer, &wanted).map(|row| Ok(Some(row.record_id()))),
                _ => Ok(Err(refusal(&attempted, answer))),
            })
            .await?
    }

    /// Stages of deals, read again when older than `fresh_for` seconds.
    pub fn remembered_stages(&self, fresh_for: u64) -> Option<Arc<Stages>> {
        let stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, stages) = stages.as_ref()?;
        (self.clock.now().since(*read_at).as_secs() < fresh_for).then(|| stages.clone())
    }

    pub fn remember_stages(&self, stages: Arc<Stages>) {
        *self.stages.lock().unwrap_or_else(PoisonError::into_inner) = Some((self.clock.now(), stages));
    }
}

/// A body HubSpot will be sent; failing to write one is a fault of ours, told rather than panicked about.
pub(crate) fn json(attempted: &str, body: &impl Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(body)
        .map(Bytes::from)
        .map_err(|_| Error::new(ErrorKind::Protocol, attempted, "the request cannot be written as JSON"))
}

/// What a refusal outside of batches means for the call.
pub(crate) fn refusal(attempted: &str, answer: &Answer) -> Error {
    let envelope = Envelope::read(&answer.body);
    let (kind, fix) = match answer.status.as_u16() {
        404 => (ErrorKind::Config, Some("check base_url, api_version, and that the object exists in this account")),
        405 | 410 | 415 => (ErrorKind::Unsupported, Some("check api_version")),
        _ => (ErrorKind::Protocol, None),
    };
    let mut error = Error::new(kind, attempted, envelope.cause(answer.status.as_u16()));
    error.fix = fix.map(str::to_owned);
    error.correlation_id = answer
        .correlation_id
        .clone()
        .or_else(|| envelope.correlation_id.as_deref().map(connector_http::redact::identifier));
    error
}

fn push_list<'a>(path: &mut String, name: &str, mut items: impl Iterator<Item = &'a str>) {
    let Some(first) = items.next() else { return };
    // Writing to a String cannot fail.
    let _ = write!(path, "&{name}=");
    path.extend(url::form_urlencoded::byte_serialize(first.as_bytes()));
    for item in items {
        path.push(',');
        path.extend(url::form_urlencoded::byte_serialize(item.as_bytes()));
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Search<'a> {
    filter_groups: [FilterGroup<'a>; 1],
    sorts: [Sort; 1],
    properties: Vec<&'a str>,
    limit: usize,
}

#[derive(Serialize)]
struct FilterGroup<'a> {
    filters: Vec<Filter<'a>>,
}

#[derive(Serialize)]
struct Filter<'a> {
    #[serde(rename = "propertyName")]
    property: &'a str,
    operator: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
}

#[derive(Serialize)]
struct Sort {
    #[serde(rename = "propertyName")]
    property: &'static str,
    direction: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchRead<'a> {
    properties: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_property: Option<&'a str>,
    inputs: Vec<Key<'a>>,
}

#[derive(Serialize)]
struct Key<'a> {
    id: &'a &'a str,
}
