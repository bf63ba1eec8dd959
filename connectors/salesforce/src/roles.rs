//! Which people a deal is about: contact roles, objects of their own at Salesforce, whose edits move no deal's stamp.

use std::collections::{BTreeMap, BTreeSet};

use connector::{Error, ErrorKind, Fields, Object, Page, PullRequest, Record, RecordId};
use connector_http::Checkpoint;

use crate::api::{Api, Refusal};
use crate::connect::LONGEST_PAGE;
use crate::convert::{Reading, row_id};
use crate::cursor::{How, Key, Place, Window};
use crate::paths::sobject_of;
use crate::query::Asking;
use crate::records::{settled_until, since};
use crate::rows::Row;
use crate::schema::Described;
use crate::soql::{Comparison, Field, Literal, Query, chunks};
use crate::wanted::Wanted;
use crate::window::{order, within};

const ROLE: &str = "OpportunityContactRole";

impl Api {
    /// The contacts of these deals; a deal without any is missing from the answer. Deals have none where the user may not
    /// see contact roles.
    pub async fn contacts_of_deals(&self, deals: &[RecordId]) -> Result<BTreeMap<RecordId, Vec<RecordId>>, Error> {
        let attempted = "read which contacts deals are about";
        let mut contacts: BTreeMap<RecordId, Vec<RecordId>> = BTreeMap::new();
        let wanted =
            Wanted::only(&["OpportunityId", "ContactId"], &Described::of_references(&["OpportunityId", "ContactId"]));
        let ids: Vec<Literal> = deals.iter().map(|id| Literal::text(id.as_str())).collect();
        for chunk in chunks(ids, 200, LONGEST_PAGE) {
            let query = Query::select(wanted.fields(), ROLE)?.filter(Field::from("OpportunityId").one_of(chunk));
            let rows = match self.every_row(Asking::pull(attempted), &query, &wanted).await? {
                Ok(rows) => rows,
                Err(refusal) if is_unseen(&refusal) => return Ok(contacts),
                Err(refusal) => return Err(refusal.into_error(attempted)),
            };
            for row in rows {
                let id = |name: &str| row.text(&wanted, name).map(|id| RecordId::from(&**id));
                if let Some((deal, contact)) = id("OpportunityId").zip(id("ContactId")) {
                    contacts.entry(deal).or_default().push(contact);
                }
            }
        }
        Ok(contacts)
    }
}

/// One page of deals' people and company: every deal the first time, from then on those whose contact roles changed. What
/// a deal's own edit changes comes with the deal.
pub(crate) async fn associations(api: &Api, request: &PullRequest, object: &Object) -> Result<Page, Error> {
    let place = request.cursor.as_ref().map(Place::from_cursor).transpose()?;
    let sobject = sobject_of(object)?;
    // Asked first: its answer tells Salesforce's clock as well.
    let described = api.described(sobject).await?;
    let wanted = Wanted::only(&["Id", "SystemModstamp", "AccountId"], &described);
    let attempted = format!("read a page of what {sobject} records belong to");
    let walk = Walk { api, request, object, sobject, wanted, attempted };
    match place {
        None => walk.sweep(None, settled_until(api)).await,
        Some(Place::Sweep { after, began }) => walk.sweep(after, began).await,
        Some(Place::Changes { mark, .. }) => walk.changes(since(api, mark)).await,
        Some(Place::Window(window)) => walk.changes(window).await,
        Some(Place::Deletions(_) | Place::DeletionsOfEach { .. }) => Err(Checkpoint::foreign()),
    }
}

struct Walk<'a> {
    api: &'a Api,
    request: &'a PullRequest,
    object: &'a Object,
    sobject: &'a str,
    wanted: Wanted,
    attempted: String,
}

impl Walk<'_> {
    /// The next page of every deal there is.
    async fn sweep(&self, after: Option<String>, began: i64) -> Result<Page, Error> {
        let size = self.api.limits.page;
        let mut query = Query::select(self.wanted.fields(), self.sobject)?.order_by(vec!["Id".into()]).limit(size);
        if let Some(after) = &after {
            query = query.filter(Field::from("Id").is(Comparison::Greater, Literal::text(after.as_str())));
        }
        let page = self.api.query(Asking::pull(&self.attempted), &query, &self.wanted).await?;
        let page = page.map_err(|refusal| refusal.into_error(&self.attempted))?;
        let more = !(page.done && page.rows.len() < size);
        let last = page.rows.last().and_then(|row| row_id(row, &self.wanted)).map(|id| id.as_str().to_owned());
        if more && (last.is_none() || last <= after) {
            return Err(self.protocol("Salesforce's pages go round in circles: one brought no later record"));
        }
        let records = self.linked(page.rows).await?;
        let place =
            if more { Place::Sweep { after: last, began } } else { Place::Changes { mark: began, spent: Vec::new() } };
        self.page(records, &place, more, !more)
    }

    /// The next page of deals whose contact roles changed in a window; a role that was taken away counts.
    async fn changes(&self, window: Window) -> Result<Page, Error> {
        let Window { from, until, .. } = window;
        let How::Pages(pages) = window.how else { return Err(Checkpoint::foreign()) };
        let rest = Place::Changes { mark: until, spent: Vec::new() };
        if !self.wants_people() {
            return self.page(Vec::new(), &rest, false, false);
        }
        const FIELDS: [&str; 3] = ["Id", "SystemModstamp", "OpportunityId"];
        let wanted = Wanted::only(&FIELDS, &Described::of_references(&FIELDS));
        let size = self.api.limits.page;
        let query = Query::select(wanted.fields(), ROLE)?
            .filter(within(from, until, pages.after.as_ref(), Vec::new()))
            .order_by(order())
            .limit(size);
        let asking = Asking::pull(&self.attempted).including_deleted();
        let page = match self.api.query(asking, &query, &wanted).await? {
            Ok(page) => page,
            Err(refusal) if is_unseen(&refusal) => return self.page(Vec::new(), &rest, false, false),
            Err(refusal) => return Err(refusal.into_error(&self.attempted)),
        };
        let deal = |row: &Row| row.text(&wanted, "OpportunityId").map(|id| id.to_string());
        let deals: BTreeSet<String> = page.rows.iter().filter_map(deal).collect();
        let key = |row: &Row| {
            let at = row.instant(&wanted, "SystemModstamp")?.millis();
            Some(Key { at, id: row_id(row, &wanted)?.as_str().to_owned() })
        };
        let next = pages.advance(until, size, &page, page.rows.last().and_then(key))?;
        let records = self.linked(self.deals(deals).await?).await?;
        match next {
            Some(pages) => {
                let window = Window { part: 0, from, until, spent: Vec::new(), how: How::Pages(pages) };
                self.page(records, &Place::Window(window), true, false)
            }
            None => self.page(records, &rest, false, false),
        }
    }

    /// These deals as they are now; those that are gone are left out.
    async fn deals(&self, ids: BTreeSet<String>) -> Result<Vec<Row>, Error> {
        let mut found = Vec::new();
        for chunk in chunks(ids.iter().map(|id| Literal::text(id.as_str())).collect(), 500, LONGEST_PAGE) {
            let query = Query::select(self.wanted.fields(), self.sobject)?.filter(Field::from("Id").one_of(chunk));
            let rows = self.api.every_row(Asking::pull(&self.attempted), &query, &self.wanted).await?;
            found.extend(rows.map_err(|refusal| refusal.into_error(&self.attempted))?);
        }
        Ok(found)
    }

    fn wants_people(&self) -> bool {
        *self.object == Object::Deal && self.request.links.contains(&Object::Contact)
    }

    async fn linked(&self, rows: Vec<Row>) -> Result<Vec<Record>, Error> {
        let deals: Vec<RecordId> = rows.iter().filter_map(|row| row_id(row, &self.wanted)).collect();
        let roles = if self.wants_people() { Some(self.api.contacts_of_deals(&deals).await?) } else { None };
        let (object, wanted, links) = (self.object, &self.wanted, &self.request.links);
        let reading =
            Reading { object, wanted, address: None, currency: None, links, roles: roles.as_ref(), products: None };
        Ok(rows.into_iter().filter_map(|row| linked(&reading, row)).collect())
    }

    fn page(&self, records: Vec<Record>, place: &Place, more: bool, full_load_done: bool) -> Result<Page, Error> {
        let resume = place.to_cursor()?;
        Ok(Page { records, tombstones: Vec::new(), resume, more, full_load_done, undefined: Vec::new() })
    }

    fn protocol(&self, why: &str) -> Error {
        Error::new(ErrorKind::Protocol, self.attempted.as_str(), why)
    }
}

/// Whether contact roles are hidden from the user.
fn is_unseen(refusal: &Refusal) -> bool {
    refusal.is("INVALID_TYPE") || refusal.is("INVALID_FIELD")
}

/// A record with its links and nothing else.
fn linked(reading: &Reading<'_>, row: Row) -> Option<Record> {
    let mut record = Record::new(row_id(&row, reading.wanted)?, Fields::new());
    record.modified_at = row.instant(reading.wanted, "SystemModstamp");
    record.links = Some(reading.links_of(&row, &record.id));
    Some(record)
}
