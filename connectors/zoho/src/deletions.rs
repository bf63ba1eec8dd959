//! The stream of deletions. Zoho lists what is in the recycle bin for sixty days and what was erased for a hundred and
//! twenty; a merge appears there as the deletion of the record that lost. Whoever was away longer has one way left:
//! everything that lives is listed, and what is not among it is gone.

use connector::{Error, ErrorKind, Fields, Object, Page, PullRequest, Record, RecordId, Timestamp, Tombstone};
use connector_http::{Call, Checkpoint};
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
        None => Deletions::default(),
        Some(Place::Deletions(place)) => place,
        Some(_) => return Err(Checkpoint::foreign()),
    };
    let parts = paths::parts(object)?;
    let Some(module) = parts.get(place.part).copied() else { return Err(Checkpoint::foreign()) };
    let last_part = place.part + 1 == parts.len();
    if let Some(under_way) = place.sweep.clone() {
        return swept(api, module, &under_way, place, last_part).await;
    }
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
    if !last_part {
        // What the next module's page began with is this walk's beginning.
        let next = Deletions { part: place.part + 1, page: Some((began, 1)), ..place };
        return told(tombstones, next, true, false);
    }
    let late = place.mark.is_some_and(|mark| began.saturating_sub(mark) > REACH_SECS);
    let next = Deletions { mark: Some(began), sweep: late.then(Sweep::default), ..Deletions::default() };
    if late {
        tracing::warn!(%object, "the last look at deletions is too long ago; every record is listed to find what is gone");
    }
    told(tombstones, next, late, first && !late)
}

/// The next page of everything that lives in a module.
async fn swept(api: &Api, module: &str, under_way: &Sweep, place: Deletions, last_part: bool) -> Result<Page, Error> {
    let (rows, _, next) = sweep::page(api, module, under_way, &[MODIFIED], api.limits.query_page).await?;
    let done = next.is_none() && last_part;
    let place = match next {
        None if last_part => Deletions { sweep: None, part: 0, ..place },
        None => Deletions { sweep: Some(Sweep::default()), part: place.part + 1, ..place },
        next => Deletions { sweep: next, ..place },
    };
    let mut page = told(Vec::new(), place, !done, done)?;
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
