//! Rows become records: pure.

use std::sync::Arc;

use connector::{Link, Object, Record, RecordId, Timestamp, Tombstone};

use crate::account::Portal;
use crate::paths::{object_of, type_id};
use crate::rows::Row;
use crate::stages::Stages;
use crate::wanted::{COMPANY_ID, MERGED_IDS, MERGED_VIDS, OTHER_EMAILS, Wanted};

/// What a row's meaning depends on beside the row.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub object: &'a Object,
    pub wanted: &'a Wanted,
    pub portal: Option<&'a Portal>,
    pub stages: Option<&'a Stages>,
}

impl Reading<'_> {
    /// Records of these rows, in their order, each with its page's address.
    pub fn records(&self, rows: Vec<Row>) -> Vec<Record> {
        let address = self.portal.map(|portal| portal.record_address(type_id(self.object)));
        rows.into_iter().map(|row| self.record(row, address.as_deref())).collect()
    }

    fn record(&self, mut row: Row, address: Option<&str>) -> Record {
        let id = row.record_id();
        let merged_ids = self.merged_ids(&row, &id);
        let other_emails = self.other_emails(&row);
        let deal = self.stages.map(|stages| stages.facts(&row, self.wanted, self.portal));
        let activity = crate::activities::facts(self.object, &row, self.wanted);
        let url = row.url.take().or_else(|| address.map(|address| Arc::from(format!("{address}{id}"))));
        Record {
            modified_at: row.updated_at,
            created_at: row.created_at,
            merged_ids,
            other_emails,
            links: None,
            deal,
            user: None,
            activity,
            url,
            id,
            fields: row.fields,
        }
    }

    fn other_emails(&self, row: &Row) -> Vec<Arc<str>> {
        let listed = row.inner(self.wanted, OTHER_EMAILS).map(|text| text.split(';')).into_iter().flatten();
        listed.map(str::trim).filter(|email| !email.is_empty()).map(Arc::from).collect()
    }

    fn merged_ids(&self, row: &Row, own: &RecordId) -> Vec<RecordId> {
        // Nearly every record has none of either.
        if row.inner.is_empty() {
            return Vec::new();
        }
        let ids = row.inner(self.wanted, MERGED_IDS).map(|text| text.split(';')).into_iter().flatten();
        let vids = row.inner(self.wanted, MERGED_VIDS).map(|text| text.split(';')).into_iter().flatten();
        // `id:when`
        let vids = vids.map(|vid| vid.split(':').next().unwrap_or_default());
        let mut merged: Vec<RecordId> = Vec::new();
        for id in ids.chain(vids).map(str::trim).filter(|id| is_id(id)) {
            let id = RecordId::from(id);
            if id != *own && !merged.contains(&id) {
                merged.push(id);
            }
        }
        merged
    }
}

/// A record's id as HubSpot makes them: digits.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Where a row is archived.
pub(crate) fn tombstone(row: &Row) -> Tombstone {
    Tombstone { id: row.record_id(), deleted_at: archived_at(row), merged_into: None }
}

fn archived_at(row: &Row) -> Option<Timestamp> {
    row.archived_at.or(row.updated_at)
}

/// The company that a contact's own property names: the primary one.
pub(crate) fn company_link(row: &Row, wanted: &Wanted) -> Vec<Link> {
    let id = row.inner(wanted, COMPANY_ID).map(|id| id.trim()).filter(|id| is_id(id));
    id.map(|id| Link { object: Object::Company, id: RecordId::from(id) }).into_iter().collect()
}

/// The associations inside a row, each once: HubSpot repeats an id for every type of the association. `None` where
/// HubSpot says there are more than it inlined.
pub(crate) fn inline_links(row: &Row) -> Option<Vec<Link>> {
    let mut links = Vec::new();
    for (kind, associated) in &row.associations {
        if associated.paging.as_ref().is_some_and(|paging| paging.next.is_some()) {
            return None;
        }
        let Some(object) = object_of(kind) else { continue };
        for to in associated.results.iter().filter(|to| is_id(&to.id.0)) {
            links.push(Link { object: object.clone(), id: RecordId::from(to.id.0.as_str()) });
        }
    }
    links.sort_unstable();
    links.dedup();
    Some(links)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Rows;

    fn rows(object: &Object, body: &str) -> (Vec<Row>, Wanted) {
        let wanted = Wanted::new(object, &["email".into()], &[]);
        (Rows::from_json(body.as_bytes(), &wanted).unwrap().rows, wanted)
    }

    #[test]
    fn both_lists_of_merged_ids_are_read_once() {
        let body = r#"{"results":[{"id":"510","properties":{"email":null,
            "hs_calculated_merged_vids":"502:1790000000000;501:1790000000001;510:1","hs_merged_object_ids":"501; 7"}}]}"#;
        let (rows, wanted) = rows(&Object::Contact, body);
        let portal = Portal { id: crate::wire::Id("42".into()), ..Portal::default() };
        let reading = Reading { object: &Object::Contact, wanted: &wanted, portal: Some(&portal), stages: None };
        let record = reading.records(rows).remove(0);
        let ids: Vec<&str> = record.merged_ids.iter().map(RecordId::as_str).collect();
        assert_eq!(ids, ["501", "7", "502"]);
        assert_eq!(record.url.as_deref(), Some("https://app.hubspot.com/contacts/42/record/0-1/510"));
    }

    #[test]
    fn repeated_associations_are_one_link() {
        let body = r#"{"results":[{"id":"9","properties":{},"associations":{
            "companies":{"results":[{"id":"801","type":"a"},{"id":"801","type":"b"}]},
            "contacts":{"results":[{"id":"5","type":"c"}]}}},
          {"id":"10","properties":{},"associations":{"contacts":{"results":[],"paging":{"next":{"after":"x"}}}}}]}"#;
        let (rows, _) = rows(&Object::Deal, body);
        let link = |object, id: &str| Link { object, id: id.into() };
        assert_eq!(inline_links(&rows[0]), Some(vec![link(Object::Contact, "5"), link(Object::Company, "801")]));
        assert_eq!(inline_links(&rows[1]), None);
    }
}
