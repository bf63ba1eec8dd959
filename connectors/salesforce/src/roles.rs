//! Which people a deal is about: contact roles, objects of their own at Salesforce, whose edits move no deal's stamp.

use std::collections::BTreeMap;

use connector::{Error, Fields, Object, Page, PullRequest, Record, RecordId};

use crate::api::Api;
use crate::connect::LONGEST_PAGE;
use crate::convert::{Reading, row_id};
use crate::cursor::Place;
use crate::paths::sobject_of;
use crate::query::Asking;
use crate::schema::Described;
use crate::soql::{Comparison, Field, Literal, Query, chunks};
use crate::wanted::Wanted;

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
                Err(refusal) if refusal.is("INVALID_TYPE") || refusal.is("INVALID_FIELD") => return Ok(contacts),
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

/// One page of a sweep over every deal's people and company.
pub(crate) async fn associations(api: &Api, request: &PullRequest, object: &Object) -> Result<Page, Error> {
    let after = match request.cursor.as_ref().map(Place::from_cursor).transpose()? {
        None => None,
        Some(Place::Sweep { after }) => after,
        Some(_) => return Err(Place::foreign()),
    };
    let sobject = sobject_of(object)?;
    let attempted = format!("read a page of what {sobject} records belong to");
    let described = api.described(sobject).await?;
    let wanted = Wanted::only(&["Id", "SystemModstamp", "AccountId"], &described);
    let mut query = Query::select(wanted.fields(), sobject)?.order_by(vec!["Id".into()]).limit(api.limits.page);
    if let Some(after) = &after {
        query = query.filter(Field::from("Id").is(Comparison::Greater, Literal::text(after.as_str())));
    }
    let page = api
        .query(Asking::pull(&attempted), &query, &wanted)
        .await?
        .map_err(|refusal| refusal.into_error(&attempted))?;
    let deals: Vec<RecordId> = page.rows.iter().filter_map(|row| row_id(row, &wanted)).collect();
    let roles = match object {
        Object::Deal if request.links.contains(&Object::Contact) => Some(api.contacts_of_deals(&deals).await?),
        _ => None,
    };
    let last = deals.last().map(|id| id.as_str().to_owned());
    let more = !(page.done && page.rows.len() < api.limits.page);
    if more && (last.is_none() || last <= after) {
        return Err(Error::new(
            connector::ErrorKind::Protocol,
            attempted,
            "Salesforce's pages go round in circles: one brought no later record",
        ));
    }
    let links = &request.links;
    let reading = Reading { object, wanted: &wanted, address: None, currency: None, links, roles: roles.as_ref() };
    let records = page.rows.into_iter().filter_map(|row| linked(&reading, row)).collect();
    let resume = Place::Sweep { after: last.filter(|_| more) }.to_cursor()?;
    Ok(Page { records, tombstones: Vec::new(), resume, more, full_load_done: !more, undefined: Vec::new() })
}

/// A record with its links and nothing else.
fn linked(reading: &Reading<'_>, row: crate::rows::Row) -> Option<Record> {
    let mut record = Record::new(row_id(&row, reading.wanted)?, Fields::new());
    record.modified_at = row.instant(reading.wanted, "SystemModstamp");
    record.links = Some(reading.links_of(&row, &record.id));
    Some(record)
}
