//! The stream of live records: a window from the beginning of time or from the last mark up to a little behind
//! Salesforce's clock, read in the order of changes, page by page or, where it is large, by a bulk job.
//!
//! A stamp is taken inside its transaction and seen when that ends. So a window ends a lag behind the clock, each
//! begins an overlap before the last mark, and the clock is Salesforce's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::Datelike;
use connector::{DealStatus, Error, ErrorKind, Object, Page, PullRequest, Record, RecordId, Timestamp};
use connector_http::Checkpoint;

use crate::api::Api;
use crate::convert::{Reading, Told, row_id};
use crate::cursor::{How, Job, Key, Pages, Place, Window};
use crate::query::Asking;
use crate::rows::{Row, Rows};
use crate::schema::Described;
use crate::soql::{Comparison, Condition, Field, Literal, Query};
use crate::wanted::{Wanted, parts};
use crate::window::{order, within};

/// Cuts of one window within one call: from a century to seconds.
const MOST_CUTS: usize = 48;

/// What every page of one request shares.
pub(crate) struct Pull<'a> {
    pub api: &'a Api,
    pub object: &'a Object,
    pub request: &'a PullRequest,
    pub sobject: &'a str,
    pub wanted: Wanted,
    pub attempted: String,
}

/// What one call brought, and how the part goes on; `None` where it is done.
pub(crate) struct Brought {
    pub rows: Vec<Row>,
    pub next: Option<How>,
    /// A bulk job that is no longer needed.
    pub spent: Option<String>,
}

/// One page of an object's records.
pub(crate) async fn page(api: &Api, request: &PullRequest, object: &Object) -> Result<Page, Error> {
    let parts = parts(object)?;
    let place = request.cursor.as_ref().map(Place::from_cursor).transpose()?;
    let part = match &place {
        Some(Place::Window(window)) => window.part,
        _ => 0,
    };
    let Some(sobject) = parts.get(part) else { return Err(Checkpoint::foreign()) };
    // Asked first: its answer tells Salesforce's clock as well.
    let wanted = api.wanted(sobject, &request.fields).await?;
    let window = match place {
        None => whole(api),
        Some(Place::Window(window)) => window,
        Some(Place::Changes { mark, spent }) => {
            for job in &spent {
                api.forget_job(job).await;
            }
            since(api, mark)
        }
        Some(_) => return Err(Checkpoint::foreign()),
    };
    let attempted = format!("read a page of {sobject} records");
    let mut pull = Pull { api, object, request, sobject, wanted, attempted };
    let brought = pull.bring(&window).await?;
    pull.finish(window, brought, &parts).await
}

fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Up to where what is seen is complete. Whole seconds, as stamps are.
pub(crate) fn settled_until(api: &Api) -> i64 {
    api.client.server_now().millis().saturating_sub(millis(api.limits.lag)).div_euclid(1_000).saturating_mul(1_000)
}

fn whole(api: &Api) -> Window {
    Window { part: 0, from: None, until: settled_until(api), spent: Vec::new(), how: How::Pages(Pages::default()) }
}

pub(crate) fn since(api: &Api, mark: i64) -> Window {
    let from = mark.saturating_sub(millis(api.limits.overlap)).max(0);
    // The clock of another of their servers may be behind: a mark never goes back.
    let until = settled_until(api).max(mark);
    Window { part: 0, from: Some(from), until, spent: Vec::new(), how: How::Pages(Pages::default()) }
}

impl Pull<'_> {
    async fn bring(&mut self, window: &Window) -> Result<Brought, Error> {
        match &window.how {
            How::Pages(pages) => self.by_pages(window, pages.clone()).await,
            How::Job(job) => self.by_job(window, job).await,
        }
    }

    async fn by_pages(&mut self, window: &Window, mut pages: Pages) -> Result<Brought, Error> {
        if let Some(job) = self.job_for_the_rest(window, &pages).await? {
            return Ok(Brought { rows: Vec::new(), next: Some(How::Job(job)), spent: None });
        }
        if pages.after.is_some() {
            pages.settled = true;
        }
        let mut described_again = false;
        for _ in 0..MOST_CUTS {
            let (from, until) = pages.bounds(window.from, window.until);
            let query = self.query(from, until, pages.after.as_ref())?.order_by(order()).limit(self.api.limits.page);
            match self.api.query(Asking::pull(&self.attempted), &query, &self.wanted).await? {
                Ok(page) => {
                    let last = self.last_of(&page)?;
                    let next = pages.advance(window.until, self.api.limits.page, &page, last)?;
                    return Ok(Brought { rows: page.rows, next: next.map(How::Pages), spent: None });
                }
                Err(refusal) if refusal.is("QUERY_TIMEOUT") => {
                    let Some(half) = pages.halved(window.from, window.until) else {
                        return Err(refusal.into_error(&self.attempted));
                    };
                    pages = half;
                }
                Err(refusal) if refusal.is("INVALID_FIELD") && !described_again => {
                    described_again = true;
                    self.describe_again().await?;
                }
                Err(refusal) => return Err(refusal.into_error(&self.attempted)),
            }
        }
        Err(Error::new(
            ErrorKind::Transient,
            self.attempted.as_str(),
            "even the smallest window takes Salesforce too long",
        ))
    }

    /// A new bulk job, where what is left after a first page is worth one.
    async fn job_for_the_rest(&self, window: &Window, pages: &Pages) -> Result<Option<Job>, Error> {
        if pages.settled || pages.after.is_none() {
            return Ok(None);
        }
        let (from, until) = (window.from, window.until);
        let count = Query::count(self.sobject)?.filter(within(from, until, pages.after.as_ref(), self.filter()?));
        let left = match self.api.count(Asking::pull(&self.attempted), &count).await? {
            Ok(left) => left,
            // Too many to count is too many to page through.
            Err(refusal) if refusal.is("QUERY_TIMEOUT") => u64::MAX,
            Err(refusal) => return Err(refusal.into_error(&self.attempted)),
        };
        if left <= self.api.limits.bulk_query_above {
            return Ok(None);
        }
        let query = self.query(from, until, pages.after.as_ref())?;
        let id = self.api.create_job(self.sobject, &query).await?;
        let (after, lost) = (pages.after.clone(), pages.lost);
        Ok(id.map(|id| Job { id, after, locator: None, delivered: 0, total: None, lost }))
    }

    /// The fields of the window's records; neither order nor limit, which a bulk job does not take.
    fn query(&self, from: Option<i64>, until: i64, after: Option<&Key>) -> Result<Query, Error> {
        Ok(Query::select(self.wanted.fields(), self.sobject)?.filter(within(from, until, after, self.filter()?)))
    }

    /// Deals that closed before the horizon are left out at the source, and activities that nobody has touched since.
    fn filter(&self) -> Result<Vec<Condition>, Error> {
        let Some(since) = self.request.since else { return Ok(Vec::new()) };
        if *self.object == Object::Activity {
            let since = Literal::Instant(Timestamp::from_millis(since.millis()));
            return Ok(vec![Field::from("SystemModstamp").is(Comparison::AtLeast, since)]);
        }
        if *self.object != Object::Deal {
            return Ok(Vec::new());
        }
        let day = since.to_utc().date_naive();
        let in_range = (1700..=4000).contains(&day.year());
        let open = Field::from("IsClosed").is(Comparison::Equal, Literal::Bool(false));
        let recent = Field::from("CloseDate").is(Comparison::AtLeast, Literal::Date(day));
        Ok(if in_range { vec![Condition::Any(vec![open, recent])] } else { Vec::new() })
    }

    async fn describe_again(&mut self) -> Result<(), Error> {
        let described = self.api.describe_again(self.sobject).await?;
        self.wanted = Wanted::new(self.sobject, &self.request.fields, &described);
        Ok(())
    }

    fn last_of(&self, page: &Rows) -> Result<Option<Key>, Error> {
        let Some(row) = page.rows.last() else { return Ok(None) };
        let key = row_id(row, &self.wanted)
            .zip(row.instant(&self.wanted, "SystemModstamp"))
            .map(|(id, at)| Key { at: at.millis(), id: id.as_str().to_owned() });
        key.map(Some).ok_or_else(|| {
            Error::new(ErrorKind::Protocol, self.attempted.as_str(), "a record came without its id or its change stamp")
        })
    }

    async fn finish(&self, window: Window, brought: Brought, parts: &[&str]) -> Result<Page, Error> {
        let roles = self.api.roles_of_page(self.object, self.request, &self.wanted, &brought.rows).await?;
        let products = match self.object {
            Object::Deal => self.api.products_of(&self.wanted, &brought.rows).await?,
            _ => None,
        };
        let address = self.api.record_address(self.object, self.sobject);
        let currency = match self.object {
            Object::Deal => self.api.currency().await?,
            _ => None,
        };
        let reading = Reading {
            object: self.object,
            wanted: &self.wanted,
            address: address.as_deref(),
            currency: currency.as_ref(),
            links: &self.request.links,
            roles: roles.as_ref(),
            products: products.as_ref(),
        };
        let (records, tombstones) = told(&reading, brought.rows, self.request.since);
        let full = window.from.is_none();
        let (resume, more) = go_on(window, brought.next, brought.spent, parts.len());
        let undefined = self.undefined(parts).await?;
        let resume = resume.to_cursor()?;
        Ok(Page { records, tombstones, resume, more, full_load_done: full && !more, undefined })
    }

    /// Asked for and defined on none of the objects this kind of record is spread over.
    async fn undefined(&self, parts: &[&str]) -> Result<Vec<connector::FieldName>, Error> {
        let mut undefined = self.wanted.undefined.clone();
        for other in parts.iter().filter(|part| **part != self.sobject) {
            if !undefined.is_empty() {
                let described: Arc<Described> = self.api.described(other).await?;
                undefined.retain(|name| described.kind(name).is_none());
            }
        }
        Ok(undefined)
    }
}

fn told(reading: &Reading<'_>, rows: Vec<Row>, since: Option<Timestamp>) -> (Vec<Record>, Vec<connector::Tombstone>) {
    let (mut records, mut tombstones) = (Vec::with_capacity(rows.len()), Vec::new());
    for told in rows.into_iter().filter_map(|row| reading.told(row)) {
        match told {
            Told::Alive(record) if since.is_some_and(|since| closed_before(&record, since)) => {}
            Told::Alive(record) => records.push(*record),
            Told::Gone(stone) => tombstones.extend(stone),
        }
    }
    (records, tombstones)
}

fn closed_before(record: &Record, since: Timestamp) -> bool {
    record
        .deal
        .as_ref()
        .is_some_and(|deal| deal.status != DealStatus::Open && deal.closed_at.is_some_and(|closed| closed < since))
}

/// The next place, and whether asking again now brings more.
fn go_on(mut window: Window, next: Option<How>, spent: Option<String>, parts: usize) -> (Place, bool) {
    window.spent.extend(spent);
    match next {
        Some(how) => (Place::Window(Window { how, ..window }), true),
        None if window.part + 1 < parts => {
            let how = How::Pages(Pages::default());
            (Place::Window(Window { part: window.part + 1, how, ..window }), true)
        }
        None => (Place::Changes { mark: window.until, spent: window.spent }, false),
    }
}

impl Api {
    /// What is asked for of an object. A field that is not known is looked for once more in a fresh description.
    pub async fn wanted(&self, sobject: &str, fields: &[connector::FieldName]) -> Result<Wanted, Error> {
        let described = self.described(sobject).await?;
        let wanted = Wanted::new(sobject, fields, &described);
        if wanted.undefined.is_empty() || self.is_freshly_described(sobject) {
            return Ok(wanted);
        }
        Ok(Wanted::new(sobject, fields, &*self.describe_again(sobject).await?))
    }

    /// The contacts of a page's deals, where they were asked for.
    async fn roles_of_page(
        &self,
        object: &Object,
        request: &PullRequest,
        wanted: &Wanted,
        rows: &[Row],
    ) -> Result<Option<BTreeMap<RecordId, Vec<RecordId>>>, Error> {
        if *object != Object::Deal || !request.links.contains(&Object::Contact) || rows.is_empty() {
            return Ok(None);
        }
        let deals: Vec<RecordId> = rows.iter().filter_map(|row| row_id(row, wanted)).collect();
        self.contacts_of_deals(&deals).await.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(part: usize, spent: &[&str]) -> Window {
        let spent = spent.iter().map(|job| (*job).to_owned()).collect();
        Window { part, from: None, until: 9, spent, how: How::Pages(Pages::default()) }
    }

    #[test]
    fn parts_follow_each_other_and_the_mark_is_the_windows_end() {
        let (place, more) = go_on(window(0, &[]), None, Some("750a".into()), 2);
        assert!(more);
        assert_eq!(place, Place::Window(window(1, &["750a"])));
        let (place, more) = go_on(window(1, &["750a"]), None, None, 2);
        assert!(!more);
        assert_eq!(place, Place::Changes { mark: 9, spent: vec!["750a".into()] });
    }
}
