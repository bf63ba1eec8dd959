//! The streams: everything once, then what changed since, table by table.
//!
//! Where a table's changes are tracked, the first walk is asked for with tracking on and ends with a link; asked again, the
//! link brings what was written since, and the ids of what was deleted. A link that has expired, or any other that is
//! refused, is answered by walking everything again. Where changes are not tracked, rows come in the order of their stamps,
//! and each round looks back a little behind the last one, because a stamp is taken before its transaction ends.

use std::sync::Arc;

use connector::{
    DealStatus, Error, ErrorKind, FieldName, Fields, Object, Page, PullRequest, Record, RecordId, Stream, Timestamp,
    Tombstone,
};
use connector_http::{Call, Priority};

use crate::api::{Api, Refusal, get, header};
use crate::convert::{Reading, Told};
use crate::cursor::{Place, Scan, Step};
use crate::link::below;
use crate::odata::path;
use crate::rows::{Row, Rows};
use crate::schema::Described;
use crate::tables::{LINKS, NOTES, merges, tables_of};
use crate::wanted::Wanted;

/// One page of a stream.
pub(crate) async fn page(api: &Api, request: &PullRequest) -> Result<Page, Error> {
    let object = request.stream.object();
    let tables = tables_of(object)?;
    let of = match &request.stream {
        Stream::Records(_) => 'r',
        Stream::Deletions(_) => 'd',
        Stream::Associations(_) => 'a',
    };
    let place = match &request.cursor {
        Some(cursor) => Place::from_cursor(cursor, of, tables.len())?,
        None => Place::beginning(of, tables.len()),
    };
    let table = tables.get(place.at).copied().unwrap_or_default();
    let described = api.described(table).await?;
    let mut walk = Walk { api, request, object, described, wanted: Wanted::default(), attempted: String::new() };
    walk.attempted = format!("read a page of {table} rows");
    walk.want().await?;
    walk.go(place).await
}

struct Walk<'a> {
    api: &'a Api,
    request: &'a PullRequest,
    object: &'a Object,
    described: Arc<Described>,
    wanted: Wanted,
    attempted: String,
}

/// What one call brought, and how the table goes on.
struct Brought {
    rows: Rows,
    step: Step,
    /// Whether the table's round is over.
    done: bool,
    /// Whether the call belongs to a walk over everything.
    whole: bool,
}

impl Walk<'_> {
    /// Decides which columns are asked for. A column that is not known is looked for once more in a fresh description.
    async fn want(&mut self) -> Result<(), Error> {
        self.wanted = self.columns();
        if !self.wanted.undefined.is_empty() && !self.api.is_freshly_described(&self.described.table) {
            self.described = self.api.describe_again(&self.described.table).await?;
            self.wanted = self.columns();
        }
        Ok(())
    }

    fn columns(&self) -> Wanted {
        match &self.request.stream {
            Stream::Records(_) => Wanted::new(&self.described, &self.request.fields),
            Stream::Deletions(_) => {
                let lead: &[&str] = if *self.object == Object::Lead { &["statecode", "parentcontactid"] } else { &[] };
                let merged: &[&str] = if merges(&self.described.table) { &["merged", "masterid"] } else { &[] };
                Wanted::only(&self.described, &[merged, lead].concat())
            }
            Stream::Associations(_) => Wanted::only(&self.described, LINKS),
        }
    }

    async fn go(&mut self, mut place: Place) -> Result<Page, Error> {
        let step = place.tables.get(place.at).cloned().unwrap_or(Step::Fresh);
        let began_again = !matches!(step, Step::Fresh | Step::Whole { .. } | Step::Listing { .. });
        let brought = match self.bring(step).await {
            Err(error) if error.kind == ErrorKind::Forbidden && self.described.table == NOTES => {
                tracing::warn!(cause = error.cause, "the application user may not read notes: they are left out");
                Brought { rows: Rows::default(), step: Step::Fresh, done: true, whole: false }
            }
            other => other?,
        };
        if began_again && brought.whole && place.tables.len() == 1 {
            place.full = true;
        }
        let (records, tombstones) = self.told(brought.rows, brought.whole).await?;
        if let Some(step) = place.tables.get_mut(place.at) {
            *step = brought.step;
        }
        let mut more = true;
        if brought.done {
            place.at += 1;
            more = place.at < place.tables.len();
        }
        let full_load_done = !more && place.full;
        if !more {
            place.at = 0;
            place.full = false;
        }
        let undefined = self.undefined().await?;
        Ok(Page { records, tombstones, resume: place.to_cursor()?, more, full_load_done, undefined })
    }

    async fn bring(&mut self, step: Step) -> Result<Brought, Error> {
        let asked = match &step {
            Step::Fresh => return self.begin().await,
            Step::Whole { next, .. } | Step::Listing { next, .. } => next.clone(),
            // Another list of columns is another link.
            Step::Tracked { select, .. } if *select != self.wanted.fingerprint() => return self.begin().await,
            Step::Tracked { link, next, .. } => next.clone().unwrap_or_else(|| link.clone()),
            // What is listed is not told apart from what was listed before: the list begins anew.
            Step::Stamped { .. } if self.is_sweep() => return self.begin().await,
            Step::Stamped { mark, scan } => scan.as_ref().map_or_else(|| self.since(*mark), |scan| scan.next.clone()),
        };
        let began = self.api.client.server_now().millis();
        match self.ask(asked, matches!(step, Step::Whole { .. })).await? {
            Ok(rows) => self.after(step, rows, began),
            Err(refusal) if matches!(refusal.status, 400 | 404 | 410 | 412) => {
                // A token that has expired or is not understood any more: everything is read again.
                let cause = refusal.fault.cause(refusal.status);
                tracing::info!(table = %self.described.table, cause, "the place is refused; everything is read again");
                self.begin().await
            }
            Err(refusal) => Err(refusal.into_error(&self.attempted)),
        }
    }

    /// The first page of everything.
    async fn begin(&mut self) -> Result<Brought, Error> {
        for again in [false, true] {
            let began = self.api.client.server_now().millis();
            let tracked = self.is_tracked();
            match self.ask(self.everything(tracked), tracked).await? {
                Ok(rows) if tracked => {
                    let step = Step::Whole { next: String::new(), select: self.wanted.fingerprint() };
                    return self.after(step, rows, began);
                }
                Ok(rows) => return self.after(Step::Listing { began, next: String::new() }, rows, began),
                Err(refusal) if refusal.is_unknown_column() && !again => {
                    self.described = self.api.describe_again(&self.described.table).await?;
                    self.wanted = self.columns();
                }
                Err(refusal) => return Err(refusal.into_error(&self.attempted)),
            }
        }
        Err(Error::new(ErrorKind::Protocol, self.attempted.as_str(), "its columns change faster than they are read"))
    }

    /// Where the table stands after a page.
    fn after(&self, step: Step, mut rows: Rows, now: i64) -> Result<Brought, Error> {
        let follow = |link: Option<String>| link.map(|link| self.api.follow(&self.attempted, &link)).transpose();
        let (next, delta) = (follow(rows.next.take())?, follow(rows.delta.take())?);
        let whole = matches!(step, Step::Whole { .. } | Step::Listing { .. });
        let (step, done) = match (step, next, delta) {
            (Step::Whole { select, .. }, Some(next), _) => (Step::Whole { next, select }, false),
            (Step::Whole { select, .. }, None, Some(link)) => (Step::Tracked { link, select, next: None }, true),
            (Step::Whole { .. }, None, None) => {
                let why = "the last page of a walk with change tracking names no delta link";
                return Err(Error::new(ErrorKind::Protocol, self.attempted.as_str(), why));
            }
            (Step::Tracked { link, select, .. }, Some(next), _) => {
                (Step::Tracked { link, select, next: Some(next) }, false)
            }
            // Nothing changed, and nothing was said about it: the old link stays good.
            (Step::Tracked { link, select, .. }, None, delta) => {
                (Step::Tracked { link: delta.unwrap_or(link), select, next: None }, true)
            }
            (Step::Listing { began, .. }, Some(next), _) => (Step::Listing { began, next }, false),
            (Step::Listing { began, .. }, None, _) => (Step::Stamped { mark: began, scan: None }, true),
            (Step::Stamped { mark, scan }, Some(next), _) => {
                let began = scan.map_or(now, |scan| scan.began);
                (Step::Stamped { mark, scan: Some(Scan { began, next }) }, false)
            }
            (Step::Stamped { mark, scan }, None, _) => {
                // The clock of another of their servers may be behind: a mark never goes back.
                let mark = scan.map_or(now, |scan| scan.began).max(mark);
                (Step::Stamped { mark, scan: None }, true)
            }
            (Step::Fresh, _, _) => (Step::Fresh, true),
        };
        Ok(Brought { rows, step, done, whole })
    }

    fn is_tracked(&self) -> bool {
        self.api.change_tracking && self.described.tracks_changes
    }

    /// A stream of deletions without tracking lists what lives, every time; so does one of a table without stamps.
    fn is_sweep(&self) -> bool {
        matches!(self.request.stream, Stream::Deletions(_)) || !self.described.has("modifiedon")
    }

    fn everything(&self, tracked: bool) -> String {
        let select = self.wanted.select();
        let order = self.order();
        if tracked {
            // With tracking neither a condition nor an order is taken.
            return path(&self.described.set, &[("$select", &select)]);
        }
        let mut options = vec![("$select", select.as_str())];
        let filter = self.recent();
        options.extend(filter.as_deref().map(|filter| ("$filter", filter)));
        options.push(("$orderby", order.as_str()));
        path(&self.described.set, &options)
    }

    fn since(&self, mark: i64) -> String {
        let overlap = i64::try_from(self.api.limits.overlap.as_millis()).unwrap_or(i64::MAX);
        let from = mark.saturating_sub(overlap).max(0).div_euclid(1_000);
        let stamp = format!("modifiedon ge {}", Timestamp::from_secs(from).to_rfc3339());
        let filter = self.recent().map_or_else(|| stamp.clone(), |recent| format!("{stamp} and {recent}"));
        let (select, order) = (self.wanted.select(), self.order());
        path(&self.described.set, &[("$select", &select), ("$filter", &filter), ("$orderby", &order)])
    }

    /// Without a total order pages may skip rows.
    fn order(&self) -> String {
        let key = &self.described.key;
        if self.described.has("modifiedon") && !self.is_sweep() {
            format!("modifiedon asc,{key} asc")
        } else {
            format!("{key} asc")
        }
    }

    /// Deals that closed before the horizon are left out at the source, where a condition is taken.
    fn recent(&self) -> Option<String> {
        let is_deals = *self.object == Object::Deal && matches!(self.request.stream, Stream::Records(_));
        let since = self.request.since.filter(|_| is_deals && self.described.has("actualclosedate"))?;
        let day = since.to_utc().date_naive();
        Some(format!("(statecode eq 0 or actualclosedate ge {})", day.format("%Y-%m-%d")))
    }

    async fn ask(&self, path: String, tracked: bool) -> Result<Result<Rows, Refusal>, Error> {
        let call = self.api.page_call(get(&self.attempted, path), &self.wanted, tracked);
        self.api.try_ask(&call, |answer| Rows::decode(answer, &self.wanted)).await
    }

    async fn told(&self, page: Rows, whole: bool) -> Result<(Vec<Record>, Vec<Tombstone>), Error> {
        let rows = page.rows;
        let contacts = self.api.contacts_of_rows(self.object, &self.wanted, &rows, Priority::Pull).await?;
        let currencies = self.api.currencies(&self.currencies_of(&rows)).await?;
        let address = self.api.record_address(self.object);
        let reading = Reading {
            object: self.object,
            wanted: &self.wanted,
            address: address.as_deref(),
            links: &self.request.links,
            contacts: &contacts,
            currencies: &currencies,
        };
        let (mut records, mut tombstones) = (Vec::with_capacity(rows.len()), Vec::new());
        for told in rows.into_iter().filter_map(|row| reading.told(row)) {
            match told {
                Told::Alive(record) => records.extend(self.kept(*record, whole)),
                Told::Gone(stone) => tombstones.push(stone),
            }
        }
        let ids = page.deleted.iter().filter(|id| crate::odata::is_guid(id));
        tombstones.extend(ids.map(|id| Tombstone {
            id: RecordId::from(id.to_ascii_lowercase()),
            deleted_at: None,
            merged_into: None,
        }));
        Ok((records, tombstones))
    }

    fn currencies_of(&self, rows: &[Row]) -> Vec<Arc<str>> {
        let mut ids: Vec<Arc<str>> = Vec::new();
        if *self.object == Object::Deal {
            for id in rows.iter().filter_map(|row| row.text(&self.wanted, "transactioncurrencyid")) {
                if !ids.contains(id) {
                    ids.push(id.clone());
                }
            }
        }
        ids
    }

    /// What a live row is in this stream.
    fn kept(&self, record: Record, whole: bool) -> Option<Record> {
        match &self.request.stream {
            Stream::Records(_) => Some(record).filter(|record| !self.is_past(record)),
            // Rows that changed say nothing about deletions; a walk over everything lists what lives.
            Stream::Deletions(_) => whole.then(|| Record::new(record.id, Fields::new())),
            Stream::Associations(_) => Some(Record { links: record.links, ..Record::new(record.id, Fields::new()) }),
        }
    }

    fn is_past(&self, record: &Record) -> bool {
        self.request.since.is_some_and(|since| {
            let closed = |at: Timestamp| at < since;
            record
                .deal
                .as_ref()
                .is_some_and(|deal| deal.status != DealStatus::Open && deal.closed_at.is_some_and(closed))
        })
    }

    /// Asked for and defined in none of the tables this kind of record is spread over.
    async fn undefined(&self) -> Result<Vec<FieldName>, Error> {
        let mut undefined = self.wanted.undefined.clone();
        for other in tables_of(self.object)?.into_iter().filter(|other| *other != self.described.table) {
            if !undefined.is_empty() {
                let described = self.api.described(other).await?;
                undefined.retain(|name| described.column(name).is_none() && described.labelled(name).is_none());
            }
        }
        Ok(undefined)
    }
}

impl Api {
    /// A question for a page of rows, with its size and what is noted beside values.
    pub fn page_call<'c>(&self, call: Call<'c>, wanted: &Wanted, tracked: bool) -> Call<'c> {
        let mut prefer = format!("odata.maxpagesize={}", self.limits.page);
        if tracked {
            prefer.push_str(",odata.track-changes");
        }
        if let Some(names) = wanted.annotations() {
            prefer.push_str(&format!(",odata.include-annotations=\"{names}\""));
        }
        call.with_header("prefer", header(&prefer))
    }

    /// A link of an answer as a path of the organisation; a link to another host is nothing to follow.
    pub fn follow(&self, attempted: &str, link: &str) -> Result<String, Error> {
        below(&self.base, link).ok_or_else(|| {
            Error::new(ErrorKind::Protocol, attempted, "the answer's link leads to another host, which is not followed")
                .with_fix("check base_url: it must be the address that the organisation itself uses")
        })
    }
}
