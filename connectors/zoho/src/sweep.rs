//! Everything that lives, in the order of ids: whom deals are about (which is part of the deal at Zoho, but a lookup whose
//! record was merged or deleted may change without the deal's stamp), and what is left where the lists of deletions do
//! not reach back far enough.

use connector::{Cursor, Error, ErrorKind, Fields, Object, Page, PullRequest, Record};
use connector_http::{Checkpoint, Priority};

use crate::api::Api;
use crate::convert::{Reading, is_converted};
use crate::coql::{MOST_ROWS, Query, quoted};
use crate::cursor::{Place, Sweep};
use crate::listing::Listing;
use crate::paths::module_of;
use crate::records::server_secs;
use crate::roles::page_of;
use crate::rows::{Row, Rows};
use crate::wanted::{CONVERTED, CONVERTED_CONTACT, MODIFIED, Wanted};

/// Seconds between sweeps that cost a call a deal.
const EVERY: i64 = 86_400;

/// The associations of every record of an object.
pub(crate) async fn associations(api: &Api, request: &PullRequest, object: &Object) -> Result<Page, Error> {
    let roles = api.tells_roles(object, &request.links).await?;
    let now = server_secs(api);
    let sweep = match request.cursor.as_ref().map(Place::from_cursor).transpose()? {
        None => Sweep::default(),
        // A sweep that costs a call a deal is made once a day.
        Some(Place::Sweep(sweep)) if roles && sweep.done_at.is_some_and(|at| now < at.saturating_add(EVERY)) => {
            let resume = Place::Sweep(sweep).to_cursor()?;
            return Ok(empty(resume));
        }
        Some(Place::Sweep(sweep)) => Sweep { done_at: None, ..sweep },
        Some(_) => return Err(Checkpoint::foreign()),
    };
    if *object != Object::Deal {
        let cause = "only deals are associated with more than one kind of record";
        return Err(Error::new(ErrorKind::Unsupported, format!("read associations of {object} records"), cause));
    }
    let most = page_of(api.limits.query_page, roles);
    let (rows, wanted, next) =
        page(api, module_of(object)?, &sweep, &[MODIFIED, "Account_Name", "Contact_Name"], most).await?;
    let reading =
        Reading { object, wanted: &wanted, address: None, currency: None, links: &request.links, stages: None };
    let record = |row: &Row| {
        let mut record = Record::new(row.id.clone(), Fields::new());
        record.links = Some(reading.links_of(row));
        record
    };
    let mut records: Vec<Record> = rows.iter().map(record).collect();
    if roles {
        api.add_roles(&mut records).await?;
    }
    let more = next.is_some();
    let done = Sweep { done_at: roles.then_some(now), ..Sweep::default() };
    let resume = Place::Sweep(next.unwrap_or(done)).to_cursor()?;
    Ok(Page { records, tombstones: Vec::new(), resume, more, full_load_done: !more, undefined: Vec::new() })
}

fn empty(resume: Cursor) -> Page {
    let (records, tombstones, undefined) = (Vec::new(), Vec::new(), Vec::new());
    Page { records, tombstones, resume, more: false, full_load_done: false, undefined }
}

/// The next records of a sweep, at most so many, and where it goes on; `None` where it is done.
pub(crate) async fn page(
    api: &Api,
    module: &str,
    sweep: &Sweep,
    names: &[&str],
    most: usize,
) -> Result<(Vec<Row>, Wanted, Option<Sweep>), Error> {
    let attempted = format!("list all {module}");
    let described = api.described(module).await?;
    let leads = if module == "Leads" { &[CONVERTED, CONVERTED_CONTACT][..] } else { &[] };
    let names: Vec<&str> = names.iter().chain(leads).copied().collect();
    let wanted = Wanted::only(&names, &described);
    if sweep.token.is_none() && api.may_ask(module) {
        match by_query(api, (module, &attempted), sweep, &wanted, most).await {
            Ok(Some((rows, next))) => return Ok((living(rows, &wanted), wanted, next)),
            Ok(None) => {}
            Err(error) if error.kind == ErrorKind::Forbidden => {}
            Err(error) => return Err(error),
        }
        api.stop_querying(module);
    }
    let listing = Listing { attempted: &attempted, module, order: "id", since: None, token: sweep.token.as_deref() };
    let Rows { rows, more, next } =
        api.listed(&listing, &wanted).await?.map_err(|refusal| refusal.into_error(&attempted))?;
    let next = match (more, next) {
        (false, _) => None,
        (true, Some(token)) if sweep.token.as_ref() != Some(&token) => {
            Some(Sweep { token: Some(token), ..Sweep::default() })
        }
        (true, _) => return Err(Error::new(ErrorKind::Protocol, attempted, "the list goes round in circles")),
    };
    Ok((living(rows, &wanted), wanted, next))
}

/// A query's worth; `None` where Zoho does not answer queries about this module.
async fn by_query(
    api: &Api,
    (module, attempted): (&str, &str),
    sweep: &Sweep,
    wanted: &Wanted,
    most: usize,
) -> Result<Option<(Vec<Row>, Option<Sweep>)>, Error> {
    let limit = most.min(MOST_ROWS);
    let calls = wanted.calls();
    let query = Query {
        columns: calls.first().map(Vec::as_slice).unwrap_or_default(),
        module,
        condition: match &sweep.after {
            Some(after) => format!("id > {}", quoted(after)),
            None => "id is not null".to_owned(),
        },
        order: "id asc",
        limit,
    };
    let Ok(page) = api.query(attempted, Priority::Pull, &query, wanted).await? else { return Ok(None) };
    let more = page.more || page.rows.len() >= limit;
    let last = page.rows.last().map(|row| row.id.as_str().to_owned());
    if more && (last.is_none() || last == sweep.after) {
        return Err(Error::new(ErrorKind::Protocol, attempted, "the list goes round in circles"));
    }
    let next = more.then_some(Sweep { after: last, ..Sweep::default() });
    Ok(Some((page.rows, next)))
}

/// A converted lead goes on as a contact: as a lead it is no more.
fn living(mut rows: Vec<Row>, wanted: &Wanted) -> Vec<Row> {
    rows.retain(|row| !is_converted(row, wanted));
    rows
}
