//! The stream of live records: first a full load by listing, then what changed by search.
//!
//! Search lags behind the truth and is not in order for very recent changes. So the watermark stays a lag behind
//! HubSpot's clock, each scan looks back behind it, and a scan walks by ascending id with a filter, never by offset:
//! rows that leave or enter the result move nobody else's place, equal stamps do not matter, and the 10,000-row end of
//! a search is never reached.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::{DealStatus, Error, ErrorKind, Object, Page, PullRequest, Record, RecordId, Timestamp};
use connector_http::Priority;
use futures::future::try_join_all;

use crate::account::Portal;
use crate::api::{Api, BATCH, SEARCH_PAGE, fits_in_search, fits_in_url};
use crate::associations::Links;
use crate::convert::{Reading, company_link};
use crate::cursor::{Cut, Place, Scan};
use crate::rows::{Row, Rows};
use crate::spans::{self, Extent, OutOfOrder, Span};
use crate::stages::Stages;
use crate::wanted::Wanted;

/// What every page of one request shares.
struct Pull<'a> {
    api: &'a Api,
    object: &'a Object,
    request: &'a PullRequest,
    wanted: Wanted,
    portal: Option<&'a Portal>,
    stages: Option<Arc<Stages>>,
}

/// One page of an object's records.
pub(crate) async fn page(api: &Api, request: &PullRequest, object: &Object) -> Result<Page, Error> {
    // Asked first: its answer tells HubSpot's clock as well.
    let portal = api.portal().await?;
    let stages = match object {
        Object::Deal => Some(api.deal_stages().await?),
        _ => None,
    };
    let closed = stages.as_ref().map(|stages| stages.closed()).unwrap_or_default();
    let wanted = Wanted::new(object, &request.fields, &closed);
    let pull = Pull { api, object, request, wanted, portal, stages };
    let place = match &request.cursor {
        Some(cursor) => Place::from_cursor(cursor)?,
        None => Place::Full {
            began: api.client.server_now().millis(),
            left: vec![Span::default()],
            cut: if api.limits.parallel_pages > 1 { Cut::Undecided } else { Cut::Never },
        },
    };
    match place {
        Place::Full { began, left, cut } => pull.full(began, left, cut).await,
        Place::Changes { mark, scan } => pull.changes(mark, scan).await,
        Place::Sweep { .. } | Place::Each { .. } => Err(pull.protocol("the checkpoint belongs to another stream")),
    }
}

impl Pull<'_> {
    /// The next page of every span that is left, in flight together.
    async fn full(&self, began: i64, left: Vec<Span>, cut: Cut) -> Result<Page, Error> {
        let left = match cut {
            Cut::Into(extent) => spans::spread(left, self.api.limits.parallel_pages, extent),
            _ => left,
        };
        let listed = if fits_in_url(&self.wanted) { self.wanted.clone() } else { Wanted::nothing() };
        let links = self.looked_up();
        let lists = left.iter().map(|span| self.api.list(self.object, &listed, span.after.as_deref(), false, links));
        let pages = match try_join_all(lists).await {
            Ok(pages) => pages,
            // A token HubSpot did not make itself may be one it no longer reads.
            Err(error) if error.kind == ErrorKind::Protocol && matches!(cut, Cut::Into(_)) => {
                return self.start_again(began).await;
            }
            Err(error) => return Err(error),
        };
        let mut still_left = Vec::new();
        let mut all = Rows::default();
        for (span, page) in left.iter().zip(pages) {
            match (span.advance(&page), cut) {
                (Ok(next), _) => still_left.extend(next),
                (Err(_), Cut::Into(_)) => return self.start_again(began).await,
                (Err(OutOfOrder(why)), _) => return Err(self.protocol(why)),
            }
            merge_seen(&mut all.seen, &page.seen);
            all.rows.extend(page.rows.into_iter().filter(|row| span.owns(&row.id)));
        }
        let done = still_left.is_empty();
        let resume = if done {
            Place::Changes { mark: began, scan: None }
        } else {
            let cut = if cut == Cut::Undecided { self.decide(&all).await? } else { cut };
            Place::Full { began, left: still_left, cut }
        };
        let linked = if links.is_empty() {
            None
        } else {
            let linked = self.api.links_of_rows(self.object, links, &all.rows).await?;
            Some(all.rows.iter().map(Row::record_id).zip(linked).collect())
        };
        let all = if fits_in_url(&self.wanted) { all } else { self.with_details(all).await? };
        self.finish(all, linked, resume, !done, done).await
    }

    /// The objects whose associations are asked for. A contact's company stands in the contact itself.
    fn looked_up(&self) -> &[Object] {
        if self.tells_company() { &[] } else { &self.request.links }
    }

    fn tells_company(&self) -> bool {
        *self.object == Object::Contact && self.request.links == [Object::Company]
    }

    /// After a first page that was not the last: whether the rest is worth cutting.
    async fn decide(&self, first: &Rows) -> Result<Cut, Error> {
        let Some(lowest) = first.rows.first().and_then(|row| row.id.parse::<u64>().ok()) else {
            return Ok(Cut::Never);
        };
        let newest = self.api.extent(self.object).await?;
        let top = newest.rows.first().and_then(|row| row.id.parse::<u64>().ok());
        let extent = top.and_then(|top| Extent::new(lowest, top, newest.total.unwrap_or(0), BATCH as u64));
        Ok(extent.map_or(Cut::Never, Cut::Into))
    }

    /// The load from its beginning, in one walk: records may repeat, never be skipped.
    async fn start_again(&self, began: i64) -> Result<Page, Error> {
        tracing::warn!(object = %self.object, "HubSpot's page tokens are no longer record ids; the full load goes on in one walk");
        let place = Place::Full { began, left: vec![Span::default()], cut: Cut::Never };
        self.finish(Rows::default(), None, place, true, false).await
    }

    /// The next rows of the scan for changes.
    async fn changes(&self, mark: i64, scan: Option<Scan>) -> Result<Page, Error> {
        let lag = i64::try_from(self.api.limits.visibility_lag.as_millis()).unwrap_or(i64::MAX);
        let lookback = i64::try_from(self.api.limits.lookback.as_millis()).unwrap_or(i64::MAX);
        let (from, next, last) = match &scan {
            Some(scan) => (scan.from, scan.next, Some(scan.last)),
            None => {
                let safe = self.api.client.server_now().millis().saturating_sub(lag);
                (mark.saturating_sub(lookback).max(0), safe.max(mark), None)
            }
        };
        let searched = if fits_in_search(&self.wanted) { self.wanted.clone() } else { Wanted::nothing() };
        let after = last.map(|last| last.to_string());
        let mut found =
            self.api.changed(self.object, &searched, Timestamp::from_millis(from), after.as_deref()).await?;
        let answered = found.rows.len();
        found.rows.retain(|row| row.id.parse::<u64>().is_ok_and(|id| last.is_none_or(|last| id > last)));
        let highest = found.rows.iter().filter_map(|row| row.id.parse::<u64>().ok()).max();
        let done = match found.total {
            Some(total) => total <= answered as u64,
            None => answered < SEARCH_PAGE,
        };
        let resume = match highest {
            _ if done => Place::Changes { mark: next, scan: None },
            Some(last) => Place::Changes { mark, scan: Some(Scan { from, next, last }) },
            None => return Err(self.protocol("HubSpot's search goes round in circles: a page brought no later id")),
        };
        let found = if fits_in_search(&self.wanted) { found } else { self.with_details(found).await? };
        let linked = if self.looked_up().is_empty() {
            None
        } else {
            let ids: Vec<RecordId> = found.rows.iter().map(Row::record_id).collect();
            Some(self.api.links_of(self.object, self.looked_up(), &ids).await?)
        };
        self.finish(found, linked, resume, !done, false).await
    }

    /// The wanted properties of rows that came with their ids only, by batch reads.
    async fn with_details(&self, listed: Rows) -> Result<Rows, Error> {
        let ids: Vec<&str> = listed.rows.iter().map(|row| row.id.as_str()).collect();
        let reads =
            ids.chunks(BATCH).map(|ids| self.api.batch_read(self.object, &self.wanted, None, ids, Priority::Pull));
        let mut detailed = Rows::default();
        let mut by_id: BTreeMap<String, Row> = BTreeMap::new();
        for page in try_join_all(reads).await? {
            merge_seen(&mut detailed.seen, &page.seen);
            by_id.extend(page.rows.into_iter().map(|row| (row.id.clone(), row)));
        }
        detailed.rows = listed.rows.iter().filter_map(|row| by_id.remove(&row.id)).collect();
        Ok(detailed)
    }

    async fn finish(
        &self,
        rows: Rows,
        links: Option<Links>,
        resume: Place,
        more: bool,
        full_load_done: bool,
    ) -> Result<Page, Error> {
        let undefined = rows.undefined(&self.wanted).collect();
        let stages = match &self.stages {
            Some(stages) if rows.rows.iter().any(|row| !stages.knows_stage_of(row, &self.wanted)) => {
                Some(self.api.deal_stages_again().await?)
            }
            known => known.clone(),
        };
        let reading =
            Reading { object: self.object, wanted: &self.wanted, portal: self.portal, stages: stages.as_deref() };
        let links = if self.tells_company() {
            Some(rows.rows.iter().map(|row| (row.record_id(), company_link(row, &self.wanted))).collect())
        } else {
            links
        };
        let mut records = reading.records(rows.rows);
        if *self.object == Object::Deal {
            let ids: Vec<RecordId> = records.iter().map(|record| record.id.clone()).collect();
            let products = self.api.products_of(&ids).await?;
            for record in &mut records {
                if let (Some(products), Some(deal)) = (&products, &mut record.deal) {
                    deal.products = Some(products.get(&record.id).cloned().unwrap_or_default());
                }
            }
        }
        if let Some(mut links) = links {
            for record in &mut records {
                record.links = Some(links.remove(&record.id).unwrap_or_default());
            }
        }
        if let Some(since) = self.request.since {
            records.retain(|record| !closed_before(record, since));
        }
        Ok(Page { records, tombstones: Vec::new(), resume: resume.to_cursor()?, more, full_load_done, undefined })
    }

    fn protocol(&self, why: impl Into<String>) -> Error {
        Error::new(ErrorKind::Protocol, format!("pull {} records", self.object), why)
    }
}

fn closed_before(record: &Record, since: Timestamp) -> bool {
    record.deal.as_ref().is_some_and(|deal| {
        deal.status != DealStatus::Open && deal.closed_at.is_some_and(|closed_at| closed_at < since)
    })
}

fn merge_seen(all: &mut Vec<bool>, page: &[bool]) {
    if all.len() < page.len() {
        all.resize(page.len(), false);
    }
    for (all, seen) in all.iter_mut().zip(page) {
        *all |= seen;
    }
}
