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
use crate::convert::Reading;
use crate::cursor::{Place, Scan, Span};
use crate::rows::{Row, Rows};
use crate::spans;
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
        None => Place::Full { began: api.client.server_now().millis(), left: vec![Span::default()] },
    };
    match place {
        Place::Full { began, left } => pull.full(began, left).await,
        Place::Changes { mark, scan } => pull.changes(mark, scan).await,
        Place::Sweep { .. } => Err(pull.protocol("the checkpoint belongs to another stream")),
    }
}

impl Pull<'_> {
    /// The next page of every span that is left, in flight together.
    async fn full(&self, began: i64, left: Vec<Span>) -> Result<Page, Error> {
        let listed = if fits_in_url(&self.wanted) { self.wanted.clone() } else { Wanted::nothing() };
        let links = &self.request.links;
        let lists = left.iter().map(|span| self.api.list(self.object, &listed, span.after.as_deref(), false, links));
        let pages = try_join_all(lists).await?;
        let mut still_left = Vec::new();
        let mut rows = Vec::new();
        let mut seen = Vec::new();
        for (span, page) in left.iter().zip(pages) {
            still_left.extend(spans::advance(span, &page).map_err(|why| self.protocol(why))?);
            merge_seen(&mut seen, &page.seen);
            rows.extend(page.rows);
        }
        let all = Rows { rows, seen, ..Rows::default() };
        let done = still_left.is_empty();
        let resume =
            if done { Place::Changes { mark: began, scan: None } } else { Place::Full { began, left: still_left } };
        let linked = if links.is_empty() {
            None
        } else {
            let linked = self.api.links_of_rows(self.object, links, &all.rows).await?;
            Some(all.rows.iter().map(Row::record_id).zip(linked).collect())
        };
        let all = if fits_in_url(&self.wanted) { all } else { self.with_details(all).await? };
        self.finish(all, linked, resume, !done, done).await
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
        let linked = if self.request.links.is_empty() {
            None
        } else {
            let ids: Vec<RecordId> = found.rows.iter().map(Row::record_id).collect();
            Some(self.api.links_of(self.object, &self.request.links, &ids).await?)
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
        let mut records = reading.records(rows.rows);
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
