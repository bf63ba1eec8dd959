//! Lead conversion: the lead becomes a contact of an account, perhaps with a deal, and is read only from then on.

use chrono::Days;
use serde_json::{Value, json};

use super::datum::Datum;
use super::given::{Given, Raw};
use super::ids::Id;
use super::kind::Kind;
use super::org::Org;
use super::pen::Pen;
use super::records::Sight;
use super::rep_request::{Body, number, say, word};
use crate::clock::day;
use crate::desk::Core;

/// A deal made by a conversion is expected to close this many days later.
const DAYS_TO_CLOSE: u64 = 90;
const TO_CONTACT: [(&str, &str); 14] = [
    ("FirstName", "FirstName"),
    ("LastName", "LastName"),
    ("Salutation", "Salutation"),
    ("Email", "Email"),
    ("Title", "Title"),
    ("Phone", "Phone"),
    ("MobilePhone", "MobilePhone"),
    ("Fax", "Fax"),
    ("LeadSource", "LeadSource"),
    ("Street", "MailingStreet"),
    ("City", "MailingCity"),
    ("State", "MailingState"),
    ("PostalCode", "MailingPostalCode"),
    ("Country", "MailingCountry"),
];
const TO_ACCOUNT: [(&str, &str); 11] = [
    ("Company", "Name"),
    ("Phone", "Phone"),
    ("Website", "Website"),
    ("Industry", "Industry"),
    ("AnnualRevenue", "AnnualRevenue"),
    ("NumberOfEmployees", "NumberOfEmployees"),
    ("Street", "BillingStreet"),
    ("City", "BillingCity"),
    ("State", "BillingState"),
    ("PostalCode", "BillingPostalCode"),
    ("Country", "BillingCountry"),
];

impl Org {
    /// `{id, account?, contact?, opportunity?, map?, owner?}`. `opportunity` is `true`, a name or the Id of one there
    /// is; without it none is made. `map` copies custom fields of the lead to fields of the contact, as an admin's field
    /// mapping does: nothing custom is copied otherwise.
    pub fn convert_by_rep(&mut self, core: &mut Core, body: &Body) -> Result<Value, String> {
        let pen = self.pen(core, body)?;
        let key = if body.contains_key("id") { "id" } else { "lead" };
        let lead = number(body, key, Kind::Lead)?;
        if self.live(Kind::Lead, lead, Sight::Latest).is_none() {
            return Err(format!("{} does not exist or is deleted", Id::new(Kind::Lead, lead)));
        }
        if self.is_converted(lead) {
            return Err(format!("{} is converted already", Id::new(Kind::Lead, lead)));
        }
        let owner = match word(body, "owner") {
            Some(text) => Datum::Id(Id::parse(text).ok_or("owner is no Id")?),
            None => self.of_lead(lead, "OwnerId"),
        };
        let given_contact = self.given_record(body, "contact", Kind::Contact)?;
        let account_of =
            given_contact.and_then(|contact| self.by_id(contact, Sight::Latest)?.named("AccountId").as_id());
        let account = match self.given_record(body, "account", Kind::Account)?.or(account_of) {
            Some(account) => account,
            None => self.make(core, &pen, Kind::Account, self.copied(lead, &TO_ACCOUNT), &[("OwnerId", &owner)])?,
        };
        let mut mapped = self.mapped(lead, body)?;
        let contact = match given_contact {
            Some(contact) => {
                if account_of.is_none() {
                    mapped.0.push(reference("AccountId", account));
                }
                if !mapped.0.is_empty() {
                    self.change(core, &pen, contact, &mapped)?;
                }
                contact
            }
            None => {
                let mut given = self.copied(lead, &TO_CONTACT);
                given.0.extend(mapped.0);
                self.make(core, &pen, Kind::Contact, given, &[("OwnerId", &owner), ("AccountId", &Datum::Id(account))])?
            }
        };
        let opportunity = self.converted_deal(core, &pen, body, (lead, account, contact), &owner)?;
        self.move_activities(core, &pen, lead, contact, opportunity)?;
        self.mark_converted(core, &pen, lead, (account, contact, opportunity));
        Ok(json!({
            "id": Id::new(Kind::Lead, lead).to_string(),
            "contact": contact.to_string(),
            "account": account.to_string(),
            "opportunity": opportunity.map(|id| id.to_string()),
        }))
    }

    fn of_lead(&self, lead: u64, name: &str) -> Datum {
        self.live(Kind::Lead, lead, Sight::Latest).map_or(Datum::Null, |seen| seen.named(name))
    }

    /// A record named in the body, which must be there.
    fn given_record(&self, body: &Body, key: &str, kind: Kind) -> Result<Option<Id>, String> {
        if !body.contains_key(key) {
            return Ok(None);
        }
        let number = number(body, key, kind)?;
        match self.live(kind, number, Sight::Latest) {
            Some(seen) => Ok(Some(seen.id())),
            None => Err(format!("{key}: {} does not exist or is deleted", Id::new(kind, number))),
        }
    }

    /// The lead's values under the names another object has for them.
    fn copied(&self, lead: u64, names: &[(&str, &str)]) -> Given {
        let values = names.iter().map(|(from, to)| ((*to).to_owned(), self.of_lead(lead, from)));
        Given(
            values.filter(|(_, datum)| !datum.is_null()).map(|(name, datum)| (name, Raw::Json(datum.json()))).collect(),
        )
    }

    fn mapped(&self, lead: u64, body: &Body) -> Result<Given, String> {
        let Some(Value::Object(map)) = body.get("map") else { return Ok(Given::default()) };
        let mut given = Given::default();
        for (from, to) in map {
            let to = to.as_str().filter(|to| self.schema(Kind::Contact).any(to).is_some());
            let to = to.ok_or_else(|| format!("map: {from} leads to no field of Contact"))?;
            if self.schema(Kind::Lead).any(from).is_none() {
                return Err(format!("map: Lead has no field {from}"));
            }
            given.0.push((to.to_owned(), Raw::Json(self.of_lead(lead, from).json())));
        }
        Ok(given)
    }

    fn make(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        kind: Kind,
        mut given: Given,
        more: &[(&str, &Datum)],
    ) -> Result<Id, String> {
        given.0.extend(more.iter().map(|(name, datum)| ((*name).to_owned(), Raw::Json(datum.json()))));
        Ok(self.insert(core, pen, kind, &given).map_err(|refusal| say(&refusal))?.id)
    }

    fn converted_deal(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        body: &Body,
        (lead, account, contact): (u64, Id, Id),
        owner: &Datum,
    ) -> Result<Option<Id>, String> {
        let name = match body.get("opportunity") {
            None | Some(Value::Null | Value::Bool(false)) => return Ok(None),
            Some(Value::Bool(true)) => format!("{}-", self.of_lead(lead, "Company").csv()),
            Some(Value::String(text)) => match Id::parse(text).filter(|id| id.kind() == Some(Kind::Opportunity)) {
                Some(deal) => {
                    self.given_record(body, "opportunity", Kind::Opportunity)?;
                    self.join(core, pen, deal, contact)?;
                    return Ok(Some(deal));
                }
                None => text.clone(),
            },
            Some(_) => return Err("opportunity is true, a name or an Id".into()),
        };
        let close = day(pen.at).and_then(|day| day.checked_add_days(Days::new(DAYS_TO_CLOSE)));
        let given = Given(vec![
            ("Name".into(), Raw::Json(json!(name))),
            ("StageName".into(), Raw::Json(json!("Prospecting"))),
            ("CloseDate".into(), Raw::Json(close.map_or(Value::Null, |day| Datum::Date(day).json()))),
            reference("AccountId", account),
            // Makes the contact role as well.
            reference("ContactId", contact),
        ]);
        Ok(Some(self.make(core, pen, Kind::Opportunity, given, &[("OwnerId", owner)])?))
    }

    /// Tasks, events and campaign memberships go with the person.
    fn move_activities(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        lead: u64,
        contact: Id,
        opportunity: Option<Id>,
    ) -> Result<(), String> {
        let me = Datum::Id(Id::new(Kind::Lead, lead));
        for kind in [Kind::Task, Kind::Event] {
            for number in self.all_with(kind, "WhoId", &me) {
                let mut given = Given(vec![reference("WhoId", contact)]);
                given.0.extend(opportunity.map(|deal| reference("WhatId", deal)));
                self.change(core, pen, Id::new(kind, number), &given)?;
            }
        }
        for number in self.all_with(Kind::CampaignMember, "LeadId", &me) {
            self.change(
                core,
                pen,
                Id::new(Kind::CampaignMember, number),
                &Given(vec![reference("ContactId", contact)]),
            )?;
        }
        Ok(())
    }

    fn mark_converted(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        lead: u64,
        (account, contact, opportunity): (Id, Id, Option<Id>),
    ) {
        let statuses = self.numbers(Kind::LeadStatus, None);
        let status = statuses
            .filter_map(|number| self.live(Kind::LeadStatus, number, Sight::Latest))
            .find(|row| row.named("IsConverted").is_true())
            .map_or(Datum::Null, |row| row.named("MasterLabel"));
        let values = [
            ("Status", status),
            ("IsConverted", Datum::Bool(true)),
            ("ConvertedDate", day(pen.at).map_or(Datum::Null, Datum::Date)),
            ("ConvertedAccountId", Datum::Id(account)),
            ("ConvertedContactId", Datum::Id(contact)),
            ("ConvertedOpportunityId", opportunity.map_or(Datum::Null, Datum::Id)),
        ];
        let schema = self.schema(Kind::Lead);
        let cells = values.into_iter().filter_map(|(name, datum)| Some((schema.any(name)?.0, datum))).collect();
        let Some(row) = self.live(Kind::Lead, lead, Sight::Latest).map(|seen| seen.to_row()) else { return };
        self.store(core, pen, "convert", (Kind::Lead, lead), row, cells);
    }
}

fn reference(name: &str, id: Id) -> (String, Raw) {
    (name.to_owned(), Raw::Json(json!(id.to_string())))
}
