//! Rows become records and tombstones: pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveTime;
use connector::{
    DealFacts, DealStatus, Fields, Link, Object, Record, RecordId, Timestamp, Tombstone, UserFacts, Value,
};

use crate::lines::Products;
use crate::rows::Row;
use crate::wanted::Wanted;

/// What a row's meaning depends on beside the row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a> {
    pub object: &'a Object,
    pub wanted: &'a Wanted,
    /// The address of the object's record pages, up to the id.
    pub address: Option<&'a str>,
    /// The organisation's own currency.
    pub currency: Option<&'a Arc<str>>,
    /// The objects whose links are told; none: links were not asked for.
    pub links: &'a [Object],
    /// Contacts of deals, by the deal's id.
    pub roles: Option<&'a BTreeMap<RecordId, Vec<RecordId>>>,
    /// What is on the deals' lines, by the deal's id.
    pub products: Option<&'a Products>,
}

/// What one row says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Alive(Box<Record>),
    /// A lead that goes on as a contact. A converted lead whose contact nobody may see says nothing.
    Gone(Option<Tombstone>),
}

impl Reading<'_> {
    /// `None` where a row has no id: that is no row of Salesforce's.
    pub fn told(&self, row: Row) -> Option<Told> {
        let id = row_id(&row, self.wanted)?;
        let modified_at = row.instant(self.wanted, "SystemModstamp");
        if row.flag(self.wanted, "IsConverted") {
            return Some(Told::Gone(continued(&row, self.wanted, id, modified_at)));
        }
        let mut record = Record::new(id, Fields::new());
        record.modified_at = modified_at;
        record.created_at = row.instant(self.wanted, "CreatedDate");
        record.links = (!self.links.is_empty()).then(|| self.links_of(&row, &record.id));
        match self.object {
            Object::Deal => record.deal = Some(self.deal(&row, &record.id)),
            Object::User => record.user = Some(self.user(&row)),
            Object::Activity => record.activity = Some(crate::activities::facts(&row, self.wanted)),
            _ => {}
        }
        record.url = self.address.map(|address| Arc::from(format!("{address}{}/view", record.id)));
        record.fields = self.fields(row);
        Some(Told::Alive(Box::new(record)))
    }

    fn fields(&self, row: Row) -> Fields {
        let mut pairs: Vec<_> = self
            .wanted
            .columns()
            .iter()
            .zip(row.cells)
            .filter_map(|(column, value)| Some((column.public.clone()?, value?)))
            .collect();
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut fields = Fields::with_capacity(pairs.len());
        for (name, value) in pairs {
            fields.set(name, value);
        }
        fields
    }

    pub fn links_of(&self, row: &Row, id: &RecordId) -> Vec<Link> {
        let mut links = Vec::new();
        for name in ["AccountId", "WhoId", "WhatId"] {
            if let Some(link) = row.text(self.wanted, name).and_then(|id| link_to(id)) {
                links.push(link);
            }
        }
        let contacts = self.roles.and_then(|roles| roles.get(id)).into_iter().flatten();
        links.extend(contacts.map(|contact| Link { object: Object::Contact, id: contact.clone() }));
        links.retain(|link| self.links.contains(&link.object));
        links.sort_unstable();
        links.dedup();
        links
    }

    fn deal(&self, row: &Row, id: &RecordId) -> DealFacts {
        let text = |name: &str| row.text(self.wanted, name).cloned();
        let closed = row.flag(self.wanted, "IsClosed");
        let status = match (row.flag(self.wanted, "IsWon"), closed) {
            (true, _) => DealStatus::Won,
            (false, true) => DealStatus::Lost,
            (false, false) => DealStatus::Open,
        };
        DealFacts {
            name: text("Name"),
            status,
            stage: text("StageName"),
            pipeline: None,
            amount: row.number(self.wanted, "Amount"),
            currency: text("CurrencyIsoCode").or_else(|| self.currency.cloned()),
            closed_at: row.cell(self.wanted, "CloseDate").filter(|_| status != DealStatus::Open).and_then(midnight),
            owner: text("OwnerId").map(|id| RecordId::from(&*id)),
            products: self.products.map(|products| products.get(id).cloned().unwrap_or_default()),
        }
    }

    fn user(&self, row: &Row) -> UserFacts {
        UserFacts {
            email: row.text(self.wanted, "Email").cloned(),
            name: row.text(self.wanted, "Name").cloned(),
            active: row.flag(self.wanted, "IsActive"),
        }
    }
}

/// A close date is a day without a zone; it counts from midnight UTC.
pub(crate) fn midnight(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Date(day) => Some(Timestamp::from(day.and_time(NaiveTime::MIN).and_utc())),
        _ => None,
    }
}

/// What kind of record an id names, by its first three characters.
fn link_to(id: &str) -> Option<Link> {
    let object = match id.get(..3)? {
        "001" => Object::Company,
        "003" => Object::Contact,
        "006" => Object::Deal,
        "00Q" => Object::Lead,
        _ => return None,
    };
    Some(Link { object, id: RecordId::from(id) })
}

pub(crate) fn row_id(row: &Row, wanted: &Wanted) -> Option<RecordId> {
    row.text(wanted, "Id").and_then(|id| crate::ids::record_id(id))
}

/// A converted lead as what it is: a person who goes on as a contact.
fn continued(row: &Row, wanted: &Wanted, id: RecordId, at: Option<Timestamp>) -> Option<Tombstone> {
    let contact = row.text(wanted, "ConvertedContactId")?;
    let into = Link { object: Object::Contact, id: RecordId::from(&**contact) };
    Some(Tombstone { id, deleted_at: at, merged_into: Some(into) })
}

/// A deleted row: merged into another record of its kind, converted, or deleted and no more.
pub(crate) fn tombstone(row: &Row, wanted: &Wanted, object: &Object) -> Option<Tombstone> {
    let id = row_id(row, wanted)?;
    let deleted_at = row.instant(wanted, "SystemModstamp");
    if let Some(master) = row.text(wanted, "MasterRecordId") {
        let into = Link { object: object.clone(), id: RecordId::from(&**master) };
        return Some(Tombstone { id, deleted_at, merged_into: Some(into) });
    }
    if row.flag(wanted, "IsConverted") {
        return continued(row, wanted, id, deleted_at);
    }
    Some(Tombstone { id, deleted_at, merged_into: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Rows;
    use crate::schema::tests::described_from;

    const FIELDS: &str = r#"{"fields":[{"name":"Id","type":"id"},{"name":"SystemModstamp","type":"datetime"},
        {"name":"IsConverted","type":"boolean"},{"name":"ConvertedContactId","type":"reference"},
        {"name":"MasterRecordId","type":"reference"},{"name":"Email","type":"email"},{"name":"AccountId","type":"reference"},
        {"name":"IsClosed","type":"boolean"},{"name":"IsWon","type":"boolean"},{"name":"CloseDate","type":"date"},
        {"name":"Amount","type":"currency","scale":2},{"name":"Name","type":"string"},{"name":"WhoId","type":"reference"},
        {"name":"OwnerId","type":"reference"},{"name":"StageName","type":"picklist"}]}"#;

    fn rows(wanted: &Wanted, records: &str) -> Vec<Row> {
        Rows::from_json(format!(r#"{{"done":true,"records":[{records}]}}"#).as_bytes(), wanted).unwrap().rows
    }

    fn reading<'a>(object: &'a Object, wanted: &'a Wanted, links: &'a [Object]) -> Reading<'a> {
        Reading {
            object,
            wanted,
            address: Some("https://x/lightning/r/Contact/"),
            currency: None,
            links,
            roles: None,
            products: None,
        }
    }

    #[test]
    fn a_converted_lead_goes_on_as_a_contact_and_is_never_merely_deleted() {
        let wanted = Wanted::new("Lead", &["Email".into()], &described_from(FIELDS));
        let told = rows(
            &wanted,
            r#"{"Id":"00Q5e00000Ab1CdEAJ","SystemModstamp":"2026-03-04T05:06:07.000Z","IsConverted":true,"ConvertedContactId":"003xx000004TmiQAAS"},
               {"Id":"00Q5e00000Ab1CeEAJ","IsConverted":true,"ConvertedContactId":null},
               {"Id":"00Q5e00000Ab1CfEAJ","IsConverted":false,"Email":"a@b.example"}"#,
        );
        let reading = reading(&Object::Lead, &wanted, &[]);
        let told: Vec<Told> = told.into_iter().filter_map(|row| reading.told(row)).collect();
        let Told::Gone(Some(stone)) = &told[0] else { panic!("{told:?}") };
        assert_eq!(stone.merged_into, Some(Link { object: Object::Contact, id: "003xx000004TmiQAAS".into() }));
        assert_eq!(told[1], Told::Gone(None));
        let Told::Alive(lead) = &told[2] else { panic!("{told:?}") };
        assert_eq!(lead.fields.get("Email"), Some(&Value::from("a@b.example")));
        assert_eq!(lead.fields.len(), 1);
    }

    #[test]
    fn a_deleted_row_says_where_it_went() {
        let names = ["Id", "SystemModstamp", "MasterRecordId", "IsConverted", "ConvertedContactId"];
        let wanted = Wanted::only(&names, &described_from(FIELDS));
        let rows = rows(
            &wanted,
            r#"{"Id":"003xx000004TmiQAAS","MasterRecordId":"003xx000004TmiRAAS"},{"Id":"003xx000004TmiSAAS","MasterRecordId":null}"#,
        );
        let stones: Vec<Tombstone> = rows.iter().filter_map(|row| tombstone(row, &wanted, &Object::Contact)).collect();
        let into = stones[0].merged_into.as_ref().unwrap();
        assert_eq!((&into.object, into.id.as_str().get(..15)), (&Object::Contact, Some("003xx000004TmiR")));
        assert_eq!(stones[1].merged_into, None);
    }

    #[test]
    fn a_deal_is_told_by_its_flags_and_links_to_what_was_asked_for() {
        let described = described_from(FIELDS);
        let wanted = Wanted::new("Opportunity", &[], &described);
        let rows = rows(
            &wanted,
            r#"{"Id":"006xx0000000001","IsClosed":true,"IsWon":false,"CloseDate":"2026-10-31","Amount":12000.5,
                "AccountId":"001A0000006Vm9r","Name":"Renewal","StageName":"Anything","OwnerId":"005xx000001SwiU"},
               {"Id":"006xx0000000002","IsClosed":false,"IsWon":false,"CloseDate":"2026-10-31","Amount":null}"#,
        );
        let id = crate::ids::record_id("006xx0000000001").unwrap();
        let roles = BTreeMap::from([(id, vec![RecordId::from("003xx000004TmiQAAS")])]);
        let links = [Object::Contact, Object::Company];
        let reading = Reading { roles: Some(&roles), ..reading(&Object::Deal, &wanted, &links) };
        let told: Vec<Told> = rows.into_iter().filter_map(|row| reading.told(row)).collect();
        let (Told::Alive(lost), Told::Alive(open)) = (&told[0], &told[1]) else { panic!("{told:?}") };
        let facts = lost.deal.as_ref().unwrap();
        assert_eq!(
            (facts.status, facts.closed_at),
            (DealStatus::Lost, Timestamp::parse_rfc3339("2026-10-31T00:00:00Z"))
        );
        assert_eq!(facts.amount, "12000.5".parse().ok());
        assert_eq!(lost.links.as_ref().map(Vec::len), Some(2));
        assert_eq!(open.deal.as_ref().map(|deal| (deal.status, deal.closed_at)), Some((DealStatus::Open, None)));
        assert_eq!(open.links.as_deref(), Some(&[][..]));
    }
}
