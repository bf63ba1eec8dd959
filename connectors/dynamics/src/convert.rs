//! Rows become records and tombstones: pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveTime;
use connector::{
    DealFacts, DealStatus, Fields, Link, Object, Record, RecordId, Timestamp, Tombstone, UserFacts, Value,
};

use crate::currency::Codes;
use crate::rows::Row;
use crate::tables::{LINKS, QUALIFIED, object_of};
use crate::wanted::Wanted;

/// What a row's meaning depends on beside the row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a> {
    pub object: &'a Object,
    pub wanted: &'a Wanted,
    /// The address of the object's record pages, up to the id.
    pub address: Option<&'a str>,
    /// The objects whose links are told; none: links were not asked for.
    pub links: &'a [Object],
    /// The contacts that qualified leads went on as, by the lead's id.
    pub contacts: &'a BTreeMap<String, String>,
    pub currencies: &'a Codes,
}

/// What one row says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Alive(Box<Record>),
    Gone(Tombstone),
}

/// Whether a lead has been qualified. Which contact it went on as stands elsewhere.
pub(crate) fn is_qualified(row: &Row, wanted: &Wanted, object: &Object) -> bool {
    *object == Object::Lead && row.text(wanted, "statecode").is_some_and(|state| &**state == QUALIFIED)
}

/// The record that a row was merged into.
pub(crate) fn master(row: &Row, wanted: &Wanted) -> Option<String> {
    let is_merged = row.flag(wanted, "merged");
    row.text(wanted, "masterid").filter(|_| is_merged).map(|id| id.to_ascii_lowercase())
}

impl Reading<'_> {
    /// `None` where a row has no id: that is no row of Dataverse's.
    pub fn told(&self, row: Row) -> Option<Told> {
        let id = row.id(self.wanted)?;
        if let Some(stone) = self.gone(&row, &id) {
            return Some(Told::Gone(stone));
        }
        let mut record = Record::new(id, Fields::new());
        record.modified_at = row.instant(self.wanted, "modifiedon");
        record.created_at = row.instant(self.wanted, "createdon");
        record.links = (!self.links.is_empty()).then(|| self.links_of(&row));
        match self.object {
            Object::Deal => record.deal = Some(self.deal(&row)),
            Object::User => record.user = Some(self.user(&row)),
            Object::Activity => record.activity = Some(crate::activities::facts(&row, self.wanted)),
            _ => {}
        }
        record.url = self.address.map(|address| Arc::from(format!("{address}{}", record.id)));
        record.fields = self.fields(row);
        Some(Told::Alive(Box::new(record)))
    }

    /// A row that lives on in another: the loser of a merge, or a lead that became a contact. Both stay in their tables.
    fn gone(&self, row: &Row, id: &str) -> Option<Tombstone> {
        let deleted_at = row.instant(self.wanted, "modifiedon");
        let into = |object: Object, id: &str| Tombstone {
            id: RecordId::from(id),
            deleted_at,
            merged_into: Some(Link { object, id: RecordId::from(id) }),
        };
        if let Some(master) = master(row, self.wanted).filter(|master| master != id) {
            return Some(Tombstone { id: RecordId::from(id), ..into(self.object.clone(), &master) });
        }
        if !is_qualified(row, self.wanted, self.object) {
            return None;
        }
        let contact = self.contacts.get(id)?;
        Some(Tombstone { id: RecordId::from(id), ..into(Object::Contact, contact) })
    }

    fn fields(&self, row: Row) -> Fields {
        let mut pairs = Vec::with_capacity(row.cells.len());
        for (column, cell) in self.wanted.columns().iter().zip(row.cells) {
            let there = cell.value.is_some();
            if let Some(name) = &column.text_as
                && there
            {
                pairs.push((name.clone(), cell.text.map_or(Value::Null, Value::Text)));
            }
            if let (Some(name), Some(value)) = (&column.value_as, cell.value) {
                pairs.push((name.clone(), value));
            }
        }
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        pairs.into_iter().collect()
    }

    fn links_of(&self, row: &Row) -> Vec<Link> {
        let mut links = Vec::new();
        for name in LINKS {
            let Some(id) = row.text(self.wanted, name) else { continue };
            let table = row.table(self.wanted, name).or(match *name {
                "parentcontactid" => Some("contact"),
                "parentaccountid" => Some("account"),
                _ => None,
            });
            if let Some(object) = table.and_then(object_of) {
                links.push(Link { object, id: RecordId::from(id.to_ascii_lowercase()) });
            }
        }
        links.retain(|link| self.links.contains(&link.object));
        links.sort_unstable();
        links.dedup();
        links
    }

    fn deal(&self, row: &Row) -> DealFacts {
        let wanted = self.wanted;
        // Organisations add reasons of their own; the state is Dataverse's.
        let status = match row.text(wanted, "statecode").map(|state| &**state) {
            Some("1") => DealStatus::Won,
            Some("2") => DealStatus::Lost,
            _ => DealStatus::Open,
        };
        let (actual, estimated) = (row.number(wanted, "actualvalue"), row.number(wanted, "estimatedvalue"));
        let step = row.text(wanted, "stepname").filter(|_| status == DealStatus::Open);
        let currency = row.text(wanted, "transactioncurrencyid").map(|id| id.to_ascii_lowercase());
        DealFacts {
            name: row.text(wanted, "name").cloned(),
            status,
            stage: step.or_else(|| row.shown(wanted, "statuscode")).or_else(|| row.text(wanted, "statuscode")).cloned(),
            pipeline: None,
            // What was won; of a lost deal, what was hoped for.
            amount: if status == DealStatus::Won { actual.or(estimated) } else { estimated.or(actual) },
            currency: currency.and_then(|id| self.currencies.get(&id).cloned()),
            closed_at: row.value(wanted, "actualclosedate").filter(|_| status != DealStatus::Open).and_then(midnight),
            owner: row.text(wanted, "ownerid").map(|id| RecordId::from(id.to_ascii_lowercase())),
            products: None,
        }
    }

    fn user(&self, row: &Row) -> UserFacts {
        UserFacts {
            email: row.text(self.wanted, "internalemailaddress").cloned(),
            name: row.text(self.wanted, "fullname").cloned(),
            active: !row.flag(self.wanted, "isdisabled"),
        }
    }
}

/// A close date is a day without a zone; it counts from midnight UTC.
fn midnight(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Date(day) => Some(Timestamp::from(day.and_time(NaiveTime::MIN).and_utc())),
        Value::Instant(at) => Some(*at),
        _ => None,
    }
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
