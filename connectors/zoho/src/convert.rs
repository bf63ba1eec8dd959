//! Rows become records and tombstones: pure.

use std::sync::Arc;

use chrono::NaiveTime;
use connector::{DealFacts, DealStatus, Fields, Link, Object, Record, RecordId, Timestamp, Tombstone, Value};

use crate::paths::object_of;
use crate::rows::Row;
use crate::stages::{Stages, by_name};
use crate::wanted::{CONVERTED, CONVERTED_CONTACT, CREATED, MODIFIED, Wanted};

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
    pub stages: Option<&'a Stages>,
}

/// What one row says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Alive(Box<Record>),
    /// A lead that goes on as a contact. A converted lead whose contact nobody may see says nothing.
    Gone(Option<Tombstone>),
}

impl Reading<'_> {
    pub fn told(&self, row: Row) -> Told {
        let modified_at = row.instant(self.wanted, MODIFIED);
        if is_converted(&row, self.wanted) {
            return Told::Gone(continued(&row, self.wanted, modified_at));
        }
        let mut record = Record::new(row.id.clone(), Fields::new());
        record.modified_at = modified_at;
        record.created_at = row.instant(self.wanted, CREATED);
        record.links = (!self.links.is_empty()).then(|| self.links_of(&row));
        record.other_emails = row.text(self.wanted, "Secondary_Email").cloned().into_iter().collect();
        if *self.object == Object::Deal {
            record.deal = Some(self.deal(&row));
        }
        if *self.object == Object::Activity {
            record.activity = Some(crate::activities::facts(&row, self.wanted));
        }
        record.url = self.address.map(|address| Arc::from(format!("{address}{}", row.id)));
        record.fields = self.fields(row);
        Told::Alive(Box::new(record))
    }

    fn fields(&self, row: Row) -> Fields {
        let mut pairs: Vec<_> = self
            .wanted
            .columns()
            .iter()
            .zip(row.cells)
            // A field that Zoho knows and a record does not have is an empty one.
            .filter_map(|(column, value)| Some((column.public.clone()?, value.unwrap_or(Value::Null))))
            .collect();
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut fields = Fields::with_capacity(pairs.len());
        for (name, value) in pairs {
            fields.set(name, value);
        }
        fields
    }

    pub fn links_of(&self, row: &Row) -> Vec<Link> {
        let about = row.about.as_deref().and_then(object_of);
        // A lead is nobody's `What_Id` in some organisations: then the module says what the person is.
        let is_lead = about == Some(Object::Lead) && row.cell(self.wanted, "What_Id").is_none();
        let person = if is_lead { Object::Lead } else { Object::Contact };
        let named = [
            ("Account_Name", Some(Object::Company)),
            ("Contact_Name", Some(Object::Contact)),
            ("Who_Id", Some(person)),
            ("What_Id", about.clone()),
            ("Parent_Id", about),
        ];
        let mut links: Vec<Link> = named
            .into_iter()
            .filter_map(|(name, object)| Some(Link { object: object?, id: id_of(row.text(self.wanted, name)?)? }))
            .filter(|link| self.links.contains(&link.object))
            .collect();
        links.sort_unstable();
        links.dedup();
        links
    }

    fn deal(&self, row: &Row) -> DealFacts {
        let text = |name: &str| row.text(self.wanted, name).cloned();
        let (stage, pipeline) = (text("Stage"), text("Pipeline"));
        let status = stage.as_deref().map_or(DealStatus::Open, |stage| {
            let known = self.stages.and_then(|stages| stages.status(pipeline.as_deref(), stage));
            known.unwrap_or_else(|| by_name(stage))
        });
        DealFacts {
            name: text("Deal_Name"),
            status,
            stage,
            pipeline,
            amount: match row.cell(self.wanted, "Amount") {
                Some(Value::Number(amount)) => Some(*amount),
                _ => None,
            },
            currency: text("Currency").filter(|code| code.len() == 3).or_else(|| self.currency.cloned()),
            closed_at: row.cell(self.wanted, "Closing_Date").filter(|_| status != DealStatus::Open).and_then(midnight),
            owner: text("Owner").and_then(|id| id_of(&id)),
            products: None,
        }
    }
}

/// A closing date is a day without a zone; it counts from midnight UTC.
fn midnight(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Date(day) => Some(Timestamp::from(day.and_time(NaiveTime::MIN).and_utc())),
        _ => None,
    }
}

fn id_of(text: &Arc<str>) -> Option<RecordId> {
    crate::wire::is_id(text).then(|| RecordId::new(text.clone()))
}

pub(crate) fn is_converted(row: &Row, wanted: &Wanted) -> bool {
    row.flag(wanted, CONVERTED) || row.cell(wanted, CONVERTED_CONTACT).is_some()
}

/// A converted lead as what it is: a person who goes on as a contact.
pub(crate) fn continued(row: &Row, wanted: &Wanted, at: Option<Timestamp>) -> Option<Tombstone> {
    let contact = id_of(row.text(wanted, CONVERTED_CONTACT)?)?;
    let into = Link { object: Object::Contact, id: contact };
    Some(Tombstone { id: row.id.clone(), deleted_at: at, merged_into: Some(into) })
}
