//! The stream of deletions. Zoho lists what is in the recycle bin for sixty days and what was erased for a hundred and
//! twenty; a merge appears there as the deletion of the record that lost. Whoever was away longer has one way left:
//! everything that lives is listed, and what is not among it is gone.

use connector::{Error, ErrorKind, Fields, Object, Page, PullRequest, Record, RecordId, Timestamp, Tombstone};
use connector_http::Call;
use serde::Deserialize;

use crate::api::{Api, decode_or_nothing};
use crate::cursor::{Deletions, Place, Sweep};
use crate::dialect::CALL;
use crate::listing::since_header;
use crate::paths;
use crate::records::{before, server_secs};
use crate::sweep;
use crate::wanted::MODIFIED;
use crate::wire::{Id, is_id};

/// A mark older than this may have missed what has left the recycle bin since; a day less than Zoho keeps it listed.
const REACH_SECS: i64 = 59 * 86_400;
/// More pages than any organisation deletes.
const MOST_PAGES: u32 = 50_000;

#[derive(Deserialize)]
struct Listed {
    data: Vec<Deleted>,
    #[serde(default)]
    info: Info,
}

#[derive(Deserialize)]
struct Deleted {
    id: Id,
    #[serde(default)]
    deleted_time: Option<String>,
}

#[derive(Default, Deserialize)]
struct Info {
    #[serde(default)]
    more_records: bool,
}

/// One page of an object's deletions.
pub(crate) async fn page(api: &Api, request: &PullRequest, object: &Object) -> Result<Page, Error> {
    let place = match request.cursor.as_ref().map(Place::from_cursor).transpose()? {
        None => Deletions { mark: None, page: None, sweep: None },
        Some(Place::Deletions(place)) => place,
        Some(_) => return Err(Place::foreign()),
    };
    if let Some(under_way) = place.sweep.clone() {
        return swept(api, object, &under_way, place).await;
    }
    let module = paths::module_of(object)?;
    if !api.client.has_heard_server_time() {
        // A mark is by Zoho's clock; any answer tells it.
        api.organisation().await?;
    }
    let attempted = format!("read deletions of {module}");
    let (began, number) = place.page.unwrap_or_else(|| (server_secs(api).max(place.mark.unwrap_or(0)), 1));
    let mut call = Call::get(&attempted, paths::deleted(module, number), CALL);
    if let Some(mark) = place.mark {
        call = since_header(call, before(api, mark));
    }
    let listed: Option<Listed> = api.ask(&call, decode_or_nothing).await?;
    let (rows, more) = listed.map_or((Vec::new(), false), |listed| (listed.data, listed.info.more_records));
    let tombstones: Vec<Tombstone> = rows.into_iter().filter_map(tombstone).collect();
    if more && (tombstones.is_empty() || number >= MOST_PAGES) {
        return Err(Error::new(ErrorKind::Protocol, attempted, "the pages do not end"));
    }
    let first = place.mark.is_none();
    if more {
        let next = Deletions { page: Some((began, number + 1)), ..place };
        return told(tombstones, next, true, false);
    }
    let late = place.mark.is_some_and(|mark| began.saturating_sub(mark) > REACH_SECS);
    let next = Deletions { mark: Some(began), page: None, sweep: late.then(Sweep::default) };
    if late {
        tracing::warn!(%object, "the last look at deletions is too long ago; every record is listed to find what is gone");
    }
    told(tombstones, next, late, first && !late)
}

/// The next page of everything that lives.
async fn swept(api: &Api, object: &Object, under_way: &Sweep, place: Deletions) -> Result<Page, Error> {
    let (rows, _, next) = sweep::page(api, object, under_way, &[MODIFIED]).await?;
    let done = next.is_none();
    let mut page = told(Vec::new(), Deletions { sweep: next, ..place }, !done, done)?;
    page.records = rows.into_iter().map(|row| Record::new(row.id, Fields::new())).collect();
    Ok(page)
}

fn told(tombstones: Vec<Tombstone>, place: Deletions, more: bool, full_load_done: bool) -> Result<Page, Error> {
    let resume = Place::Deletions(place).to_cursor()?;
    Ok(Page { records: Vec::new(), tombstones, resume, more, full_load_done, undefined: Vec::new() })
}

fn tombstone(row: Deleted) -> Option<Tombstone> {
    let id = is_id(&row.id.0).then(|| RecordId::from(row.id.0))?;
    let deleted_at = row.deleted_time.as_deref().and_then(Timestamp::parse_rfc3339);
    Some(Tombstone { id, deleted_at, merged_into: None })
}
